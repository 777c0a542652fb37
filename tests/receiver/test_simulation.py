"""The whole life of batches on a simulated clock: tests/support/simulation/. The totals are in pytest's summary."""

from collections.abc import Callable

from infra import flusher, spill
from tests.support.simulation import aws, life
from tests.support.simulation.seeds import live_all

SEEDS = 2000
_SHARDS = 4


def _check(shard: int, record_property: Callable[[str, object], None]) -> None:
    totals, failures = live_all(range(shard, SEEDS, _SHARDS))
    # A plain dict: it comes here from pytest-xdist's workers.
    record_property("totals of the simulation", dict(totals))
    assert failures == []
    for what in ("answers 200", "answers 503", "spilled", "repeats", "zombies", "crashes"):
        assert totals[what] > 0, f"the simulation has no {what}"


# Classes, because pytest-xdist's loadscope gives each to a worker of its own.
class TestFirstQuarterOfSeeds:
    def test_what_is_answered_200_is_stored_once(self, record_property: Callable[[str, object], None]) -> None:
        _check(0, record_property)


class TestSecondQuarterOfSeeds:
    def test_what_is_answered_200_is_stored_once(self, record_property: Callable[[str, object], None]) -> None:
        _check(1, record_property)


class TestThirdQuarterOfSeeds:
    def test_what_is_answered_200_is_stored_once(self, record_property: Callable[[str, object], None]) -> None:
        _check(2, record_property)


class TestFourthQuarterOfSeeds:
    def test_what_is_answered_200_is_stored_once(self, record_property: Callable[[str, object], None]) -> None:
        _check(3, record_property)


class TestTheWorldItself:
    def test_the_simulated_cloud_is_as_the_stack_declares_it(self) -> None:
        assert (aws.DELAY_S, aws.VISIBILITY_S) == (spill.DELAY_S, spill.VISIBILITY_S)
        assert life.TIMEOUT_S == flusher.TIMEOUT_S

    def test_a_seed_always_lives_the_same_life(self) -> None:
        assert live_all([7]) == live_all([7])
