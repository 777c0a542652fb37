"""The moment by which a request must be answered."""

import time


class DeadlineExceeded(Exception):
    """The time ran out before the work was done."""


class Deadline:
    """A moment, given in seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Give the seconds that are left, 0 when there are none."""
        return max(0.0, self._end - time.monotonic())

    def at_most(self, seconds: float) -> "Deadline":
        """Give the earlier deadline: this one, or one in so many seconds from now."""
        return Deadline(min(seconds, self.remaining()))

    def check(self) -> None:
        """Raise DeadlineExceeded when no time is left. Long work calls this from time to time."""
        if not self.remaining():
            raise DeadlineExceeded
