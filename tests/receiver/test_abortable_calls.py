"""A call of AWS ends with its deadline, over HTTP and TLS, and has the form that S3 expects in production."""

import base64
import hashlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from contract.buffer_table import marker_item
from contract.object_keys import ObjectKey
from contract.slots import Slot
from receiver.aws import SPILLING_PROBE_S, Buffer, LogBucket, Parameters, Queue, Service, Unavailable
from receiver.breaker import FAILURES
from receiver.deadline import Deadline
from receiver.stored_object import StoredObject
from tests.support.fakes import (
    Deed,
    Reply,
    aws_endpoint,
    continuing_for_ever,
    deaf_endpoint,
    end_within_continue,
    silence,
    trickling_body,
    trickling_headers,
    trickling_last_body,
)
from tests.support.logplex_frames import NOON_MS
from tests.support.tls import certificate

AMPLE_S = 20.0
SHORT_S = 0.2
SENT_S = 1.0  # in which a busy machine, too, has sent a request
PATIENCE_S = 5.0  # for what takes moments, on a machine that is busy

KEY = ObjectKey("raxx-api-prod", NOON_MS, UUID(int=1))
OBJECT = StoredObject(KEY, b"\x1f\x8b" + bytes(range(256)) * 300, 3)

Connect = Callable[..., None]


# The clients are made before the clock starts.
def put(seconds: float) -> None:
    bucket = LogBucket("a-bucket")
    bucket.put([OBJECT], Deadline(seconds))


def fill(seconds: float) -> None:
    buffer = Buffer("a-table")
    buffer.put_marker(marker_item("raxx-api-prod", Slot.of(NOON_MS, 5), UUID(int=1), NOON_MS), Deadline(seconds))


def send(seconds: float) -> None:
    queue = Queue("https://sqs.us-east-1.amazonaws.com/123456789012/spill")
    queue.send("a message", Deadline(seconds))


def read(seconds: float) -> None:
    Parameters().read("/token_hashes/raxx-api-prod", Deadline(seconds))


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Make the clients that are made from now on ask a URL."""

    def set_url(url: str, bundle: Path | None = None) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        if bundle:
            monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))

    return set_url


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def no_call_stays() -> Iterator[None]:
    """See that no thread of a call outlives it by more than a retry's pause."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if "(run)" in thread.name:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


# ---------------------------------------------------------------- calls that end

WAITS = [silence, trickling_headers, trickling_body, trickling_last_body, continuing_for_ever]


@pytest.mark.usefixtures("no_call_stays")
@pytest.mark.parametrize("secure", [False, True], ids=["HTTP", "TLS"])
@pytest.mark.parametrize("call", [fill, put, send, read])
@pytest.mark.parametrize("deed", WAITS)
def test_a_call_lets_go_of_its_connection_when_its_time_is_up(
    connect: Connect, tls: tuple[Path, ssl.SSLContext], deed: Deed, call: Callable[[float], None], secure: bool
) -> None:
    """Or threads and descriptors pile up: a read time-out is no limit for an answer that trickles."""
    bundle, context = tls
    with aws_endpoint(deed, tls=context if secure else None) as (url, endpoint):
        connect(url, bundle)
        # Usually once: on a busy machine the time can be up before the request is sent.
        while not endpoint.requests:
            with pytest.raises(Unavailable, match="deadline"):
                call(SHORT_S)
        # Before any time-out of boto3's: they are seconds.
        assert endpoint.left.acquire(timeout=1.5)


@pytest.mark.usefixtures("no_call_stays")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("call", [fill, put, send, read])
def test_a_call_ends_where_nobody_takes_its_request(
    connect: Connect, call: Callable[[float], None], scheme: str
) -> None:
    """Neither reads it nor makes a TLS handshake; the connection is one all the same, by the kernel."""
    with deaf_endpoint() as (url, _):
        connect(url.replace("http", scheme))
        with pytest.raises(Unavailable, match="deadline"):
            call(SHORT_S)


@pytest.mark.usefixtures("no_call_stays")
def test_a_kept_connection_that_trickles_later_is_let_go_too(connect: Connect) -> None:
    """Nearly every call comes over a connection that an earlier one has opened."""
    with aws_endpoint(Reply(200), Reply(200), trickling_headers) as (url, endpoint):
        connect(url)
        bucket = LogBucket("a-bucket")
        for _ in range(2):
            bucket.put([OBJECT], Deadline(AMPLE_S))
        with pytest.raises(Unavailable, match="deadline"):
            bucket.put([OBJECT], Deadline(SENT_S))
        assert endpoint.left.acquire(timeout=1.5)


def test_a_call_that_was_left_is_not_tried_again(connect: Connect) -> None:
    with aws_endpoint(silence) as (url, endpoint):
        connect(url)
        before = set(threading.enumerate())
        with pytest.raises(Unavailable, match="deadline"):
            put(SENT_S)
        for thread in set(threading.enumerate()) - before:
            if "(run)" in thread.name:
                thread.join(PATIENCE_S)
        assert len(endpoint.requests) == 1


