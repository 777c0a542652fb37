"""Prints the lines that `lines` found: as lines, CSV, a JSON object per line, or one document."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from contract.window import Window
from runbook.search import athena_command, parquet
from runbook.search.context import Candidate
from runbook.search.found_lines import Found
from runbook.search.line_rows import Row
from runbook.search.text_filters import TextFilter
from runbook.terminal import log_lines, pager, printing
from runbook.terminal.log_lines import Layout

if TYPE_CHECKING:
    from rich.text import Text

COLUMNS = ("time", "app", "source", "proc_id", "message")
_SEPARATOR = "--"


class Printer:
    """Prints in one format: "--csv", "--jsonl", "--parquet" to a file, or "--json"; or lines for people."""

    def __init__(
        self,
        apps: Sequence[str],
        window: Window,
        zone: tzinfo,
        formats: Sequence[str] = (),
        marked: Sequence[TextFilter] = (),
        *,
        file: str | None = None,
        paged: bool = False,
        has_context: bool = False,
    ) -> None:
        """`marked` are highlighted; `paged` allows a pager; with context, JSON says which lines are selected."""
        self._heading = log_lines.heading(window.since, window.until, zone)
        self._window, self._formats, self._file = window, formats, file
        self._paged, self._has_context = paged, has_context
        self._layout = Layout.of(apps, window.since, window.until, zone, [each.highlighted for each in marked])

    def show(self, found: Found) -> None:
        """Print what was found, in any format but one document."""
        if self._formats:
            self._print(found.lines)
            return
        pager.lines(self._blocks(found), heading=self._heading, enabled=self._paged)
        sys.stdout.flush()

    def show_rows(self, rows: Iterable[Row]) -> None:
        """Print rows as they come."""
        self._print(Candidate(row, hit=True, number=None) for row in rows)

    def document(self, found: Found, objects_in_glacier: int) -> None:
        """Print one JSON document."""
        printing.document(
            {
                "window": {"from": self._window.since, "to": self._window.until},
                "lines": [self._as_dict(line) for line in found.lines],
                "not_in_s3": found.buffered,
                "objects_in_glacier": objects_in_glacier,
                **athena_command.statistics(found.result),
                "complete": found.complete and not objects_in_glacier,
            }
        )

    def _print(self, lines: Iterable[Candidate]) -> None:
        if self._file is not None:
            parquet.write(self._file, map(self._as_dict, lines))
        elif "--csv" in self._formats:
            printing.comma_separated(COLUMNS, (list(self._as_dict(line).values()) for line in lines))
        elif self._formats:
            for line in lines:
                sys.stdout.write(f"{printing.as_json(self._as_dict(line))}\n")
        else:
            printing.lines(self._text(line.row) for line in lines)
        sys.stdout.flush()

    def _blocks(self, found: Found) -> "Iterator[Text]":
        from rich.text import Text

        for number, block in enumerate(found.blocks):
            if number:
                yield Text(_SEPARATOR, style="dim")
            yield from (self._text(line.row) for line in block.lines)

    def _text(self, row: Row) -> "Text":
        return log_lines.line(row.log_ts, row.app, row.source, row.proc_id, row.message, self._layout)

    def _as_dict(self, line: Candidate) -> dict[str, Any]:
        row = line.row
        time = datetime.fromisoformat(row.log_ts).astimezone(UTC).isoformat(timespec="microseconds")
        shown = {"time": time, **{name: getattr(row, name) for name in COLUMNS[1:]}}
        return {**shown, "selected": line.hit} if self._has_context else shown
