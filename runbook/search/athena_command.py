"""What the commands that query Athena share: confirm a large query, run it with progress, print the result."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from contract.window import Window
from runbook import prices
from runbook.clients import aws
from runbook.clients.athena import Athena, Progress, Result
from runbook.clients.buffer import Buffer
from runbook.errors import RunbookError
from runbook.search.estimate import Estimate
from runbook.search.unflushed import untils_of
from runbook.session import Session
from runbook.terminal import chart, confirm, next_command, printing

CONFIRM_OVER = "1GB"

# The options of these commands.
ConfirmOver = Annotated[
    str, typer.Option(metavar="SIZE", help="Ask before a query that may scan more than this, such as 500MB.")
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
AsChart = Annotated[bool, typer.Option("--chart", help="Draw a chart, if the result is a series.")]


def check_formats(session: Session, *, as_csv: bool, as_chart: bool) -> None:
    """RunbookError if more than one output format is selected."""
    if session.as_json + as_csv + as_chart > 1:
        raise RunbookError("--json, --csv and --chart are mutually exclusive: give only one")


def athena_of(session: Session) -> Athena:
    """Athena with the session's identity, in the stack's workgroup and database."""
    return Athena(session.aws.client("athena"), session.outputs.workgroup, session.outputs.database)


def confirm_size(estimate: Estimate, over_bytes: int, *, yes: bool, limit_bytes: int | None = None) -> None:
    """Ask before a query that may scan more than `over_bytes`. RunbookError unless the answer is yes.

    `limit_bytes` is the workgroup's limit, for a query whose size is only known to be at most the whole archive.
    """
    if estimate.complete and estimate.scanned_bytes <= over_bytes:
        return
    at_least = "" if estimate.complete else "more than "
    scan = f"it may scan {at_least}{printing.size(estimate.scanned_bytes)} in {at_least}{estimate.objects:,} objects"
    if limit_bytes is not None:
        scan += f", up to the workgroup's limit of {printing.size(limit_bytes)}"
    usd = estimate.usd if limit_bytes is None else prices.query_cost(limit_bytes)
    confirm.ask(f"This query is large: {scan}, and costs up to {printing.dollars(usd)}. Run it?", yes=yes)


def run(session: Session, sql: str, *, most_rows: int | None = None) -> Result:
    """Run a query and show its progress on a terminal."""
    with _progress() as watch:
        return athena_of(session).run(sql, most_rows=most_rows, watch=watch)


def show(
    session: Session, result: Result, about: Mapping[str, Any], *, as_csv: bool = False, as_chart: bool = False
) -> None:
    """Print a result in the selected format; `about` goes into the JSON document, before the rows."""
    names = [column.name for column in result.columns]
    if session.as_json:
        columns = [{"name": column.name, "type": column.type} for column in result.columns]
        rows = [dict(zip(names, row, strict=True)) for row in result.rows]
        printing.document({**about, "columns": columns, "rows": rows, **statistics(result)})
        return
    if as_csv:
        printing.comma_separated(names, result.rows)
    elif as_chart:
        printing.show(chart.draw(names, result.rows))
    else:
        printing.table(names, result.rows)
    if not result.complete:
        printing.note(f"only the first {len(result.rows):,} rows are shown; all rows: {result.output}")
    printing.note(summary(result))


def not_in_s3_since(session: Session, app: str | None = None, window: Window | None = None) -> datetime | None:
    """Give the time from which on lines of a window can be missing, as they are not flushed yet.

    None if the window ends before, or if the buffer cannot be read: the result is worth showing all the same.
    """
    try:
        untils = untils_of(Buffer(session.aws.client("dynamodb"), session.outputs.buffer))
    except Exception as error:
        if aws.explain(error) is None:
            raise
        return None
    begins_ms = [slot.begin_ms for name, slots in untils.items() for slot in slots if app in {None, name}]
    first = datetime.fromtimestamp(min(begins_ms) // 1000, UTC) if begins_ms else None
    return None if first is None or (window and window.until <= first) else first


def note_not_in_s3(session: Session, since: datetime | None) -> None:
    """Say from when on lines can be missing, and what shows them."""
    if since:
        lines = next_command.command_line(session, "lines")
        printing.note(f"lines from {since:%Y-%m-%d %H:%M} UTC on are not in S3 yet: `{lines}` shows them")


def statistics(result: Result) -> dict[str, Any]:
    """The query's size, time and cost, for a JSON document."""
    return {
        "complete": result.complete,
        "query_execution_id": result.id,
        "scanned_bytes": result.scanned_bytes,
        "milliseconds": result.milliseconds,
        "cost_usd": printing.rounded(result.usd),
    }


def summary(result: Result) -> str:
    """The query's size, time and cost, in one line."""
    rows = printing.counted(len(result.rows), "row", "rows")
    return (
        f"{rows}, {printing.size(result.scanned_bytes)} scanned in {result.milliseconds / 1000:.1f} s, "
        f"{printing.dollars(result.usd)}"
    )


def note_objects_in_glacier(session: Session, estimate: Estimate, app: str | None, window: Window) -> None:
    """Say which lines of a window are missing from the result because they are in Glacier, and how to restore them."""
    if estimate.objects_in_glacier:
        objects = printing.counted(estimate.objects_in_glacier, "object is", "objects are")
        restore = next_command.command_line(session, "restore", *next_command.scope(app, window))
        printing.note(f"the result is incomplete: {objects} in Glacier for these days. To restore them: `{restore}`")


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    with printing.status("querying Athena") as say:
        yield lambda seen: say(f"{seen.state.lower()}, {printing.size(seen.scanned_bytes)} scanned")
