"""What a month uses of AWS, computed from what each day added. Pure. docs/cost.md describes the model.

Times are days: `date.toordinal()`, with a fraction for the time of day.
"""

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, Self

from contract import alarms
from contract.alarms import Watched
from contract.buffer_table import KEPT_DAYS
from runbook import prices
from runbook.cost import sizes

RATE_DAYS = 7
# The length of a month in the steady state.
MONTH_DAYS = 30
# An object that should have moved two days ago and has not is taken for one that the lifecycle rule does not move.
_LATE_DAYS = 2


@dataclass(frozen=True, slots=True)
class Day:
    """What one UTC day added: log objects by their storage class now, query results, queries, and traffic.

    `app_slots` counts the slots that have an object, summed over the apps. Queries are charged for more bytes than they
    scan. `posts` went through the HTTP API, with canaries. `batches` are those of the apps themselves and came by any
    way, `body_bytes` is the size of their bodies. The functions ran for so many milliseconds. The values are fractions
    when the day is a mean.
    """

    objects: float = 0
    bytes: float = 0
    glacier_objects: float = 0
    glacier_bytes: float = 0
    app_slots: float = 0
    results: float = 0
    result_bytes: float = 0
    queries: float = 0
    scanned_bytes: float = 0
    charged_bytes: float = 0
    posts: float = 0
    batches: float = 0
    canaries: float = 0
    lines: float = 0
    body_bytes: float = 0
    receiver_ms: float = 0
    flusher_ms: float = 0
    write_units: float = 0
    read_units: float = 0

    def __add__(self, other: "Day") -> "Day":
        return Day(*map(operator.add, _values(self), _values(other)))

    def __mul__(self, factor: float) -> "Day":
        return Day(*(value * factor for value in _values(self)))

    @property
    def all_objects(self) -> float:
        """The log objects of the day, whatever their storage class."""
        return self.objects + self.glacier_objects

    @property
    def all_bytes(self) -> float:
        """The bytes of these objects."""
        return self.bytes + self.glacier_bytes

    @property
    def mean_bytes(self) -> float:
        """The mean size of a log object; 0 when there are none."""
        return self.all_bytes / self.all_objects if self.all_objects else 0.0

    @property
    def mean_body(self) -> float:
        """The mean size of a batch's body; 0 when there are none."""
        return self.body_bytes / self.batches if self.batches else 0.0


Days = Mapping[date, Day]
# dataclasses.astuple copies deeply, which is slow.
_values = operator.attrgetter(*(field.name for field in fields(Day)))


@dataclass(frozen=True)
class Retention:
    """After how many days log objects move to Glacier and expire, and query results expire."""

    archive_days: int
    expire_days: int
    results_days: int


class Watch(NamedTuple):
    """What watches a stack, whatever its apps log: their number, the metrics of all alarms, and dashboards."""

    apps: int
    alarms: int
    dashboards: int

    @classmethod
    def of(cls, watched: Watched) -> Self:
        """Count them. Each alarm is of one metric."""
        return cls(len(watched.silence_hours), len(alarms.alarms(watched)), 1)


# What a stack without alarms, dashboard, canaries and metrics has, to compare with.
NO_WATCH = Watch(0, 0, 0)


@dataclass(frozen=True)
class Period:
    """A month or its first part, from `begin` to before `end`, in days; `month_days` is the length of the month."""

    begin: float
    end: float
    month_days: int

    def months(self, since: float, until: float) -> float:
        """The part of the month that is between two times and in the period."""
        return max(0.0, min(self.end, until) - max(self.begin, since)) / self.month_days


@dataclass(frozen=True)
class Usage:
    """What a period uses. Stored bytes and objects are means over the month, as S3 charges them.

    `month_days` is the length of the month, `stack_months` the part of it since the stack received its first object.
    """

    added: Day
    standard_bytes: float
    glacier_bytes: float
    glacier_objects: float
    buffer_bytes: float
    transitions: float
    objects_read: float
    month_days: int
    stack_months: float
    watch: Watch


def merged(*parts: Days) -> dict[date, Day]:
    """Add up the same days from several sources."""
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
    """The previous calendar month."""
    end = now.date().replace(day=1)
    begin = (end - timedelta(1)).replace(day=1)
    return Period(begin.toordinal(), end.toordinal(), (end - begin).days)


