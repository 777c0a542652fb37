"""The moment by which a request must be answered."""

import time


class DeadlineExceeded(Exception):
    """The time was up before the work was done."""


class Deadline:
    """A moment, given as seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Give the seconds that are left, 0 when there are none."""
        return max(0.0, self._end - time.monotonic())

    def at_most(self, seconds: float) -> "Deadline":
        """Give the deadline that comes first: this one, or so many seconds from now."""
        return Deadline(min(seconds, self.remaining()))

    def check(self) -> None:
        """Raise DeadlineExceeded when there is no time left: for work that takes long by itself."""
        if not self.remaining():
            raise DeadlineExceeded
