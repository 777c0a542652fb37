"""Whatever AWS does, the receiver's calls end in time, either done or with a reason code."""

import base64
import json
import time
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import boto3
import pytest
from moto import mock_aws

from contract.buffer_table import batch_item, batch_key, marker_item
from contract.logplex.batch import Batch, survey
from contract.object_keys import ObjectKey
from contract.slots import Slot
from receiver.aws import Buffer, LogBucket, NoBuffer, NotAsked, Parameters, Queue, Unavailable
from receiver.deadline import Deadline
from receiver.stored_object import StoredObject
from tests.support.fakes import APP, DYNAMODB_TAKES, Deed, Reply, aws_endpoint, hang, reset, trickle
from tests.support.logplex_frames import NOON_MS, body, message

AMPLE_S = 20.0
SHORT_S = 0.3
PATIENCE_S = 5.0  # for what has to end at SHORT_S, on a machine that is busy
DAY_MS = 86_400_000

STORED = Reply(200)
OBJECT = StoredObject(ObjectKey("raxx-api-prod", NOON_MS, UUID(int=1)), b"\x1f\x8b data", 3)
NEXT_DAY = StoredObject(ObjectKey("raxx-api-prod", NOON_MS + DAY_MS, UUID(int=1)), b"\x1f\x8b more", 3)

Connect = Callable[[str], None]


def s3_error(status: int, code: str) -> Reply:
    return Reply(status, f"<Error><Code>{code}</Code><Message>what S3 says</Message></Error>".encode())


def ssm_error(status: int, code: str) -> Reply:
    return Reply(status, f'{{"__type": "{code}", "message": "what SSM says"}}'.encode())


