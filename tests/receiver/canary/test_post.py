"""A canary is sent as Logplex sends a batch: what the receiver makes of it is a batch of one line, whatever the try."""

from http.server import BaseHTTPRequestHandler

import pytest

from contract import canary
from contract.stored_line import Record, from_frame
from receiver.canary import post
from receiver.canary.post import NotAccepted
from tests.support.fakes import Endpoint, Reply, aws_endpoint
from tests.support.logplex_frames import NOON_MS

PATH = "/prod/drain?app=raxx-api-prod&token=a-token"


def hang_up(_: Endpoint, request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def test_a_canary_is_one_frame_with_logplexs_headers() -> None:
    with aws_endpoint(Reply(200)) as (url, endpoint):
        post.post(url + PATH, NOON_MS)
    [request] = endpoint.requests
    assert (request.method, request.path) == ("POST", PATH)
    assert request.headers["content-type"] == "application/logplex-1"
    assert request.headers["logplex-msg-count"] == "1"
    assert canary.is_frame_id(request.headers["logplex-frame-id"])
    count, _, message = request.body.partition(b" ")
    assert int(count) == len(message)
    assert message == canary.message(NOON_MS)


def test_its_message_is_a_line_with_the_marks() -> None:
    record = from_frame(canary.message(NOON_MS))
    assert isinstance(record, Record)
    assert record.header == b"<46>1 2026-11-24T12:00:00.000000+00:00 host logdrain canary -"


def test_tries_are_three_and_have_one_frame_id() -> None:
    """So that a canary whose answer was lost is stored once."""
    with aws_endpoint(Reply(503), hang_up, Reply(200)) as (url, endpoint):
        post.post(url + PATH, NOON_MS)
    assert len({request.headers["logplex-frame-id"] for request in endpoint.requests}) == 1
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize(
    ("reply", "reason"), [(Reply(401), "status-401"), (Reply(500), "status-500"), (hang_up, "RemoteDisconnected")]
)
def test_what_is_not_accepted_has_a_reason_without_the_token(reply: Reply, reason: str) -> None:
    with aws_endpoint(reply) as (url, endpoint), pytest.raises(NotAccepted) as failed:
        post.post(url + PATH, NOON_MS)
    assert (failed.value.reason, str(failed.value)) == (reason, reason)
    assert len(endpoint.requests) == post.TRIES


def test_an_endpoint_that_nobody_serves_has_a_reason_too() -> None:
    with aws_endpoint(Reply(200)) as (url, _):
        pass
    with pytest.raises(NotAccepted, match="ConnectionRefusedError"):
        post.post(url + PATH, NOON_MS)
