"""The lines of a web request: the router's, and what the app writes about it."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from math import log
from random import Random
from typing import TypeVar
from urllib.parse import unquote
from uuid import UUID

from local.traffic.facts import Request, RequestNote, SecurityEvent
from local.traffic.lines import Line
from local.traffic.surfaces import CLAIMED_ADDRESSES, QUERIES, USER_AGENTS, USERS, VISITORS, Endpoint, Surface

_Drawn = TypeVar("_Drawn")

ROUTER_PRI = 158
APP_PRI = 190

_ROUTER_TIMEOUT_MS = 30_000
_CONNECT_TIMEOUT_MS = 5_000
_ROUTER_ERRORS = {"H10": 4, "H12": 2, "H14": 2, "H19": 1}
_ORDINARY_STATUSES = {200: 880, 201: 30, 304: 40, 404: 30, 401: 5, 403: 4, 429: 2, 500: 5, 502: 1, 503: 3}
_ATTACKED_STATUSES = {401: 70, 429: 20, 403: 10}
_FAILING_STATUSES = {500: 7, 503: 3}
_REPORTED_FAILURES = {
    "webauthn.authentication_verify_failed": 6,
    "webauthn.registration_verify_failed": 3,
    "webauthn.challenge_expired_failed": 1,
}
_TRACEBACK = """Traceback (most recent call last):
  File "/app/web/views.py", line 88, in dispatch
    return handler(request)
\tlocals: status=503 service=99999ms
ValueError: {detail}"""


def draw(rng: Random, weights: dict[_Drawn, int]) -> _Drawn:
    """Draw one of the keys, by its weight."""
    [drawn] = rng.choices(list(weights), list(weights.values()))
    return drawn


def ordinary(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    """Make a visitor's request, which is mostly successful."""
    [endpoint] = rng.choices(surface.endpoints, [endpoint.weight for endpoint in surface.endpoints])
    return _exchange(rng, app, surface, endpoint, rng.choice(VISITORS), draw(rng, _ORDINARY_STATUSES), time)


def long_lived(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    """Make a websocket, or a stream of events, which ends after minutes."""
    status = rng.choice((101, 101, 200))
    endpoint = Endpoint("GET", "/cable" if status == 101 else "/events", 120_000, 0.4, 1)
    request = replace(
        _request(rng, surface, endpoint, rng.choice(VISITORS), status),
        code=None, status=status, dyno=surface.dynos[0], connect_ms=1, service_ms=rng.randrange(31_000, 400_000),
        bytes=174,
    )  # fmt: skip
    return [Line(app, time, ROUTER_PRI, "heroku", "router", f"{request}\n".encode(), request)]


def attack(rng: Random, app: str, surface: Surface, ip: str, time: datetime) -> list[Line]:
    """Make an attacker's attempt to log in. The app rejects it, and often reports it."""
    status = draw(rng, _ATTACKED_STATUSES)
    lines = _exchange(rng, app, surface, surface.login, ip, status, time)
    if rng.random() < 0.6:
        name = "rate_limit_hit" if status == 429 else draw(rng, _REPORTED_FAILURES)
        report = SecurityEvent(name, rng.choice(USERS), ip)
        lines.append(_written(app, time + timedelta(milliseconds=3), surface.dynos[0], report))
    return lines


def failing(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    """Make a visitor's request to an app that is broken."""
    endpoint, ip = rng.choice(surface.endpoints), rng.choice(VISITORS)
    return _exchange(rng, app, surface, endpoint, ip, draw(rng, _FAILING_STATUSES), time)


def passed_on(rng: Random, app: str, surface: Surface, request: Request, time: datetime) -> Line:
    """Make what an app writes when another app calls it for a request and passes the request's id on."""
    note = RequestNote(request.request_id, f"[info] called for {request.request_id} with X-Request-ID")
    return _written(app, time, rng.choice(surface.dynos), note)


def _exchange(
    rng: Random, app: str, surface: Surface, endpoint: Endpoint, ip: str, status: int, time: datetime
) -> list[Line]:
    """Give what the app writes, then the router's line when the request has ended."""
    request = _request(rng, surface, endpoint, ip, status)
    ended = time + timedelta(milliseconds=request.service_ms or 0)
    router = Line(app, ended, ROUTER_PRI, "heroku", "router", f"{request}\n".encode(), request)
    if request.code or request.dyno is None:
        return [router]
    texts = [_app_text(rng, request)]
    if request.status == 500:
        texts.append(_TRACEBACK.format(detail=f"no such account: {rng.randrange(1000)} (Zoë)"))
    return [*(_written(app, time, request.dyno, text) for text in texts if text), router]


def _written(app: str, time: datetime, dyno: str, text: RequestNote | SecurityEvent | str) -> Line:
    return Line(app, time, APP_PRI, "app", dyno, f"{text}\n".encode(), None if isinstance(text, str) else text)


def _request(rng: Random, surface: Surface, endpoint: Endpoint, ip: str, status: int) -> Request:
    service_ms: int | None = int(rng.lognormvariate(log(endpoint.median_ms), endpoint.spread))
    connect_ms: int | None = rng.choice((0, 0, 0, 1, 1, 2, 5))
    dyno: str | None = rng.choice(surface.dynos)
    size: int | None = rng.randrange(20, 40_000)
    code: str | None = None
    if status == 503:
        code = draw(rng, _ROUTER_ERRORS)
    elif service_ms is not None and service_ms > _ROUTER_TIMEOUT_MS:
        code = "H12"
    if code == "H12":
        status, service_ms, size = 503, _ROUTER_TIMEOUT_MS, 0
    elif code == "H19":
        connect_ms, service_ms, size = _CONNECT_TIMEOUT_MS, None, None
    elif code:
        # The request reached no dyno.
        dyno = connect_ms = service_ms = size = None
    new_router = rng.random() < 0.5
    path = endpoint.path.format(id=rng.randrange(1, 500), query=rng.choice(QUERIES))
    return Request(
        method=endpoint.method,
        path=unquote(path) if new_router else path,
        host=surface.host,
        request_id=str(UUID(int=rng.getrandbits(128), version=4)),
        fwd=(rng.choice(CLAIMED_ADDRESSES), ip) if rng.random() < 0.1 else (ip,),
        dyno=dyno,
        connect_ms=connect_ms,
        service_ms=service_ms,
        status=status,
        bytes=size,
        protocol=rng.choice(("http1.1", "http2.0")) if new_router else "https",
        tls_version="tls1.3" if new_router else None,
        code=code,
    )


def _app_text(rng: Random, request: Request) -> RequestNote | str:
    """Write something about a request, without its query string: only the router writes the decoys in it."""
    path = request.path.partition("?")[0]
    match rng.randrange(8):
        case 0 | 1 | 2 | 3:
            return (
                f'{request.fwd_ip} - - "{request.method} {path} HTTP/1.1" {request.status} '
                f'{request.bytes} "-" "{rng.choice(USER_AGENTS)}"'
            )
        case 4:
            record = {"level": "info", "msg": "requête terminée ✓", "path": path, "status": request.status}
            text = json.dumps({**record, "request_id": request.request_id}, ensure_ascii=False)
            return RequestNote(request.request_id, text)
        case 5:
            return f"\x1b[32minfo\x1b[0m\t{request.method}\t{path}\tstatus={request.status} service=99999ms"
        case 6:
            return RequestNote(request.request_id, f"[info] 取引 {request.request_id} done in {request.service_ms}ms")
        case _:
            return ""
