"""What the receiver reads in API Gateway's event (HTTP API, payload format 2.0)."""

from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.drain import token
from contract.keys import APP_NAME
from receiver import request
from tests.fakes import APP, FRAME_ID, KEY, QUERY, drain_event, gateway_context

NOW_MS = 1_795_521_600_000
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
    assert batch == (APP, FRAME_ID, NOW_MS, body, False)


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
    assert (batch.body, batch.undecodable) == (text.encode(), True)


@pytest.mark.parametrize(
    ("headers", "frame_id"),
    [
        pytest.param({"logplex-frame-id": FRAME_ID}, FRAME_ID, id="given"),
        pytest.param({"logplex-frame-id": f" {FRAME_ID} "}, FRAME_ID, id="white-space"),
        pytest.param({"logplex-frame-id": " "}, None, id="blank"),
        pytest.param({}, None, id="private-space"),
        pytest.param(None, None, id="no-headers"),
    ],
)
def test_the_frame_id(headers: dict[str, str] | None, frame_id: str | None) -> None:
    assert request.batch(drain_event(headers=headers), APP, NOW_MS).frame_id == frame_id
