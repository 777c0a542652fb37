"""A probe of the drain endpoint: an empty batch, which stores nothing, with right tokens and a wrong one."""

import time
from collections.abc import Iterator

from contract import drain
from runbook.doctor import catalogue
from runbook.doctor.examination import Examination, Finding, Surroundings, Unknown, unknown
from runbook.doctor.secrets import expected_url
from runbook.errors import RunbookError

# Logplex gives up at 5 s; the receiver answers within 4 (docs/design.md, "The time budget").
_SLOW_S = 4.0
_GIVE_UP_S = 10.0
_REDIRECTS = False


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
                status, seconds = _post(url)
                slowest = max(slowest, seconds)
                yield from _taken(app, status, seconds)
        yield from _refused(surroundings)
    except _NoAnswer as error:
        yield Finding.of(catalogue.ENDPOINT_UNREACHABLE, reason=error)
    return f"takes each app's token, in {slowest:.1f} s at most, and refuses a wrong one"


def _taken(app: str, status: int, seconds: float) -> Iterator[Finding]:
    if status == 401:
        yield Finding.of(catalogue.TOKEN_REFUSED, app=app)
    elif status != 200:
        yield Finding.of(catalogue.ENDPOINT_FAILS, app=app, status=status)
    elif seconds > _SLOW_S:
        yield Finding.of(catalogue.ENDPOINT_SLOW, app=app, seconds=f"{seconds:.1f}")


def _refused(surroundings: Surroundings) -> Iterator[Finding]:
    outputs = surroundings.outputs
    status, _ = _post(drain.url(outputs.stage_url, outputs.apps[0], "a key that nobody has"))
    # Other than 401 is no answer to a token: what does not work at all is found with the right one.
    if 200 <= status < 300:
        yield Finding.of(catalogue.ENDPOINT_OPEN, status=status)


def _post(url: str) -> tuple[int, float]:
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
    return answer.status, time.monotonic() - begin
