"""Whatever AWS does, the receiver's calls end in time, either done or with a reason code."""

import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from contract.object_keys import ObjectKey
from receiver.aws import LogBucket, Parameter, Unavailable
from receiver.deadline import Deadline
from receiver.logplex.batch import StoredObject
from tests.support.fakes import Deed, Reply, aws_endpoint, hang, reset, trickle
from tests.support.logplex_frames import NOON_MS

AMPLE_S = 20.0
SHORT_S = 0.3
PATIENCE_S = 5.0  # for what has to end at SHORT_S, on a machine that is busy
DAY_MS = 86_400_000

STORED = Reply(200)
OBJECT = StoredObject(ObjectKey("raxx-api-prod", NOON_MS, UUID(int=1)), b"\x1f\x8b data", 1, Counter(), Counter())
NEXT_DAY = StoredObject(
    ObjectKey("raxx-api-prod", NOON_MS + DAY_MS, UUID(int=1)), b"\x1f\x8b more", 1, Counter(), Counter()
)

Connect = Callable[[str], None]


def s3_error(status: int, code: str) -> Reply:
    return Reply(status, f"<Error><Code>{code}</Code><Message>what S3 says</Message></Error>".encode())


def ssm_error(status: int, code: str) -> Reply:
    return Reply(status, f'{{"__type": "{code}", "message": "what SSM says"}}'.encode())


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


# ---------------------------------------------------------------- SSM


def test_a_parameter_is_read_decrypted(connect: Connect) -> None:
    with aws_endpoint(Reply(200, b'{"Parameter": {"Value": "[\\"key\\"]"}}')) as (url, endpoint):
        connect(url)
        assert Parameter("/raxx/log-drain/drain_keys").read(Deadline(AMPLE_S)) == '["key"]'
    [request] = endpoint.requests
    assert request.target == "AmazonSSM.GetParameter"
    assert request.body == b'{"Name": "/raxx/log-drain/drain_keys", "WithDecryption": true}'


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
        parameter = Parameter("/raxx/log-drain/drain_keys")
        with pytest.raises(Unavailable) as unavailable:
            parameter.read(Deadline(seconds))
    assert unavailable.value.reason == reason
