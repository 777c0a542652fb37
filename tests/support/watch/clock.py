"""The clock of simulated days: seconds since 1970, which pass when something takes time."""

from collections.abc import Iterator
from contextlib import contextmanager

from receiver.deadline import DeadlineExceeded


class Clock:
    """Stands in for the module `time`; `skew_s` is how far the clock of whoever asks is ahead."""

    def __init__(self, now: float) -> None:
        self.now, self.skew_s = now, 0.0
        self._give_up = float("inf")

    def monotonic(self) -> float:
        """The time."""
        return self.now

    def time_ns(self) -> int:
        """The time."""
        return int((self.now + self.skew_s) * 1000) * 1_000_000

    def pass_by(self, seconds: float) -> None:
        """Let time pass; DeadlineExceeded if the caller gives up meanwhile."""
        end = self.now + seconds
        self.now = min(end, self._give_up)
        if end > self._give_up:
            raise DeadlineExceeded

    @contextmanager
    def until(self, give_up: float) -> Iterator[None]:
        """Give up at a time."""
        before, self._give_up = self._give_up, give_up
        try:
            yield
        finally:
            self._give_up = before
