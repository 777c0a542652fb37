"""What Lambda calls every minute: all that is possible is done, and what is left is an error that says so."""

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from contract import names
from contract.buffer_table import batch_item, batch_key, due_ms, until_item, until_key
from contract.logplex.batch import Batch, identity, survey
from contract.metrics import Field, Metric
from contract.slots import Slot
from receiver import spill
from receiver.aws import Unavailable
from receiver.flusher.drain import Message
from receiver.flusher.handler import FlusherFailed, Service, handler, make_service
from receiver.intake import Intake
from receiver.metrics import Entry, Point
from receiver.settings import MissingSetting
from tests.support.fakes import APP, FakeBuffer, FakeLogBucket, FakeQueue
from tests.support.logplex_frames import NOON_MS, body, message

SLOT = Slot.of(NOON_MS, 5)
DUE_MS = due_ms(SLOT) + 1
AMPLE_S = 120.0
BATCH = Batch(APP, "f", NOON_MS, body(message(b"password=hunter2")))
SLOW_DOWN = ClientError({"Error": {"Code": "SlowDown", "Message": "password=hunter2"}}, "PutObject")


class Queue(FakeQueue):
    """A queue that may not answer."""

    failure: Exception | None = None

    def receive(self) -> list[Message]:
        if self.failure:
            raise self.failure
        return super().receive()


class Bucket(FakeLogBucket):
    """An archive that may fail as boto3 does."""

    failure: Exception | None = None

    def put(self, *args: Any) -> None:
        if self.failure:
            raise self.failure
        super().put(*args)


class World:
    """The flusher with what it works with; `points` are what it emitted."""

    def __init__(self) -> None:
        self.buffer, self.bucket, self.queue = FakeBuffer(), Bucket(), Queue()
        self.buffer.items[until_key(APP, 5)] = until_item(APP, SLOT)
        self.entries: list[Entry] = []
        self.now_ms = DUE_MS
        intake = Intake(self.buffer, self.bucket, 5, clock=self._clock)
        self.service = Service(
            frozenset({APP}), 5, self.buffer, self.bucket, self.queue, intake, self.entries.append, self._clock
        )

    def _clock(self) -> int:
        return self.now_ms

    def put(self, slot: Slot = SLOT) -> None:
        item = batch_item(slot, identity(BATCH), BATCH, survey(BATCH), NOON_MS)
        self.buffer.items[batch_key(APP, slot, identity(BATCH))] = item

    @property
    def points(self) -> list[Point]:
        return [point for entry in self.entries for point in entry.points]

    def value(self, metric: Metric) -> int | None:
        return next((point.value for point in self.points if point.metric is metric), None)

    def field(self, name: Field) -> object:
        return next((entry.fields[name] for entry in self.entries if name in entry.fields), None)


@pytest.fixture
def world() -> World:
    return World()


