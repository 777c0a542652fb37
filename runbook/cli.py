"""The command line: global options, commands and exit codes."""

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from contract.names import DEFAULT_PARAMETER_PREFIX, DEFAULT_READER_ROLE
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
from runbook.search import lines, query, sql
from runbook.session import AsJson, Session
from runbook.verification import verify

_HELP = """The runbook of the log archive: find what is wrong, search the logs, fix it.

\b
At 3 a.m. start with
  python -m runbook doctor                          what is broken, and what to do
  python -m runbook lines --last 30m                the apps' latest logs
  python -m runbook query errors-by-surface         which app fails, and since when
  python -m runbook query list                      all saved queries

The stack's outputs come from the SSM parameter /raxx/log-drain/outputs, or from --outputs FILE. Credentials and region
are those of the AWS CLI; --assume assumes the reader role, which suffices for searching. Global options go before the
command, a command's options after it: `python -m runbook --assume query list`, `python -m runbook query --help`.

\b
Exit codes: 0 nothing is wrong, 1 something needs your attention, 2 could not tell, 130 Ctrl-C.
"""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=_HELP,
    context_settings={"max_content_width": 120, "help_option_names": ["--help", "-h"]},
)


@app.callback()
def _options(
    ctx: typer.Context,
    outputs: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The stack's outputs, from `pulumi stack output --json`; - is stdin."),
    ] = None,
    prefix: Annotated[
        str, typer.Option(metavar="PATH", help="Prefix of the stack's SSM parameters; unused with --outputs.")
    ] = DEFAULT_PARAMETER_PREFIX,
    assume: Annotated[bool, typer.Option("--assume", help="Assume the reader role.")] = False,
    role: Annotated[
        str, typer.Option(metavar="NAME", help="Name or ARN of the role for --assume; unused with --outputs.")
    ] = DEFAULT_READER_ROLE,
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="AWS profile.")] = None,
    region: Annotated[str | None, typer.Option(metavar="NAME", help="AWS region of the stack.")] = None,
    as_json: AsJson = False,
) -> None:
    ctx.obj = replace(
        ctx.find_object(Session) or Session(),
        prefix=prefix if prefix.endswith("/") else f"{prefix}/",
        outputs_file=outputs,
        assume=assume,
        role=role,
        profile=profile,
        region=region,
        as_json=as_json,
    )


# In the order of --help.
COMMANDS: dict[str, Callable[..., None]] = {
    "doctor": doctor.doctor,
    "query": query.query,
    "sql": sql.sql,
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
    app.command(_name, help=(inspect.getdoc(_command) or "").replace(r"\b", "\b"))(_command)


def run(arguments: Sequence[str], *, make_client: aws.MakeClient = aws.make_client) -> int:
    """Run a command line and give its exit code. Errors are printed to stderr in one line."""
    try:
        app(arguments, prog_name="python -m runbook", obj=Session(make_client=make_client))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except RunbookError as error:
        return _could_not_tell(error)
    except OSError as error:
        return _could_not_tell(RunbookError(f"{error.filename or 'output'}: {error.strerror or error}"))
    except Exception as error:
        explained = aws.explain(error)
        if explained is None:
            raise
        return _could_not_tell(explained)
    return 0


def _could_not_tell(error: RunbookError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2
