"""A probe of the drain endpoint: an empty batch, which stores nothing, with right tokens and a wrong one.

The receiver's answers have no body. An answer with one is API Gateway's own, {"message": ...}: it got none from the
receiver, and its access log says why ("Troubleshooting issues with HTTP API Lambda integrations").
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from contract import drain_url
from runbook.doctor import faults
from runbook.doctor.examination import Examination, Finding, Surroundings, Unknown, unknown
from runbook.doctor.secrets import expected_url
from runbook.errors import RunbookError

# Logplex gives up at 5 s; the receiver answers within 4 (docs/design.md, "The time budget").
_SLOW_S = 4.0
_GIVE_UP_S = 10.0
_REDIRECTS = False


class _Answer(NamedTuple):
    """What came back, in how many seconds; `empty` is whether it has no body."""

    status: int
    empty: bool
    seconds: float


class _NoAnswer(Exception):
    """The endpoint gave none; the message says why, without the URL."""


def examine(surroundings: Surroundings) -> Examination:
    """Post empty batches."""
    slowest = 0.0
    try:
        for app in surroundings.outputs.apps:
            try:
                url = expected_url(surroundings, app)
            except RunbookError as error:
                yield Unknown(f"whether {app}'s token is taken: {unknown(error).reason}")
                continue
            # That it is not there the parameters' check says.
            if url is not None:
                answer = _post(url)
                slowest = max(slowest, answer.seconds)
                if finding := _finding(app, answer):
                    yield finding
        yield from _refused(surroundings)
    except _NoAnswer as error:
        yield Finding.of(faults.ENDPOINT_UNREACHABLE, reason=error)
    return f"takes each app's token, in {slowest:.1f} s at most, and refuses a wrong one"


def _finding(app: str, answer: _Answer) -> Finding | None:
    """What is wrong, by the answer to an empty batch with the app's own token; None when nothing is.

    Only API Gateway answers 429 ("Throttle requests to your HTTP APIs for better throughput in API Gateway"). Nothing
    in the stack answers 403: the API has no authorizer, and a missing Lambda permission is a 500.
    """
    match answer:
        case _Answer(200):
            if answer.seconds > _SLOW_S:
                return Finding.of(faults.ENDPOINT_SLOW, app=app, seconds=f"{answer.seconds:.1f}")
            return None
        case _Answer(401):
            fault = faults.TOKEN_REFUSED
        case _Answer(403):
            fault = faults.ENDPOINT_FORBIDDEN
        case _Answer(429):
            fault = faults.GATEWAY_THROTTLES
        case _Answer(404, empty=False):
            fault = faults.ROUTE_MISSING
        case _Answer(empty=False):
            fault = faults.GATEWAY_FAILS
        case _:
            fault = faults.RECEIVER_FAILS
    return Finding.of(fault, app=app, status=answer.status)


def _refused(surroundings: Surroundings) -> Iterator[Finding]:
    outputs = surroundings.outputs
    status = _post(drain_url.url(outputs.stage_url, outputs.apps[0], "a key that nobody has")).status
    # Other than 401 is no answer to a token: what does not work at all is found with the right one.
    if 200 <= status < 300:
        yield Finding.of(faults.ENDPOINT_OPEN, status=status)


def _post(url: str) -> _Answer:
    import urllib3

    begin = time.monotonic()
    try:
        # A pool of its own: the time is that of a new connection, as Logplex's often is.
        with urllib3.PoolManager(timeout=_GIVE_UP_S, retries=_REDIRECTS) as pool:
            answer = pool.request("POST", url, body=b"", headers={"Content-Type": "application/logplex-1"})
    except urllib3.exceptions.TimeoutError:
        raise _NoAnswer(f"none within {_GIVE_UP_S:.0f} s") from None
    except urllib3.exceptions.HTTPError as error:
        # Its text may hold the URL, and so the token.
        raise _NoAnswer(type(error).__name__) from None
    return _Answer(answer.status, not answer.data, time.monotonic() - begin)
