"""CloudWatch: which metrics are asked for, and how their values become days."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from contract.outputs import Outputs
from runbook.cost import cloudwatch, traffic
from tests.support.outputs import VALUES

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
BEGIN = date(2026, 10, 1)
OUTPUTS = Outputs.parse(json.dumps(VALUES), "the outputs")
API = "https://a1b2c3.execute-api.us-east-1.amazonaws.com/prod/drain"


class FakeCloudWatch:
    """Answers by (metric, dimension's value), a day a page; `asked` are the queries by that."""

    def __init__(self, values: Mapping[tuple[str, str], Mapping[datetime, float]]) -> None:
        self._values = values
        self.asked: dict[tuple[str, str], Mapping[str, Any]] = {}

    def get_paginator(self, name: str) -> "FakeCloudWatch":
        assert name == "get_metric_data"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        assert (request["StartTime"], request["EndTime"]) == (datetime(2026, 10, 1, tzinfo=UTC), NOW)
        for query in request["MetricDataQueries"]:
            assert (query["MetricStat"]["Period"], query["MetricStat"]["Stat"]) == (86_400, "Sum")
            metric = query["MetricStat"]["Metric"]
            [dimension] = metric["Dimensions"]
            key = metric["MetricName"], dimension["Value"]
            self.asked[key] = metric
            for time, value in self._values.get(key, {}).items():
                yield {"MetricDataResults": [{"Id": query["Id"], "Timestamps": [time], "Values": [value]}]}


def days(fake: FakeCloudWatch, **changes: Any) -> dict[date, dict[str, float]]:
    return cloudwatch.of_days(fake, replace(OUTPUTS, endpoint=API, **changes), BEGIN, NOW)  # type: ignore[arg-type]


def sources(**changes: Any) -> list[cloudwatch.Source]:
    return list(cloudwatch.sources(replace(OUTPUTS, **{"endpoint": API, **changes})))


def at(day: int) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC)


def test_values_are_summed_over_the_apps_by_day() -> None:
    first, second, *_ = OUTPUTS.apps
    fake = FakeCloudWatch(
        {
            ("Count", "a1b2c3"): {at(22): 1_000.0, at(23): 2_000.0},
            ("Lines", first): {at(23): 500.0},
            ("Lines", second): {at(23): 70.0},
        }
    )
    assert days(fake) == {
        date(2026, 11, 22): {"posts": 1_000.0},
        date(2026, 11, 23): {"posts": 2_000.0, "lines": 570.0},
    }


def test_each_field_is_measured_by_its_metric() -> None:
    found = {(each.field, each.namespace.removeprefix("AWS/"), each.metric) for each in sources()}
    assert found == {
        ("posts", "ApiGateway", "Count"),
        ("body_bytes", "ApiGateway", "DataProcessed"),
        ("receiver_ms", "Lambda", "Duration"),
        ("flusher_ms", "Lambda", "Duration"),
        ("write_units", "DynamoDB", "ConsumedWriteCapacityUnits"),
        ("read_units", "DynamoDB", "ConsumedReadCapacityUnits"),
        ("lines", f"{OUTPUTS.name_prefix}-receiver", "Lines"),
    }
    assert {field for field, *_ in found} == {*traffic.MEASURED}


def test_metrics_are_those_of_this_stack() -> None:
    fake = FakeCloudWatch({})
    assert days(fake) == {}
    assert fake.asked["Count", "a1b2c3"]["Namespace"] == "AWS/ApiGateway"
    assert fake.asked["Lines", OUTPUTS.apps[0]]["Namespace"] == f"{OUTPUTS.name_prefix}-receiver"
    assert {value for metric, value in fake.asked if metric == "Duration"} == {OUTPUTS.receiver, OUTPUTS.flusher}


def test_an_endpoint_of_another_kind_has_no_metrics_of_an_api() -> None:
    found = sources(endpoint="http://127.0.0.1:8080/prod/drain")
    assert not {"posts", "body_bytes"} & {each.field for each in found}
