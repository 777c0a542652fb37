"""Which lines are shown of a window that has more than the limit: in SQL, and in Python. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from contract.window import timestamp_literal
from runbook.search.line_rows import Row, milliseconds, of_time

Thing = TypeVar("Thing")

TIME = "try(from_iso8601_timestamp(log_ts))"
# Within a millisecond, the text of the time decides, which has microseconds; then the number within one time.
_POSITION = (TIME, "log_ts", "app", "coalesce(try_cast(seq AS bigint), 1)", "source", "proc_id", "message")


@dataclass(frozen=True)
class Cut:
    """At most `limit` lines: the newest, the oldest, or those nearest to a moment."""

    limit: int
    oldest: bool = False
    moment: datetime | None = None

    @property
    def order(self) -> str:
        """The order in SQL in which the first `limit` lines are the ones to show."""
        newest = ", ".join(f"{each} DESC" for each in _POSITION)
        if self.moment:
            return f"abs(date_diff('millisecond', {timestamp_literal(self.moment)}, {TIME})), {newest}"
        return POSITION if self.oldest else newest

    @property
    def name(self) -> str:
        """Which lines these are: the newest, the oldest, the nearest."""
        return "nearest" if self.moment else "oldest" if self.oldest else "newest"

    def kept(self, things: Iterable[Thing], row_of: Callable[[Thing], Row]) -> list[Thing]:
        """Those of things with rows that are to be shown, in the order of the log."""
        ordered = sorted(things, key=lambda each: row_of(each).position, reverse=not self.oldest)
        if self.moment:
            moment = of_time(self.moment)
            ordered.sort(key=lambda each: abs(milliseconds(row_of(each).log_ts) - moment))
        return sorted(ordered[: self.limit], key=lambda each: row_of(each).position)


POSITION = ", ".join(_POSITION)
