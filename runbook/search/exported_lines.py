"""All lines of a window, in order, while they are read: from S3 and from the buffer, each once.

A line from the buffer is left out if Athena's answer has rows of its object (unflushed.py). That is known when the
answer has come to the line's time: if Athena read the object, the answer has the line itself, which was selected alike.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from runbook.search import athena_command, line_rows, lines_sql
from runbook.search.found_lines import OWN_COLUMNS, Wanted, guarded, object_name, unflushed_of
from runbook.search.line_rows import Row
from runbook.search.unflushed import Waiting
from runbook.session import Session


class _Line(NamedTuple):
    row: Row
    object: UUID | None
    is_stored: bool

    @property
    def time(self) -> tuple[Any, ...]:
        """The time and app: lines of one time that came later to the buffer can get other numbers when flushed."""
        return self.row.position[:3]


class Export:
    """Lines to be read once; when that is done, how many there were, and whether these are all."""

    def __init__(self, session: Session, wanted: Wanted, now: datetime) -> None:
        """Run the query."""
        outputs, unflushed = session.outputs, unflushed_of(session, wanted, now)
        table = f"{outputs.database}.{outputs.table}"
        self.stream = athena_command.stream(session, lines_sql.sql(table, wanted.selection, None, apps=wanted.asked))
        self._waiting = guarded(lambda: unflushed.waiting(wanted.selection)) if unflushed else None
        self._bucket = outputs.bucket
        self.count = self.buffered = 0

    @property
    def complete(self) -> bool:
        """Whether these are all lines that are readable now."""
        return self._waiting is not None

    def lines(self) -> Iterator[Row]:
        """Give the lines in the order of the log."""
        for row, is_stored in merged(self._stored(), self._waiting or ()):
            self.count += 1
            self.buffered += not is_stored
            yield row

    def _stored(self) -> Iterator[tuple[Row, UUID | None]]:
        for values in self.stream.rows:
            yield line_rows.of_athena(values[:OWN_COLUMNS]), object_name(str(values[OWN_COLUMNS]), self._bucket)


def merged(stored: Iterable[tuple[Row, UUID | None]], waiting: Sequence[Waiting]) -> Iterator[tuple[Row, bool]]:
    """Merge rows of Athena, in order, with those of the buffer; say of each whether it is Athena's."""
    in_s3 = (_Line(row, name, is_stored=True) for row, name in stored)
    buffered = sorted((_Line(row, name, is_stored=False) for row, name in waiting), key=lambda line: line.row.position)
    for _, same_time in groupby(merge(in_s3, buffered, key=lambda line: line.time), key=lambda line: line.time):
        lines = list(same_time)
        if not all(line.is_stored for line in lines):
            read = {line.object for line in lines if line.is_stored} - {None}
            lines = sorted(
                (line for line in lines if line.is_stored or line.object not in read),
                key=lambda line: line.row.position,
            )
        yield from ((line.row, line.is_stored) for line in lines)
