"""What the receiver counts: only what its table declares, in CloudWatch's format, and in one line."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.metrics import Metric
from contract.stored_line import Reason
from local.logplex.field_bodies import FieldBody, field_bodies
from receiver.accepted_keys import AcceptedKeys
from receiver.aws import NotAsked, Unavailable
from receiver.handler import Handler, Receiver
from receiver.logplex.batch import Batch, objects
from receiver.logplex.loss_reports import announced_frames
from receiver.metrics import Point, lines, of_batch, of_response
from tests.support.fakes import (
    APP,
    KEY,
    QUERY,
    FakeLogBucket,
    FakeParameter,
    FakeQueue,
    aws,
    drain_event,
    gateway_context,
)
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message

HI = message()
SLOW_DOWN = Unavailable("s3-SlowDown", f"refused: {QUERY}")
DOWN = Unavailable("sqs-deadline", f"refused: {QUERY}")


def counted(posted: bytes, announced: int | None = None, **changes: Any) -> dict[tuple[str, str | None], int]:
    """The points of a batch that is kept: (metric, dimension) -> value."""
    batch = Batch(APP, "f", NOON_MS, posted, **changes)
    return {(point.metric.title, point.dimension): point.value for point in of_batch(batch, objects(batch), announced)}


class Recorder:
    """A receiver, and the points that it emits."""

    def __init__(self, bucket: FakeLogBucket, queue: FakeQueue) -> None:
        keys = AcceptedKeys(FakeParameter(json.dumps([KEY])).read)
        self.points: list[Point] = []
        self.receiver = Receiver(frozenset({APP}), keys, bucket, queue, self.points.extend)

    def named(self) -> dict[str, int]:
        return {point.metric.title: point.value for point in self.points}


def post(posted: bytes, **changes: Any) -> dict[str, Any]:
    return drain_event(posted, requestContext=gateway_context(timeEpoch=NOON_MS), **changes)


# ---------------------------------------------------------------- the format


def documents(points: list[Point]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(points, "a-receiver", NOON_MS).splitlines()]


def test_a_line_is_embedded_metric_format() -> None:
    """One directive a dimension, whose metrics and dimension are members of the same object."""
    points = [Point(Metric.REQUESTS, 1, "200"), Point(Metric.LINES, 7, APP), Point(Metric.WRITE_LATENCY, 12)]
    assert documents(points) == [
        {
            "_aws": {
                "Timestamp": NOON_MS,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "a-receiver",
                        "Dimensions": [["answer"]],
                        "Metrics": [{"Name": "Requests", "Unit": "Count"}],
                    },
                    {
                        "Namespace": "a-receiver",
                        "Dimensions": [["app"]],
                        "Metrics": [{"Name": "Lines", "Unit": "Count"}],
                    },
                    {
                        "Namespace": "a-receiver",
                        "Dimensions": [[]],
                        "Metrics": [{"Name": "WriteLatency", "Unit": "Milliseconds"}],
                    },
                ],
            },
            "answer": "200", "Requests": 1, "app": APP, "Lines": 7, "WriteLatency": 12,
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
    assert len({metric.title for metric in Metric} | {"answer", "app", "reason"}) == len(Metric) + 3
    assert {metric.unit for metric in Metric} <= {"Count", "Bytes", "Milliseconds"}


# ---------------------------------------------------------------- a batch


def test_a_batch_is_counted() -> None:
    later = message(time=NOON - timedelta(seconds=2))
    posted = body(later, message(b"older", NOON - timedelta(days=1)))
    batch = Batch(APP, "f", NOON_MS, posted)
    stored = objects(batch)
    assert len(stored) == 2
    assert of_batch(batch, stored, 2) == [
        Point(Metric.BATCHES, 1, APP),
        Point(Metric.BYTES_RECEIVED, len(posted), APP),
        Point(Metric.LINES, 2, APP),
        Point(Metric.LAG, 2000, APP),
    ]


@pytest.mark.parametrize(
    ("posted", "fault", "reason"),
    [
        *[
            pytest.param(b"!", fault, fault, id=fault)
            for fault in (Reason.BAD_BASE64, Reason.BAD_GZIP, Reason.GZIP_TOO_LARGE, Reason.UNKNOWN_CODING)
        ],
        pytest.param(body(HI) + b"garbage", None, Reason.BAD_COUNT, id="bad-count"),
        pytest.param(body(HI) + b"99 <190>1", None, Reason.TRUNCATED, id="truncated"),
        pytest.param(body(HI, b"no header"), None, Reason.BAD_HEADER, id="bad-header"),
        pytest.param(body(HI, HI.replace(b"2026", b"9926-")), None, Reason.BAD_TIME, id="bad-time"),
    ],
)
def test_each_reason_of_quarantine_is_counted(posted: bytes, fault: Reason | None, reason: Reason) -> None:
    """Nothing is dropped, and nothing is set aside uncounted."""
    points = counted(posted, fault=fault)
    assert {name: value for name, value in points.items() if name[0] == "Quarantined"} == {("Quarantined", reason): 1}


def test_lines_of_many_blocks_are_counted_each_once() -> None:
    """Tiny frames make lines of many times their size, which are read block by block."""
    points = counted(body(*[b"x"] * 30_000, HI), 30_001)
    assert points["Lines", APP] == 30_001
    assert points["Quarantined", Reason.BAD_HEADER] == 30_000
    assert ("CountMismatch", APP) not in points


def test_text_about_quarantine_is_no_quarantine() -> None:
    """An application can write the very words."""
    told = message(b"x\n<43>1 2026-11-24T12:00:00Z host logdrain quarantine bad-count - x")
    assert not [name for name, _ in counted(body(told)) if name == "Quarantined"]


@pytest.mark.parametrize(
    ("posted", "lag_ms"),
    [
        pytest.param(body(message(time=NOON + timedelta(minutes=1))), 0, id="clock ahead"),
        pytest.param(body(message(time=NOON), message(time=NOON - timedelta(hours=1))), 0, id="newest counts"),
        pytest.param(body(l10(NOON), message(time=NOON - timedelta(seconds=9))), 9000, id="L10 does not"),
        pytest.param(body(b"no header"), None, id="no time"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_lag_is_that_of_the_newest_line_with_a_time(posted: bytes, lag_ms: int | None) -> None:
    """A quarantine line has none: it would make up hours of lag."""
    assert counted(posted).get(("Lag", APP)) == lag_ms


# ---------------------------------------------------------------- what was lost before

SINCE = b"since 2026-11-24T11:00:00.000000+00:00"
L10_OLD = b"Error L10 (output buffer overflow): 3 messages dropped %b." % SINCE
L10_NEW = (
    b"Error L10 (output buffer overflow): drain 'd.00000000-0000-0000-0000-000000000000' dropped 4 messages since x."
)
L12 = b"Error L12: 5 messages dropped %b\n" % SINCE
L13 = b"Error L13: 6 messages lost %b\n" % SINCE
LOGPLEX = "<172>1 {} host heroku logplex -"
SHUTTLE = "<172>1 {} heroku token log-shuttle - -"


@pytest.mark.parametrize(
    ("frame", "messages"),
    [
        pytest.param(message(L10_OLD, header=LOGPLEX), 3, id="L10, old wording"),
        pytest.param(message(L10_NEW, header=LOGPLEX), 4, id="L10, new wording"),
        pytest.param(message(L12, header=SHUTTLE), 5, id="L12"),
        pytest.param(message(L13, header=SHUTTLE), 6, id="L13"),
        pytest.param(message(L12, header="<172>1 {} host app log-shuttle -"), 5, id="L12, passed on by Logplex"),
        pytest.param(message(L10_OLD), 0, id="written by an application"),
        pytest.param(message(b"x <172>1 t host heroku logplex - " + L10_OLD), 0, id="quoted by an application"),
        pytest.param(message(b"x\n<172>1 t host heroku logplex - " + L10_OLD), 0, id="quoted on a line of its own"),
        pytest.param(message(L10_OLD.replace(b"L10", b"L11"), header=LOGPLEX), 0, id="another code"),
        pytest.param(message(L10_OLD.replace(b"3", b"3" * 50), header=LOGPLEX), 0, id="no count that can be"),
        pytest.param(message(L10_OLD + b" Error L1", header=LOGPLEX), 3, id="with the keyword again behind it"),
        pytest.param(message(L10_OLD + b" " + L10_OLD, header=LOGPLEX), 3, id="one report per line"),
    ],
)
def test_loss_reports_are_read_in_every_wording_and_from_nobody_else(frame: bytes, messages: int) -> None:
    assert counted(body(HI, frame)).get(("LinesLost", APP), 0) == messages


OURS, OTHERS = "d.00000000-0000-0000-0000-000000000000", "d.11111111-0000-0000-0000-000000000000"
OF_OTHERS = L10_NEW.replace(OURS.encode(), OTHERS.encode()).replace(b" 4 ", b" 5000 ")


@pytest.mark.parametrize(
    ("sent_by", "reports", "ours", "others"),
    [
        pytest.param(OURS, [OF_OTHERS], 0, 5000, id="another drain's"),
        pytest.param(OURS, [L10_NEW], 4, 0, id="the sender's own"),
        pytest.param(OURS, [L10_NEW, OF_OTHERS, OF_OTHERS, L10_OLD], 7, 10_000, id="both, and one that names none"),
        pytest.param(None, [L10_NEW, OF_OTHERS], 5004, 0, id="from a sender that does not name its drain"),
    ],
)
def test_a_loss_of_another_drain_is_counted_apart(
    sent_by: str | None, reports: list[bytes], ours: int, others: int
) -> None:
    """Every drain of an app receives its L10 lines (DataDog/heroku-buildpack-datadog #298)."""
    found = counted(body(HI, *(message(each, header=LOGPLEX) for each in reports)), drain=sent_by)
    assert (found.get(("LinesLost", APP), 0), found.get(("LinesLostElsewhere", None), 0)) == (ours, others)


def test_losses_of_a_body_are_summed() -> None:
    frames = [message(L10_OLD, header=LOGPLEX), HI, message(L12, header=SHUTTLE), message(L13, header=SHUTTLE)]
    assert counted(body(*frames))["LinesLost", APP] == 14


@pytest.mark.parametrize(
    ("posted", "announced", "mismatch"),
    [
        pytest.param(body(HI, HI), 2, False, id="equal"),
        pytest.param(body(HI, HI), None, False, id="not announced"),
        pytest.param(body(HI), 2, True, id="one less"),
        pytest.param(body(HI, HI), 1, True, id="one more"),
        pytest.param(body(l10(NOON), HI), 1, False, id="L10 not counted in"),
        pytest.param(body(l10(NOON), HI), 2, False, id="L10 counted in"),
        pytest.param(body(l10(NOON), HI, HI), 1, True, id="L10 and one more"),
        pytest.param(body(l10(NOON)), 2, True, id="L10 and one less"),
        pytest.param(body(HI, l10(NOON)), 1, True, id="L10, but not leading"),
        pytest.param(body(HI, message(L12, header=SHUTTLE)), 1, True, id="L12, but not leading"),
        pytest.param(body(message(L10_OLD), HI), 1, True, id="leading, but written by an application"),
        pytest.param(body(HI, b"no header"), 2, False, id="a quarantined frame is a frame"),
        pytest.param(body(HI) + b"garbage", 1, False, id="a remainder is none"),
        pytest.param(body(HI, HI)[:-1], 2, True, id="cut off"),
        pytest.param(b"", 0, False, id="empty"),
        pytest.param(b"", 1, True, id="emptied"),
    ],
)
def test_frames_that_do_not_add_up_are_counted(posted: bytes, announced: int | None, mismatch: bool) -> None:
    assert (("CountMismatch", APP) in counted(posted, announced)) == mismatch


@pytest.mark.parametrize(
    ("said", "frames"),
    [("3", 3), (" 3 ", 3), ("", None), (None, None), ("-1", None), ("3.0", None), ("٣", None), ("9" * 5000, None)],
)
def test_a_count_that_is_none_is_not_believed(said: str | None, frames: int | None) -> None:
    assert announced_frames({"headers": {"logplex-msg-count": said}}) == frames
    assert announced_frames({"headers": None}) is None


@pytest.mark.parametrize("sent", field_bodies(), ids=lambda sent: sent.name)
def test_bodies_from_the_field_are_counted(sent: FieldBody) -> None:
    assert counted(sent.body)["BytesReceived", APP] == len(sent.body)


@given(st.binary(), st.integers(0, 9) | st.none())
def test_no_body_fails_the_count(noise: bytes, announced: int | None) -> None:
    """The batch is stored by then: an error would be a 500, and all of it sent again."""
    for posted in (noise, body(noise or b"x"), body(l10(NOON), HI) + noise, b"Error L1" + noise):
        assert lines([], "", 0) == ""
        batch = Batch(APP, None, NOON_MS, posted)
        assert lines(of_batch(batch, objects(batch), announced), "a-receiver", NOON_MS)


# ---------------------------------------------------------------- a request


@pytest.mark.parametrize("status", [200, 404, 405, 503])
def test_each_answer_is_counted(status: int) -> None:
    assert of_response(status) == [Point(Metric.REQUESTS, 1, str(status))]


@pytest.mark.parametrize("query", ["", "app=guess-1&token=x", f"app={APP}&token=guess-2", "app=guess-3"])
def test_a_prober_makes_two_points_and_none_of_its_own_naming(query: str) -> None:
    """Each value of a dimension is a metric that is paid for."""
    recorder = Recorder(FakeLogBucket(), FakeQueue())
    recorder.receiver.receive(post(body(HI), query=query))
    assert recorder.points == [Point(Metric.REQUESTS, 1, "401"), Point(Metric.UNAUTHORISED, 1)]


@pytest.mark.parametrize(
    ("bucket", "queue", "names"),
    [
        pytest.param(FakeLogBucket(), FakeQueue(), {"Batches", "Lines", "BytesReceived", "BytesStored"}, id="stored"),
        pytest.param(
            FakeLogBucket(SLOW_DOWN), FakeQueue(), {"Batches", "Lines", "BytesReceived", "Spilled"}, id="spilled"
        ),
        pytest.param(FakeLogBucket(SLOW_DOWN), FakeQueue(DOWN), set(), id="kept nowhere"),
    ],
)
def test_a_batch_counts_when_it_is_kept(bucket: FakeLogBucket, queue: FakeQueue, names: set[str]) -> None:
    """What is answered 503 is sent again, and counted then."""
    recorder = Recorder(bucket, queue)
    recorder.receiver.receive(post(body(HI)))
    assert recorder.named().keys() - {"Lag"} == names | {"Requests", "WriteLatency"}


def test_s3_that_is_not_asked_has_no_latency() -> None:
    """During an outage most POSTs do not ask it, and zeros would make it look fast."""
    recorder = Recorder(FakeLogBucket(NotAsked("s3-circuit-open", "")), FakeQueue())
    recorder.receiver.receive(post(body(HI)))
    assert "Spilled" in recorder.named()
    assert "WriteLatency" not in recorder.named()


def test_what_the_post_announces_is_compared() -> None:
    recorder = Recorder(FakeLogBucket(), FakeQueue())
    recorder.receiver.receive(post(body(HI), headers={"logplex-msg-count": "2"}))
    assert recorder.named()["CountMismatch"] == 1


def test_a_redriven_batch_is_not_counted_twice() -> None:
    """It was a batch when it was spilled. Of those that stay in the queue there is only the time that they took."""
    queue, bucket = FakeQueue(), FakeLogBucket()
    Recorder(FakeLogBucket(SLOW_DOWN), queue).receiver.receive(post(body(HI)))
    event = {"Records": [{"messageId": "m", "body": text} for text in (queue.sent[0], "no batch")]}
    stored, refused = Recorder(bucket, queue), Recorder(FakeLogBucket(SLOW_DOWN), queue)
    stored.receiver.redrive(event, 10)
    refused.receiver.redrive(event, 10)
    [data] = bucket.stored.values()
    assert stored.named() | {"WriteLatency": 0} == {"WriteLatency": 0, "BytesStored": len(data), "Redriven": 1}
    assert refused.named().keys() == {"WriteLatency"}


# ---------------------------------------------------------------- what is printed


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def test_a_request_is_one_write_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of requests that are served at the same time must not mix."""
    written: list[str] = []
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "a-receiver")
    with aws(monkeypatch):
        handler = Handler()
        monkeypatch.setattr("sys.stdout.write", written.append)
        handler(post(body(HI)), Context())
    [line] = written
    assert line.endswith("}\n")
    told = json.loads(line)
    assert {each["Namespace"] for each in told["_aws"]["CloudWatchMetrics"]} == {"a-receiver"}
    assert (told["Requests"], told["answer"], told["Lines"], told["app"]) == (1, "200", 1, APP)
