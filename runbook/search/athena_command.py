"""Asking Athena for a command: the estimate and the question before, progress meanwhile, the answer after."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from contract.window import Window
from runbook import prices
from runbook.clients.athena import Athena, Progress, Result
from runbook.errors import RunbookError
from runbook.glacier import objects
from runbook.search.estimate import Estimate
from runbook.session import Session
from runbook.terminal import chart, confirm, next_command, printing

CONFIRM_OVER = "1GB"

# The options of the commands that ask Athena.
ConfirmOver = Annotated[
    str, typer.Option(metavar="SIZE", help="Ask before a query that may scan more than this, such as 500MB.")
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
AsChart = Annotated[bool, typer.Option("--chart", help="Draw a chart, if the result is a series.")]


def check_formats(session: Session, *, as_csv: bool, as_chart: bool) -> None:
    """RunbookError when more than one form of output is asked for."""
    if session.as_json + as_csv + as_chart > 1:
        raise RunbookError("--json, --csv and --chart exclude each other: give one of them")


def athena_of(session: Session) -> Athena:
    """Athena as the session's identity, in the stack's workgroup and database."""
    return Athena(session.aws.client("athena"), session.outputs.workgroup, session.outputs.database)


def agree(estimate: Estimate, over_bytes: int, *, yes: bool, limit_bytes: int | None = None) -> None:
    """Ask before a query that may scan more than `over_bytes`; RunbookError unless the answer is yes.

    `limit_bytes` is where the workgroup ends a query, for a query of which only the whole archive is known.
    """
    if estimate.complete and estimate.scanned_bytes <= over_bytes:
        return
    at_least = "" if estimate.complete else "more than "
    told = f"it may scan {at_least}{printing.size(estimate.scanned_bytes)} in {at_least}{estimate.objects:,} objects"
    if limit_bytes is not None:
        told += f", up to the workgroup's limit of {printing.size(limit_bytes)}"
    usd = estimate.usd if limit_bytes is None else prices.query_cost(limit_bytes)
    confirm.ask(f"This query is large: {told}, which costs up to {printing.dollars(usd)}. Run it?", yes=yes)


def run(session: Session, sql: str, *, most_rows: int | None = None) -> Result:
    """Run a query with its progress on the terminal, if there is one."""
    with _progress() as watch:
        return athena_of(session).run(sql, most_rows=most_rows, watch=watch)


def show(
    session: Session, result: Result, about: Mapping[str, Any], *, as_csv: bool = False, as_chart: bool = False
) -> None:
    """Print a result in the form that was asked for; `about` goes into the JSON document, before the rows."""
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
        printing.note(f"only the first {len(result.rows):,} rows; all of them: {result.output}")
    printing.note(summary(result))


def statistics(result: Result) -> dict[str, Any]:
    """What a query took, for a JSON document."""
    return {
        "complete": result.complete,
        "query_execution_id": result.id,
        "scanned_bytes": result.scanned_bytes,
        "milliseconds": result.milliseconds,
        "cost_usd": printing.rounded(result.usd),
    }


def summary(result: Result) -> str:
    """What a query took, in one line."""
    rows = printing.counted(len(result.rows), "row", "rows")
    return (
        f"{rows}, {printing.size(result.scanned_bytes)} scanned in {result.milliseconds / 1000:.1f} s, "
        f"{printing.dollars(result.usd)}"
    )


def tell_archived(session: Session, estimate: Estimate, app: str | None, window: Window) -> None:
    """Say what of a window cannot be in an answer, as it lies in Glacier, and how to bring it back."""
    if estimate.archived_objects:
        restore = next_command.command_line(session, "restore", *next_command.scope(app, window))
        printing.note(
            f"this is not all: the lines of {objects.objects(estimate.archived_objects)} of these days are archived; "
            f"bring them back by `{restore}`"
        )


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    with printing.status("asking Athena") as say:
        yield lambda seen: say(f"{seen.state.lower()}, {printing.size(seen.scanned_bytes)} scanned")
