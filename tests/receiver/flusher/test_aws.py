"""The flusher's AWS calls do what flush.py and drain.py say, on moto's DynamoDB, S3 and SQS."""

import json
import random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from contract.buffer_table import (
    Heading,
    Item,
    Record,
    Seen,
    batch_item,
    batch_key,
    marker_item,
    marker_key,
    record_key,
    until_item,
    until_key,
    until_of,
)
from contract.logplex.batch import Batch, identity, survey
from contract.object_keys import ObjectKey
from contract.slots import Slot
from receiver.flusher.aws import Archive, DynamoTable, SqsSpillQueue
from receiver.flusher.flush import Flusher
from receiver.stored_object import StoredObject
from tests.support.fakes import APP, DYNAMODB_TAKES, Reply, aws_endpoint
from tests.support.logplex_frames import NOON_MS, body, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

TABLE, BUCKET = "a-table", "a-bucket"
SLOT = Slot.of(NOON_MS, 5)
OTHER_APP = "raxx-console-prod"


@pytest.fixture
def dynamodb() -> "Iterator[DynamoDBClient]":
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> DynamoTable:
    return DynamoTable(TABLE)


def batch(number: int, size: int = 5) -> Batch:
    noise = bytes(range(32, 127)) * (size // 95 + 1)
    return Batch(APP, f"f{number:04}", NOON_MS + number, body(message(noise[:size])), None, "d.x", 1)


def put(dynamodb: "DynamoDBClient", *batches: Batch, slot: Slot = SLOT) -> list[UUID]:
    for each in batches:
        dynamodb.put_item(TableName=TABLE, Item=batch_item(slot, identity(each), each, survey(each), NOON_MS))
    return [identity(each) for each in batches]


def get(dynamodb: "DynamoDBClient", key: Item) -> Item | None:
    answer: dict[str, Any] = {**dynamodb.get_item(TableName=TABLE, Key=key)}
    return answer.get("Item")


# ---------------------------------------------------------------- the table


def test_the_table_was_born_when_it_was_created(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    created = dynamodb.describe_table(TableName=TABLE)["Table"]["CreationDateTime"]
    assert table.born_ms() == int(created.timestamp() * 1000)


def test_a_slot_holds_headings_and_records(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    first, second, undated = batch(1), batch(2), Batch(APP, None, NOON_MS, b"no frame")
    ids = put(dynamodb, first, second, undated)
    put(dynamodb, batch(3), slot=SLOT.after)
    assert table.create_record(APP, SLOT, 0, ids[:2], NOON_MS)
    contents = table.contents(APP, SLOT)
    assert sorted(contents.headings) == sorted(
        Heading(identity(each), each.arrival_ms, 1, len(each.body), undated=each is undated)
        for each in (first, second, undated)
    )
    assert contents.records == [Record(0, tuple(ids[:2]), stored=False)]


def test_bodies_are_read_of_the_batches_that_are_asked_for(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    first, second, third = batch(1), batch(2), batch(3, size=5000)
    ids = put(dynamodb, first, second, third)
    table.create_record(APP, SLOT, 0, ids, NOON_MS)
    assert sorted(table.batches(APP, SLOT, [ids[0], ids[2]])) == [first, third]
    assert list(table.batches(APP, SLOT, [])) == []


def test_a_slot_of_several_megabytes_is_read_whole(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    """A query gives 1 MB at a time."""
    noisy = [Batch(APP, f"f{n}", NOON_MS, _noise(n)) for n in range(8)]
    ids = put(dynamodb, *noisy)
    assert sum(len(each.body) for each in noisy) > 2 * 1024 * 1024
    assert {heading.batch_id for heading in table.contents(APP, SLOT).headings} == set(ids)
    assert {each.frame_id for each in table.batches(APP, SLOT, ids)} == {each.frame_id for each in noisy}


def _noise(seed: int) -> bytes:
    return random.Random(seed).randbytes(300_000)


def test_a_record_is_created_once(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    """Of two flushers one is first, and the other has to write what that one recorded."""
    mine, other = put(dynamodb, batch(1), batch(2))
    assert table.create_record(APP, SLOT, 0, [mine], NOON_MS)
    assert not table.create_record(APP, SLOT, 0, [other], NOON_MS)
    assert table.create_record(APP, SLOT, 1, [other], NOON_MS)
    assert table.contents(APP, SLOT).records == [Record(0, (mine,), stored=False), Record(1, (other,), stored=False)]


def test_a_record_is_marked_once(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    [batch_id] = put(dynamodb, batch(1))
    table.create_record(APP, SLOT, 0, [batch_id], NOON_MS)
    assert table.mark_stored(APP, SLOT, 0)
    assert not table.mark_stored(APP, SLOT, 0)
    assert table.contents(APP, SLOT).records == [Record(0, (batch_id,), stored=True)]


def test_a_record_that_has_expired_is_not_made_again(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    """An update makes an item where there is none; the condition keeps it from that."""
    assert not table.mark_stored(APP, SLOT, 0)
    assert get(dynamodb, record_key(APP, SLOT, 0).item) is None


def test_untils_are_by_app_and_length(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    slots = {APP: [SLOT, Slot.of(NOON_MS, 10)], OTHER_APP: [SLOT.after]}
    for app, untils in slots.items():
        for slot in untils:
            table.advance(app, slot)
    assert {app: sorted(untils) for app, untils in table.untils().items()} == slots


def test_an_until_only_moves_on(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    """A flusher that outlives another must not send all others back."""
    for slot in (SLOT.after, SLOT.after, SLOT):
        table.advance(APP, slot)
    item = get(dynamodb, until_key(APP, 5).item)
    assert item == until_item(APP, SLOT.after)
    table.advance(APP, SLOT.after.after)
    assert until_of(get(dynamodb, until_key(APP, 5).item) or {}) == (APP, SLOT.after.after)


def test_markers_are_the_apps_and_deleted_by_key(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    keys = [marker_key(APP, slot, UUID(int=1)) for slot in (SLOT, SLOT.after)]
    for app, slot in ((APP, SLOT), (APP, SLOT.after), (OTHER_APP, SLOT)):
        dynamodb.put_item(TableName=TABLE, Item=marker_item(app, slot, UUID(int=1), NOON_MS))
    assert table.markers(APP) == keys
    table.delete(keys[:1])
    assert table.markers(APP) == keys[1:]
    assert len(table.markers(OTHER_APP)) == 1
    table.delete(keys)  # what is gone is no error


def test_a_failure_is_never_taken_for_a_condition(dynamodb: "DynamoDBClient") -> None:
    nowhere = DynamoTable("another-table")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        nowhere.create_record(APP, SLOT, 0, [], NOON_MS)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        nowhere.mark_stored(APP, SLOT, 0)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        nowhere.markers(APP)


def test_reads_are_consistent_and_leave_out_bodies_that_are_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An eventually consistent read can miss a batch whose put has ended. moto's are all consistent."""
    nothing = Reply(200, json.dumps({"Items": [], "Count": 0}).encode())
    with aws_endpoint(nothing) as (url, endpoint):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        table = DynamoTable(TABLE)
        table.untils()
        table.markers(APP)
        table.contents(APP, SLOT)
        list(table.batches(APP, SLOT, [UUID(int=1)]))
    asked: list[dict[str, Any]] = [json.loads(request.body) for request in endpoint.requests]
    assert [each["ConsistentRead"] for each in asked] == [True] * 4
    assert [each["ExpressionAttributeValues"][":partition"]["S"] for each in asked] == [
        "flushed", f"late/{APP}", f"{APP}/{SLOT}", f"{APP}/{SLOT}",
    ]  # fmt: skip
    headings = set(asked[2]["ExpressionAttributeNames"].values())
    assert not headings & {"body", "zlib"}
    assert "ProjectionExpression" not in asked[3]


def test_throttling_that_passes_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    throttled = Reply(400, b'{"__type": "ThrottlingException", "message": "please"}')
    with aws_endpoint(throttled, *DYNAMODB_TAKES) as (url, endpoint):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert DynamoTable(TABLE).create_record(APP, SLOT, 0, [], NOON_MS)
    assert len(endpoint.requests) == 2


# ---------------------------------------------------------------- the archive

OBJECT = StoredObject(ObjectKey(APP, NOON_MS, UUID(int=1)), b"\x1f\x8b data", 3)
OTHER = StoredObject(ObjectKey(APP, NOON_MS, UUID(int=2)), b"\x1f\x8b more", 3)


@mock_aws
def test_objects_are_stored_where_there_are_none() -> None:
    """A second put would undo a transition to Glacier, and cost another."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    archive = Archive(BUCKET)
    archive.put([OBJECT])
    archive.put([OBJECT._replace(data=b"other bytes"), OTHER])
    for stored in (OBJECT, OTHER):
        found = s3.get_object(Bucket=BUCKET, Key=str(stored.key))
        assert (found["Body"].read(), found["ContentType"]) == (stored.data, "application/gzip")


@mock_aws
def test_an_object_that_cannot_be_stored_is_an_error() -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        Archive(BUCKET).put([OBJECT])


def test_an_object_that_is_being_written_is_left_to_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """409: whether that other write succeeds is not known yet."""
    conflict = Reply(409, b"<Error><Code>ConditionalRequestConflict</Code></Error>")
    with aws_endpoint(conflict) as (url, endpoint):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(ClientError, match="ConditionalRequestConflict"):
            Archive(BUCKET).put([OBJECT])
    assert {request.headers["if-none-match"] for request in endpoint.requests} == {"*"}


# ---------------------------------------------------------------- the queue


@mock_aws
def test_messages_are_received_and_deleted() -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="spill", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
    queue = SqsSpillQueue(url)
    assert queue.receive() == []
    sent = [f"text {number}" for number in range(12)]
    for text in sent:
        sqs.send_message(QueueUrl=url, MessageBody=text)
    first = queue.receive()
    assert len(first) == 10
    second = queue.receive()
    assert sorted(each.text for each in first + second) == sorted(sent)
    assert len({each.message_id for each in first + second}) == 12
    for each in first:
        queue.delete(each)
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "2"


# ---------------------------------------------------------------- what was seen


def test_the_newest_arrival_that_was_seen_stays(table: DynamoTable) -> None:
    own, canary = Seen(APP), Seen(APP, canary=True)
    assert table.seen() == {}
    for arrival_ms in (NOON_MS, NOON_MS + 9, NOON_MS - 1):
        table.note_seen(own, arrival_ms)
    table.note_seen(canary, 1)
    assert table.seen() == {own: NOON_MS + 9, canary: 1}


# ---------------------------------------------------------------- all together


def test_a_slot_is_flushed(dynamodb: "DynamoDBClient", table: DynamoTable) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    put(dynamodb, batch(1), batch(2))
    dynamodb.put_item(TableName=TABLE, Item=marker_item(APP, SLOT, identity(batch(1)), NOON_MS))
    table.advance(APP, SLOT)
    flusher = Flusher(APP, table, Archive(BUCKET), lambda *_: None)
    for _ in range(2):
        flusher.look(table.untils()[APP], table.seen(), 5, SLOT.end_ms + 60_000)
        while slot := flusher.next():
            flusher.flush(slot)
    [stored] = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert stored["Key"].startswith(f"logs/{APP}/2026/11/24/{NOON_MS}-")
    assert table.markers(APP) == []
    assert table.untils() == {APP: [SLOT.after]}
    [record] = table.contents(APP, SLOT).records
    assert (record.number, record.stored) == (0, True)
    assert get(dynamodb, batch_key(APP, SLOT, identity(batch(1))).item) is not None, "kept until it expires"
