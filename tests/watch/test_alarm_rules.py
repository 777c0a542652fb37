"""The evaluator of alarms says what CloudWatch's own tables say."""

import pytest

from contract.alarms import Alarm, Missing, Statistic
from contract.metrics import Metric
from tests.support.watch.alarm_rules import Evaluator, State, state
from tests.support.watch.cloudwatch import Metrics, Series, Values

OK, ALARM, INSUFFICIENT, RETAIN = "OK", "ALARM", "INSUFFICIENT_DATA", "retain"
TREATMENTS = ("missing", Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)
# "Configuring how CloudWatch alarms treat missing data": 3 of 3, and 2 of 3, over a range of 5 data points.
THREE_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "0 - - - -": (OK, OK, OK, OK),
    "- - - - -": (INSUFFICIENT, RETAIN, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - X - -": (ALARM, RETAIN, ALARM, OK),
    # In the text below the tables: these do not go to ALARM at once.
    "- - - - X": (OK, OK, ALARM, OK),
    "- - - X -": (OK, OK, ALARM, OK),
}
TWO_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - X -": (ALARM, RETAIN, ALARM, OK),
}


def points(text: str) -> tuple[bool | None, ...]:
    return tuple({"0": False, "X": True, "-": None}[each] for each in text.split())


@pytest.mark.parametrize(
    ("text", "datapoints", "treatment", "expected"),
    [
        pytest.param(text, datapoints, treatment, expected, id=f"{datapoints} of 3, {text}, {treatment}")
        for datapoints, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
        for text, row in table.items()
        for treatment, expected in zip(TREATMENTS, row, strict=True)
    ],
)
def test_the_state_is_that_of_cloudwatchs_tables(text: str, datapoints: int, treatment: str, expected: str) -> None:
    for before in State:
        found = state(points(text), datapoints, 3, treatment, before)
        assert found == (before if expected == RETAIN else expected)


# ---------------------------------------------------------------- periods


def alarm(**changes: object) -> Alarm:
    given = {
        "name": "an-alarm", "metric": Metric.BEHIND, "statistic": Statistic.SUM, "threshold": 3, "period_s": 300,
        "datapoints": 1, "periods": 1, "missing": Missing.NOT_BREACHING, "means": "", "arguments": "",
    }  # fmt: skip
    return Alarm(**{**given, **changes})  # type: ignore[arg-type]


def test_periods_end_at_any_minute() -> None:
    """An alarm is evaluated every minute, however long its periods are."""
    values = Values()
    for minute in (12, 14, 16):
        values.put(minute, 1)
    evaluator = Evaluator(alarm(), values, [0])
    for minute in range(10, 30):
        evaluator.evaluate(minute)
    assert evaluator.histories[0].changes == [(10, State.OK), (17, State.ALARM), (18, State.OK)]


def test_a_change_is_compared_with_the_day_before() -> None:
    day, values = 24 * 60, Values()
    for number, objects in enumerate([1000, 1100, 900, 500, 500]):
        values.put(number * day, objects)
    evaluator = Evaluator(
        alarm(
            period_s=86_400, threshold=300, statistic=Statistic.AVERAGE, periods=2, per_day_change=True,
            missing=Missing.IGNORE,
        ),
        values,
        [0],
    )  # fmt: skip
    for minute in range(2 * day, 5 * day + 1):
        evaluator.evaluate(minute)
    expected = [(2 * day, State.OK), (3 * day + 60, State.ALARM), (4 * day + 60, State.OK)]
    assert evaluator.histories[0].changes == expected


def test_the_first_value_that_is_retrieved_has_no_change() -> None:
    """DIFF has no value before it, and CloudWatch retrieves none for it."""
    day, values = 24 * 60, Values()
    values.put(0, 1000)
    values.put(day, 9000)
    given = alarm(
        period_s=86_400, threshold=300, statistic=Statistic.AVERAGE, per_day_change=True, missing=Missing.IGNORE
    )
    evaluator = Evaluator(given, values, [0, 1])
    for minute in range(day, 3 * day):
        evaluator.evaluate(minute)
    assert [history.changes for history in evaluator.histories] == [[], [(day + 1, State.ALARM)]]


def test_an_alarm_over_more_than_a_day_is_evaluated_every_hour() -> None:
    values = Values()
    values.put(30, 1)
    evaluator = Evaluator(alarm(period_s=86_400, periods=2, threshold=1), values, [0])
    for minute in range(24 * 60):
        evaluator.evaluate(minute)
    assert evaluator.histories[0].changes == [(0, State.OK), (60, State.ALARM)]


def test_a_percentile_is_of_all_values() -> None:
    values = Values()
    values.put(0, 20, 990)
    values.put(0, 3000, 10)
    assert values.statistic("p99", 0, 1) == 20
    values.put(0, 3000)
    assert values.statistic("p99", 0, 1) == 3000


@pytest.mark.parametrize(("statistic", "expected"), [("Sum", 6), ("Maximum", 3), ("Average", 1.5)])
def test_a_statistic_is_of_all_values_of_the_period(statistic: str, expected: float) -> None:
    values = Values()
    for minute, value in ((10, 1.0), (10, 2.0), (12, 3.0), (14, 0.0), (15, 99.0)):
        values.put(minute, value)
    assert values.statistic(statistic, 10, 5) == expected
    assert values.statistic(statistic, 20, 5) is None


# ---------------------------------------------------------------- log lines


def test_a_series_is_all_of_its_dimensions() -> None:
    metrics = Metrics()
    line = (
        '{"_aws": {"Timestamp": 60000, "CloudWatchMetrics": [{"Namespace": "n", "Dimensions": [["app"]], "Metrics": '
        '[{"Name": "Lines", "Unit": "Count"}]}]}, "app": "a", "Lines": 7, "batches": 2}'
    )
    metrics.put_log_line(line)
    metrics.put_log_line('{"level": "ERROR", "reason": "x"}')
    assert list(metrics.series) == [Series("n", "Lines", (("app", "a"),))]
    assert metrics.series[Series("n", "Lines", (("app", "a"),))].minutes == {1: [(7, 1)]}
    with pytest.raises(ValueError, match="not a number"):
        metrics.put_log_line(line.replace("7", '"7"'))
    with pytest.raises(KeyError):
        metrics.put_log_line(line.replace('"Lines": 7', '"Line": 7'))
