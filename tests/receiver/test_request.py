"""What the receiver reads in API Gateway's event (HTTP API, payload format 2.0)."""

import gzip
import tracemalloc
import zlib
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.drain_url import token
from contract.logplex.batch import Batch
from contract.object_keys import APP_NAME
from contract.stored_line import Reason
from receiver import request
from tests.support.fakes import APP, FRAME_ID, KEY, QUERY, drain_event, gateway_context

NOW_MS = 1_795_521_600_000
SHUTTLE = "log-shuttle/0.18.1 (go1.20; linux; amd64; gc)"
TOKEN = token(KEY, APP)


# ---------------------------------------------------------------- path and method


# `/drain`, once the stage is taken off; the stage `$default` is not in the path.
@pytest.mark.parametrize(
    ("path", "stage"),
    [
        pytest.param("/prod/drain", "prod", id="stage"),
        pytest.param("/drain", "$default", id="default-stage"),
        pytest.param("/drain", "prod", id="custom-domain"),
        pytest.param("/drain/drain", "drain", id="stage-named-drain"),
    ],
)
def test_the_drain_path(path: str, stage: str) -> None:
    event = drain_event(rawPath=path, requestContext=gateway_context(stage=stage))
    assert request.credentials(event) == (APP, TOKEN)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"rawPath": "/prod/"}, 404, id="root"),
        pytest.param({"rawPath": "/prod"}, 404, id="stage"),
        pytest.param({"rawPath": "/proddrain"}, 404, id="stage-without-slash"),
        pytest.param({"rawPath": "/prod/drain/"}, 404, id="trailing-slash"),
        pytest.param({"rawPath": "/prod/drains"}, 404, id="longer"),
        pytest.param({"rawPath": "/prod/Drain"}, 404, id="capital"),
        pytest.param({"rawPath": "/test/drain"}, 404, id="another-stage"),
        pytest.param({"rawPath": "/prod/prod/drain"}, 404, id="stage-twice"),
        pytest.param({"rawPath": None}, 404, id="no-path"),
        pytest.param(
            {"rawPath": "/prod/x", "requestContext": gateway_context(http={"method": "GET"})}, 404, id="path-first"
        ),
        *[
            pytest.param({"requestContext": gateway_context(http={"method": method})}, 405, id=method)
            for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "post")
        ],
        pytest.param({"rawPath": "/drain", "requestContext": {}}, 405, id="empty-context"),
        pytest.param({"rawPath": "/drain", "requestContext": None}, 405, id="no-context"),
    ],
)
def test_another_path_or_method_is_refused(changes: dict[str, Any], status: int) -> None:
    with pytest.raises(request.Refused) as refused:
        request.credentials(drain_event(**changes))
    assert refused.value.status == status


# ---------------------------------------------------------------- query


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(f"token={TOKEN}&app={APP}", id="another-order"),
        pytest.param(f"app={APP}&token={TOKEN}&x=1&y=", id="more"),
        pytest.param(f"app=raxx%2Dapi%2dprod&token={TOKEN}", id="percent-encoded-value"),
        pytest.param(f"%61pp={APP}&token={TOKEN}", id="percent-encoded-name"),
    ],
)
def test_app_and_token_are_found_by_name_and_decoded(query: str) -> None:
    assert request.credentials(drain_event(query=query)) == (APP, TOKEN)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="empty"),
        pytest.param(None, id="null"),
        pytest.param(f"app={APP}", id="no-token"),
        pytest.param(f"token={TOKEN}", id="no-app"),
        pytest.param(f"{QUERY}&app={APP}", id="app-twice"),
        pytest.param(f"{QUERY}&token=x", id="token-twice"),
        pytest.param(f"{QUERY}&app=", id="app-twice-once-empty"),
        pytest.param(f"{QUERY}&%74oken={TOKEN}", id="token-twice-once-encoded"),
        pytest.param(f"App={APP}&Token={TOKEN}", id="capitals"),
        pytest.param(f"app={APP};token={TOKEN}", id="semicolon"),
        pytest.param(QUERY + "&x=1" * 1000, id="a-thousand-fields"),
        pytest.param(f"app=&token={TOKEN}", id="empty-app"),
        pytest.param(f"app=no/app&token={TOKEN}", id="no-app-name"),
        pytest.param(f"app=\ud800&token={TOKEN}", id="no-character"),
    ],
)
def test_a_query_without_one_app_and_one_token_is_401(query: str) -> None:
    with pytest.raises(request.Refused) as refused:
        request.credentials(drain_event(query=query))
    assert refused.value.status == 401


@given(st.one_of(st.text(max_size=40), st.text(max_size=40).map(lambda app: f"app={app}&token=x")))
def test_any_query_is_read_or_refused(query: str) -> None:
    with suppress(request.Refused):
        assert APP_NAME.fullmatch(request.credentials(drain_event(query=query)).app)


