"""Metrics as CloudWatch keeps them: values with times, by namespace, name and dimensions, and statistics of minutes."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

MINUTE_S = 60


class Series(NamedTuple):
    """A metric with its dimensions, which CloudWatch looks up as a whole: less or more of them are another metric."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "Series":
        """Make it; dimensions have no order."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


class Values:
    """The values of each minute, each with how often it came; minutes count from 1970."""

    def __init__(self) -> None:
        self.minutes: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)

    def put(self, minute: int, value: float, count: int = 1) -> None:
        """Add a value, or so many equal ones."""
        self.minutes[minute].append((value, count))

    def statistic(self, statistic: str, begin: int, minutes: int) -> float | None:
        """Give a statistic of a period; None if it has no value."""
        found = self.minutes
        if minutes == 1:
            values = found.get(begin)
        else:
            values = [value for minute in range(begin, begin + minutes) if minute in found for value in found[minute]]
        if not values:
            return None
        if statistic == "Maximum":
            return max(value for value, _ in values)
        if statistic.startswith("p"):
            return _percentile(values, float(statistic[1:]))
        total = sum(value * count for value, count in values)
        return total / sum(count for _, count in values) if statistic == "Average" else total

    def forget(self, before: int) -> None:
        """Forget the minutes before one."""
        for minute in [each for each in self.minutes if each < before]:
            del self.minutes[minute]


def _percentile(values: list[tuple[float, int]], percent: float) -> float:
    """Give the value that so many percent of all are at most ("Percentiles", CloudWatch user guide)."""
    rank = sum(count for _, count in values) * percent / 100
    for value, count in sorted(values):
        rank -= count
        if rank <= 0:
            return value
    return max(values)[0]


class Metrics:
    """All series."""

    def __init__(self) -> None:
        self.series: defaultdict[Series, Values] = defaultdict(Values)

    def put(self, series: Series, time_s: float, value: float, count: int = 1) -> None:
        """Put a value, or so many equal ones."""
        self.series[series].put(int(time_s) // MINUTE_S, value, count)

    def put_log_line(self, line: str) -> None:
        """Put the values of a log line in Embedded Metric Format; a line of another kind has none.

        ValueError for a definition whose members are missing or of the wrong type: CloudWatch would drop it in silence
        ("Specification: Embedded metric format").
        """
        document = json.loads(line)
        if "_aws" not in document:
            return
        time_s = document["_aws"]["Timestamp"] / 1000
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = {name: document[name] for name in names}
                if not all(isinstance(value, str) for value in dimensions.values()):
                    raise ValueError(f"dimensions are texts: {dimensions}")
                for metric in directive["Metrics"]:
                    value = document[metric["Name"]]
                    if isinstance(value, bool) or not isinstance(value, int | float):
                        raise ValueError(f"{metric['Name']} is not a number: {value!r}")
                    self.put(Series.of(directive["Namespace"], metric["Name"], dimensions), time_s, value)
