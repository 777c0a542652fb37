"""The receiver as a WSGI application: it turns HTTP into the event that API Gateway would send. Not used in Lambda."""

import base64
import os
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from contract import names
from receiver.handler import Budget, Handler
from receiver.settings import MissingSetting, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HEALTH_PATH = "/health"

# The key in a request's environment under which the server gives the seconds since the request arrived.
WAITED_S = "receiver.waited_s"
# From a request's arrival by the server's own clock, so there is no slow start or clock skew to leave time for.
RESPONSE_S = Budget().response


class _TimeLeft:
    """Takes the place of Lambda's context: how long the sender will still wait."""

    def __init__(self, waited_s: float) -> None:
        self._end = time.monotonic() + RESPONSE_S - waited_s

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round(1000 * (self._end - time.monotonic())))


class Application:
    """A WSGI application that responds as the Lambda function does."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Respond to `POST /drain` as the handler does, with an empty body.

        `GET /health` is answered 200 when the settings are complete, else 503; AWS is not asked. The server refuses
        bodies that are too large.
        """
        path = environ.get("PATH_INFO", "")
        if path == HEALTH_PATH and environ["REQUEST_METHOD"] == "GET":
            status = _health()
        else:
            waited_s = environ.get(WAITED_S, 0.0)
            time_left = _TimeLeft(waited_s)
            arrival_ms = time.time_ns() // 1_000_000 - round(waited_s * 1000)
            status = HTTPStatus(self._handler(event(environ, arrival_ms), time_left)["statusCode"])
        start_response(f"{status.value} {status.phrase}", [("Content-Length", "0")])
        return []


def event(environ: "WSGIEnvironment", arrival_ms: int) -> dict[str, Any]:
    """Make the event of payload format 2.0 for a request, with the fields that the receiver reads.

    `arrival_ms` is in milliseconds since 1970. The stage is `$default`, which no path contains.
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
        Settings.from_environment(os.environ, names.OUTSIDE_VARIABLES)
    except MissingSetting:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.OK