def month_of(now: datetime) -> Period:
    """The current calendar month."""
    begin = now.date().replace(day=1)
    end = (begin + timedelta(31)).replace(day=1)
    return Period(begin.toordinal(), end.toordinal(), (end - begin).days)


def month_so_far(now: datetime) -> Period:
    """The current month up to now."""
    return replace(month_of(now), end=moment(now))


def moment(now: datetime) -> float:
    """A time, in days."""
    return now.toordinal() + (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(1)


# ---------------------------------------------------------------- projection


def rate(days: Days, now: datetime) -> Day:
    """What a day adds at today's rate: the mean of the last 7 full days, or of all full days if there are fewer.

    On the first day: the day so far, extrapolated. All objects count as in Standard.
    """
    today = now.date()
    full = min(RATE_DAYS, (today - min(days, default=today)).days)
    if full:
        mean = total(days.get(today - timedelta(back), Day()) for back in range(1, full + 1)) * (1 / full)
    else:
        mean = days.get(today, Day()) * (24 / max(1, math.ceil(moment(now) % 1 * 24)))
    return replace(mean, objects=mean.all_objects, bytes=mean.all_bytes, glacier_objects=0.0, glacier_bytes=0.0)


def projected(days: Days, now: datetime) -> dict[date, Day]:
    """The days, with the rest of the month at today's rate."""
    per_day, today, end = rate(days, now), now.toordinal(), int(month_of(now).end)
    rest = {date.fromordinal(day): per_day for day in range(today + 1, end)}
    return merged(days, rest, {now.date(): per_day * (today + 1 - moment(now))})


def of_period(days: Days, period: Period, retention: Retention, today: date, watch: Watch) -> Usage:
    """What a period uses; `today` decides which objects have moved to Glacier."""
    inside = [added for day, added in days.items() if period.begin <= day.toordinal() < period.end]
    added = total(inside)
    rows = [row for day, each in days.items() for row in _stored(day, each, period, retention, today)]
    standard, glacier, objects, transitions = map(math.fsum, zip(*(rows or [(0.0,) * 4]), strict=True))
    mean_bytes = total(days.values()).mean_bytes
    return Usage(
        added=added,
        standard_bytes=standard,
        glacier_bytes=glacier,
        glacier_objects=objects,
        buffer_bytes=math.fsum(_buffered(day, each, period) for day, each in days.items()),
        transitions=transitions,
        objects_read=added.scanned_bytes / mean_bytes if mean_bytes else 0.0,
        month_days=period.month_days,
        stack_months=period.months(min(days, default=today).toordinal(), math.inf),
        watch=watch,
    )


def steady(per_day: Day, retention: Retention, watch: Watch) -> Usage:
    """What a month uses when every retained day was like this one."""
    begin = date(2026, 1, 1).toordinal() + retention.expire_days + 1
    days = {date.fromordinal(day): per_day for day in range(begin - retention.expire_days - 1, begin + MONTH_DAYS)}
    return of_period(days, Period(begin, begin + MONTH_DAYS, MONTH_DAYS), retention, min(days), watch)


# ---------------------------------------------------------------- storage


def _buffered(day: date, added: Day, period: Period) -> float:
    """Give the byte-months in the buffer of a day's batches."""
    size = sum(
        batches * (sizes.item_bytes(body_bytes) + prices.ITEM_OVERHEAD_BYTES)
        for batches, body_bytes in ((added.batches, added.mean_body), (added.canaries, sizes.CANARY_BYTES))
    )
    born = day.toordinal() + 0.5
    return size * period.months(born, born + KEPT_DAYS)


def _stored(
    day: date, added: Day, period: Period, retention: Retention, today: date
) -> Iterator[tuple[float, float, float, float]]:
    """Give byte-months in Standard, byte-months and object-months in Glacier, and transitions, of a day's objects."""
    # S3 user guide, "Setting lifecycle configuration": an action is due at the midnight after its days have passed, and
    # S3 charges accordingly from then on, even before it acts. A day's objects arrive at noon on average.
    born, due, gone = (day.toordinal() + days for days in (0.5, retention.archive_days + 1, retention.expire_days + 1))
    for objects, size, moved in (
        (added.objects, added.bytes, due if today.toordinal() - due < _LATE_DAYS else math.inf),
        # In Glacier before it was due: archiveAfterDays was lower then.
        (added.glacier_objects, added.glacier_bytes, due if due <= today.toordinal() else -math.inf),
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