def json_error(status: int, code: str) -> Reply:
    return Reply(status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}).encode())


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Make the clients that are made from now on ask a URL."""
    return lambda url: monkeypatch.setenv("AWS_ENDPOINT_URL", url)


def put_fails(connect: Connect, script: list[Reply | Deed], seconds: float, *objects: StoredObject) -> tuple[str, int]:
    """The reason code with which storing fails, and how many requests S3 saw."""
    with aws_endpoint(*script) as (url, endpoint):
        connect(url)
        bucket = LogBucket("a-bucket")
        begin = time.monotonic()
        with pytest.raises(Unavailable) as unavailable:
            bucket.put(objects or [OBJECT], Deadline(seconds))
        assert time.monotonic() - begin < seconds + PATIENCE_S
        return unavailable.value.reason, len(endpoint.requests)


# ---------------------------------------------------------------- S3


def test_objects_are_stored_under_their_keys(connect: Connect) -> None:
    with aws_endpoint(STORED) as (url, endpoint):
        connect(url)
        LogBucket("a-bucket").put([OBJECT, NEXT_DAY], Deadline(AMPLE_S))
    puts = {request.path: request.body for request in endpoint.requests if request.method == "PUT"}
    assert puts == {f"/a-bucket/{stored.key}": stored.data for stored in (OBJECT, NEXT_DAY)}


def test_an_object_is_written_where_there_is_none(connect: Connect) -> None:
    """Its key says what is in it, so what is there is the same, and a transition to Glacier is not undone."""
    with aws_endpoint(STORED) as (url, endpoint):
        connect(url)
        LogBucket("a-bucket").put([OBJECT], Deadline(AMPLE_S))
    [put] = endpoint.requests
    assert put.headers["if-none-match"] == "*"
    assert put.headers["content-type"] == "application/gzip"


def test_an_object_that_is_there_is_stored(connect: Connect) -> None:
    with aws_endpoint(s3_error(412, "PreconditionFailed")) as (url, endpoint):
        connect(url)
        LogBucket("a-bucket").put([OBJECT], Deadline(AMPLE_S))
    assert len(endpoint.requests) == 1


def test_an_answer_that_is_not_s3s_is_none(connect: Connect) -> None:
    assert put_fails(connect, [Reply(200, from_aws=False)], AMPLE_S) == ("s3-no-etag", 1)


def test_nothing_to_store_is_stored(connect: Connect) -> None:
    with aws_endpoint(s3_error(500, "InternalError")) as (url, endpoint):
        connect(url)
        LogBucket("a-bucket").put([], Deadline(AMPLE_S))
    assert endpoint.requests == []


@pytest.mark.parametrize("trouble", [s3_error(503, "SlowDown"), reset], ids=["SlowDown", "reset"])
def test_trouble_that_passes_is_tried_again(connect: Connect, trouble: Reply | Deed) -> None:
    with aws_endpoint(trouble, STORED) as (url, endpoint):
        connect(url)
        LogBucket("a-bucket").put([OBJECT], Deadline(AMPLE_S))
    assert [request.body for request in endpoint.requests] == [OBJECT.data] * 2


# A refusal is final; trouble on S3's side is tried twice; the reason is S3's own code.
@pytest.mark.parametrize(
    ("reply", "reason", "tries"),
    [
        pytest.param(s3_error(403, "AccessDenied"), "s3-AccessDenied", 1, id="403"),
        pytest.param(s3_error(404, "NoSuchBucket"), "s3-NoSuchBucket", 1, id="404"),
        pytest.param(s3_error(409, "ConditionalRequestConflict"), "s3-ConditionalRequestConflict", 1, id="409"),
        pytest.param(s3_error(500, "InternalError"), "s3-InternalError", 2, id="500"),
        pytest.param(s3_error(503, "SlowDown"), "s3-SlowDown", 2, id="503"),
        pytest.param(Reply(500), "s3-500", 2, id="500-without-a-body"),
        pytest.param(reset, "s3-ConnectionClosedError", 2, id="reset"),
    ],
)
def test_s3s_trouble_has_a_reason_code(connect: Connect, reply: Reply | Deed, reason: str, tries: int) -> None:
    assert put_fails(connect, [reply], AMPLE_S) == (reason, tries)


@pytest.mark.parametrize("deed", [hang, trickle])
def test_s3_without_an_answer_ends_at_the_deadline(connect: Connect, deed: Deed) -> None:
    """A trickling answer outlasts any read time-out: each read is short."""
    assert put_fails(connect, [deed], SHORT_S)[0] == "s3-deadline"


def test_a_batch_of_which_one_object_is_refused_is_not_stored(connect: Connect) -> None:
    reason, _ = put_fails(connect, [STORED, s3_error(403, "AccessDenied")], AMPLE_S, OBJECT, NEXT_DAY)
    assert reason == "s3-AccessDenied"


def test_a_batch_of_which_one_object_hangs_is_not_stored(connect: Connect) -> None:
    assert put_fails(connect, [STORED, hang], SHORT_S, OBJECT, NEXT_DAY)[0] == "s3-deadline"


def test_s3_that_is_not_there_has_a_reason_code(connect: Connect) -> None:
    with aws_endpoint() as (url, _):
        pass
    connect(url)
    with pytest.raises(Unavailable) as unavailable:
        LogBucket("a-bucket").put([OBJECT], Deadline(AMPLE_S))
    assert unavailable.value.reason == "s3-EndpointConnectionError"


def listing(count: int) -> Reply:
    return Reply(200, f"<ListBucketResult><KeyCount>{count}</KeyCount></ListBucketResult>".encode())


@pytest.mark.parametrize(("counts", "held"), [((0, 0), False), ((0, 1), True), ((1, 0), True)])
def test_an_earlier_try_is_found_under_any_of_its_keys(connect: Connect, counts: tuple[int, int], held: bool) -> None:
    with aws_endpoint(*map(listing, counts)) as (url, endpoint):
        connect(url)
        assert LogBucket("a-bucket").holds_any([OBJECT.key, NEXT_DAY.key], Deadline(AMPLE_S)) is held
    assert {request.method for request in endpoint.requests} == {"GET"}
    prefixes = {parse_qs(urlsplit(request.path).query)["prefix"][0] for request in endpoint.requests}
    assert prefixes == {str(OBJECT.key), str(NEXT_DAY.key)}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(Reply(200, b"<ListBucketResult/>"), "s3-no-key-count", id="without-a-count"),
        pytest.param(s3_error(403, "AccessDenied"), "s3-AccessDenied", id="403"),
    ],
)
def test_whether_there_was_an_earlier_try_is_never_guessed(connect: Connect, reply: Reply, reason: str) -> None:
    with aws_endpoint(reply) as (url, _):
        connect(url)
        with pytest.raises(Unavailable) as unavailable:
            LogBucket("a-bucket").holds_any([OBJECT.key], Deadline(AMPLE_S))
    assert unavailable.value.reason == reason


# ---------------------------------------------------------------- DynamoDB

SLOT = Slot.of(NOON_MS, 5)
BATCH = Batch(APP, "f", NOON_MS, body(message()))
ITEM = batch_item(SLOT, UUID(int=1), BATCH, survey(BATCH), NOON_MS)
MARKER = marker_item(APP, SLOT, UUID(int=1), NOON_MS)
KEY = batch_key(APP, SLOT, UUID(int=1))


def put_batch(buffer: Buffer, deadline: Deadline) -> None:
    buffer.put_batch(ITEM, deadline)


def put_marker(buffer: Buffer, deadline: Deadline) -> None:
    buffer.put_marker(MARKER, deadline)


def holds(buffer: Buffer, deadline: Deadline) -> None:
    buffer.holds(KEY, deadline)


def asked_of_dynamodb(
    connect: Connect, script: Sequence[Reply | Deed], call: Callable[[Buffer, Deadline], object]
) -> list[tuple[str | None, dict[str, object]]]:
    with aws_endpoint(*script) as (url, endpoint):
        connect(url)
        call(Buffer("a-table"), Deadline(AMPLE_S))
    return [(request.target, json.loads(request.body)) for request in endpoint.requests]


def test_a_batch_is_put_where_there_is_none(connect: Connect) -> None:
    """The first try wins: the flusher may have recorded it."""
    in_json = ITEM | {"body": {"B": base64.b64encode(BATCH.body).decode()}}
    assert asked_of_dynamodb(connect, DYNAMODB_TAKES, put_batch) == [
        (
            "DynamoDB_20120810.PutItem",
            {
                "TableName": "a-table",
                "Item": in_json,
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnConsumedCapacity": "TOTAL",
            },
        )
    ]


def test_a_batch_that_is_there_is_kept(connect: Connect) -> None:
    """It is another try of it, or an answer that was lost."""
    assert len(asked_of_dynamodb(connect, [json_error(400, "ConditionalCheckFailedException")], put_batch)) == 1


def test_a_marker_is_put_without_a_condition(connect: Connect) -> None:
    [(target, asked)] = asked_of_dynamodb(connect, DYNAMODB_TAKES, put_marker)
    assert target == "DynamoDB_20120810.PutItem"
    assert asked["Item"] == MARKER
    assert "ConditionExpression" not in asked


@pytest.mark.parametrize(("item", "held"), [({}, False), ({"Item": {"pk": {"S": KEY.partition}}}, True)])
def test_an_item_is_looked_for_by_a_consistent_read(connect: Connect, item: dict[str, object], held: bool) -> None:
    reply = Reply(200, json.dumps({"ConsumedCapacity": {"TableName": "a-table"}, **item}).encode())
    with aws_endpoint(reply) as (url, endpoint):
        connect(url)
        assert Buffer("a-table").holds(KEY, Deadline(AMPLE_S)) is held
    [request] = endpoint.requests
    asked = json.loads(request.body)
    assert request.target == "DynamoDB_20120810.GetItem"
    assert (asked["Key"], asked["ConsistentRead"]) == (KEY.item, True)


# Throttling and trouble are tried twice within the deadline; a refusal is final.
@pytest.mark.parametrize("call", [put_batch, put_marker, holds])
@pytest.mark.parametrize(
    ("reply", "seconds", "reason", "tries"),
    [
        pytest.param(Reply(200, b"{}"), AMPLE_S, "dynamodb-no-capacity", 1, id="not-dynamodbs-answer"),
        pytest.param(Reply(200, b"<html>"), AMPLE_S, "dynamodb-no-capacity", 1, id="a-page"),
        pytest.param(json_error(400, "AccessDeniedException"), AMPLE_S, "dynamodb-AccessDeniedException", 1, id="403"),
        pytest.param(
            json_error(400, "ResourceNotFoundException"), AMPLE_S, "dynamodb-ResourceNotFoundException", 1, id="404"
        ),
        pytest.param(json_error(400, "ValidationException"), AMPLE_S, "dynamodb-ValidationException", 1, id="invalid"),
        pytest.param(
            json_error(400, "ThrottlingException"), AMPLE_S, "dynamodb-ThrottlingException", 2, id="throttled"
        ),
        pytest.param(
            json_error(400, "ProvisionedThroughputExceededException"),
            AMPLE_S,
            "dynamodb-ProvisionedThroughputExceededException",
            2,
            id="partition-throttled",
        ),
        pytest.param(json_error(500, "InternalServerError"), AMPLE_S, "dynamodb-InternalServerError", 2, id="500"),
        pytest.param(reset, AMPLE_S, "dynamodb-ConnectionClosedError", 2, id="reset"),
        pytest.param(hang, SHORT_S, "dynamodb-deadline", 1, id="hang"),
        pytest.param(trickle, SHORT_S, "dynamodb-deadline", 1, id="trickle"),
    ],
)
def test_dynamodbs_trouble_has_a_reason_code(
    connect: Connect,
    call: Callable[[Buffer, Deadline], object],
    reply: Reply | Deed,
    seconds: float,
    reason: str,
    tries: int,
) -> None:
    with aws_endpoint(reply) as (url, endpoint):
        connect(url)
        buffer = Buffer("a-table")
        begin = time.monotonic()
        with pytest.raises(Unavailable) as unavailable:
            call(buffer, Deadline(seconds))
        assert time.monotonic() - begin < seconds + PATIENCE_S
    assert unavailable.value.reason == reason
    # On a busy machine the time can be up before the request is sent.
    assert len(endpoint.requests) == tries or seconds == SHORT_S


def test_throttling_that_passes_is_tried_again(connect: Connect) -> None:
    script = [json_error(400, "ThrottlingException"), *DYNAMODB_TAKES]
    assert len(asked_of_dynamodb(connect, script, put_batch)) == 2


@mock_aws
def test_the_first_try_wins_and_is_found() -> None:
    """On moto's DynamoDB, which reads the expressions."""
    boto3.client("dynamodb").create_table(
        TableName="a-table",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    buffer, deadline = Buffer("a-table"), Deadline(AMPLE_S)
    assert not buffer.holds(KEY, deadline)
    buffer.put_batch(ITEM, deadline)
    buffer.put_batch(ITEM | {"arrival": {"N": "0"}}, deadline)
    buffer.put_marker(MARKER, deadline)
    buffer.put_marker(MARKER, deadline)
    assert buffer.holds(KEY, deadline)
    kept = boto3.client("dynamodb").scan(TableName="a-table")["Items"]
    assert sorted(kept, key=str) == sorted([ITEM, MARKER], key=str)


@pytest.mark.parametrize(
    "call",
    [
        lambda buffer: buffer.put_batch(ITEM, Deadline(AMPLE_S)),
        lambda buffer: buffer.put_marker(MARKER, Deadline(AMPLE_S)),
        lambda buffer: buffer.holds(KEY, Deadline(AMPLE_S)),
    ],
)
def test_no_buffer_takes_nothing(call: Callable[[NoBuffer], object]) -> None:
    with pytest.raises(NotAsked) as refused:
        call(NoBuffer())
    assert refused.value.reason == "buffer-not-set"


# ---------------------------------------------------------------- SQS


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(Reply(200, b"{}"), "sqs-no-message-id", id="not-sqss-answer"),
        pytest.param(ssm_error(400, "AccessDenied"), "sqs-AccessDenied", id="denied"),
    ],
)
def test_a_message_that_is_not_in_the_queue_is_not_spilled(connect: Connect, reply: Reply, reason: str) -> None:
    with aws_endpoint(reply) as (url, _):
        connect(url)
        with pytest.raises(Unavailable) as unavailable:
            Queue("https://sqs.us-east-1.amazonaws.com/123456789012/spill").send("a message", Deadline(AMPLE_S))
    assert unavailable.value.reason == reason


