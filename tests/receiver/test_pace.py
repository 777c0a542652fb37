"""Answers to small batches wait, so that the next one has more lines; nobody waits who may be in trouble."""

import threading

import pytest

from contract.logplex.batch import Batch, Survey
from receiver.deadline import Deadline
from receiver.pace import BACKLOG_MS, FEW_LINES, NO_PACE, Pace
from tests.support.fakes import APP
from tests.support.logplex_frames import NOON_MS

BATCH = Batch(APP, "f", NOON_MS, b"")
FEW = Survey(NOON_MS, dated=True, lines=1)
AMPLE_S = 10.0


def slept(found: Survey = FEW, waited_s: float = 0, seconds: float = AMPLE_S, after_ms: int = 500) -> list[float]:
    sleeps: list[float] = []
    Pace(after_ms, 1, sleeps.append).wait(BATCH, found, waited_s, Deadline(seconds))
    return sleeps


def test_an_answer_waits_until_so_long_after_the_arrival() -> None:
    assert slept() == [0.5]
    assert slept(waited_s=0.2) == [pytest.approx(0.3)]


@pytest.mark.parametrize("waited_s", [0.5, 3])
def test_an_answer_that_took_longer_does_not_wait(waited_s: float) -> None:
    """A cold start, or a slow buffer."""
    assert slept(waited_s=waited_s) == []


def test_no_answer_waits_beyond_its_deadline() -> None:
    [seconds] = slept(seconds=0.1)
    assert 0 < seconds <= 0.1
    assert slept(seconds=0) == []


def test_without_a_pace_nobody_waits() -> None:
    assert slept(after_ms=0) == []
    NO_PACE.wait(BATCH, FEW, 0, Deadline(AMPLE_S))


@pytest.mark.parametrize(("lines", "waits"), [(FEW_LINES, True), (FEW_LINES + 1, False)])
def test_a_sender_of_many_lines_does_not_wait(lines: int, waits: bool) -> None:
    """Logplex drops the oldest of more than 1,024 lines."""
    assert bool(slept(FEW._replace(lines=lines))) == waits


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        pytest.param(FEW._replace(reference_ms=NOON_MS - BACKLOG_MS), True, id="fresh"),
        pytest.param(FEW._replace(reference_ms=NOON_MS - BACKLOG_MS - 1), False, id="backlog"),
        pytest.param(FEW._replace(reference_ms=NOON_MS + 60_000), True, id="clock-ahead"),
        pytest.param(Survey(0, dated=False, lines=1), True, id="without-a-valid-time"),
    ],
)
def test_a_sender_with_a_backlog_does_not_wait(found: Survey, waits: bool) -> None:
    assert bool(slept(found)) == waits


def test_at_most_so_many_wait_at_a_time() -> None:
    """Outside Lambda a delay takes a thread, which others may need more."""
    within, over = threading.Semaphore(0), threading.Event()

    def sleep(_: float) -> None:
        within.release()
        over.wait(AMPLE_S)

    pace = Pace(500, 2, sleep)
    threads = [threading.Thread(target=pace.wait, args=(BATCH, FEW, 0, Deadline(AMPLE_S))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert within.acquire(timeout=AMPLE_S)
    pace.wait(BATCH, FEW, 0, Deadline(AMPLE_S))  # does not wait, or this would not end
    over.set()
    for thread in threads:
        thread.join()
    pace.wait(BATCH, FEW, 0, Deadline(AMPLE_S))
    assert within.acquire(timeout=AMPLE_S), "their places are free again"


def test_a_place_is_free_again_when_the_wait_fails() -> None:
    calls = 0

    def interrupted(_: float) -> None:
        nonlocal calls
        calls += 1
        raise KeyboardInterrupt

    pace = Pace(500, 1, interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            pace.wait(BATCH, FEW, 0, Deadline(AMPLE_S))
    assert calls == 2