def test_the_joined_parameters_are_not_trusted() -> None:
    """The gateway joins values given twice with a comma, so only the raw query tells."""
    event = drain_event(query="", queryStringParameters={"app": APP, "token": TOKEN})
    with pytest.raises(request.Refused):
        request.credentials(event)


# ---------------------------------------------------------------- arrival


@pytest.mark.parametrize(
    ("context", "arrival_ms"),
    [
        pytest.param({"timeEpoch": NOW_MS - 40}, NOW_MS - 40, id="gateways-time"),
        pytest.param({"timeEpoch": 0}, NOW_MS, id="zero"),
        pytest.param({"timeEpoch": -1}, NOW_MS, id="negative"),
        pytest.param({"timeEpoch": str(NOW_MS - 40)}, NOW_MS, id="text"),
        pytest.param({"timeEpoch": None}, NOW_MS, id="null"),
        pytest.param({}, NOW_MS, id="absent"),
        pytest.param(None, NOW_MS, id="no-context"),
    ],
)
def test_the_arrival_is_the_gateways_time_or_now(context: dict[str, Any] | None, arrival_ms: int) -> None:
    assert request.arrival_ms(drain_event(requestContext=context), NOW_MS) == arrival_ms


# ---------------------------------------------------------------- body


# The flag says whether the body is base64, not the content type; whatever the body is, it is taken.
@pytest.mark.parametrize(
    ("changes", "body"),
    [
        pytest.param({}, b"2 hi", id="base64"),
        pytest.param({"isBase64Encoded": False, "body": "2 hi"}, b"2 hi", id="plain"),
        pytest.param({"isBase64Encoded": False, "body": "MiBoaQ=="}, b"MiBoaQ==", id="plain-that-looks-like-base64"),
        pytest.param({"isBase64Encoded": False, "body": "é\ud800"}, b"\xc3\xa9\xed\xa0\x80", id="plain-not-ASCII"),
        pytest.param({"isBase64Encoded": None, "body": "2 hi"}, b"2 hi", id="no-flag"),
        pytest.param({"body": b64encode(bytes(range(256))).decode()}, bytes(range(256)), id="all-bytes"),
        pytest.param({"body": ""}, b"", id="empty"),
        pytest.param({"body": None}, b"", id="null"),
    ],
)
def test_the_body(changes: dict[str, Any], body: bytes) -> None:
    batch = request.batch(drain_event(b"2 hi", **changes), APP, NOW_MS)
    assert batch == Batch(APP, FRAME_ID, NOW_MS, body)


def test_an_absent_body_is_empty() -> None:
    event = drain_event()
    del event["body"]
    assert request.batch(event, APP, NOW_MS).body == b""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("MiBoaQ", id="no-padding"),
        pytest.param("MiBo\naQ==", id="line-end"),
        pytest.param("2 hi", id="plain"),
        pytest.param("é", id="not-ASCII"),
    ],
)
def test_a_body_that_is_no_base64_is_kept_as_it_came(text: str) -> None:
    batch = request.batch(drain_event(body=text), APP, NOW_MS)
    assert (batch.body, batch.fault) == (text.encode(), Reason.BAD_BASE64)


# ---------------------------------------------------------------- content coding

LINES = b"2 hi" * 1000
LIMIT = 10 * 1024 * 1024
PACKED = gzip.compress(LINES)


def decoded(sent: bytes, coding: str | None) -> tuple[bytes, Reason | None]:
    batch = request.batch(drain_event(sent, headers={"content-encoding": coding}), APP, NOW_MS)
    return batch.body, batch.fault


@pytest.mark.parametrize(
    ("sent", "coding", "body"),
    [
        pytest.param(PACKED, "gzip", LINES, id="gzip"),
        pytest.param(PACKED, " GZIP ", LINES, id="gzip-in-capitals"),
        pytest.param(PACKED, "x-gzip", LINES, id="x-gzip"),
        pytest.param(PACKED, "identity, gzip", LINES, id="identity-and-gzip"),
        pytest.param(PACKED + gzip.compress(b"2 ho"), "gzip", LINES + b"2 ho", id="two-members"),
        pytest.param(gzip.compress(bytes(LIMIT)), "gzip", bytes(LIMIT), id="as-large-as-a-body-can-be"),
        pytest.param(gzip.compress(b""), "gzip", b"", id="nothing-in-gzip"),
        pytest.param(b"", "gzip", b"", id="empty"),
        pytest.param(LINES, "identity", LINES, id="identity"),
        pytest.param(LINES, "", LINES, id="blank"),
        pytest.param(LINES, None, LINES, id="none"),
        pytest.param(PACKED, None, PACKED, id="gzip-that-the-header-does-not-name"),
    ],
)
def test_a_coded_body_is_decoded(sent: bytes, coding: str | None, body: bytes) -> None:
    """log-shuttle -gzip sends `Content-Encoding: gzip`."""
    assert decoded(sent, coding) == (body, None)


