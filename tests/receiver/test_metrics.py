"""What receiver and flusher count: only what the table declares, in CloudWatch's format, and in one line."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.metrics import MEANINGS, Field, Metric, Writer, series
from contract.slots import Slot
from contract.stored_line import Reason
from receiver.aws import Unavailable
from receiver.handler import Handler, Receiver
from receiver.intake import Intake
from receiver.metrics import Entry, Point, lines, of_stored
from receiver.tally import Tally
from tests.support.fakes import (
    APP,
    QUERY,
    FakeBuffer,
    FakeLogBucket,
    FakeQueue,
    Reply,
    accepted_tokens,
    aws,
    drain_event,
    gateway_context,
)
from tests.support.logplex_frames import NOON_MS, body, message

HI = message()
SLOT = Slot.of(NOON_MS, 5)
DOWN = Unavailable("dynamodb-ThrottlingException", f"refused: {QUERY}")


def received(event: dict[str, Any], buffer: FakeBuffer | None = None, queue: FakeQueue | None = None) -> list[Entry]:
    """The entries of a request."""
    entries: list[Entry] = []
    intake = Intake(buffer or FakeBuffer(), FakeLogBucket(), 5)
    Receiver(accepted_tokens(), intake, queue or FakeQueue(), entries.append).receive(event)
    return entries


def post(posted: bytes, **changes: Any) -> dict[str, Any]:
    return drain_event(posted, requestContext=gateway_context(timeEpoch=NOON_MS), **changes)


# ---------------------------------------------------------------- the format


def documents(points: list[Point], fields: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(Entry(points, fields or {}), "a-receiver", NOON_MS).splitlines()]


def test_a_line_is_embedded_metric_format() -> None:
    """One directive a dimension, whose metrics and dimension are members of the same object, as other fields are."""
    points = [Point(Metric.LINES, 7, APP), Point(Metric.BEHIND, 12)]
    assert documents(points, {"slot": "a slot"}) == [
        {
            "_aws": {
                "Timestamp": NOON_MS,
                "CloudWatchMetrics": [
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
            "app": APP, "Lines": 7, "Behind": 12, "slot": "a slot",
        }
    ]  # fmt: skip


def test_a_line_has_one_value_for_each_metric_and_dimension() -> None:
    """A member of a JSON object counts once; what would hide another value comes on a line of its own."""
    points = [
        *(Point(Metric.BEHIND, 1), Point(Metric.SILENCE, 3, APP), Point(Metric.SILENCE, 1, "another-app")),
        Point(Metric.LINES, 4, APP),
    ]
    members = [{key: value for key, value in each.items() if key != "_aws"} for each in documents(points, {"n": 1})]
    assert members == [
        {"Behind": 1, "app": APP, "Silence": 3, "Lines": 4, "n": 1},
        {"app": "another-app", "Silence": 1},
    ]


@pytest.mark.parametrize("point", [Point(Metric.LINES, 1), Point(Metric.BEHIND, 1, APP)], ids=["lacks", "has one"])
def test_a_point_has_the_dimension_that_the_table_says(point: Point) -> None:
    with pytest.raises(ValueError, match=point.metric.title):
        lines(Entry([point]), "a-receiver", NOON_MS)


def test_titles_are_unique_and_units_are_cloudwatchs() -> None:
    """Fields are members of the same object."""
    assert len({metric.title for metric in Metric} | {"app", *Field}) == len(Metric) + 1 + len(Field)
    assert {metric.unit for metric in Metric} <= {"Count", "Seconds"}
    assert set(MEANINGS) == set(Field)


def test_three_apps_have_no_more_series_than_are_free() -> None:
    """Amazon CloudWatch pricing, free tier: ten custom metrics. Each value of a dimension is a metric."""
    assert sum(series(metric, apps=3) for metric in Metric) == 10


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
        if name not in ("_aws", "app")
    ]
    assert sorted(told) == sorted((point.metric.title, point.value) for point in points)


# ---------------------------------------------------------------- what is stored


def test_batches_that_are_stored_are_told() -> None:
    """Once per record: nothing is written for each POST."""
    entry = of_stored(Tally(APP, batches=2, lines=7, bytes=500, lag_ms=1200), 90, SLOT)
    assert entry.points == [Point(Metric.LINES, 7, APP)]
    assert entry.fields == {
        "slot": str(SLOT), "batches": 2, "bytesReceived": 500, "bytesStored": 90, "lagMs": 1200,
    }  # fmt: skip


def test_a_large_batch_has_no_slot() -> None:
    assert Field.SLOT not in of_stored(Tally(APP), 0, None).fields


def test_faults_are_told_where_there_are_some() -> None:
    """A metric without values costs nothing."""
    tally = Tally(APP, canaries=2, lost=3, lost_elsewhere=4, mismatches=5)
    tally.quarantined.update({Reason.BAD_TIME: 2, Reason.BAD_COUNT: 1})
    entry, without = of_stored(tally, 0, SLOT), of_stored(Tally(APP), 0, SLOT)
    assert set(entry.points) - set(without.points) == {Point(Metric.QUARANTINED, 3), Point(Metric.LINES_LOST, 3)}
    assert {name: entry.fields[name] for name in entry.fields.keys() - without.fields.keys()} == {
        "canaries": 2, "lostElsewhere": 4, "countMismatches": 5, "reasons": {"bad-time": 2, "bad-count": 1},
    }  # fmt: skip
    [document] = documents(list(entry.points), dict(entry.fields))
    assert document["reasons"] == {"bad-time": 2, "bad-count": 1}


def test_all_metrics_and_fields_of_objects_are_written() -> None:
    tally = Tally(APP, 1, 1, 1, 1, lost=1, lost_elsewhere=1, mismatches=1, lag_ms=1)
    tally.quarantined.update(Reason)
    entry = of_stored(tally, 1, SLOT)
    assert {point.metric for point in entry.points} == {metric for metric in Metric if metric.writer is Writer.OBJECT}
    assert {*entry.fields, Field.DRAINED} == set(Field)


# ---------------------------------------------------------------- a request


@pytest.mark.parametrize("query", ["", "app=guess-1&token=x", f"app={APP}&token=guess-2", "app=guess-3"])
def test_a_prober_makes_one_point_and_none_of_its_own_naming(query: str) -> None:
    """Each value of a dimension is a metric that is paid for."""
    assert received(post(body(HI), query=query)) == [Entry([Point(Metric.UNAUTHORISED, 1)])]


@pytest.mark.parametrize(
    ("buffer", "queue", "reasons"),
    [
        pytest.param(FakeBuffer(), FakeQueue(), [], id="in the buffer"),
        pytest.param(FakeBuffer(DOWN), FakeQueue(), [("ERROR", DOWN.reason), ("WARN", "spilled")], id="spilled"),
        pytest.param(
            FakeBuffer(DOWN), FakeQueue(DOWN), [("ERROR", DOWN.reason), ("ERROR", DOWN.reason)], id="kept nowhere"
        ),
    ],
)
def test_a_post_is_in_the_log_when_it_is_in_trouble(
    capsys: pytest.CaptureFixture[str], buffer: FakeBuffer, queue: FakeQueue, reasons: list[tuple[str, str]]
) -> None:
    """AWS counts the messages of the queue and answers of 5xx; these say why."""
    assert received(post(body(HI)), buffer, queue) == []
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["level"], each["reason"]) for each in told] == reasons
    assert all(each["app"] == APP for each in told)


# ---------------------------------------------------------------- what is printed


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def test_an_entry_is_one_write_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of requests that are served at the same time must not mix."""
    written: list[str] = []
    monkeypatch.setenv("METRICS_NAMESPACE", "a-receiver")
    denied = [Reply(400, b'{"__type": "AccessDeniedException", "message": "no"}')]
    with aws(monkeypatch, dynamodb=denied):
        handler = Handler()
        monkeypatch.setattr("sys.stdout.write", written.append)
        handler(post(body(HI)), Context())
        handler(post(body(HI), query=f"app={APP}&token=guess"), Context())
    assert [each.count("\n") for each in written] == [1, 1, 1]
    assert all(each.endswith("}\n") for each in written)
    told = json.loads(written[2])
    assert {each["Namespace"] for each in told["_aws"]["CloudWatchMetrics"]} == {"a-receiver"}
    assert told["Unauthorised"] == 1
