"""The rows of `lines`: as Athena gives them, and as the table would give lines that are not in S3 yet. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from contract.logplex.batch import Line
from contract.stored_line import escape

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
        return milliseconds(self.log_ts), self.log_ts, self.app, int(self.seq or 1), *self[2:5]


def of_line(app: str, line: Line, number: int) -> Row:
    """Give the row of a line of an app that is the n-th of its time."""
    _, log_ts, _, source, proc_id, _ = line.record.header.decode().split(" ")
    message = escape(line.record.message).decode().removeprefix(" ")
    return Row(log_ts, app, source, proc_id, message, str(number) if number > 1 else "")


def of_athena(values: Sequence[object]) -> Row:
    """Give the row of a result; NULL is empty."""
    return Row(*("" if value is None else str(value) for value in values))


def milliseconds(log_ts: str) -> int:
    """Give the time of a row in milliseconds since 1970, truncated."""
    return of_time(datetime.fromisoformat(log_ts))


def of_time(time: datetime) -> int:
    """Truncate a time to milliseconds since 1970, as Trino's from_iso8601_timestamp does."""
    return (time - _EPOCH) // _MILLISECOND
