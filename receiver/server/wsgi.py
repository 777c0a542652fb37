"""The receiver as a WSGI application: HTTP becomes the event that API Gateway would make of it. No part of Lambda."""

import base64
import os
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from receiver.handler import handler
from receiver.settings import MissingSetting, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HEALTH_PATH = "/health"


# Where the server says, in a request's environment, for how many seconds the request has been there.
WAITED_S = "receiver.waited_s"
# The handler's budget. Its clock is the server's own: nothing has to be left for a slow start or for a clock's skew.
ANSWER_S = 3.8


class _TimeLeft:
    """In the place of Lambda's context: how long the sender is going to wait for the answer."""

    def __init__(self, waited_s: float) -> None:
        self._end = time.monotonic() + ANSWER_S - waited_s

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round(1000 * (self._end - time.monotonic())))


def prepare() -> None:
    """Make the AWS clients, before there are threads, which might each make some; AWS is not asked.

    MissingSetting for a variable that is not set; botocore's BotoCoreError where boto3 lacks a region or the like.
    """
    # Nothing to redrive: unlike any request, it is not counted.
    handler({"Records": []}, _TimeLeft(0))


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer as the handler does, with an empty body always, at `/drain`; the server refuses bodies that are too large.

    `GET /health` is answered 200 when the settings are complete, else 503; AWS is not asked.
    """
    path = environ.get("PATH_INFO", "")
    if path == HEALTH_PATH and environ["REQUEST_METHOD"] == "GET":
        status = _health()
    else:
        waited_s = environ.get(WAITED_S, 0.0)
        time_left = _TimeLeft(waited_s)
        arrival_ms = time.time_ns() // 1_000_000 - round(waited_s * 1000)
        status = HTTPStatus(handler(event(environ, arrival_ms), time_left)["statusCode"])
    start_response(f"{status.value} {status.phrase}", [("Content-Length", "0")])
    return []


def event(environ: "WSGIEnvironment", arrival_ms: int) -> dict[str, Any]:
    """Make the event of payload format 2.0, as far as the receiver reads it, of a request and the time that it came at.

    `arrival_ms` is in milliseconds since 1970. The stage is `$default`, which is in no path.
    """
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return {
        "version": "2.0",
        "rawPath": environ.get("PATH_INFO", ""),
        "rawQueryString": environ.get("QUERY_STRING", ""),
        "headers": {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        },
        "requestContext": {
            "stage": "$default",
            "http": {"method": environ["REQUEST_METHOD"]},
            "timeEpoch": arrival_ms,
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def _health() -> HTTPStatus:
    try:
        Settings.from_environment(os.environ)
    except MissingSetting:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.OK
