"""Calls with a hard limit on their time and number: threads and sockets do not pile up when a service hangs."""

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

from receiver.abortable import Call
from receiver.deadline import Deadline, DeadlineExceeded

Result = TypeVar("Result")
_Outcome = tuple[int, Result | None, Exception | None]


class Busy(Exception):
    """As many calls as are allowed are running already."""


class Calls:
    """Runs calls side by side, at most `limit` of them at a time."""

    def __init__(self, limit: int) -> None:
        self._free = threading.BoundedSemaphore(limit)

    def run(self, functions: Sequence[Callable[[], Result]], deadline: Deadline) -> list[Result]:
        """Run functions side by side and give their results in order.

        Raises what the first function to fail raised, DeadlineExceeded, or Busy; the calls that still run are aborted.
        """
        outcomes: SimpleQueue[_Outcome[Result]] = SimpleQueue()
        calls: list[Call] = []
        try:
            for number, function in enumerate(functions):
                calls.append(self._start(number, function, outcomes))
            results = {}
            for _ in functions:
                try:
                    number, result, error = outcomes.get(timeout=deadline.remaining())
                except Empty:
                    raise DeadlineExceeded from None
                if error:
                    raise error
                results[number] = result
        finally:
            for call in calls:
                call.abort()
        return [results[number] for number in range(len(functions))]  # type: ignore[misc]

    def _start(
        self,
        number: int,
        function: Callable[[], Result],
        outcomes: "SimpleQueue[_Outcome[Result]]",
    ) -> Call:
        call = Call()

        def run() -> None:
            outcome: _Outcome[Result]
            try:
                outcome = number, call.run(function), None
            except Exception as error:  # noqa: BLE001  raised again, in the thread that waits
                outcome = number, None, error
            # Before the outcome is out: its reader may make the next call at once.
            self._free.release()
            outcomes.put(outcome)

        if not self._free.acquire(blocking=False):
            raise Busy
        try:
            # A daemon thread: a call that hangs must not keep the process alive.
            threading.Thread(target=run, daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            self._free.release()
            raise Busy from error
        return call
