"""CloudWatch's rules of alarms: which state an alarm has at a minute, by the values of its metric.

"Configuring how CloudWatch alarms treat missing data" has the rules. CloudWatch retrieves more data points than the
alarm's evaluation periods, and does not say how many. In its example that is two more; `EXTRAS` are what we try.

- If at least as many real data points as evaluation periods are in that range, the newest of these decide.
- Otherwise all real ones count, and as few missing ones as possible are taken for what the alarm says.
- With fewer real ones than "datapoints to alarm", an alarm still goes to ALARM when the oldest breaching one among the
  evaluation periods is at least that old, and all newer ones breach or are missing; unless missing data is not
  breaching, or ignored.
"""

from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from contract.alarms import Alarm, Missing
from tests.support.watch.cloudwatch import MINUTE_S, Values

EXTRAS = (0, 2, 10)
_HOUR, _DAY_S = 60, 86_400


class State(StrEnum):
    """The states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@lru_cache(maxsize=1 << 14)
def state(points: tuple[bool | None, ...], datapoints: int, periods: int, missing: str, before: State) -> State:
    """Decide by the data points of the evaluation range, oldest first: True breaches, None is missing.

    `missing` is a Missing, or `missing`, which is CloudWatch's own default.
    """
    real = [point for point in points if point is not None]
    if len(real) >= periods:
        return _decide(sum(real[-periods:]), datapoints)
    if not real:
        without = {Missing.BREACHING: State.ALARM, Missing.NOT_BREACHING: State.OK, Missing.IGNORE: before}
        return next((found for each, found in without.items() if each == missing), State.INSUFFICIENT_DATA)
    filled = periods - len(real)
    if missing == Missing.BREACHING:
        return _decide(sum(real) + filled, datapoints)
    if sum(real) >= datapoints:
        return State.ALARM
    if missing != Missing.NOT_BREACHING and len(real) < datapoints and _is_old(points[-periods:], datapoints):
        return before if missing == Missing.IGNORE else State.ALARM
    return State.OK


def _decide(breaching: int, datapoints: int) -> State:
    return State.ALARM if breaching >= datapoints else State.OK


def _is_old(points: Sequence[bool | None], datapoints: int) -> bool:
    """Whether the oldest breaching one is old enough, and all newer ones breach or are missing."""
    if True not in points:
        return False
    oldest = points.index(True)
    return len(points) - oldest >= datapoints and False not in points[oldest:]


class History:
    """The states of an alarm with one evaluation range: `changes` are the minutes and states."""

    def __init__(self, extra: int) -> None:
        self.extra, self.state = extra, State.INSUFFICIENT_DATA
        self.changes = list[tuple[int, State]]()


class Evaluator:
    """Evaluates one alarm, whose values are given, minute by minute, with each of the evaluation ranges."""

    def __init__(self, alarm: Alarm, values: Values, extras: Sequence[int] = EXTRAS) -> None:
        self.alarm, self._values = alarm, values
        self.histories = [History(extra) for extra in extras]
        self._minutes = alarm.period_s // MINUTE_S
        # "Alarm evaluation": every minute, and every hour when the evaluation periods are more than a day.
        self._every = _HOUR if alarm.period_s * alarm.periods > _DAY_S else 1
        self._apart = self._minutes // self._every
        # The statistic of the period that ended at each evaluation.
        self._statistics = deque[float | None](maxlen=(alarm.periods + max(extras) - 1) * self._apart + 1)

    def evaluate(self, minute: int) -> None:
        """Evaluate at the begin of a minute since 1970, when a period of any length ends."""
        if minute % self._every:
            return
        # The first time, also those before.
        for number in reversed(range(1 if self._statistics else self._statistics.maxlen or 1)):
            begin = minute - number * self._every - self._minutes
            self._statistics.append(self._values.statistic(self.alarm.statistic, begin, self._minutes))
        newest = len(self._statistics) - 1
        for history in self.histories:
            oldest = newest - (self.alarm.periods + history.extra - 1) * self._apart
            points = self._points([self._statistics[at] for at in range(oldest, newest + 1, self._apart)])
            self._decide(history, points, minute)

    def _points(self, values: list[float | None]) -> tuple[bool | None, ...]:
        if self.alarm.per_day_change:
            # DIFF has nothing for the first of the values that CloudWatch retrieves.
            before = [None, *values]
            values = [
                None if value is None or last is None else abs(value - last)
                for value, last in zip(values, before, strict=False)
            ]
        threshold = self.alarm.threshold
        return tuple([None if value is None else value >= threshold for value in values])

    def _decide(self, history: History, points: tuple[bool | None, ...], minute: int) -> None:
        alarm = self.alarm
        now = state(points, alarm.datapoints, alarm.periods, alarm.missing, history.state)
        if now is not history.state:
            history.state = now
            history.changes.append((minute, now))
