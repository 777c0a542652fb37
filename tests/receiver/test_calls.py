"""Calls are hard limited: whatever one does the caller goes on when the time is up, and their number is bounded."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pytest

from receiver.calls import Busy, Calls
from receiver.deadline import Deadline, DeadlineExceeded

Result = TypeVar("Result")

AMPLE_S = 10.0
PATIENCE_S = 2.0  # for what has to end in a twentieth of a second, on a machine that is busy
LIMIT = 3


def run(functions: Sequence[Callable[[], Result]], seconds: float = AMPLE_S) -> list[Result]:
    return Calls(LIMIT).run(functions, Deadline(seconds))


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """What hanging calls wait for; set when the test is done."""
    event = threading.Event()
    yield event
    event.set()


def test_results_come_in_the_order_of_the_calls(over: threading.Event) -> None:
    def first() -> str:
        over.wait()
        return "first"

    def second() -> str:
        over.set()
        return "second"

    assert run([first, second]) == ["first", "second"]


def test_calls_run_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=AMPLE_S)
    assert sorted(run([meeting.wait] * 3)) == [0, 1, 2]


def test_no_calls_have_no_results() -> None:
    assert run([], 0) == []


def test_a_call_that_hangs_is_left_when_the_time_is_up(over: threading.Event) -> None:
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        run([lambda: True, over.wait], 0.05)
    assert 0.05 <= time.monotonic() - begin < PATIENCE_S


def test_a_call_that_hangs_does_not_keep_the_process(over: threading.Event) -> None:
    before = set(threading.enumerate())
    with pytest.raises(DeadlineExceeded):
        run([over.wait], 0)
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)


def test_a_failing_call_is_raised_at_once_though_others_hang(over: threading.Event) -> None:
    def fail() -> bool:
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        run([over.wait, fail])


def test_no_more_calls_than_the_limit_are_under_way(over: threading.Event) -> None:
    """Those that were left when their time was up count for as long as they go on."""
    calls = Calls(LIMIT)
    for _ in range(LIMIT):
        with pytest.raises(DeadlineExceeded):
            calls.run([over.wait], Deadline(0))
    with pytest.raises(Busy):
        calls.run([over.wait], Deadline(AMPLE_S))


def test_a_call_that_is_over_makes_room() -> None:
    calls = Calls(1)
    for number in range(100):
        assert calls.run([lambda number=number: number], Deadline(AMPLE_S)) == [number]  # type: ignore[misc]


def test_a_system_without_threads_is_busy_and_nothing_is_left_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    calls = Calls(1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        for _ in range(2):
            with pytest.raises(Busy):
                calls.run([lambda: True], Deadline(AMPLE_S))
    assert calls.run([lambda: True], Deadline(AMPLE_S)) == [True]
