"""The command line: global options, commands and exit codes."""

import inspect
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from contract.names import DEFAULT_PARAMETER_PREFIX, DEFAULT_READER_ROLE
from runbook import settings
from runbook.alarms import send_test
from runbook.buffer import flush
from runbook.canary import send_canary
from runbook.clients import aws
from runbook.cost import cost
from runbook.doctor import doctor
from runbook.document import render
from runbook.drains import drain_url, forget_drains, start, stop
from runbook.errors import RunbookError
from runbook.glacier import restore
from runbook.global_options import Command, Group
from runbook.search import lines, query, schema, sql
from runbook.session import AsJson, Session, session_of
from runbook.terminal import next_command, streams
from runbook.verification import verify

_HELP = """The runbook of the log archive: find what is wrong, search the logs, fix it.

\b
At 3 a.m. start with
  hla doctor                          what is broken, and what to do
  hla query summary                   which app fails, is slow or lost lines
  hla lines --last 30m                the apps' latest logs
  hla query list                      all saved queries

The stack's outputs come from the SSM parameter /raxx/log-drain/outputs, or from --outputs FILE. Credentials and region
are those of the AWS CLI; --assume assumes the reader role, which suffices for searching. Global options go before or
after the command. Their defaults come from variables (HLA_PREFIX, HLA_ROLE, HLA_ASSUME=1, HLA_REGION, HLA_PROFILE,
HLA_OUTPUTS), or from a file with lines such as `assume = true`:
  {file}

\b
Exit codes: 0 nothing is wrong, 1 something needs your attention, 2 could not tell, 130 Ctrl-C.
"""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120, "help_option_names": ["--help", "-h"]},
)


def _version(*, show: bool) -> None:
    if show:
        try:
            print(f"hla {version('heroku-log-archive')}")
        except PackageNotFoundError:
            print("hla, not installed: run from the project's folder")
        raise typer.Exit


@app.callback(cls=Group)
def _options(
    ctx: typer.Context,
    outputs: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The stack's outputs, from `pulumi stack output --json`; - is stdin."),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help=f"Prefix of the stack's SSM parameters; unused with --outputs. [default: {DEFAULT_PARAMETER_PREFIX}]",
        ),
    ] = None,
    assume: Annotated[bool | None, typer.Option("--assume/--no-assume", help="Assume the reader role.")] = None,
    role: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Name or ARN of the role for --assume; unused with --outputs. [default: {DEFAULT_READER_ROLE}]",
        ),
    ] = None,
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="AWS profile.")] = None,
    region: Annotated[str | None, typer.Option(metavar="NAME", help="AWS region of the stack.")] = None,
    as_json: AsJson = False,
    show_version: Annotated[  # noqa: ARG001  its callback shows it
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    session_of(ctx, as_json=as_json).use(
        {"outputs": outputs, "prefix": prefix, "assume": assume, "role": role, "profile": profile, "region": region}
    )


# As a shell reports a process that SIGPIPE or SIGINT ended: 128 plus the signal's number.
_BROKEN_PIPE, _CTRL_C = 141, 130

# In the order of --help.
COMMANDS: dict[str, Callable[..., None]] = {
    "doctor": doctor.doctor,
    "query": query.query,
    "sql": sql.sql,
    "schema": schema.schema,
    "lines": lines.lines,
    "restore": restore.restore,
    "verify": verify.verify,
    "flush": flush.flush,
    "test-alarm": send_test.send_test,
    "test-drain": send_canary.send_canary,
    "cost": cost.cost,
    "stop": stop.stop,
    "start": start.start,
    "forget-drains": forget_drains.forget_drains,
    "drain-url": drain_url.drain_url,
    "render": render.render,
}
for _name, _command in COMMANDS.items():
    # Docstrings with \\b, which keeps the line breaks of a paragraph, are raw strings.
    # A pasted query can begin with a comment, `-- title: ...`, which looks like an option.
    app.command(
        _name,
        cls=Command,
        context_settings={"ignore_unknown_options": _name == "sql"},
        help=(inspect.getdoc(_command) or "").replace(r"\b", "\b"),
    )(_command)


def command_line() -> Group:
    """All commands, for the parser."""
    group = typer.main.get_command(app)
    if not isinstance(group, Group):
        raise TypeError(type(group))
    group.help = _HELP.format(file=settings.path_text())
    group.share_options()
    return group


def run(arguments: Sequence[str], *, make_client: aws.MakeClient = aws.make_client) -> int:
    """Run a command line and give its exit code. Errors are printed to stderr in one line."""
    streams.prepare()
    try:
        return _run(arguments, Session(make_client=make_client))
    except BrokenPipeError:
        # The reader has seen enough, such as `head`.
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _CTRL_C
    finally:
        streams.discard_unwritable()


def _run(arguments: Sequence[str], session: Session) -> int:
    try:
        code = _exit_code(arguments, session)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except RunbookError as error:
        return _could_not_tell(session, error)
    except OSError as error:
        return _could_not_tell(session, RunbookError(f"{error.filename or 'output'}: {error.strerror or error}"))
    except Exception as error:
        explained = aws.explain(error)
        if explained is None:
            raise
        return _could_not_tell(session, explained)
    return code


def _exit_code(arguments: Sequence[str], session: Session) -> int:
    stdout, stderr = sys.stdout, sys.stderr
    try:
        command_line()(arguments, prog_name="hla", obj=session)
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            # Typer exits with 1 then, and replaces the streams.
            sys.stdout, sys.stderr = stdout, stderr
            raise ended.__context__ from None
        return ended.code if isinstance(ended.code, int) else 0
    return 0


def _could_not_tell(session: Session, error: RunbookError) -> int:
    print(f"error: {next_command.addressed(session, str(error))}", file=sys.stderr)
    return 2
