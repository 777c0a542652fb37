"""A simulated day with an incident, for the picture of the dashboard: the same values on every run.

The day: an app's lines come from 400 a minute down to 60. From 14:10 to 15:20 DynamoDB throttles the buffer, so batches
go to the spill queue, and from there into the buffer afterwards. At 15:30 the token is rotated, and the drain of the
last app keeps its old URL: its POSTs are answered 401, and it falls silent. Somebody tries paths from 11:20 to 11:35.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from contract.alarms import Alarm, Missing
from contract.metrics import Metric
from contract.vended_metrics import Vended

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
_SEED = 16
_FIVE_MINUTES_S, _DAY_S = 300, 86_400
_GB = 1e9

_LINES_PER_MINUTE = (400.0, 130.0, 60.0)
_LINES_PER_POST = 4
_PROBED = (datetime(2026, 11, 24, 11, 20, tzinfo=UTC), datetime(2026, 11, 24, 11, 35, tzinfo=UTC))
_THROTTLED = (datetime(2026, 11, 24, 14, 10, tzinfo=UTC), datetime(2026, 11, 24, 15, 20, tzinfo=UTC))
_DRAINED = (_THROTTLED[1], datetime(2026, 11, 24, 15, 40, tzinfo=UTC))
_ROTATED = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
# Messages that Logplex reports as lost, by the minute after 14:00.
_LOST = {35: 12, 40: 38, 45: 26, 50: 5}
# Faults by reason: times, and when the newest was.
FAULTS = (
    ("spilled", 617, "2026-11-24 15:19:48"),
    ("dynamodb-ThrottlingException", 617, "2026-11-24 15:19:48"),
    ("flush-failed", 14, "2026-11-24 15:17:02"),
    ("dynamodb-deadline", 3, "2026-11-24 14:52:31"),
)


class Series(NamedTuple):
    """Times and values, without those at which there is none."""

    times: Sequence[datetime]
    values: Sequence[float]


@dataclass(frozen=True)
class _Asked:
    """A value that is asked for: its metric, the end of its period, the statistic, and the period's length."""

    metric: Metric | Vended
    when: datetime
    statistic: str
    period_s: int

    def between(self, times: tuple[datetime, datetime]) -> bool:
        return times[0] < self.when <= times[1]

    @property
    def noise(self) -> float:
        """A number from 0 to 1, the same for the same metric and time."""
        return Random(f"{_SEED} {self.metric} {self.when} {self.statistic}").random()  # noqa: S311  not used for secrets

    @property
    def part(self) -> float:
        """The period's length in units of five minutes, for sums."""
        return self.period_s / _FIVE_MINUTES_S


