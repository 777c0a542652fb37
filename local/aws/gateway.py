"""API Gateway on this machine: turns HTTP requests into events (payload format 2.0), and results into HTTP.

Source: "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway" (API Gateway developer guide). Where that
page is silent:

- Text is `text/*`, and JSON, XML and JavaScript of `application/*`. Everything else is binary, including form data and
  bodies without a content type (measured on AWS by others). In text that is not UTF-8, each invalid byte becomes U+FFFD
  here; what AWS does is not known.
- `rawPath` and `path` are percent-decoded and begin with the stage. Absent parts of the event are left out.
- A result without `statusCode` is an error here. AWS would take it as the body of a 200, but the receiver promises a
  status in each result.
"""

import base64
import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request, Response

from local.aws.log_events import AccessLog
from local.child import LocalError
from local.http_server import HttpServer

# Statuses for which a later Python has another phrase than AWS.
_WORDS = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large"}
ACCOUNT_ID = "123456789012"  # the emulator's, so that every ARN has the same account
# The largest event, in bytes of JSON ("Lambda quotas", invocation payload; 6,291,456 bytes: JupiterOne/sdk #565). For a
# larger one the gateway answers 413 (seen on a REST API: koki-develop/lgtm-generator #10).
EVENT_LIMIT = 6 * 1024 * 1024
BODY_LIMIT = 10 * 1024 * 1024  # "Quotas for configuring and running an HTTP API"
INTEGRATION_TIMEOUT_S = 30.0  # likewise
# A POST with it arrives at that time, in milliseconds since 1970, for the receiver: so a week of traffic can be drained
# in seconds and is stored under its own days. AWS has no such header.
ARRIVAL_HEADER = "X-Local-Arrival-Ms"

# "Troubleshooting issues with HTTP API Lambda integrations" has this text.
_NO_PERMISSION = (
    "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. "
    "Check the permissions and try again."
)

Handler = Callable[[dict[str, Any]], Any]
Result = TypeVar("Result")

