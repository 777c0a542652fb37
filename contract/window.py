"""The window of a query: two times, and the predicates that select its lines and only its partitions. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from contract.object_keys import PROJECTED_YEARS, partition

LONGEST = timedelta(days=366)
_FIRST = datetime(PROJECTED_YEARS[0], 1, 1, tzinfo=UTC)
_END = datetime(PROJECTED_YEARS[-1] + 1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """The time from `since` to `until`, aware datetimes, both included, to the millisecond.

    Trino's from_iso8601_timestamp reads milliseconds, so lines within the millisecond of either end are included.
    ValueError for times that are naive, not in this order, more than 366 days apart, or outside the table's years.
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.utcoffset() is None or self.until.utcoffset() is None:
            raise ValueError("a window needs times with a time zone, such as datetime.now(UTC)")
        window = f"invalid window {self.since} to {self.until}"
        if self.since >= self.until:
            raise ValueError(f"{window}: it must end after it begins")
        if self.until - self.since > LONGEST:
            raise ValueError(f"{window}: it can have at most {LONGEST.days} days")
        if self.until < _FIRST or self.since >= _END:
            raise ValueError(f"{window}: the table has the years {PROJECTED_YEARS[0]} to {PROJECTED_YEARS[-1]}")

    @classmethod
    def last(cls, span: timedelta, now: datetime) -> Self:
        """Give the window that ends `now`. ValueError unless the span is above 0 and at most 366 days."""
        return cls(now - span, now)

    @classmethod
    def around(cls, moment: datetime, minutes: int) -> Self:
        """Give the window of minutes before and after a time. ValueError unless minutes is 1 to 1440."""
        if not 1 <= minutes <= 1440:
            raise ValueError(f"invalid minutes {minutes}: write a number from 1 to 1440")
        margin = timedelta(minutes=minutes)
        return cls(moment - margin, moment + margin)

    def __str__(self) -> str:
        return f"{_text(self.since)} to {_text(self.until)}"

    @property
    def days(self) -> tuple[date, ...]:
        """The UTC days that the window touches, in order."""
        first, last = self.since.astimezone(UTC).date(), self.until.astimezone(UTC).date()
        return tuple(first + timedelta(number) for number in range((last - first).days + 1))

    @property
    def predicates(self) -> tuple[str, ...]:
        """The predicates on the table or its view, to join with AND.

        Athena pushes lists of constants for year, month and day down to the partition projection. A window across the
        end of a month would match too many days, so another predicate compares the whole date. The last one compares
        the time of the line.
        """
        values = [partition("", day) for day in self.days]
        first, last = timestamp_literal(self.since), timestamp_literal(self.until)
        return (
            *(f"{key} IN ({_literals({value[key] for value in values})})" for key in ("year", "month", "day")),
            f"concat(year, '-', month, '-', day) BETWEEN '{self.days[0]}' AND '{self.days[-1]}'",
            f"try(from_iso8601_timestamp(log_ts)) BETWEEN {first} AND {last}",
        )


def timestamp_literal(moment: datetime) -> str:
    """Write an aware time as an expression in SQL, truncated to milliseconds."""
    return f"from_iso8601_timestamp('{_text(moment)}')"


def _text(moment: datetime) -> str:
    """Write a time in UTC, truncated to milliseconds like Trino truncates the times of lines."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _literals(values: set[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))
