"""The command line: options that every command has, the commands, and exit codes."""

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from contract.names import DEFAULT_PARAMETER_PREFIX, DEFAULT_READER_ROLE
from runbook.clients import aws
from runbook.cost import cost
from runbook.doctor import doctor
from runbook.document import render
from runbook.drains import drain_url, forget_drains, start, stop
from runbook.errors import RunbookError
from runbook.glacier import restore
from runbook.search import lines, query, sql
from runbook.session import AsJson, Session

_HELP = """The runbook of the log archive: find out what is wrong, search the logs, act.

\b
At 3 a.m. begin with
  python -m runbook doctor                          is the drain broken, and what to do
  python -m runbook lines --last 30m                what the apps say
  python -m runbook query errors-by-surface         which app fails, since when
  python -m runbook query list                      what else can be asked

The stack is found by the SSM parameter /raxx/log-drain/outputs, or by --outputs FILE. Credentials and region are those
of the AWS CLI; --assume takes the reader role, which is all that searching needs. The options below stand before the
command, those of a command behind it: `python -m runbook --assume query list`, `python -m runbook query --help`.

\b
Exit codes: 0 all is well, 1 something was found that needs you, 2 could not tell, 130 Ctrl-C.
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
        typer.Option(metavar="FILE", help="Outputs of the stack, from `pulumi stack output --json`; - is stdin."),
    ] = None,
    prefix: Annotated[
        str, typer.Option(metavar="PATH", help="Path of the stack's SSM parameters, if there is no --outputs.")
    ] = DEFAULT_PARAMETER_PREFIX,
    assume: Annotated[bool, typer.Option("--assume", help="Assume the reader role first.")] = False,
    role: Annotated[
        str, typer.Option(metavar="NAME", help="The role for --assume, name or ARN, if there is no --outputs.")
    ] = DEFAULT_READER_ROLE,
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="Profile of the AWS configuration.")] = None,
    region: Annotated[str | None, typer.Option(metavar="NAME", help="Region of the stack.")] = None,
    as_json: AsJson = False,
) -> None:
    ctx.obj = Session(
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
    "cost": cost.cost,
    "stop": stop.stop,
    "start": start.start,
    "forget-drains": forget_drains.forget_drains,
    "drain-url": drain_url.drain_url,
    "render": render.render,
}
for _name, _command in COMMANDS.items():
    # A docstring with \\b, after which a paragraph keeps its lines, has to be a raw one.
    app.command(_name, help=(inspect.getdoc(_command) or "").replace(r"\b", "\b"))(_command)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code. What keeps it from an answer is one line on stderr."""
    try:
        app(arguments, prog_name="python -m runbook")
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