# ---------------------------------------------------------------- SSM

NAME = "/raxx/log-drain/token_hashes/raxx-api-prod"


def test_a_parameter_is_read(connect: Connect) -> None:
    with aws_endpoint(Reply(200, b'{"Parameter": {"Value": "a value"}}')) as (url, endpoint):
        connect(url)
        assert Parameters().read(NAME, Deadline(AMPLE_S)) == "a value"
    [request] = endpoint.requests
    assert request.target == "AmazonSSM.GetParameter"
    assert request.body == json.dumps({"Name": NAME}).encode()


@pytest.mark.parametrize(
    ("reply", "seconds", "reason"),
    [
        pytest.param(ssm_error(400, "AccessDeniedException"), AMPLE_S, "ssm-AccessDeniedException", id="denied"),
        pytest.param(ssm_error(400, "ParameterNotFound"), AMPLE_S, "ssm-ParameterNotFound", id="not-there"),
        pytest.param(ssm_error(400, "ThrottlingException"), AMPLE_S, "ssm-ThrottlingException", id="throttled"),
        pytest.param(ssm_error(500, "InternalServerError"), AMPLE_S, "ssm-InternalServerError", id="500"),
        pytest.param(Reply(200, b"<html>"), AMPLE_S, "ssm-no-value", id="not-ssms-answer"),
        pytest.param(hang, SHORT_S, "ssm-deadline", id="hang"),
        pytest.param(trickle, SHORT_S, "ssm-deadline", id="trickle"),
    ],
)
def test_ssms_trouble_has_a_reason_code(connect: Connect, reply: Reply | Deed, seconds: float, reason: str) -> None:
    with aws_endpoint(reply) as (url, _):
        connect(url)
        parameters = Parameters()
        with pytest.raises(Unavailable) as unavailable:
            parameters.read(NAME, Deadline(seconds))
    assert unavailable.value.reason == reason
