"""The window of a query: two moments, and the predicates that choose its lines and no other partitions. Pure."""

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

    A millisecond is what Trino's from_iso8601_timestamp reads, so a line counts that lies in the millisecond of
    either end. ValueError for times that are not aware, not in this order, more than 366 days apart, or wholly
    outside the years that the table projects.
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        for name, moment in (("since", self.since), ("until", self.until)):
            if not isinstance(moment, datetime) or moment.utcoffset() is None:
                raise ValueError(f"{name} is {moment!r}: give a datetime with a time zone, such as datetime.now(UTC)")
        if self.since >= self.until:
            raise ValueError(f"the window is from {self.since} to {self.until}: it must end after it begins")
        if self.until - self.since > LONGEST:
            raise ValueError(
                f"the window is from {self.since} to {self.until}: give at most {LONGEST.days} days at once"
            )
        if self.until < _FIRST or self.since >= _END:
            raise ValueError(
                f"the window is from {self.since} to {self.until}: the table has the years "
                f"{PROJECTED_YEARS[0]} to {PROJECTED_YEARS[-1]}"
            )

    @classmethod
    def last(cls, span: timedelta, now: datetime) -> Self:
        """Give the time up to `now`; ValueError for a span that is not between 0 and 366 days."""
        if not isinstance(span, timedelta) or not timedelta(0) < span <= LONGEST:
            raise ValueError(f"the last {span}: give a timedelta above 0 and of at most {LONGEST.days} days")
        return cls(now - span, now)

    @classmethod
    def around(cls, moment: datetime, minutes: int) -> Self:
        """Give the minutes before and after a moment; ValueError for minutes that are not 1 to 1440."""
        if not _is_int(minutes) or not 1 <= minutes <= 1440:
            raise ValueError(f"minutes is {minutes!r}: give a whole number from 1 to 1440")
        margin = timedelta(minutes=minutes)
        return cls(moment - margin, moment + margin)

    def __str__(self) -> str:
        return f"{_text(self.since)} to {_text(self.until)}"

    @property
    def days(self) -> tuple[date, ...]:
        """The UTC days that it touches, in order."""
        first, last = self.since.astimezone(UTC).date(), self.until.astimezone(UTC).date()
        return tuple(first + timedelta(number) for number in range((last - first).days + 1))

    @property
    def predicates(self) -> tuple[str, ...]:
        """The predicates on the table or its view, to be joined by AND.

        Lists of constants for year, month and day each are what Athena pushes down to the projection; they admit more
        days than the window has once it crosses the end of a month, which the comparison of the three together takes
        away again. The last one is of the lines' own time.
        """
        values = [partition("", day) for day in self.days]
        first, last = (f"from_iso8601_timestamp('{_text(moment)}')" for moment in (self.since, self.until))
        return (
            *(f"{key} IN ({_literals({value[key] for value in values})})" for key in ("year", "month", "day")),
            f"concat(year, '-', month, '-', day) BETWEEN '{self.days[0]}' AND '{self.days[-1]}'",
            f"try(from_iso8601_timestamp(log_ts)) BETWEEN {first} AND {last}",
        )


def _is_int(value: object) -> bool:
    # True is 1 to Python, and no number that a person means.
    return isinstance(value, int) and not isinstance(value, bool)


def _text(moment: datetime) -> str:
    """Write a moment in UTC, cut to its millisecond, as Trino cuts the times of lines."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _literals(values: set[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))