_log = logging.getLogger(__name__)
_ROUTE_KEY = re.compile(r"(?:DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT) /[^{}\s]*")
_TEXT = re.compile(r"text/.*|application/(?:json|xml|javascript)")
_HOP_BY_HOP = {"connection", "expect", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
_MILLISECONDS = re.compile(r"[0-9]{1,13}")


class OutOfTime(Exception):
    """A call took too long. It may still end later, unnoticed."""


class BadAnswer(Exception):
    """What a handler returned is not an HTTP response; the message says why."""


class Gateway(HttpServer):
    """One HTTP API with one stage, in front of one function."""

    def __init__(
        self,
        handler: Handler,
        *,
        api_id: str,
        stage: str,
        routes: Iterable[str],
        permitted: Iterable[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.time,
        timeout_s: float = INTEGRATION_TIMEOUT_S,
        access_log: AccessLog | None = None,
    ) -> None:
        """Listen and serve; LocalError if the port is not available, or a route is not supported.

        `handler` takes the event alone, as Lambda creates the context. `routes` are route keys as the stack declares
        them, without path variables. For a route that is not `permitted`, API Gateway may not call the function, and
        the response is 500; by default all are permitted. `clock` gives seconds since 1970.
        """
        self._routes = frozenset(routes)
        for route_key in self._routes:
            if not _ROUTE_KEY.fullmatch(route_key):
                raise LocalError(
                    f"the local gateway does not serve the route {route_key!r}: declare it as METHOD /path"
                )
        self._handler, self._clock, self._timeout_s = handler, clock, timeout_s
        self._permitted = self._routes if permitted is None else frozenset(permitted)
        self._api_id, self._stage, self._access_log = api_id, stage, access_log
        super().__init__(Request.application(self._respond), host=host, port=port)
        self.url = f"{self.origin}/{stage}"

    def _respond(self, request: Request) -> Response:
        request_id = base64.b64encode(secrets.token_bytes(11)).decode()
        # The access log's variables ("Customize HTTP API access logs").
        context: dict[str, object] = {"requestId": request_id, "identity.sourceIp": request.remote_addr or ""}
        response = self._route(request, request_id, context)
        if self._access_log:
            self._access_log.note({**context, "status": response.status_code})
        return response

    def _route(self, request: Request, request_id: str, context: dict[str, object]) -> Response:
        if (request.content_length or 0) > BODY_LIMIT:
            return _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        route_key = route(request.method, request.path, self._stage, self._routes)
        if not route_key:
            return _message(HTTPStatus.NOT_FOUND)
        # "How do I troubleshoot issues for API Gateway endpoints that integrate with Lambda?" (AWS re:Post)
        if route_key not in self._permitted:
            _log.error("the function's policy does not let API Gateway call it for %s", route_key)
            context["integrationErrorMessage"] = _NO_PERMISSION
            return _message(HTTPStatus.INTERNAL_SERVER_ERROR)
        arrival = request.headers.get(ARRIVAL_HEADER)
        if arrival is not None and not _MILLISECONDS.fullmatch(arrival):
            _log.error("%s is not a time in milliseconds since 1970: %r", ARRIVAL_HEADER, arrival)
            return _message(HTTPStatus.BAD_REQUEST)
        sent = event(
            request,
            route_key=route_key,
            stage=self._stage,
            api_id=self._api_id,
            request_id=request_id,
            time_ms=int(self._clock() * 1000) if arrival is None else int(arrival),
        )
        # JSON needs at most six characters per byte.
        if len(request.get_data()) > EVENT_LIMIT // 7 and len(json.dumps(sent)) > EVENT_LIMIT:
            _log.error("the event is larger than the %d bytes that Lambda accepts", EVENT_LIMIT)
            return _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Too Long")
        return self._invoke(sent, context)

    def _invoke(self, sent: dict[str, Any], context: dict[str, object]) -> Response:
        try:
            response = answer(within(self._timeout_s, lambda: self._handler(sent)))
        except OutOfTime:
            _log.error("the function did not answer within %g s", self._timeout_s)
            context["integrationErrorMessage"] = "the function did not answer in time"
            return _message(HTTPStatus.SERVICE_UNAVAILABLE)
        except BadAnswer as bad:
            _log.error("the function's answer is not a response: %s", bad)
        except BaseException:  # noqa: BLE001  a function that exits has failed
            _log.exception("the function failed")
        else:
            context |= {"integration.status": response.status_code, "integration.integrationStatus": 200}
            return response
        context["integrationErrorMessage"] = "the function failed"
        return _message(HTTPStatus.INTERNAL_SERVER_ERROR)


def route(method: str, path: str, stage: str, routes: Iterable[str]) -> str | None:
    """Find the route key of a request; None if there is none ("Create routes for HTTP APIs in API Gateway")."""
    key = f"{method} {path.removeprefix(f'/{stage}')}"
    return key if path.startswith(f"/{stage}/") and key in routes else None


def event(
    request: Request, *, route_key: str, stage: str, api_id: str, request_id: str, time_ms: int
) -> dict[str, Any]:
    """Create the event in payload format 2.0 of a request that arrived at `time_ms`, milliseconds since 1970."""
    query, body = request.environ["QUERY_STRING"], request.get_data()
    client = request.remote_addr or ""
    domain_name, _, port = request.headers.get("host", "").partition(":")
    headers = _headers(request, client, port or "80")
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": api_id,
            "domainName": domain_name,
            "domainPrefix": domain_name.partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": request.environ["SERVER_PROTOCOL"],
                "sourceIp": client,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": stage,
            "time": datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": time_ms,
        },
        "isBase64Encoded": False,
    }
    if parameters := _joined(parse_qsl(query, keep_blank_values=True)):
        made["queryStringParameters"] = parameters
    if cookies := request.headers.get("cookie"):
        made["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if body:
        made["isBase64Encoded"] = not _is_text(headers.get("content-type", ""))
        made["body"] = base64.b64encode(body).decode() if made["isBase64Encoded"] else body.decode("utf-8", "replace")
    return made


def answer(returned: Any) -> Response:
    """Turn what a handler returned into HTTP; BadAnswer unless it is {statusCode, headers, cookies, body, ...}."""
    try:
        body = returned.get("body") or ""
        data = base64.b64decode(body, validate=True) if returned.get("isBase64Encoded") else body.encode()
        if (status := returned["statusCode"]) not in range(200, 600):
            raise ValueError(f"statusCode {status!r}")
        response = Response(data, status, content_type="text/plain; charset=utf-8")
        response.headers.update(returned.get("headers") or {})
        for cookie in returned.get("cookies") or ():
            response.headers.add("set-cookie", cookie)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadAnswer(f"{type(error).__name__}: {error}") from None
    return response


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Give a call's result, or raise what it raised; OutOfTime if it takes longer."""
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001  raised again, in the thread that waits
            outcome.set_exception(error)

    # A daemon, so that a call that hangs does not keep the process alive.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome.done():
        raise OutOfTime(f"not done within {seconds:g} s")
    return outcome.result()


def _headers(request: Request, client: str, port: str) -> dict[str, str]:
    hidden = {*_HOP_BY_HOP, "cookie", ARRIVAL_HEADER.lower()}
    headers = {name.lower(): value for name, value in request.headers if name.lower() not in hidden}
    forwarded_for = headers.get("x-forwarded-for")
    return {
        **headers,
        "content-length": str(len(request.get_data())),
        "x-forwarded-for": f"{forwarded_for}, {client}" if forwarded_for else client,
        "x-forwarded-port": port,
        "x-forwarded-proto": "http",
    }


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _is_text(content_type: str) -> bool:
    return bool(_TEXT.fullmatch(content_type.partition(";")[0].strip().lower()))


def _message(status: HTTPStatus, words: str | None = None) -> Response:
    message = json.dumps({"message": words or _WORDS.get(status, status.phrase)})
    return Response(message, status, content_type="application/json")
