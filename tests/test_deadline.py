"""A deadline is hard: whatever a call does, the caller goes on when the time is up."""

import threading
import time
from collections.abc import Iterator

import pytest

from receiver.deadline import Deadline, DeadlineExceeded

AMPLE_S = 10.0
PATIENCE_S = 2.0  # for what has to end in a twentieth of a second, on a machine that is busy


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

    assert Deadline(AMPLE_S).run([first, second]) == ["first", "second"]


def test_calls_run_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=AMPLE_S)
    assert sorted(Deadline(AMPLE_S).run([meeting.wait] * 3)) == [0, 1, 2]


def test_no_calls_have_no_results() -> None:
    assert Deadline(0).run([]) == []


def test_a_call_that_hangs_is_left_when_the_time_is_up(over: threading.Event) -> None:
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        Deadline(0.05).run([lambda: True, over.wait])
    assert 0.05 <= time.monotonic() - begin < PATIENCE_S


def test_a_call_that_hangs_does_not_keep_the_process(over: threading.Event) -> None:
    before = set(threading.enumerate())
    with pytest.raises(DeadlineExceeded):
        Deadline(0).run([over.wait])
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)


def test_a_failing_call_is_raised_at_once_though_others_hang(over: threading.Event) -> None:
    def fail() -> bool:
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        Deadline(AMPLE_S).run([over.wait, fail])


def test_remaining_never_is_negative() -> None:
    assert Deadline(-1).remaining() == 0
    assert 0 < Deadline(AMPLE_S).remaining() <= AMPLE_S


def test_at_most_is_the_earlier_one() -> None:
    assert Deadline(AMPLE_S).at_most(1).remaining() <= 1
    assert Deadline(1).at_most(AMPLE_S).remaining() <= 1


def test_work_that_checks_is_ended_when_the_time_is_up() -> None:
    Deadline(60).check()
    with pytest.raises(DeadlineExceeded):
        Deadline(0).check()
