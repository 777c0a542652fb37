"""A hard limit on calls that could hang: boto3's time-outs bound one socket read, not an answer that trickles."""

import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


class DeadlineExceeded(Exception):
    """The time was up before the work was done. Calls may still finish, later and unseen."""


class Deadline:
    """A moment, so many seconds from now, until which calls may run."""

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

    def run(self, calls: Sequence[Callable[[], Result]]) -> list[Result]:
        """Run calls side by side and give their results in order.

        Raises what the first failing call raised, or DeadlineExceeded.
        """
        outcomes: SimpleQueue[tuple[int, Result | None, Exception | None]] = SimpleQueue()

        def run(number: int, call: Callable[[], Result]) -> None:
            try:
                outcomes.put((number, call(), None))
            except Exception as error:  # noqa: BLE001  raised again, in the thread that waits
                outcomes.put((number, None, error))

        for numbered_call in enumerate(calls):
            # A daemon: a call that hangs must not keep the process from ending.
            threading.Thread(target=run, args=numbered_call, daemon=True).start()
        results = {}
        for _ in calls:
            try:
                number, result, error = outcomes.get(timeout=self.remaining())
            except Empty:
                raise DeadlineExceeded from None
            if error:
                raise error
            results[number] = result
        return [results[number] for number in range(len(calls))]  # type: ignore[misc]
