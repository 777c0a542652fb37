"""The window of a query: its first and last moment, and the SQL predicates that select its lines. Pure."""

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

    Trino's from_iso8601_timestamp reads milliseconds, so a line in the millisecond of either end is included.
    ValueError for times that are not aware, not in this order, more than 366 days apart, or completely outside the
    years that the table projects.
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment.utcoffset() is None:
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
        if not timedelta(0) < span <= LONGEST:
            raise ValueError(f"the last {span}: give a timedelta above 0 and of at most {LONGEST.days} days")
        return cls(now - span, now)

    @classmethod
    def around(cls, moment: datetime, minutes: int) -> Self:
        """Give the minutes before and after a moment; ValueError for minutes that are not 1 to 1440."""
        if not 1 <= minutes <= 1440:
            raise ValueError(f"minutes is {minutes!r}: give a whole number from 1 to 1440")
        margin = timedelta(minutes=minutes)
        return cls(moment - margin, moment + margin)

    def __str__(self) -> str:
        return f"{_text(self.since)} to {_text(self.until)}"

    @property
    def days(self) -> tuple[date, ...]:
        """The UTC days that the window overlaps, in order."""
        first, last = self.since.astimezone(UTC).date(), self.until.astimezone(UTC).date()
        return tuple(first + timedelta(number) for number in range((last - first).days + 1))

    @property
    def predicates(self) -> tuple[str, ...]:
        """The predicates on the table or its view, to be joined by AND.

        Athena pushes lists of constants for year, month and day down to the partition projection. When the window
        crosses the end of a month these lists admit more days than it has; the comparison of all three together
        excludes those. The last predicate compares the lines' own time.
        """
        values = [partition("", day) for day in self.days]
        first, last = (f"from_iso8601_timestamp('{_text(moment)}')" for moment in (self.since, self.until))
        return (
            *(f"{key} IN ({_literals({value[key] for value in values})})" for key in ("year", "month", "day")),
            f"concat(year, '-', month, '-', day) BETWEEN '{self.days[0]}' AND '{self.days[-1]}'",
            f"try(from_iso8601_timestamp(log_ts)) BETWEEN {first} AND {last}",
        )


def _text(moment: datetime) -> str:
    """Write a moment in UTC, cut to its millisecond, as Trino cuts the times of lines."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _literals(values: set[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))