class Day:
    """The metrics of a stack with these apps."""

    def __init__(self, apps: Sequence[str]) -> None:
        self._apps = apps

    def series(
        self, metric: Metric | Vended, app: str | None, statistic: str, period_s: int, begin: datetime
    ) -> Series:
        """Give the values of a metric, up to now; each has the time at which its period begins."""
        period = timedelta(seconds=period_s)
        times = [begin + number * period for number in range(math.ceil((NOW - begin) / period))]
        values = [self._value(_Asked(metric, time + period, statistic, period_s), app) for time in times]
        known = [(time, value) for time, value in zip(times, values, strict=True) if value is not None]
        return Series([time for time, _ in known], [value for _, value in known])

    def lag(self, app: str, begin: datetime) -> Series:
        """Give the longest lag of an app's lines in each five minutes, in seconds."""
        period = timedelta(seconds=_FIVE_MINUTES_S)
        times = [begin + number * period for number in range(math.ceil((NOW - begin) / period))]
        base = 0.9 + 0.5 * self._apps.index(app)
        values = []
        for time in times:
            asked = _Asked(Metric.LINES, time, app, _FIVE_MINUTES_S)
            silent = app == self._apps[-1] and time > _ROTATED
            slow = 3.2 * asked.noise if asked.between(_THROTTLED) else 0
            values.append(0.0 if silent else base * (0.7 + 0.6 * asked.noise) + slow)
        return Series(times, values)

    def in_alarm(self, alarm: Alarm) -> bool | None:
        """Say whether an alarm is in ALARM now; None if there is no data for it."""
        begin = NOW - timedelta(seconds=alarm.period_s * alarm.periods)
        values = self.series(alarm.metric, alarm.app, alarm.statistic, alarm.period_s, begin).values
        if not values:
            return {Missing.BREACHING: True, Missing.NOT_BREACHING: False}.get(alarm.missing)
        if alarm.per_day_change:
            return abs(values[-1] - values[0]) >= alarm.threshold
        return sum(value >= alarm.threshold for value in values) >= alarm.datapoints

    def _value(self, asked: _Asked, app: str | None) -> float | None:
        if isinstance(asked.metric, Vended):
            return _VENDED[asked.metric](self, asked)
        match asked.metric:
            case Metric.LINES:
                return self._lines(asked, app)
            case Metric.SILENCE:
                return self._silence(asked, app)
            case Metric.BEHIND:
                return 150 + 60 * asked.noise if asked.between(_DRAINED) else 5 * asked.noise
            case Metric.LINES_LOST:
                return next((lost for minute, lost in _LOST.items() if asked.between(_around(14, minute))), None)
            case Metric.QUARANTINED:
                return 7 if asked.between(_around(9, 10)) else 1 if asked.noise > 0.96 else None
            case Metric.UNAUTHORISED:
                return self._refused(asked)

    def _per_minute(self, asked: _Asked, app: str) -> float:
        hour = asked.when.hour + asked.when.minute / 60
        busy = 0.3 + 0.7 * math.exp(-(((hour - 15) / 4.5) ** 2))
        noise = Random(f"{_SEED} {app} {asked.when}").random()  # noqa: S311  not used for secrets
        return _LINES_PER_MINUTE[self._apps.index(app) % 3] * busy * (0.9 + 0.2 * noise)

    def _lines(self, asked: _Asked, app: str | None) -> float:
        app = app or self._apps[0]
        lines = self._per_minute(asked, app) * asked.period_s / 60
        if app == self._apps[-1] and asked.when > _ROTATED:
            return 0.0
        # Spilled lines are counted when they are stored.
        return lines * (0.55 if asked.between(_THROTTLED) else 2.4 if asked.between(_DRAINED) else 1)

    def _silence(self, asked: _Asked, app: str | None) -> float:
        if app == self._apps[-1] and asked.when > _ROTATED:
            # The first slot that is not flushed begins up to six minutes before now.
            known = asked.when - timedelta(minutes=1 + asked.when.minute % 5)
            return max(0.0, (known - _ROTATED).total_seconds())
        return 20 * asked.noise

    def _refused(self, asked: _Asked) -> float | None:
        if asked.when > _ROTATED:
            return round((24 + 8 * asked.noise) * asked.part)
        return round(7 * asked.noise) if asked.between(_PROBED) else None

    def posts(self, asked: _Asked) -> float:
        """Give the POSTs of a period, of all apps."""
        return sum(self._per_minute(asked, app) for app in self._apps) * asked.period_s / 60 / _LINES_PER_POST

    def refused(self, asked: _Asked) -> float:
        """Give the requests that are answered 4xx: those without a valid token, and the prober's."""
        return (self._refused(asked) or 0) + (40 + round(25 * asked.noise) if asked.between(_PROBED) else 0)


def _around(hour: int, minute: int) -> tuple[datetime, datetime]:
    end = NOW.replace(hour=hour, minute=minute)
    return end - timedelta(minutes=5), end


def _of_days(first: float, per_day: float) -> Callable[[Day, _Asked], float | None]:
    """S3's value of a day, which is known a day later."""

    def value(_: Day, asked: _Asked) -> float | None:
        age = (NOW - asked.when) / timedelta(days=1)
        return first - per_day * (age - 1) if age > 0.3 else None

    return value