def test_a_run_flushes_and_drains_and_says_what_it_did(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put()
    world.queue.sent.append(spill.encode(BATCH._replace(frame_id="spilled")))
    assert world.service.run(AMPLE_S) == {"slots": 1, "drained": 1, "behindSeconds": 0}
    assert len(world.bucket.stored) == 1
    assert len(world.buffer.batch_items()) == 2
    assert capsys.readouterr().out == ""


def test_what_was_drained_is_flushed_by_the_next_run(world: World) -> None:
    """It is late, so it has a marker."""
    world.queue.sent.append(spill.encode(BATCH))
    world.service.run(AMPLE_S)
    assert world.bucket.stored == {}
    world.service.run(AMPLE_S)
    assert len(world.bucket.stored) == 1


def test_a_run_counts_what_it_stored_and_how_far_it_is_behind(world: World) -> None:
    world.put()
    world.service.run(AMPLE_S)
    assert world.field(Field.BATCHES) == world.value(Metric.LINES) == 1
    assert world.field(Field.SLOT) == str(SLOT)
    assert world.field(Field.BYTES_STORED) == sum(map(len, world.bucket.stored.values()))
    assert Point(Metric.BEHIND, 0) in world.points
    assert world.field(Field.DRAINED) is None


def test_a_run_that_drained_counts_it(world: World) -> None:
    world.queue.sent += [spill.encode(BATCH), spill.encode(BATCH._replace(frame_id="g"))]
    world.service.run(AMPLE_S)
    assert world.field(Field.DRAINED) == 2


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        pytest.param(SLOW_DOWN, "SlowDown", id="an error of AWS"),
        pytest.param(
            EndpointConnectionError(endpoint_url="https://password=hunter2"), "EndpointConnectionError", id="no answer"
        ),
        pytest.param(Unavailable("s3-deadline", "password=hunter2"), "s3-deadline", id="of the intake"),
        pytest.param(ValueError("password=hunter2"), "ValueError", id="a fault of ours"),
    ],
)
def test_what_is_left_is_an_error_that_names_it(
    world: World, capsys: pytest.CaptureFixture[str], failure: Exception, code: str
) -> None:
    """Lambda counts it. Neither the error nor the log quotes what AWS says: that can quote lines."""
    world.put()
    world.bucket.failure = failure
    world.now_ms = DUE_MS + 100_000
    with pytest.raises(FlusherFailed) as failed:
        world.service.run(AMPLE_S)
    assert str(failed.value) == f"{APP}: {code}"
    assert failed.value.__context__ is None
    assert json.loads(capsys.readouterr().out) == {
        "level": "ERROR", "reason": "flush-failed", "what": APP, "cause": code,
    }  # fmt: skip
    assert world.points == [Point(Metric.BEHIND, 100), Point(Metric.SILENCE, 0, APP)]


def test_a_queue_that_fails_does_not_stop_the_flush(world: World) -> None:
    world.put()
    world.queue.failure = SLOW_DOWN
    with pytest.raises(FlusherFailed, match="spill queue: SlowDown"):
        world.service.run(AMPLE_S)
    assert len(world.bucket.stored) == 1
    assert Point(Metric.BEHIND, 0) in world.points


def test_an_archive_that_fails_does_not_stop_the_draining(world: World) -> None:
    """The buffer keeps for longer than the queue receives."""
    world.put()
    world.bucket.failure = SLOW_DOWN
    world.queue.sent.append(spill.encode(BATCH._replace(frame_id="spilled")))
    with pytest.raises(FlusherFailed, match=rf"^{APP}: SlowDown$"):
        world.service.run(AMPLE_S)
    assert world.field(Field.DRAINED) == 1


def test_a_run_without_time_begins_nothing(world: World) -> None:
    """Two seconds are left for its end."""
    world.put()
    world.queue.sent.append(spill.encode(BATCH))
    world.now_ms = DUE_MS + 9_999
    assert world.service.run(2.0) == {"slots": 0, "drained": 0, "behindSeconds": 10}
    assert (len(world.queue.sent), world.bucket.stored) == (1, {})


# ---------------------------------------------------------------- as Lambda calls it


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 120_000


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """An account with the bucket, the table and the queue that the environment names."""

    def create() -> None:
        boto3.client("s3").create_bucket(Bucket="a-bucket")
        boto3.client("dynamodb").create_table(
            TableName="a-table",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        url = boto3.client("sqs").create_queue(QueueName="spill")["QueueUrl"]
        values = "a-bucket", APP, url, "a-table"
        for name, value in zip(names.FLUSHER_VARIABLES, values, strict=True):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(names.NAMESPACE_VARIABLE, "a-receiver")
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody=spill.encode(fresh()))

    return create


def fresh() -> Batch:
    now = datetime.now(UTC)
    return Batch(APP, "f", int(now.timestamp() * 1000), body(message(time=now)))


@mock_aws
def test_the_handler_makes_its_clients_once(
    environment: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment()
    make = functools.cache(make_service)
    monkeypatch.setattr("receiver.flusher.handler.service", make)
    assert [handler({}, Context())["drained"] for _ in range(2)] == [1, 0]
    assert make.cache_info().misses == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["Behind"] for each in told] == [0, 0]
    assert {directive["Namespace"] for each in told for directive in each["_aws"]["CloudWatchMetrics"]} == {
        "a-receiver"
    }


def test_each_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names.FLUSHER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingSetting, match="LOG_BUCKET, LOG_APPS, SPILL_QUEUE_URL, BUFFER_TABLE"):
        make_service()
