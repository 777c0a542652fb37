"""What receiver and flusher count: only what the table declares, in CloudWatch's format, and in one line."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.metrics import Metric, Writer, series
from contract.stored_line import Reason
from receiver.accepted_keys import AcceptedKeys
from receiver.aws import Unavailable
from receiver.handler import Handler, Receiver
from receiver.intake import Intake
from receiver.metrics import Point, lines, of_response, of_stored
from receiver.tally import Tally
from tests.support.fakes import (
    APP,
    KEY,
    QUERY,
    FakeBuffer,
    FakeLogBucket,
    FakeParameter,
    FakeQueue,
    Reply,
    aws,
    drain_event,
    gateway_context,
)
from tests.support.logplex_frames import NOON_MS, body, message

HI = message()
DOWN = Unavailable("dynamodb-ThrottlingException", f"refused: {QUERY}")


def received(event: dict[str, Any], buffer: FakeBuffer | None = None, queue: FakeQueue | None = None) -> list[Point]:
    """The points of a request."""
    points: list[Point] = []
    keys = AcceptedKeys(FakeParameter(json.dumps([KEY])).read)
    intake = Intake(buffer or FakeBuffer(), FakeLogBucket(), 5)
    Receiver(frozenset({APP}), keys, intake, queue or FakeQueue(), points.extend).receive(event)
    return points


def post(posted: bytes, **changes: Any) -> dict[str, Any]:
    return drain_event(posted, requestContext=gateway_context(timeEpoch=NOON_MS), **changes)


# ---------------------------------------------------------------- the format


def documents(points: list[Point]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(points, "a-receiver", NOON_MS).splitlines()]


def test_a_line_is_embedded_metric_format() -> None:
    """One directive a dimension, whose metrics and dimension are members of the same object."""
    points = [Point(Metric.QUARANTINED, 1, "bad-time"), Point(Metric.LINES, 7, APP), Point(Metric.BEHIND, 12)]
    assert documents(points) == [
        {
            "_aws": {
                "Timestamp": NOON_MS,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "a-receiver",
                        "Dimensions": [["reason"]],
                        "Metrics": [{"Name": "Quarantined", "Unit": "Count"}],
                    },
                    {
                        "Namespace": "a-receiver",
                        "Dimensions": [["app"]],
                        "Metrics": [{"Name": "Lines", "Unit": "Count"}],
                    },
                    {
                        "Namespace": "a-receiver",
                        "Dimensions": [[]],
                        "Metrics": [{"Name": "Behind", "Unit": "Seconds"}],
                    },
                ],
            },
            "reason": "bad-time", "Quarantined": 1, "app": APP, "Lines": 7, "Behind": 12,
        }
    ]  # fmt: skip


def test_a_line_has_one_value_for_each_metric_and_dimension() -> None:
    """A member of a JSON object counts once; what would hide another value comes on a line of its own."""
    points = [
        *(Point(Metric.QUARANTINED, 1, "bad-time"), Point(Metric.QUARANTINED, 2, "bad-count")),
        *(Point(Metric.LINES, 3, APP), Point(Metric.BATCHES, 1, "another-app"), Point(Metric.LINES, 4, APP)),
    ]
    members = [{key: value for key, value in each.items() if key != "_aws"} for each in documents(points)]
    assert members == [
        {"reason": "bad-time", "Quarantined": 1, "app": APP, "Lines": 3},
        {"reason": "bad-count", "Quarantined": 2, "app": "another-app", "Batches": 1},
        {"app": APP, "Lines": 4},
    ]


@pytest.mark.parametrize("point", [Point(Metric.LINES, 1), Point(Metric.SPILLED, 1, APP)], ids=["lacks", "has one"])
def test_a_point_has_the_dimension_that_the_table_says(point: Point) -> None:
    with pytest.raises(ValueError, match=point.metric.title):
        lines([point], "a-receiver", NOON_MS)


def test_titles_are_unique_and_units_are_cloudwatchs() -> None:
    assert len({metric.title for metric in Metric} | {"app", "reason"}) == len(Metric) + 2
    assert {metric.unit for metric in Metric} <= {"Count", "Bytes", "Milliseconds", "Seconds"}


@pytest.mark.parametrize(
    ("metric", "count"), [(Metric.SPILLED, 1), (Metric.LINES, 3), (Metric.QUARANTINED, len(Reason))]
)
def test_a_metric_has_a_series_for_each_value_of_its_dimension(metric: Metric, count: int) -> None:
    """CloudWatch charges for each."""
    assert series(metric, apps=3) == count


@given(
    st.lists(
        st.builds(Point, st.sampled_from(Metric), st.integers(0, 9), st.just("x"))
        .map(lambda point: point if point.metric.dimension else point._replace(dimension=None))
    )
)  # fmt: skip
def test_any_points_are_all_told(points: list[Point]) -> None:
    told = [
        (name, value)
        for document in documents(points)
        for name, value in document.items()
        if name not in ("_aws", "app", "reason")
    ]
    assert sorted(told) == sorted((point.metric.title, point.value) for point in points)


# ---------------------------------------------------------------- what is stored


def test_batches_that_are_stored_are_counted() -> None:
    """Once per record: none of a slot's metrics is written for each POST."""
    points = of_stored(Tally(APP, batches=2, lines=7, bytes=500, lag_ms=1200), 90)
    assert points == [
        Point(Metric.BATCHES, 2, APP),
        Point(Metric.LINES, 7, APP),
        Point(Metric.BYTES_RECEIVED, 500, APP),
        Point(Metric.BYTES_STORED, 90, APP),
        Point(Metric.LAG, 1200, APP),
    ]
    assert len(documents(points)) == 1


