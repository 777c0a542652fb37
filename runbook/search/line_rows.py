"""The rows of `lines`: as Athena gives them, and as the table would give lines that are not in S3 yet. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from contract import canary
from contract.logplex.batch import Line
from contract.object_keys import EPOCH_DAY
from contract.stored_line import escape
from contract.window import Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Row(NamedTuple):
    """The columns of the table that `lines` shows, and `seq`, which orders lines of one time."""

    log_ts: str
    app: str
    source: str
    proc_id: str
    message: str
    seq: str

    @property
    def position(self) -> tuple[Any, ...]:
        """What the SQL of `lines` orders by."""
        return _milliseconds(self.log_ts), self.log_ts, self.app, int(self.seq or 1), *self[2:5]


@dataclass(frozen=True)
class Selection:
    """What the SQL of `lines` selects, for rows that come from elsewhere."""

    window: Window | None
    dyno: str | None = None
    match: str | None = None
    ignore_case: bool = False

    def admits(self, line: Line, row: Row) -> bool:
        """Whether the row of a line is selected."""
        window = self.window
        if window and (
            # The day of its partition, which is another than that of its own time if that is not valid.
            EPOCH_DAY + timedelta(days=line.time.days) not in window.days
            or not _floor(window.since) <= _milliseconds(row.log_ts) <= _floor(window.until)
        ):
            return False
        if not self._is_of_dyno(row):
            return False
        if self.match is None:
            return True
        if self.ignore_case:
            return _lower(self.match) in _lower(row.message)
        return self.match in row.message

    def _is_of_dyno(self, row: Row) -> bool:
        if self.dyno is None:
            return (row.source, row.proc_id) != (canary.SOURCE, canary.PROC_ID)
        return row.proc_id == self.dyno or row.proc_id.startswith(f"{self.dyno}.")


def of_line(app: str, line: Line, number: int) -> Row:
    """Give the row of a line of an app that is the n-th of its time."""
    _, log_ts, _, source, proc_id, _ = line.record.header.decode().split(" ")
    message = escape(line.record.message).decode().removeprefix(" ")
    return Row(log_ts, app, source, proc_id, message, str(number) if number > 1 else "")


def of_athena(values: Sequence[object]) -> Row:
    """Give the row of a result; NULL is empty."""
    return Row(*("" if value is None else str(value) for value in values))


def _milliseconds(log_ts: str) -> int:
    return _floor(datetime.fromisoformat(log_ts))


def _floor(time: datetime) -> int:
    """Truncate a time to milliseconds since 1970, as Trino's from_iso8601_timestamp does."""
    return (time - _EPOCH) // _MILLISECOND


def _lower(text: str) -> str:
    """Write a text in lower case as Trino's lower does, character by character."""
    return text.lower() if text.isascii() else "".join(character.lower()[0] for character in text)
