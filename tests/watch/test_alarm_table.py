"""The table of alarms: each is on a metric that exists, and CloudWatch takes its name and its description."""

from collections.abc import Iterator

import pytest

from contract import names
from contract.alarms import DESCRIPTION_CHARACTERS, Watched, alarms, named
from contract.metrics import Metric, series
from contract.object_keys import APP_NAME
from contract.vended_metrics import Vended
from tests.support.documented_metrics import DOCUMENTED
from tests.support.watch.cloudwatch import Series
from tests.support.watch.days import FAULTS, Day
from tests.support.watch.world import APPS, NAMESPACE, World, simulated

# CloudWatch's limit ("PutMetricAlarm", AlarmName).
NAME_CHARACTERS = 255
# These days make all metrics of receiver and flusher.
TELLING = ("logplex-loses", "malformed", "old-token")
WATCHED = Watched("raxx-log", "/raxx/log-drain/", dict.fromkeys(APPS, 2))
# The longest that settings allow.
LONG = Watched("p" * 30, "/" + "x" * 60 + "/", {"a" * 30: 168})


@pytest.fixture(scope="module")
def written() -> Iterator[set[Series]]:
    """The series that have values after days on which something of each kind happened."""
    with simulated():
        worlds = list[World]()
        for scenario in FAULTS:
            if scenario.name in TELLING:
                day = Day(scenario)
                day.live()
                worlds.append(day.world)
        yield {each for world in worlds for each, values in world.metrics.series.items() if values.minutes}


def own(written: set[Series]) -> set[Series]:
    return {each for each in written if each.namespace == NAMESPACE}


def test_every_alarm_is_on_a_series_that_is_written(written: set[Series]) -> None:
    """CloudWatch creates an alarm on any name; one that nobody writes is never in ALARM."""
    world = world_of_the_stack()
    assert {each.alarm.name for each in world.evaluators if world.series_of(each.alarm) not in written} == {
        # Only written when DynamoDB throttles.
        "buffer-throttled",
        "receiver-throttled",
    }


def world_of_the_stack() -> World:
    with simulated():
        return Day(FAULTS[0]).world


def test_every_metric_of_the_contract_is_written_with_its_dimension(written: set[Series]) -> None:
    expected = {
        Series.of(NAMESPACE, metric.title, {metric.dimension: app} if metric.dimension else {})
        for metric in Metric
        for app in APPS
    }
    assert own(written) == expected
    # CloudWatch's free ten.
    assert len(expected) == sum(series(metric, len(APPS)) for metric in Metric) <= 10


def test_vended_metrics_are_as_aws_documents_them() -> None:
    vended = {each.metric for each in alarms(WATCHED) if isinstance(each.metric, Vended)}
    assert {(each.namespace, each.title, tuple(sorted(each.dimensions))) for each in vended} == DOCUMENTED


def test_an_alarm_has_a_name_of_its_own_that_cloudwatch_takes() -> None:
    for watched in (WATCHED, LONG):
        assert len(named(watched)) == len(alarms(watched))
        assert max(map(len, named(watched))) <= NAME_CHARACTERS
    assert names.alarm("raxx-log", "behind") in named(WATCHED)


def test_a_description_fits_and_ends_with_a_command() -> None:
    [app] = LONG.silence_hours
    assert APP_NAME.fullmatch(app)
    for watched in (WATCHED, LONG):
        for alarm in alarms(watched):
            description = alarm.description(watched.parameter_prefix)
            assert len(description) <= DESCRIPTION_CHARACTERS
            assert description.endswith(f" Run: hla --prefix {watched.parameter_prefix} {alarm.arguments}")
