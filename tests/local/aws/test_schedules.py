"""EventBridge Scheduler on this machine: calls at a rate, whatever single calls do."""

import threading

from local.aws.schedules import Ticker, seconds_of

PATIENCE_S = 20.0


def test_a_rate_is_in_minutes() -> None:
    assert (seconds_of("rate(1 minute)"), seconds_of("rate(5 minutes)")) == (60, 300)


def test_a_call_that_fails_is_followed_by_the_next_until_the_stop() -> None:
    calls: list[int] = []
    enough = threading.Event()

    def fail() -> None:
        calls.append(1)
        if len(calls) >= 3:
            enough.set()
        raise ValueError

    ticker = Ticker(fail, 0.001)
    assert enough.wait(PATIENCE_S)
    ticker.stop()
    ticker.join()
    made = len(calls)
    assert made >= 3


def test_the_first_call_is_at_once_and_the_next_after_the_time() -> None:
    """A rate without a start date begins with the schedule ("Schedule types", rate-based schedules)."""
    called, again = threading.Event(), threading.Event()
    ticker = Ticker(lambda: again.set() if called.is_set() else called.set(), 3600)
    assert called.wait(PATIENCE_S)
    ticker.stop()
    ticker.join()
    assert not again.is_set()
