"""When things happen: times over some days, busier by day than by night."""

from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

# Share of each UTC hour of a day.
_HOURS = (3, 2, 2, 2, 2, 3, 5, 8, 11, 13, 14, 14, 13, 15, 16, 16, 15, 13, 11, 9, 8, 6, 5, 4)
_HOUR = timedelta(hours=1)


class Rhythm:
    """Draws times from `start` to `until`, in microseconds; `until` must be later than `start`."""

    def __init__(self, rng: Random, start: datetime, until: datetime) -> None:
        if until <= start:
            raise ValueError(f"until ({until}) must be later than start ({start})")
        self._rng = rng
        self._spans: list[tuple[datetime, timedelta]] = []
        weights = []
        while start < until:
            length = min(_HOUR, until - start)
            self._spans.append((start, length))
            weights.append(_HOURS[start.hour] * (length / _HOUR))
            start += length
        self._weights = list(accumulate(weights))

    def draw(self) -> datetime:
        """Draw one time."""
        [(start, length)] = self._rng.choices(self._spans, cum_weights=self._weights)
        return start + length * self._rng.random()
