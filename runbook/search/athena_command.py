"""What the commands that query Athena share: confirm a large query, run it with progress, what to say about it."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from contract.window import Window
from runbook import prices
from runbook.clients import aws
from runbook.clients.athena import Athena, Execution, Progress, Result, Stream
from runbook.search.estimate import Estimate
from runbook.search.unflushed import untils_of
from runbook.session import Session
from runbook.terminal import confirm, next_command, printing

CONFIRM_OVER = "1GB"

# The options of these commands.
ConfirmOver = Annotated[
    str, typer.Option(metavar="SIZE", help="Ask before a query that may scan more than this, such as 500MB.")
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
AsChart = Annotated[bool, typer.Option("--chart", help="Draw a chart, if the result is a series.")]


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


def stream(session: Session, sql: str) -> Stream:
    """Run a query as `run` does; its rows are read when they are needed."""
    with _progress() as watch:
        return athena_of(session).stream(sql, watch=watch)


def not_in_s3_since(session: Session, apps: Collection[str] = (), window: Window | None = None) -> datetime | None:
    """Give the time from which on lines of a window can be missing, as they are not flushed yet.

    None if the window ends before, or if the buffer cannot be read: the result is worth showing all the same.
    """
    try:
        untils = untils_of(session.buffer)
    except Exception as error:
        if aws.explain(error) is None:
            raise
        return None
    begins_ms = [slot.begin_ms for name, slots in untils.items() for slot in slots if not apps or name in apps]
    first = datetime.fromtimestamp(min(begins_ms) // 1000, UTC) if begins_ms else None
    return None if first is None or (window and window.until <= first) else first


def note_not_in_s3(session: Session, since: datetime | None) -> None:
    """Say from when on lines can be missing, and what shows them."""
    if since:
        lines = next_command.command_line(session, "lines")
        printing.note(f"lines from {since:%Y-%m-%d %H:%M} UTC on are not in S3 yet: `{lines}` shows them")


def statistics(result: Result | Stream) -> dict[str, Any]:
    """The query's size, time and cost, for a JSON document."""
    return {
        "complete": result.complete,
        "query_execution_id": result.id,
        "scanned_bytes": result.scanned_bytes,
        "milliseconds": result.milliseconds,
        "cost_usd": printing.rounded(result.usd),
    }


def summary(result: Result | Stream) -> str:
    """The query's rows, size, time and cost, in one line."""
    return f"{printing.counted(result.count, 'row', 'rows')}, {cost(result)}"


def cost(result: Execution) -> str:
    """The query's size, time and cost, in one line."""
    scanned = f"{printing.size(result.scanned_bytes)} scanned in {result.milliseconds / 1000:.1f} s"
    return f"{scanned}, {printing.dollars(result.usd)}"


def console_url(session: Session, execution: Execution) -> str:
    """The address of a query in Athena's console, with its state, SQL and result."""
    region = session.aws.client("athena").meta.region_name
    return f"https://{region}.console.aws.amazon.com/athena/home?region={region}#/query-editor/history/{execution.id}"


def note_objects_in_glacier(session: Session, estimate: Estimate, apps: Iterable[str], window: Window) -> None:
    """Say which lines of a window are missing from the result because they are in Glacier, and how to restore them."""
    if estimate.objects_in_glacier:
        objects = printing.counted(estimate.objects_in_glacier, "object is", "objects are")
        restore = next_command.command_line(session, "restore", *next_command.scope(apps, window))
        printing.note(f"the result is incomplete: {objects} in Glacier for these days. To restore them: `{restore}`")


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    with printing.status("querying Athena") as say:
        yield lambda seen: say(f"{seen.state.lower()}, {printing.size(seen.scanned_bytes)} scanned")
