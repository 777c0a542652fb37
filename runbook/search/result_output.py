"""Prints what a query found, in the selected format: tables and charts at the end, the others while rows are read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runbook.clients.athena import Stream
from runbook.clients.athena_rows import Row
from runbook.errors import RunbookError
from runbook.search import athena_command
from runbook.session import Session
from runbook.terminal import chart, log_lines, printing, row_stream

if TYPE_CHECKING:
    from rich.text import Text

MOST_TABLE_ROWS = 5_000
# The columns of queries that give whole log lines.
_LOG_LINE = ["app", "log_ts", "source", "proc_id", "message"]
_MOST_CHART_ROWS = 100_000
_WAY_OUT = "add --limit to see the first rows, or write all to a file with `--csv > rows.csv` or `--jsonl > rows.jsonl`"

AsJsonLines = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object per row, each in one line.")]


@dataclass(frozen=True)
class Format:
    """The output format; a table if none is selected. RunbookError if several are."""

    as_json: bool = False
    as_csv: bool = False
    as_json_lines: bool = False
    as_chart: bool = False

    def __post_init__(self) -> None:
        if self.as_json + self.as_csv + self.as_json_lines + self.as_chart > 1:
            raise RunbookError("--json, --csv, --jsonl and --chart are mutually exclusive: give only one")

    @property
    def for_people(self) -> bool:
        """Whether it is a table or a chart, which is printed when all rows are there."""
        return not (self.as_json or self.as_csv or self.as_json_lines)

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.for_people and not self.as_chart

    def check_limit(self, limit: int | None) -> None:
        """RunbookError if a table would have too many rows, before the query costs anything."""
        if self.is_table and limit is not None and limit > MOST_TABLE_ROWS:
            raise RunbookError(
                f"--limit {limit} is too much for a table, which has at most {MOST_TABLE_ROWS:,} rows: "
                "add --csv or --jsonl"
            )


def show(
    session: Session,
    found: Stream,
    about: Mapping[str, Any],
    selected: Format,
    *,
    more: str = "",
    drawn: str | None = None,
) -> None:
    """Print a result; `about` goes into the JSON document, before the rows.

    `more` says which rows of an incomplete result are shown, and how to see the others. `drawn` is the
    column to draw. RunbookError for a table or a chart of too many rows.
    """
    names = [column.name for column in found.columns]
    console = athena_command.console_url(session, found)
    if selected.as_json:
        columns = [{"name": column.name, "type": column.type} for column in found.columns]
        before = {**about, "console": console, "columns": columns}
        row_stream.document(before, names, found.rows, lambda: athena_command.statistics(found))
        return
    if selected.as_csv:
        printing.comma_separated(names, found.rows)
    elif selected.as_json_lines:
        row_stream.json_lines(names, found.rows)
    elif selected.as_chart:
        printing.show(chart.draw(names, _all(found, _MOST_CHART_ROWS, "chart"), drawn))
    else:
        _show_rows(names, _all(found, MOST_TABLE_ROWS, "table"))
    if not found.complete:
        printing.note(more or f"only the first {found.count:,} rows are shown; all rows: {found.output}")
    printing.note(athena_command.summary(found))
    printing.note(f"in Athena's console: {console}")


def _show_rows(names: list[str], rows: list[Row]) -> None:
    if names == _LOG_LINE and rows:
        printing.lines(_as_lines([[str(value or "") for value in row] for row in rows]))
    else:
        printing.table(names, rows)


def _as_lines(rows: list[list[str]]) -> "Iterator[Text]":
    """The rows of a query that gives whole log lines, as `lines` shows them, with their dates."""
    apps = {row[0] for row in rows}
    layout = log_lines.Layout(app_width=max(map(len, apps)) if len(apps) > 1 else 0)
    return (log_lines.line(time, app, source, process, text, layout) for app, time, source, process, text in rows)


def _all(found: Stream, most: int, kind: str) -> list[Row]:
    rows: list[Row] = []
    for row in found.rows:
        rows.append(row)
        if len(rows) > most:
            raise RunbookError(f"the result has more than {most:,} rows, too many for a {kind}: {_WAY_OUT}")
    return rows
