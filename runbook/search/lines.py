"""`lines`: what the apps said, as `heroku logs` shows it."""

import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract.window import Window
from runbook import stack_outputs
from runbook.errors import RunbookError
from runbook.search import athena_command, estimate, lines_sql
from runbook.session import AsJson, Yes, session_of
from runbook.terminal import printing, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from runbook.clients.athena import Value

_DEFAULT_SPAN = timedelta(minutes=30)
_COLOURS = ("cyan", "yellow", "green", "magenta", "red", "bright_cyan", "bright_yellow", "bright_green")


def lines(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Option(help="Only this app; all by default.")] = None,
    last: times.Last = None,
    since: times.From = None,
    until: times.To = None,
    match: Annotated[
        str | None, typer.Option("--match", "-m", metavar="TEXT", help="Only lines with this text, as it stands.")
    ] = None,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i", help="Match in upper and lower case.")] = False,
    dyno: Annotated[
        str | None, typer.Option("--dyno", "-d", metavar="NAME", help="Only web.1, all of web, or router, ...")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most lines; the newest are shown.")] = 1000,
    confirm_over: athena_command.ConfirmOver = athena_command.CONFIRM_OVER,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    r"""Show what the apps said, oldest first.

    Without --last or --from: the last 30 minutes.

    \b
      python -m runbook lines --app raxx-api-prod --match "code=H12"
      python -m runbook lines --app raxx-api-prod --dyno web.1 --last 2h --match timeout -i
      python -m runbook lines --from 2026-11-24T03:00 --to 2026-11-24T03:10
    """
    session = session_of(ctx, as_json=as_json)
    if ignore_case and match is None:
        raise RunbookError("--ignore-case is for --match: add a text to look for")
    now = times.now()
    window = times.window(last, since, until, now) or Window.last(_DEFAULT_SPAN, now)
    over_bytes = estimate.size(confirm_over)
    outputs = session.outputs
    apps = stack_outputs.chosen_apps(outputs, app)
    sql = lines_sql.sql(
        f"{outputs.database}.{outputs.table}",
        window,
        app=app,
        dyno=dyno,
        match=match,
        ignore_case=ignore_case,
        # One more than is shown says whether there are more.
        limit=limit + 1,
    )
    stored = estimate.of_window(session.aws.client("s3"), outputs.bucket, apps, window)
    athena_command.agree(stored, over_bytes, yes=yes)
    result = athena_command.run(session, sql, most_rows=limit)
    shown = list(reversed(result.rows))
    if session.as_json:
        printing.document(
            {
                "window": {"from": window.since, "to": window.until},
                "lines": [_as_dict(row) for row in shown],
                "archived_objects": stored.archived_objects,
                **athena_command.statistics(result),
            }
        )
        return
    _print(shown, with_app=len(apps) > 1)
    if not result.complete:
        printing.note(f"there are older lines than these {limit:,} in the window: narrow it, or raise --limit")
    printing.note(athena_command.summary(result))
    athena_command.tell_archived(session, stored, app, window)


def _as_dict(row: "Sequence[Value]") -> dict[str, Any]:
    log_ts, *others = row
    return {"time": _utc(str(log_ts)), **dict(zip(lines_sql.COLUMNS[1:], others, strict=True))}


def _print(rows: "Sequence[Sequence[Value]]", *, with_app: bool) -> None:
    out = printing.console()
    for row in rows:
        line = _line(["" if value is None else str(value) for value in row], with_app=with_app)
        if out.is_terminal:
            out.print(line, soft_wrap=True)
        else:
            print(line.plain)


def _line(values: "list[str]", *, with_app: bool) -> "Text":
    """`2026-11-24T03:00:00.000000+00:00 app[web.1]: hello`, what is before the message in the colour of its dyno."""
    from rich.text import Text

    log_ts, app, source, proc_id, message = values
    head = f"{_utc(log_ts)} {app + ' ' if with_app else ''}{source}[{proc_id}]:"
    # Not hash(): a dyno keeps its colour from one run to the next.
    colour = _COLOURS[zlib.crc32(f"{source}[{proc_id}]".encode()) % len(_COLOURS)]
    return Text.assemble((printing.printable(head), colour), " ", printing.printable(message))


def _utc(log_ts: str) -> str:
    return datetime.fromisoformat(log_ts).astimezone(UTC).isoformat(timespec="microseconds")
