"""Each simulated day makes exactly its alarms, the first in time. `make test-watch` has longer and more days."""

from collections.abc import Iterator

import pytest

from tests.support.watch.__main__ import wrong
from tests.support.watch.alarm_rules import EXTRAS
from tests.support.watch.days import FAULTS, SCENARIOS, Day, Scenario
from tests.support.watch.world import simulated

_LONGEST_HOURS = 3


@pytest.fixture(autouse=True)
def simulation() -> Iterator[None]:
    with simulated():
        yield


@pytest.mark.parametrize(
    "scenario", [pytest.param(each, id=each.name) for each in SCENARIOS if each.hours <= _LONGEST_HOURS]
)
def test_a_day_makes_its_alarms_and_no_others(scenario: Scenario) -> None:
    assert [wrong(scenario, found) for found in Day(scenario).live()] == [[]] * len(EXTRAS)


def test_at_least_twenty_faults_are_told_within_twenty_minutes() -> None:
    """The others are silence, which is told within its hours and 15 minutes, what only a canary tells, and no fault.

    CloudWatch looks back beyond three hours for values of the digester, and does not say how far.
    """
    assert len([each for each in FAULTS if each.told_in and each.told_in <= 20]) >= 20
    assert {each.told_in for each in FAULTS} == {20, 31, 135, 785, None}


def test_every_alarm_comes_on_some_day() -> None:
    """An alarm that no day makes may never come."""
    world = Day(SCENARIOS[0]).world
    assert {each.alarm.name for each in world.evaluators} - {name for each in FAULTS for name in each.alarms} == set()
