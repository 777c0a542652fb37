"""What a month uses of AWS, from what each day added. Pure; docs/cost.md has the model in words.

Times are counted in days: `date.toordinal()`, and parts of a day behind the point.
"""

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta

RATE_DAYS = 7
# A month of the steady state.
MONTH_DAYS = 30
# What was to move two days ago, and did not, is taken for something that the lifecycle leaves alone.
_LATE_DAYS = 2


@dataclass(frozen=True, slots=True)
class Day:
    """What one UTC day added: objects of lines by the class that they are in now, Athena's results, and queries.

    `hours` are those in which an object came, `app_hours` the same summed over the apps. Queries are charged for more
    bytes than they scan. All are fractions where the day is a mean.
    """

    objects: float = 0
    bytes: float = 0
    archived: float = 0
    archived_bytes: float = 0
    hours: float = 0
    app_hours: float = 0
    results: float = 0
    result_bytes: float = 0
    queries: float = 0
    scanned_bytes: float = 0
    charged_bytes: float = 0

    def __add__(self, other: "Day") -> "Day":
        return Day(*map(operator.add, _values(self), _values(other)))

    def __mul__(self, factor: float) -> "Day":
        return Day(*(value * factor for value in _values(self)))

    @property
    def batches(self) -> float:
        """The objects of lines that it made, whatever class they are in now."""
        return self.objects + self.archived

    @property
    def mean_bytes(self) -> float:
        """The mean size of an object of lines; 0 when there is none."""
        return (self.bytes + self.archived_bytes) / self.batches if self.batches else 0.0


Days = Mapping[date, Day]
# dataclasses.astuple copies deeply, which is slow.
_values = operator.attrgetter(*(field.name for field in fields(Day)))


@dataclass(frozen=True)
class Retention:
    """The days after which lines are archived and deleted, and results are deleted."""

    archive_days: int
    expire_days: int
    results_days: int


@dataclass(frozen=True)
class Period:
    """A month or its begin, from `begin` up to `end`, in days; `month_days` is how long the whole month is."""

    begin: float
    end: float
    month_days: int

    def months(self, since: float, until: float) -> float:
        """The part of the month that lies between two times and in the period."""
        return max(0.0, min(self.end, until) - max(self.begin, since)) / self.month_days


@dataclass(frozen=True)
class Use:
    """What a period uses. Bytes and objects in storage are means over its month, as S3 charges them.

    `month_days` is how long the month is, and `stack_months` the part of it in which the stack received anything.
    """

    added: Day
    standard_bytes: float
    archived_bytes: float
    archived: float
    transitions: float
    objects_read: float
    month_days: int
    stack_months: float


def merged(*parts: Days) -> dict[date, Day]:
    """Add up days that were found in several places."""
    total: dict[date, Day] = {}
    for part in parts:
        for day, added in part.items():
            total[day] = total.get(day, Day()) + added
    return total


def total(days: Iterable[Day]) -> Day:
    """Add up days."""
    return sum(days, Day())


# ---------------------------------------------------------------- periods


def month_before(now: datetime) -> Period:
    """The last whole month."""
    end = now.date().replace(day=1)
    begin = (end - timedelta(1)).replace(day=1)
    return Period(begin.toordinal(), end.toordinal(), (end - begin).days)


def month_of(now: datetime) -> Period:
    """The whole month that it is."""
    begin = now.date().replace(day=1)
    end = (begin + timedelta(31)).replace(day=1)
    return Period(begin.toordinal(), end.toordinal(), (end - begin).days)


def month_so_far(now: datetime) -> Period:
    """The month that it is, up to now."""
    return replace(month_of(now), end=moment(now))


def moment(now: datetime) -> float:
    """A time in days."""
    return now.toordinal() + (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(1)


# ---------------------------------------------------------------- days to come


def rate(days: Days, now: datetime) -> Day:
    """What a day adds at today's rate: the mean of the last 7 full days, or of those since the first.

    On the first day it is the day so far, as if it went on like that. All objects count as in Standard.
    """
    today = now.date()
    full = min(RATE_DAYS, (today - min(days, default=today)).days)
    if full:
        mean = total(days.get(today - timedelta(back), Day()) for back in range(1, full + 1)) * (1 / full)
    else:
        # Whole hours, as those with an object are counted in whole ones.
        mean = days.get(today, Day()) * (24 / max(1, math.ceil(moment(now) % 1 * 24)))
    return replace(mean, objects=mean.batches, bytes=mean.bytes + mean.archived_bytes, archived=0.0, archived_bytes=0.0)


def continued(days: Days, now: datetime) -> dict[date, Day]:
    """The days with the rest of the month at today's rate."""
    a_day, today, end = rate(days, now), now.toordinal(), int(month_of(now).end)
    rest = {date.fromordinal(day): a_day for day in range(today + 1, end)}
    return merged(days, rest, {now.date(): a_day * (today + 1 - moment(now))})


def use(days: Days, period: Period, retention: Retention, today: date) -> Use:
    """What a period uses; `today` says what has been moved to Glacier and what has yet to be."""
    inside = [added for day, added in days.items() if period.begin <= day.toordinal() < period.end]
    added = total(inside)
    rows = [row for day, each in days.items() for row in _stored(day, each, period, retention, today)]
    standard, archived, objects, transitions = map(math.fsum, zip(*(rows or [(0.0,) * 4]), strict=True))
    mean_bytes = total(days.values()).mean_bytes
    return Use(
        added=added,
        standard_bytes=standard,
        archived_bytes=archived,
        archived=objects,
        transitions=transitions,
        objects_read=added.scanned_bytes / mean_bytes if mean_bytes else 0.0,
        month_days=period.month_days,
        stack_months=period.months(min(days, default=today).toordinal(), math.inf),
    )


def steady(a_day: Day, retention: Retention) -> Use:
    """What a month uses when every day that is kept was like this one."""
    begin = date(2026, 1, 1).toordinal() + retention.expire_days + 1
    days = {date.fromordinal(day): a_day for day in range(begin - retention.expire_days - 1, begin + MONTH_DAYS)}
    return use(days, Period(begin, begin + MONTH_DAYS, MONTH_DAYS), retention, min(days))


# ---------------------------------------------------------------- storage


def _stored(
    day: date, added: Day, period: Period, retention: Retention, today: date
) -> Iterator[tuple[float, float, float, float]]:
    """Give byte-months in Standard, byte-months and object-months in Glacier, and transitions of a day's objects."""
    # S3 user guide, "Setting lifecycle configuration": an action is due at the midnight after its days have passed, and
    # is charged from then on, done or not. What comes on a day comes at noon on average.
    born, due, gone = (day.toordinal() + days for days in (0.5, retention.archive_days + 1, retention.expire_days + 1))
    for objects, size, moved in (
        (added.objects, added.bytes, due if today.toordinal() - due < _LATE_DAYS else math.inf),
        # Before the days were changed, if it was not due yet.
        (added.archived, added.archived_bytes, due if due <= today.toordinal() else -math.inf),
    ):
        in_glacier = period.months(max(born, moved), gone)
        yield (
            size * period.months(born, min(moved, gone)),
            size * in_glacier,
            objects * in_glacier,
            objects if period.begin <= moved < min(period.end, gone) else 0.0,
        )
    result_gone = day.toordinal() + retention.results_days + 1
    yield added.result_bytes * period.months(born, result_gone), 0.0, 0.0, 0.0
