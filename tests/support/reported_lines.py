"""Lines from public reports and log files, names and addresses replaced, and what the saved queries have to answer."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.traffic.lines import Line

_SECOND = timedelta(seconds=1)
_ROUTER = (158, "heroku", "router")
_API = (133, "app", "api")

# Sender (PRI, APP-NAME, PROCID), time before the end of the case's window, and message.
Sent = tuple[tuple[int, str, str], timedelta, str]


@dataclass(frozen=True)
class Case:
    """Lines of one app, a saved query of them, and columns of its answer."""

    name: str
    sent: list[Sent]
    query: str
    columns: str
    right: list[tuple[object, ...]]
    parameters: dict[str, Any] = field(default_factory=dict)
    span: timedelta = timedelta(hours=1)


def _request(
    path: str = "/", *, fwd: str = "203.0.113.9", connect: str = "0ms", service: str = "3ms", status: int = 200,
    error: str = "", ago: timedelta = 60 * _SECOND,
) -> Sent:  # fmt: skip
    message = (
        f'at={"error" if error else "info"}{error} method=GET path="{path}" host=www.example.org '
        f'request_id=4b0adc25-f648-c9c5-0b09-537cc99a4b84 fwd="{fwd}" dyno=web.1 connect={connect} service={service} '
        f"status={status} bytes=20 protocol=http2.0 tls=true tls_version=tls1.3"
    )
    return _ROUTER, ago, message


def _state(dyno: str, change: str, ago: timedelta) -> Sent:
    return (45, "heroku", dyno), ago, f"State changed from {change}"


def _job(number: int, ago: timedelta) -> list[Sent]:
    """A run of Heroku Scheduler."""
    dyno = f"scheduler.{number}"
    command = "Starting process with command `bin/sync` by user scheduler@addons.heroku.com"
    return [
        (_API, ago, command),
        ((45, "heroku", dyno), ago - _SECOND, command),
        _state(dyno, "starting to up", ago - 2 * _SECOND),
        _state(dyno, "up to complete", ago - 20 * _SECOND),
    ]


_DAY = timedelta(hours=24)
_LOGIN = "/login  x"
_SOCKETS = [_request("/cable", service=f"{60 + n}000ms", status=101, ago=(300 + n) * _SECOND) for n in range(300)] + [
    _request(f"/report/{n}", service="25000ms", ago=(30 + n) * _SECOND) for n in range(5)
]
_BEHIND_A_CDN = [
    _request("/api/session", fwd=f"198.51.100.115,167.82.231.{n}", status=401, ago=n * _SECOND) for n in (29, 30)
]
# Groups of lines with one time each.
_TRACEBACK = [
    ["Traceback (most recent call last):", '  File "main.py", line 9', "    result = search()", '  File "search.py"',
     "    return views()", '  File "views.py"', "    raise"],
    ["KeyError: 'x'", "During handling of the above exception", "another exception occurred:", "a", "Z"],
    ["ValueError: 1", "!"],
]  # fmt: skip
_TRACED: list[Sent] = [
    ((190, "app", "web.1"), (9 - number) * _SECOND, line) for number, group in enumerate(_TRACEBACK) for line in group
]
_DEPLOY = [(_API, _DAY - 7200 * _SECOND, "Deploy 1a2b3c4d by user dev@example.org")]
_RELEASE = [(_API, _DAY - 7201 * _SECOND, "Release v77 created by user dev@example.org")]

CASES = [
    Case(
        "two spaces in a path hide no refusal", [_request(_LOGIN, status=401, fwd="203.0.113.66")],
        "security-events", "event_type fwd_ip path", [("401-unauthorized", "203.0.113.66", _LOGIN)],
    ),
    Case(
        "two spaces in a path hide no address", [_request(_LOGIN, status=401, fwd="203.0.113.66")],
        "security-by-ip", "fwd_ip hits", [("203.0.113.66", 1)],
    ),
    Case("a word in a path is not an error code", [_request("/x code=H12 y")], "errors-by-code", "code", []),
    Case(
        "thirty words in a path hide no refusal", [_request("/q" + " w" * 60, status=401)],
        "security-by-ip", "fwd_ip hits", [("203.0.113.9", 1)],
    ),
    Case(
        "an address in a path is not the client's",
        [_request('/x host=evil fwd="198.51.100.250" y', status=401, fwd="")],
        "security-by-ip", "fwd_ip hits", [],
    ),
    Case(
        "connect time is waited, too",
        [_request("/a", connect="7001ms", service="459ms"), _request("/b", connect="1500ms", service="400ms")],
        "latency-outliers", "path wait_ms service_ms", [("/a", 7460, 459)],
    ),
    Case(
        "connect time alone is waited, too",
        [_request(connect="5001ms", service="", status=503, error=' code=H19 desc="Backend connection timeout"')],
        "latency-outliers", "wait_ms service_ms status", [(5001, None, 503)],
    ),
    Case("a websocket is not a slow request", _SOCKETS[:1], "latency-outliers", "path", []),
    Case(
        "a websocket can be asked for", _SOCKETS[:1], "latency-outliers", "path status", [("/cable", 101)],
        {"long_lived": True},
    ),
    Case(
        "a stream is not a slow request", [_request("/events", service="300000ms")], "latency-outliers", "path", [],
    ),
    Case(
        "websockets do not crowd slow requests out", _SOCKETS, "latency-outliers", "path",
        [(f"/report/{n}",) for n in range(5)],
    ),
    Case("websockets do not lead the endpoints", _SOCKETS, "slow-endpoints", "path_prefix", []),
    Case(
        "the address that Heroku saw is the default", _BEHIND_A_CDN, "security-by-ip", "fwd_ip hits",
        [("167.82.231.29", 1), ("167.82.231.30", 1)],
    ),
    Case(
        "behind a CDN its client is named", _BEHIND_A_CDN, "security-by-ip", "fwd_ip hits",
        [("198.51.100.115", 2)], {"trusted_hops": 1},
    ),
    Case(
        "with fewer proxies than trusted the address that Heroku saw is named", _BEHIND_A_CDN, "security-by-ip",
        "fwd_ip hits", [("167.82.231.29", 1), ("167.82.231.30", 1)], {"trusted_hops": 2},
    ),
    Case(
        "the client behind a CDN is in the list, too", _BEHIND_A_CDN, "security-events", "fwd_ip",
        [("198.51.100.115",)] * 2, {"trusted_hops": 1},
    ),
    Case(
        "jobs do not crowd a deploy out",
        [*_DEPLOY, *_RELEASE, *(sent for n in range(144) for sent in _job(n, (n + 1) * 595 * _SECOND))],
        "recent-deploys", "proc_id message",
        [("api", _RELEASE[0][2]), ("api", _DEPLOY[0][2])], span=_DAY,
    ),
    Case(
        "neither restarts nor the number of deploys crowd a release out",
        [
            *_RELEASE,
            *((_API, (60 + n) * _SECOND, f"Deploy {n:08x} by user dev@example.org") for n in range(120)),
            *(_state("web.1", "up to crashed", (n + 1) * 600 * _SECOND) for n in range(120)),
        ],
        "recent-deploys", "message",
        [*((f"Deploy {n:08x} by user dev@example.org",) for n in range(120)), (_RELEASE[0][2],),
         *[("web.1 crashed",)] * 100], span=_DAY,
    ),
    Case(
        "a promotion is told from the release that it makes",
        [(_API, 2 * _SECOND, "Promote raxx-staging v54 2d3ba1a by user dev@example.org"),
         (_API, _SECOND, "Release v13 created by user dev@example.org"),
         (_API, 3 * _SECOND, "Rollback to v11 by user dev@example.org")],
        "deploys", "kind version who",
        [("release", "v13", "dev@example.org"), ("promotion", None, "dev@example.org"),
         ("rollback", "v11", "dev@example.org")],
    ),
    Case(
        "the moment itself is shown, however many lines its minutes have",
        [((190, "app", "web.1"), timedelta(milliseconds=500 * n), f"line {n}") for n in range(3000)],
        "around", "message", [(f"line {n}",) for n in reversed(range(1000))],
    ),
    Case(
        "restarts come after deploys, and those of one moment are one row",
        [
            *(_state(f"web.{n}", change, (30 - n - later) * _SECOND)
              for n in (1, 2, 10) for change, later in (("up to starting", 0), ("starting to up", 1))),
            _state("web.2", "up to crashed", 25 * _SECOND),
            _state("worker.1", "up to crashed", 20 * _SECOND),
            _state("web.2", "up to starting", 900 * _SECOND),
            _state("run.1234", "starting to up", 20 * _SECOND),
            (_API, 3000 * _SECOND, "Build succeeded"),
        ],
        "recent-deploys", "proc_id message",
        [("api", "Build succeeded"), ("worker", "worker.1 crashed"), ("web", "web.2 crashed"),
         ("web", "web.1 … web.10 restarted"), ("web", "web.2 restarted")],
    ),
    Case(
        "the deploy of a container is a deploy",
        [(_API, 2 * _SECOND, "Deployed web (694536ae336d) by user dev@example.org"),
         (_API, _SECOND, "Release v11 created by user dev@example.org")],
        "recent-deploys", "message",
        [("Release v11 created by user dev@example.org",), ("Deployed web (694536ae336d) by user dev@example.org",)],
    ),
    *(
        Case(
            f"{text} is a change", [((133, source, "api"), 2 * _SECOND, f"{text} by user dev@example.org")],
            "recent-deploys", "message", [(f"{text} by user dev@example.org",)],
        )
        for source, text in [
            ("app", "Set CRON_ENABLED config vars"), ("app", "Scaled to web@2:Standard-1X"),
            ("app", "Attach DATABASE (@ref:postgresql-flat-1234)"), ("app", "Detach REDIS"),
            ("app", "Maintenance mode enabled"), ("app", "Upgrade stack to heroku-24"), ("app", "Rollback to v40"),
            ("app", "Promote from staging"), ("heroku", "Remove FOO config vars"),
        ]
    ),
    Case("lines of one time are shown as they were sent", _TRACED, "around", "message",
         [(line,) for group in _TRACEBACK for line in group]),
    Case("no lines are counted as 0", [], "unstructured-share", "total unstructured_count quarantined_count",
         [(0, 0, 0)]),
]  # fmt: skip


def lines(case: Case, app: str, until: datetime) -> list[Line]:
    """The lines of a case whose window ends at a time, in the order they were sent."""
    made = [Line(app, until - ago, *sender, f"{text}\n".encode()) for sender, ago, text in case.sent]
    return sorted(made, key=lambda line: line.time)


def windows_ends(last: datetime) -> dict[str, datetime]:
    """Where the window of each case ends: one after the other, so that no case sees the lines of another."""
    ends = {}
    for case in CASES:
        ends[case.name] = last
        last -= case.span
    return ends