@pytest.mark.parametrize(
    ("sent", "coding", "reason"),
    [
        pytest.param(PACKED[:-1], "gzip", Reason.BAD_GZIP, id="cut-off"),
        pytest.param(PACKED[:9], "gzip", Reason.BAD_GZIP, id="cut-off-in-its-header"),
        pytest.param(PACKED[:-8] + bytes(8), "gzip", Reason.BAD_GZIP, id="wrong-checksum"),
        pytest.param(PACKED + b"x", "gzip", Reason.BAD_GZIP, id="something-behind-it"),
        pytest.param(LINES, "gzip", Reason.BAD_GZIP, id="no-gzip"),
        pytest.param(zlib.compress(LINES), "gzip", Reason.BAD_GZIP, id="zlib"),
        pytest.param(gzip.compress(b"") * 1000, "gzip", Reason.BAD_GZIP, id="a-thousand-members"),
        pytest.param(gzip.compress(bytes(LIMIT + 1)), "gzip", Reason.GZIP_TOO_LARGE, id="a-byte-too-large"),
        pytest.param(gzip.compress(bytes(20 * LIMIT)), "gzip", Reason.GZIP_TOO_LARGE, id="bomb"),
        pytest.param(gzip.compress(bytes(LIMIT)) * 2, "gzip", Reason.GZIP_TOO_LARGE, id="bomb-in-two-members"),
        pytest.param(LINES, "br", Reason.UNKNOWN_CODING, id="another-coding"),
        pytest.param(gzip.compress(PACKED), "gzip, gzip", Reason.UNKNOWN_CODING, id="gzip-twice"),
    ],
)
def test_what_cannot_be_decoded_is_kept_as_it_came(sent: bytes, coding: str, reason: Reason) -> None:
    assert decoded(sent, coding) == (sent, reason)


def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    bomb = drain_event(gzip.compress(bytes(20 * LIMIT)), headers={"content-encoding": "gzip"})
    tracemalloc.start()
    request.batch(bomb, APP, NOW_MS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * LIMIT


@pytest.mark.parametrize(
    ("headers", "frame_id"),
    [
        pytest.param({"logplex-frame-id": FRAME_ID}, FRAME_ID, id="given"),
        pytest.param({"logplex-frame-id": f" {FRAME_ID} "}, FRAME_ID, id="white-space"),
        pytest.param({"logplex-frame-id": " "}, None, id="blank"),
        pytest.param({"logplex-frame-id": "x" * 256}, "x" * 256, id="long"),
        pytest.param({"logplex-frame-id": "x" * 257}, None, id="too-long"),
        pytest.param({}, None, id="private-space"),
        pytest.param(None, None, id="no-headers"),
        pytest.param({"user-agent": SHUTTLE, "x-request-id": "a-batch"}, "a-batch", id="log-shuttle"),
        pytest.param(
            {"user-agent": SHUTTLE, "x-request-id": "a-try", "logplex-frame-id": FRAME_ID}, FRAME_ID, id="both"
        ),
        pytest.param({"user-agent": SHUTTLE}, None, id="log-shuttle-without-id"),
        # A proxy's is a new one on each try, and would store each.
        pytest.param({"user-agent": "nginx", "x-request-id": "a-try"}, None, id="request-id-of-another"),
    ],
)
def test_the_frame_id(headers: dict[str, str] | None, frame_id: str | None) -> None:
    assert request.batch(drain_event(headers=headers), APP, NOW_MS).frame_id == frame_id


@pytest.mark.parametrize(
    ("headers", "drain"),
    [
        pytest.param({"logplex-drain-token": "d.x"}, "d.x", id="Logplex"),
        pytest.param({"logplex-drain-token": " "}, None, id="blank"),
        pytest.param({"logplex-drain-token": "x" * 257}, None, id="too long"),
        pytest.param({}, None, id="a Private Space, log-shuttle"),
    ],
)
def test_the_drain_that_sent_it(headers: dict[str, str], drain: str | None) -> None:
    assert request.batch(drain_event(headers=headers), APP, NOW_MS).drain == drain


@pytest.mark.parametrize(
    ("said", "frames"),
    [("3", 3), (" 3 ", 3), ("0", 0), ("", None), (None, None), ("-1", None), ("3.0", None), ("٣", None)],
)
def test_the_frames_that_are_announced(said: str | None, frames: int | None) -> None:
    """A count that is none is not believed."""
    event = drain_event(headers={"logplex-msg-count": said})
    assert request.batch(event, APP, NOW_MS).announced == frames
    assert request.batch(drain_event(headers=None), APP, NOW_MS).announced is None


def test_a_count_of_thousands_of_digits_is_none() -> None:
    """int() refuses it, and a POST must not fail for a header."""
    event = drain_event(headers={"logplex-msg-count": "9" * 5000})
    assert request.batch(event, APP, NOW_MS).announced is None