def test_of_two_objects_the_one_that_hangs_is_let_go_when_the_other_is_refused(connect: Connect) -> None:
    """Nobody waits for it any more."""
    refused = Reply(403, b"<Error><Code>AccessDenied</Code></Error>")
    with aws_endpoint(silence, refused) as (url, endpoint):
        connect(url)
        with pytest.raises(Unavailable, match="AccessDenied"):
            LogBucket("a-bucket").put([OBJECT, OBJECT], Deadline(AMPLE_S))
        assert endpoint.left.acquire(timeout=1.5)


def test_more_calls_than_may_be_under_way_are_refused_at_once(connect: Connect) -> None:
    """The batch goes to the queue then, instead of waiting for its turn."""
    with aws_endpoint(silence) as (url, _):
        connect(url)
        bucket = LogBucket("a-bucket", service=Service("s3", SPILLING_PROBE_S, calls_at_once=1))
        with pytest.raises(Unavailable) as unavailable:
            bucket.put([OBJECT, OBJECT], Deadline(AMPLE_S))
        assert unavailable.value.reason == "s3-busy"


# ---------------------------------------------------------------- the breaker


def test_a_service_that_hangs_is_not_asked_by_every_post(connect: Connect) -> None:
    with aws_endpoint(silence) as (url, endpoint):
        connect(url)
        bucket = LogBucket("a-bucket", service=Service("s3", SPILLING_PROBE_S, slow_s=SHORT_S / 2))
        reasons = []
        for _ in range(FAILURES + 5):
            with pytest.raises(Unavailable) as unavailable:
                bucket.put([OBJECT], Deadline(SHORT_S))
            reasons.append(unavailable.value.reason)
        assert reasons == ["s3-deadline"] * FAILURES + ["s3-circuit-open"] * 5
        assert len(endpoint.requests) == FAILURES


def test_a_post_that_came_too_late_says_nothing_of_the_service(connect: Connect) -> None:
    """It had no fair chance."""
    with aws_endpoint(silence) as (url, _):
        connect(url)
        bucket = LogBucket("a-bucket")
        for _ in range(3 * FAILURES):
            with pytest.raises(Unavailable, match="deadline"):
                bucket.put([OBJECT], Deadline(0.001))


def test_a_refusal_at_once_does_not_open_it(connect: Connect) -> None:
    """It costs a POST nothing, and the log has to go on saying what is wrong."""
    with aws_endpoint(Reply(403, b"<Error><Code>AccessDenied</Code></Error>")) as (url, _):
        connect(url)
        bucket = LogBucket("a-bucket", service=Service("s3", SPILLING_PROBE_S, slow_s=PATIENCE_S))
        for _ in range(3 * FAILURES):
            with pytest.raises(Unavailable, match="AccessDenied"):
                bucket.put([OBJECT], Deadline(AMPLE_S))


# ---------------------------------------------------------------- the form of a PutObject


def test_an_object_is_sent_as_it_is_with_its_checksum_in_front(
    connect: Connect, tls: tuple[Path, ssl.SSLContext]
) -> None:
    """Over TLS boto3 would send chunks and a CRC32 behind them, if the checksum were not given."""
    bundle, context = tls
    with aws_endpoint(Reply(200), tls=context) as (url, endpoint):
        connect(url, bundle)
        put(AMPLE_S)
    [request] = endpoint.requests
    assert request.path == f"/a-bucket/{KEY}"
    assert (
        request.headers.items()
        >= {
            "content-length": str(len(OBJECT.data)),
            "content-type": "application/gzip",
            "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(OBJECT.data).digest()).decode(),
        }.items()
    )
    assert request.body == OBJECT.data


@pytest.mark.parametrize("secure", [False, True], ids=["HTTP", "TLS"])
def test_an_object_is_sent_without_asking_first(
    connect: Connect, tls: tuple[Path, ssl.SSLContext], secure: bool
) -> None:
    """botocore asks for a 100 Continue, and never ends where the connection ends within it."""
    bundle, context = tls
    with aws_endpoint(Reply(200), tls=context if secure else None, dies_in_continue=True) as (url, endpoint):
        connect(url, bundle)
        put(PATIENCE_S)
    [request] = endpoint.requests
    assert "expect" not in request.headers


def test_a_100_continue_that_nobody_asked_for_and_the_end_is_an_error_as_any(connect: Connect) -> None:
    with aws_endpoint(end_within_continue) as (url, _):
        connect(url)
        begin = time.monotonic()
        with pytest.raises(Unavailable, match="s3-ConnectionClosedError"):
            put(AMPLE_S)
        assert time.monotonic() - begin < AMPLE_S / 2
