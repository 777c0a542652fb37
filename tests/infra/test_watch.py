"""The watch as it is declared: its alarms are on metrics that exist, say what to type, and cost what they may."""

from typing import Any

import pytest

from contract import alarms, names
from contract.alarms import DESCRIPTION_CHARACTERS, Watched
from contract.metrics import Metric
from contract.stored_line import Reason
from receiver.metrics import Entry, Point, lines, of_stored
from receiver.tally import Tally
from tests.support.documented_metrics import DOCUMENTED
from tests.support.recording_monitor import Resource, Run, run
from tests.support.watch.cloudwatch import Metrics, Series

APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
# Which resources' names are values of a dimension.
OF_RESOURCES = {
    "FunctionName": ":Function",
    "TableName": ":Table",
    "QueueName": ":Queue",
    "BucketName": ":Bucket",
}


@pytest.fixture(scope="module")
def stack() -> Run:
    return run()


def measured(alarm: Resource) -> tuple[str, str, dict[str, str]]:
    """The namespace, the name and the dimensions of an alarm's metric."""
    inputs: Any = alarm.inputs
    if "metricQueries" in inputs:
        [inputs] = [query["metric"] for query in inputs["metricQueries"] if "metric" in query]
    return inputs["namespace"], inputs["metricName"], inputs.get("dimensions", {})


def written() -> set[Series]:
    """All series that receiver and flusher write in a stack with these apps."""
    namespace = names.receiver_function("raxx-log")
    entries = [Entry([Point(Metric.UNAUTHORISED, 1)])]
    for app in APPS:
        tally = Tally(app, lost=1)
        tally.quarantined.update([Reason.BAD_TIME])
        entries.append(of_stored(tally, 1, None))
        entries.append(Entry([Point(Metric.BEHIND, 0), Point(Metric.SILENCE, 0, app)]))
    metrics = Metrics()
    for entry in entries:
        for line in lines(entry, namespace, 0).splitlines():
            metrics.put_log_line(line)
    return set(metrics.series)


# ---------------------------------------------------------------- metrics


def test_each_alarm_is_on_a_metric_that_exists_with_these_dimensions(stack: Run) -> None:
    """CloudWatch takes any: an alarm on a metric that nobody writes never comes."""
    ours = written()
    for alarm in stack.of_type(":MetricAlarm"):
        namespace, name, dimensions = measured(alarm)
        if namespace.startswith("AWS/"):
            assert (namespace, name, tuple(sorted(dimensions))) in DOCUMENTED, alarm.name
        else:
            assert Series.of(namespace, name, dimensions) in ours, alarm.name


def test_each_alarm_is_on_a_resource_of_the_stack(stack: Run) -> None:
    known = {
        dimension: {each.inputs.get("name") or each.inputs.get("bucket") for each in stack.of_type(kind)}
        for dimension, kind in OF_RESOURCES.items()
    }
    for alarm in stack.of_type(":MetricAlarm"):
        _, _, dimensions = measured(alarm)
        for dimension, value in dimensions.items():
            assert value in known.get(dimension, {value}), alarm.name


def test_three_apps_have_ten_series(stack: Run) -> None:
    """As many as CloudWatch gives away."""
    assert len(written()) == 10


# ---------------------------------------------------------------- what alarms say


def test_alarms_are_those_of_the_table(stack: Run) -> None:
    watched = Watched("raxx-log", "/raxx/log-drain/", dict.fromkeys(APPS, 2))
    declared = {alarm.inputs["name"]: alarm for alarm in stack.of_type(":MetricAlarm")}
    assert declared.keys() == alarms.named(watched).keys()
    assert len(declared) == len(alarms.alarms(watched)) == 20


def test_a_description_has_the_command_with_the_stacks_prefix() -> None:
    other = run({"parameterPrefix": "/other/logs/"})
    for alarm in other.of_type(":MetricAlarm"):
        text = alarm.inputs["alarmDescription"]
        assert "Run: hla --prefix /other/logs/ " in text
        assert len(text) <= DESCRIPTION_CHARACTERS


def test_an_alarm_reaches_no_further_back_than_cloudwatch_allows(stack: Run) -> None:
    """A day; a week for periods of an hour or more ("PutMetricAlarm", EvaluationPeriods)."""
    for alarm in alarms.alarms(Watched("p", "/p/", {"app": 168}, flush_minutes=60)):
        assert alarm.datapoints <= alarm.periods
        assert alarm.periods * alarm.period_s <= (7 * 86_400 if alarm.period_s >= 3600 else 86_400)


def test_there_is_no_alarm_of_an_app_that_may_be_silent_or_while_drains_are_disabled() -> None:
    silent = {"quiet": 0, "busy": 2}
    assert [each.app for each in alarms.alarms(Watched("p", "/p/", silent)) if each.app] == ["busy"]
    assert not [each for each in alarms.alarms(Watched("p", "/p/", silent, drains_enabled=False)) if each.app]


# ---------------------------------------------------------------- the budget


def test_the_budget_gives_notice_at_50_80_and_100_percent_and_by_forecast(stack: Run) -> None:
    [budget] = stack.of_type("budget:Budget")
    notices = [(each["notificationType"], each["threshold"]) for each in budget.inputs["notifications"]]
    assert notices == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert budget.inputs["limitAmount"] == "20"
    topic = "arn:aws:sns:us-east-1:123456789012:raxx-log-alarms"
    assert all(each["subscriberSnsTopicArns"] == [topic] for each in budget.inputs["notifications"])


def test_the_budget_counts_by_services_or_by_a_tag(stack: Run) -> None:
    """AWS gives the values back in an order of its own, which the provider would take for a change."""
    [by_services] = stack.of_type("budget:Budget")
    [services] = by_services.inputs["costFilters"]
    assert services["name"] == "Service"
    assert services["values"] == sorted(services["values"])
    [by_tag] = run({"budgetTag": "project"}).of_type("budget:Budget")
    assert by_tag.inputs["costFilters"] == [{"name": "TagKeyValue", "values": ["user:project$heroku-log-archive"]}]
