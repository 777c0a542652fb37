"""Answers small batches a little later, so that Logplex puts more lines into the next one.

Logplex sends as soon as it has a line and no request is in flight (`logplex_http_drain.erl`). So the time that an
answer takes decides how many lines the next POST has, and a POST costs about the same with one line and with twenty.
"""

import time
from collections.abc import Callable
from threading import BoundedSemaphore

from contract.logplex.batch import Batch, Survey
from receiver.deadline import Deadline

# Logplex's buffer of a drain holds 1,024 lines and then drops the oldest. A node that sends more than this in a POST,
# or lines that have waited, may be close to that and is answered at once.
FEW_LINES = 20
BACKLOG_MS = 2_000


class Pace:
    """Delays answers until so many milliseconds after the arrival; at most `at_once` of them at a time."""

    def __init__(self, answer_after_ms: int, at_once: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._after_s, self._sleep = answer_after_ms / 1000, sleep
        # Outside Lambda a delay takes a thread, which others may need more.
        self._free = BoundedSemaphore(at_once)

    def wait(self, batch: Batch, found: Survey, waited_s: float, deadline: Deadline) -> None:
        """Wait, if the batch may; `waited_s` is how long ago it arrived, in seconds."""
        seconds = min(self._after_s - waited_s, deadline.remaining())
        backlog = found.dated and batch.arrival_ms - found.reference_ms > BACKLOG_MS
        if seconds <= 0 or found.lines > FEW_LINES or backlog or not self._free.acquire(blocking=False):
            return
        try:
            self._sleep(seconds)
        finally:
            self._free.release()


NO_PACE = Pace(0, 1)