def test_faults_are_counted_where_there_are_some() -> None:
    """A metric without values costs nothing."""
    tally = Tally(APP, lost=3, lost_elsewhere=4, mismatches=5)
    tally.quarantined.update({Reason.BAD_TIME: 2, Reason.BAD_COUNT: 1})
    assert set(of_stored(tally, 0)) - set(of_stored(Tally(APP), 0)) == {
        Point(Metric.QUARANTINED, 1, "bad-count"),
        Point(Metric.QUARANTINED, 2, "bad-time"),
        Point(Metric.LINES_LOST, 3, APP),
        Point(Metric.LINES_LOST_ELSEWHERE, 4),
        Point(Metric.COUNT_MISMATCH, 5, APP),
    }


def test_all_metrics_of_objects_are_written() -> None:
    tally = Tally(APP, 1, 1, 1, lost=1, lost_elsewhere=1, mismatches=1, lag_ms=1)
    tally.quarantined.update(Reason)
    written = {point.metric for point in of_stored(tally, 1)}
    assert written == {metric for metric in Metric if metric.writer is Writer.OBJECT}


# ---------------------------------------------------------------- a request


@pytest.mark.parametrize("status", [200, 404, 405])
def test_an_answer_that_is_no_trouble_is_not_counted(status: int) -> None:
    """API Gateway counts requests, and the flusher what is in them."""
    assert of_response(status) == []


@pytest.mark.parametrize("query", ["", "app=guess-1&token=x", f"app={APP}&token=guess-2", "app=guess-3"])
def test_a_prober_makes_one_point_and_none_of_its_own_naming(query: str) -> None:
    """Each value of a dimension is a metric that is paid for."""
    assert received(post(body(HI), query=query)) == [Point(Metric.UNAUTHORISED, 1)]


@pytest.mark.parametrize(
    ("buffer", "queue", "points"),
    [
        pytest.param(FakeBuffer(), FakeQueue(), [], id="in the buffer"),
        pytest.param(FakeBuffer(DOWN), FakeQueue(), [Point(Metric.SPILLED, 1)], id="spilled"),
        pytest.param(FakeBuffer(DOWN), FakeQueue(DOWN), [Point(Metric.UNAVAILABLE, 1)], id="kept nowhere"),
    ],
)
def test_a_post_is_counted_when_it_is_in_trouble(buffer: FakeBuffer, queue: FakeQueue, points: list[Point]) -> None:
    assert received(post(body(HI)), buffer, queue) == points


# ---------------------------------------------------------------- what is printed


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def test_points_are_one_write_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of requests that are served at the same time must not mix."""
    written: list[str] = []
    monkeypatch.setenv("METRICS_NAMESPACE", "a-receiver")
    denied = [Reply(400, b'{"__type": "AccessDeniedException", "message": "no"}')]
    with aws(monkeypatch, dynamodb=denied):
        handler = Handler()
        monkeypatch.setattr("sys.stdout.write", written.append)
        handler(post(body(HI)), Context())
    fault, metrics = written
    assert fault.endswith("}\n")
    assert metrics.endswith("}\n")
    told = json.loads(metrics)
    assert {each["Namespace"] for each in told["_aws"]["CloudWatchMetrics"]} == {"a-receiver"}
    assert told["Spilled"] == 1