def _charge(usd_per_day: float) -> Callable[[Day, _Asked], float | None]:
    """The charges since the month began."""
    return lambda _, asked: usd_per_day * (asked.when.day - 1 + asked.when.hour / 24)


def _in_trouble(most: float, usual: float = 0.0) -> Callable[[Day, _Asked], float | None]:
    """A count that is higher while the buffer is throttled."""
    return lambda _, asked: (
        round(most * (0.35 + 0.65 * asked.noise) * asked.part) if asked.between(_THROTTLED) else usual
    )


def _none(*_: object) -> float:
    return 0.0


def _receiver_ms(_: Day, asked: _Asked) -> float:
    usual = {"p50": 11.0, "p99": 48.0}.get(asked.statistic, 140.0)
    slow = {"p50": 60.0, "p99": 1_450.0}.get(asked.statistic, 2_250.0)
    return (slow if asked.between(_THROTTLED) else usual) * (0.8 + 0.4 * asked.noise)


def _flusher_ms(_: Day, asked: _Asked) -> float:
    usual = 330.0 if asked.statistic == "p50" else 2_600.0
    slow = 9.0 if asked.between(_DRAINED) else 2.5 if asked.between(_THROTTLED) else 1.0
    return usual * slow * (0.85 + 0.3 * asked.noise)


def _spill_age(_: Day, asked: _Asked) -> float:
    begin, end = _THROTTLED
    if asked.between(_THROTTLED):
        # Some writes succeed, so that the queue is drained now and then.
        return ((asked.when - begin).total_seconds() % 1500) * (0.85 + 0.15 * asked.noise)
    if asked.between(_DRAINED):
        return max(0.0, 900 - 0.9 * (asked.when - end).total_seconds())
    return 0.0


_VENDED: Mapping[Vended, Callable[[Day, _Asked], float | None]] = {
    Vended.API_REQUESTS: lambda day, asked: round(day.posts(asked) + day.refused(asked)),
    Vended.API_4XX: Day.refused,
    Vended.API_5XX: _in_trouble(3),
    Vended.API_BYTES: lambda day, asked: day.posts(asked) * 900,
    Vended.RECEIVER_ERRORS: _none,
    Vended.RECEIVER_THROTTLES: _none,
    Vended.RECEIVER_DURATION: _receiver_ms,
    Vended.FLUSHER_ERRORS: lambda _, asked: float(asked.between(_THROTTLED) and asked.noise > 0.8),
    Vended.FLUSHER_DURATION: _flusher_ms,
    Vended.CANARY_ERRORS: _none,
    Vended.DIGESTER_ERRORS: _none,
    Vended.BUFFER_WRITE_UNITS: lambda day, asked: day.posts(asked) * 1.1,
    Vended.BUFFER_READ_UNITS: lambda day, asked: day.posts(asked) * 0.6,
    Vended.BUFFER_THROTTLES: _in_trouble(24),
    Vended.SPILLED: _in_trouble(70),
    Vended.SPILL_AGE: _spill_age,
    Vended.DEAD_LETTERS: _none,
    Vended.DELETIONS: _none,
    Vended.OBJECTS: _of_days(218_400, 864),
    Vended.STANDARD_BYTES: _of_days(2.16 * _GB, 0.004 * _GB),
    Vended.GLACIER_BYTES: _of_days(3.94 * _GB, 0.022 * _GB),
    Vended.COST_API: _charge(0.105),
    Vended.COST_BUFFER: _charge(0.072),
    Vended.COST_S3: _charge(0.041),
    Vended.COST_LAMBDA: _charge(0.018),
    Vended.COST_CLOUDWATCH: _charge(0.025),
    Vended.COST_ATHENA: _charge(0.009),
    Vended.COST_QUEUES: _charge(0.001),
}
