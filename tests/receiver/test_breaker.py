"""A service that lets calls time out is left alone, and asked again soon enough to notice that it is back."""

from receiver.breaker import FAILURES, Breaker

PROBE_S = 5.0


class Clock:
    """A clock that only the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(PROBE_S, clock)
    for _ in range(FAILURES):
        assert breaker.allow()
        breaker.failed()
    return breaker, clock


def test_a_few_failures_in_a_row_open_it() -> None:
    breaker, _ = opened()
    assert not breaker.allow()


def test_failures_that_are_not_in_a_row_do_not() -> None:
    breaker = Breaker(PROBE_S, Clock())
    for _ in range(10 * FAILURES):
        breaker.failed()
        breaker.answered()
        assert breaker.allow()


def test_one_call_finds_out_whether_it_is_over() -> None:
    breaker, clock = opened()
    clock.now += PROBE_S
    assert [breaker.allow() for _ in range(10)] == [True] + [False] * 9


def test_a_probe_that_fails_leaves_it_open_and_the_next_is_as_far_off() -> None:
    breaker, clock = opened()
    for _ in range(3):
        clock.now += PROBE_S
        assert breaker.allow()
        breaker.failed()
        clock.now += PROBE_S - 0.1
        assert not breaker.allow()
        clock.now += 0.1 - PROBE_S


def test_a_probe_that_never_ends_does_not_keep_others_from_probing() -> None:
    breaker, clock = opened()
    for _ in range(3):
        clock.now += PROBE_S
        assert breaker.allow()
        assert not breaker.allow()


def test_a_probe_that_is_answered_closes_it() -> None:
    breaker, clock = opened()
    clock.now += PROBE_S
    assert breaker.allow()
    breaker.answered()
    assert all(breaker.allow() for _ in range(10))
    breaker.failed()
    assert breaker.allow(), "it takes as many failures again"
