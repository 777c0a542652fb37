"""Checks the drain endpoint: posts empty batches, which store nothing, with each app's token and with a wrong one.

The receiver's responses have no body. A response with a body, {"message": ...}, is from API Gateway itself: it got none
from the receiver, and its access log says why ("Troubleshooting issues with HTTP API Lambda integrations").
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from contract import drain_url
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, Unknown
from runbook.errors import RunbookError

# Logplex gives up at 5 s; the receiver responds within 4 (docs/design.md, "The time budget").
SLOW_S = 4.0
_GIVE_UP_S = 10.0
_REDIRECTS = False


class _Response(NamedTuple):
    """A response, and how long it took; `empty` says whether it has no body."""

    status: int
    empty: bool
    seconds: float


class _NoResponse(Exception):
    """The endpoint did not respond; the message says why, without the URL."""


def check(context: Context) -> Findings:
    """Post an empty batch per app, and one with a wrong token."""
    slowest = 0.0
    try:
        for app in context.outputs.apps:
            try:
                url = context.drain_url(app)
            except RunbookError as error:
                yield Unknown(f"whether the receiver accepts {app}'s token: {Unknown.because(error).reason}")
                continue
            # The check `parameters` reports a missing URL.
            if url is not None:
                response = _post(url)
                slowest = max(slowest, response.seconds)
                if finding := _finding(app, response):
                    yield finding
        yield from _refused(context)
    except _NoResponse as error:
        yield Finding.of(faults.ENDPOINT_UNREACHABLE, reason=error)
    return f"accepts each app's token, in at most {slowest:.1f} s, and refuses a wrong one"


def _finding(app: str, response: _Response) -> Finding | None:
    """Tell the fault from the response to an empty batch with the app's own token; None if there is none.

    Only API Gateway responds 429 ("Throttle requests to your HTTP APIs for better throughput in API Gateway"). Nothing
    in the stack responds 403: the API has no authorizer, and a missing Lambda permission gives a 500.
    """
    match response:
        case _Response(200):
            if response.seconds > SLOW_S:
                return Finding.of(faults.ENDPOINT_SLOW, app=app, seconds=f"{response.seconds:.1f}")
            return None
        case _Response(401):
            fault = faults.TOKEN_REFUSED
        case _Response(403):
            fault = faults.ENDPOINT_FORBIDDEN
        case _Response(429):
            fault = faults.GATEWAY_THROTTLES
        case _Response(404, empty=False):
            fault = faults.ROUTE_MISSING
        case _Response(empty=False):
            fault = faults.GATEWAY_FAILS
        case _:
            fault = faults.RECEIVER_FAILS
    return Finding.of(fault, app=app, status=response.status)


def _refused(context: Context) -> Iterator[Finding]:
    outputs = context.outputs
    status = _post(drain_url.url(outputs.stage_url, outputs.apps[0], "a key that nobody has")).status
    # A failure says nothing about the token; the request with the right token finds it.
    if 200 <= status < 300:
        yield Finding.of(faults.ENDPOINT_OPEN, status=status)


def _post(url: str) -> _Response:
    import urllib3

    begin = time.monotonic()
    try:
        # A new pool, to time a new connection, which Logplex often opens too.
        with urllib3.PoolManager(timeout=_GIVE_UP_S, retries=_REDIRECTS) as pool:
            response = pool.request("POST", url, body=b"", headers={"Content-Type": "application/logplex-1"})
    except urllib3.exceptions.TimeoutError:
        raise _NoResponse(f"no response within {_GIVE_UP_S:.0f} s") from None
    except urllib3.exceptions.HTTPError as error:
        # The error's text may contain the URL, and so the token.
        raise _NoResponse(type(error).__name__) from None
    return _Response(response.status, not response.data, time.monotonic() - begin)
