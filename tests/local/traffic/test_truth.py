"""What the saved queries must answer, on lines few enough to answer by head."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from local.traffic.facts import (
    DynoError,
    Facts,
    LossReport,
    PlatformEvent,
    Request,
    RequestNote,
    SecurityEvent,
    StateChange,
)
from local.traffic.lines import Line, Quarantined
from local.traffic.truth import Percentile, Row, expected, within

NOW = datetime(2026, 1, 2, 12, 30, tzinfo=UTC)
DAY = timedelta(hours=24)
WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)
NAIVE_NOW = NOW.replace(tzinfo=None)
_MICROSECOND = timedelta(microseconds=1)


def line(facts: Facts | None, ago: timedelta = SECOND, app: str = "api", **fields: str) -> Line:
    source = fields.get("source", "heroku" if isinstance(facts, Request) else "app")
    proc_id = fields.get("proc_id", "router" if isinstance(facts, Request) else "web.1")
    message = fields.get("message", f"{facts}\n").encode()
    return Line(app, NOW - ago, 158, source, proc_id, message, facts)


def request(status: int = 200, service_ms: int | None = 5, path: str = "/", ip: str = "192.0.2.1") -> Request:
    return Request(
        method="GET",
        path=path,
        host="h",
        request_id="r",
        fwd=("10.0.0.1", ip),
        dyno="web.1",
        connect_ms=1,
        service_ms=service_ms,
        status=status,
        bytes=9,
        protocol="https",
    )


def answer(query: str, *lines: Line) -> list[Row]:
    return expected(lines, NOW)[query]


def test_windows_include_both_their_ends() -> None:
    slow = request(service_ms=2001)
    ages = (timedelta(0), WEEK, -_MICROSECOND, WEEK + _MICROSECOND)
    assert len(answer("latency-outliers", *(line(slow, ago) for ago in ages))) == 2
    ages = (timedelta(0), DAY, -_MICROSECOND, DAY + _MICROSECOND)
    assert len(answer("security-events", *(line(request(401), ago) for ago in ages))) == 2


def test_errors_by_surface_counts_5xx_by_app_and_utc_hour_newest_and_most_first() -> None:
    hour = timedelta(hours=1)
    lines = [
        line(request(500)),
        line(request(599), app="console"),
        line(request(503), app="console"),
        line(request(500), hour, app="velvet"),
        line(request(500), hour),
        line(request(499)),
        line(request(600)),
        line(None, message="status=500\n"),
    ]
    noon, eleven = datetime(2026, 1, 2, 12), datetime(2026, 1, 2, 11)  # noqa: DTZ001  the query's are naive
    counts = ("request_count", "error_count", "error_rate")
    assert [
        (row["app"], row["hour_utc"], *(row[name] for name in counts)) for row in answer("errors-by-surface", *lines)
    ] == [
        ("console", noon, 2, 2, 100.0),
        ("api", noon, 3, 1, 33.33),
        ("api", eleven, 1, 1, 100.0),
        ("velvet", eleven, 1, 1, 100.0),
    ]


def test_a_rate_is_rounded_half_up() -> None:
    lines = [line(request(500)), *(line(request()) for _ in range(799))]
    [row] = answer("errors-by-surface", *lines)
    assert row["error_rate"] == 0.13, "0.125 %"


def test_errors_by_endpoint_are_of_the_endpoints_that_fail_most_errors_first() -> None:
    first, last = (replace(request(500, path="/api/a?x"), request_id=name) for name in ("first", "last"))
    lines = [
        line(first, 9 * SECOND),
        line(last, 5 * SECOND),
        line(request(path="/api/a/b"), 2 * SECOND),
        line(request(503, path="/"), 3 * SECOND),
        line(request(path="/well"), 4 * SECOND),
    ]
    worst, other = answer("errors-by-endpoint", *lines)
    assert worst == {
        "app": "api",
        "path_prefix": "/api/a",
        "request_count": 3,
        "error_count": 2,
        "error_rate": 66.67,
        "first_error": NAIVE_NOW - 9 * SECOND,
        "last_error": NAIVE_NOW - 5 * SECOND,
        "last_request_id": "last",
    }
    assert (other["path_prefix"], other["error_rate"]) == ("/", 100.0)


def test_errors_since_are_the_stretches_of_errors_the_largest_first_and_the_change_before_each() -> None:
    minute = timedelta(minutes=1)
    lines = [
        line(PlatformEvent("Release v1 created", "release"), 40 * minute, proc_id="api"),
        line(PlatformEvent("Build succeeded", "build"), 21 * minute, proc_id="api"),
        line(PlatformEvent("Release v2 created", "release"), 15 * minute, proc_id="api"),
        line(request(500), 31 * minute),
        line(request(500), 20 * minute + SECOND),
        line(request(503), 11 * minute),
        line(request(), 10 * minute),
        line(request(503), 10 * minute),
        line(request(), 5 * minute),
        line(request(500), 30 * minute, app="console"),
        line(request(), app="velvet"),
    ]
    api, console, older = answer("errors-since", *lines)
    assert api == {
        "app": "api",
        "since_utc": datetime(2026, 1, 2, 12, 9),  # noqa: DTZ001  the query's are naive
        "error_count": 3,
        "request_count": 4,
        "last_error": NAIVE_NOW - 10 * minute,
        "last_change_at": NAIVE_NOW - 40 * minute,
        "last_change": "Release v1 created",
    }
    assert (console["app"], console["last_change_at"], console["last_change"]) == ("console", None, None)
    assert (older["app"], older["error_count"], older["last_error"]) == ("api", 1, NAIVE_NOW - 31 * minute)


def test_a_pause_of_ten_minutes_ends_a_stretch_of_errors() -> None:
    minute = timedelta(minutes=1)
    apart, before = answer("errors-since", line(request(500), 20 * minute), line(request(500), 10 * minute))
    [together] = answer("errors-since", line(request(500), 20 * minute), line(request(500), 10 * minute + SECOND))
    assert [row["error_count"] for row in (apart, before, together)] == [1, 1, 2]
    assert apart["since_utc"] - before["since_utc"] == 10 * minute, "of equal ones the newest first"


def test_a_summary_is_of_each_app_with_a_line_in_the_last_hour() -> None:
    hour = timedelta(hours=1)
    lines = [
        line(request(500, 40)),
        line(request(101, 90_000)),
        line(request(200, None)),
        line(PlatformEvent("Release v2 created", "release"), 2 * SECOND, proc_id="api"),
        line(PlatformEvent("Build succeeded", "build"), 2 * SECOND, proc_id="api"),
        line(LossReport("L10", 3, NOW), proc_id="logplex"),
        line(None, app="console"),
        line(None, hour + SECOND, app="velvet"),
    ]
    api, console = answer("summary", *lines)
    assert api == {
        "app": "api",
        "lines": 6,
        "requests": 3,
        "errors": 1,
        "error_rate": 33.33,
        "p95_service_ms": Percentile(40, 40, 40),
        "deploys": 1,
        "lines_lost": 3,
        "last_line": NAIVE_NOW - SECOND,
    }
    assert (console["error_rate"], console["p95_service_ms"]) == (None, None)


def test_latency_outliers_are_requests_above_2000_ms_slowest_then_newest_then_by_app() -> None:
    lines = [
        line(request(service_ms=1999)),
        line(request(service_ms=None)),
        line(request(101, 60_000)),
        line(request(200, 60_000)),
        line(request(service_ms=2001), 2 * SECOND),
        line(request(service_ms=2001), app="velvet"),
        line(request(service_ms=2001), app="console"),
        line(request(503, 30_000, "/a?b=c", "192.0.2.9"), DAY),
    ]
    rows = answer("latency-outliers", *lines)
    assert [(row["wait_ms"], row["app"]) for row in rows] == [
        (30_001, "api"),
        (2002, "console"),
        (2002, "velvet"),
        (2002, "api"),
    ]
    assert rows[0] == {
        "app": "api",
        "proc_id": "router",
        "log_ts": "2026-01-01T12:30:00+00:00",
        "method": "GET",
        "path": "/a?b=c",
        "wait_ms": 30_001,
        "service_ms": 30_000,
        "status": 503,
        "fwd_ip": "192.0.2.9",
        "request_id": "r",
        "dyno": "web.1",
    }


def test_security_events_are_refusals_and_reported_failures_newest_first() -> None:
    events: list[tuple[Facts, str]] = [
        (request(401), "401-unauthorized"),
        (request(403), "403-forbidden"),
        (request(429), "429-rate-limited"),
        (SecurityEvent("webauthn.registration_verify_failed", "u", "i"), "passkey-register-fail"),
        (SecurityEvent("webauthn.authentication_verify_failed", "u", "i"), "passkey-authn-fail"),
        (SecurityEvent("rate_limit_hit", "u", "i"), "rate-limit-custom"),
        (SecurityEvent("webauthn.timeout_failed", "u", "i"), "other-security"),
    ]
    second = count()
    lines = [line(facts, next(second) * SECOND) for facts, _ in events]
    decoys = [line(request(404, path="/?q=rate_limit_hit")), line(None, message="rate limit hit\n")]
    assert [row["event_type"] for row in answer("security-events", *decoys, *lines)] == [kind for _, kind in events]


def test_only_router_lines_have_an_address_and_a_path_and_messages_are_as_stored() -> None:
    event = SecurityEvent("rate_limit_hit", "u", "192.0.2.3")
    [refused, reported] = answer(
        "security-events",
        line(request(401, path="/x", ip="192.0.2.7"), app="api"),
        line(event, app="console", message="rate_limit_hit\n\x1b[0m\r\n"),
    )
    assert (refused["fwd_ip"], refused["path"]) == ("192.0.2.7", "/x")
    assert (reported["fwd_ip"], reported["path"]) == (None, None)
    assert reported["message"] == "rate_limit_hit#012#033[0m"


def test_security_by_ip_counts_all_events_though_the_list_ends_at_500() -> None:
    many = [line(request(401, ip="192.0.2.1")) for _ in range(501)]
    few = [line(request(403, ip=ip)) for ip in ("192.0.2.3", "192.0.2.2")]
    lines = [*many, *few, line(SecurityEvent("rate_limit_hit", "u", "192.0.2.1"))]
    assert len(answer("security-events", *lines)) == 500
    assert [(row["fwd_ip"], row["hits"]) for row in answer("security-by-ip", *lines)] == [
        ("192.0.2.1", 501),
        ("192.0.2.2", 1),
        ("192.0.2.3", 1),
    ]


def test_security_by_ip_says_where_how_and_when_an_address_was_refused() -> None:
    lines = [
        line(request(401, path="/login/x?y"), 9 * SECOND),
        line(request(429, path="/login/x"), 7 * SECOND),
        line(request(401, path="/z"), 8 * SECOND),
    ]
    assert answer("security-by-ip", *lines) == [
        {
            "fwd_ip": "192.0.2.1",
            "hits": 3,
            "path_prefix": "/login/x",
            "status_401": 2,
            "status_403": 0,
            "status_429": 1,
            "first_seen": NAIVE_NOW - 9 * SECOND,
            "last_seen": NAIVE_NOW - 7 * SECOND,
        }
    ]


def test_recent_deploys_are_the_platforms_events_newest_first() -> None:
    texts = ["Build succeeded", "Deploy 1a2b by user u", "Rollback to v41 by user u"]
    lines = [line(PlatformEvent(text), age * SECOND, proc_id="api") for age, text in enumerate(texts)]
    rows = answer("recent-deploys", *reversed(lines), line(None, message="Deploy talk\n"))
    assert [row["message"] for row in rows] == texts
    assert list(rows[0]) == ["app", "log_ts", "proc_id", "message"]


def test_deploys_are_the_platforms_events_with_their_kind() -> None:
    rollback = PlatformEvent("Rollback to v41 by user u", "rollback", "v41", "u")
    [row] = answer("deploys", line(rollback, proc_id="api"), line(StateChange("up", "crashed"), proc_id="web.1"))
    assert row == {
        "app": "api",
        "log_ts": "2026-01-02T12:29:59+00:00",
        "kind": "rollback",
        "version": "v41",
        "who": "u",
        "message": "Rollback to v41 by user u",
    }


def test_restarts_come_after_the_events_and_those_of_less_than_five_minutes_are_one() -> None:
    changes = [
        ("web.10", 0, "starting", "up"),
        ("web.2", 299, "up", "starting"),
        ("web.2", 599, "up", "starting"),
        ("worker.1", 300, "up", "crashed"),
        ("scheduler.1", 300, "starting", "up"),
    ]
    lines = [line(StateChange(*states), age * SECOND, proc_id=dyno) for dyno, age, *states in changes]
    event = line(PlatformEvent("Build failed"), DAY, proc_id="api")
    assert [(row["proc_id"], row["message"]) for row in answer("recent-deploys", *lines, event)] == [
        ("api", "Build failed"),
        ("web", "web.2 … web.10 restarted"),
        ("worker", "worker.1 crashed"),
        ("web", "web.2 restarted"),
    ]


def test_lists_end_at_their_limits() -> None:
    lines = [line(request(401, 2001, f"/{n}/x", f"192.0.2.{n % 30}")) for n in range(60) for _ in range(10)]
    lines += [line(request(500, path=f"/{n}")) for n in range(101)]
    lines += [line(StateChange("up", "crashed"), n * timedelta(minutes=5), proc_id="web.1") for n in range(101)]
    answers = expected([*lines, *(line(PlatformEvent("Build failed")) for _ in range(201))], NOW)
    limits = {name: len(rows) for name, rows in answers.items()}
    assert limits == {
        "summary": 1,
        "errors-by-surface": 1,
        "errors-by-endpoint": 100,
        "errors-since": 1,
        "latency-outliers": 200,
        "security-events": 500,
        "security-by-ip": 20,
        # All deploys, and 100 restarts.
        "recent-deploys": 301,
        "deploys": 200,
        "slow-endpoints": 50,
        "unstructured-share": 1,
        "errors-by-code": 0,
        "request": 0,
        "around": 905,
        "lines-lost": 0,
    }


def test_slow_endpoints_groups_by_the_first_two_segments_of_the_path() -> None:
    paths = ("/api/auth/x?y", "/api/auth", "/api/auth?a=/b/c", "/api/auth#z", "/health?x=1", "/health", "/", "/?a/b")
    rows = answer("slow-endpoints", *(line(request(path=path)) for path in paths for _ in range(10)))
    assert {row["path_prefix"]: row["request_count"] for row in rows} == {"/api/auth": 40, "/health": 20, "/": 20}


def test_slow_endpoints_leaves_out_groups_below_ten_and_requests_without_a_service_time() -> None:
    nine = [line(request()) for _ in range(9)]
    assert answer("slow-endpoints", *nine, line(request(service_ms=None))) == []
    assert len(answer("slow-endpoints", *nine, line(request()))) == 1


def test_averages_are_rounded_half_up_and_p95_is_by_nearest_rank() -> None:
    times = [*range(1, 19), 80, 1000]  # 1251 / 20 = 62.55; the 19th of 20 is the 95th percentile
    assert answer("slow-endpoints", *(line(request(service_ms=ms)) for ms in times)) == [
        {
            "app": "api",
            "path_prefix": "/",
            "request_count": 20,
            "avg_service_ms": 62.6,
            "p95_service_ms": Percentile(80, 18, 1000),
            "max_service_ms": 1000,
        }
    ]


def test_slow_endpoints_is_ordered_by_average_then_app_then_prefix() -> None:
    groups = [("api", "/a", 5), ("velvet", "/a", 5), ("api", "/b", 5), ("velvet", "/z", 9)]
    lines = [line(request(path=path, service_ms=ms), app=app) for app, path, ms in groups for _ in range(10)]
    rows = answer("slow-endpoints", *lines)
    assert [(row["app"], row["path_prefix"]) for row in rows] == [
        ("velvet", "/z"),
        ("api", "/a"),
        ("api", "/b"),
        ("velvet", "/a"),
    ]


def test_unstructured_share_counts_lines_of_no_request_and_quarantine_lines() -> None:
    lines = [line(request()), line(None), line(PlatformEvent("Build failed")), line(None, DAY + SECOND)]
    quarantined = [Quarantined("api", time, b"?") for time in (NOW, NOW - DAY, NOW - DAY - SECOND)]
    rows = expected([*lines, *quarantined], NOW)["unstructured-share"]
    assert rows == [{"total": 5, "unstructured_count": 4, "quarantined_count": 2}]


def test_errors_by_code_counts_the_routers_and_the_dynos_by_hour_newest_and_most_first() -> None:
    hour = timedelta(hours=1)
    crashed = replace(request(503), code="H10")
    lines = [
        line(crashed),
        line(crashed),
        line(DynoError("R14")),
        line(DynoError("R15"), app="console"),
        line(DynoError("R14"), hour),
        line(request(500)),
        line(crashed, DAY + SECOND),
        line(None, message="Error R14 (Memory quota exceeded)\n"),
    ]
    noon, eleven = datetime(2026, 1, 2, 12), datetime(2026, 1, 2, 11)  # noqa: DTZ001  the query's are naive
    rows = answer("errors-by-code", *lines)
    assert [(row["hour_utc"], row["app"], row["code"], row["error_count"]) for row in rows] == [
        (noon, "api", "H10", 2),
        (noon, "api", "R14", 1),
        (noon, "console", "R15", 1),
        (eleven, "api", "R14", 1),
    ]
    assert [row["descr"] for row in rows[:2]] == ["App crashed", "Memory quota exceeded"]


def test_a_request_is_its_router_line_and_what_apps_wrote_with_its_id_oldest_first() -> None:
    asked = replace(request(), request_id="a-1")
    lines = [
        line(asked, SECOND),
        line(RequestNote("a-1", "handled a-1"), 2 * SECOND, app="console"),
        line(RequestNote("a-2", "handled a-2"), 2 * SECOND),
        line(RequestNote("a-1", "too long ago a-1"), WEEK + SECOND),
        line(request()),
    ]
    rows = expected(lines, NOW, request_id="a-1")["request"]
    assert [(row["app"], row["proc_id"]) for row in rows] == [("console", "web.1"), ("api", "router")]
    assert rows[0] == {
        "app": "console",
        "log_ts": "2026-01-02T12:29:58+00:00",
        "source": "app",
        "proc_id": "web.1",
        "message": "handled a-1",
    }
    assert expected(lines, NOW)["request"] == []


def test_around_are_all_lines_of_the_last_ten_minutes_in_order_and_quarantine_lines_too() -> None:
    ten = timedelta(minutes=10)
    lines = [line(None, message="b\n"), line(None, message="a\n"), line(None, ten, "velvet"), line(None, ten + SECOND)]
    quarantined = [Quarantined("api", NOW - ten, b"a\nb\n"), Quarantined("api", NOW - ten - SECOND, b"old")]
    rows = expected([*lines, *quarantined], NOW)["around"]
    assert [(row["app"], row["message"]) for row in rows] == [
        ("velvet", "None"),
        ("api", "a#012b#012"),
        ("api", "a"),
        ("api", "b"),
    ]
    assert rows[1] == {
        "app": "api",
        "log_ts": "2026-01-02T12:20:00.000000+00:00",
        "source": "logdrain",
        "proc_id": "quarantine",
        "message": "a#012b#012",
    }


def test_around_gives_the_lines_nearest_to_the_moment_in_order_of_time() -> None:
    lines = [line(None, age * SECOND, message=f"{age}\n") for age in range(1100)]

    def ages(**asked: Any) -> list[int]:
        rows = within("around", lines, NOW - DAY, NOW, **asked)
        return [int(row["message"]) for row in rows]

    assert ages() == list(reversed(range(1000)))
    assert ages(limit=3) == [2, 1, 0]
    assert ages(limit=3, moment=NOW - 50 * SECOND) == [51, 50, 49]
    assert ages(limit=2, moment=NOW - 50 * SECOND) == [50, 49], "of those at one distance, the newest"


def test_lines_lost_sums_the_reports_by_hour_app_and_drain_newest_and_most_first() -> None:
    hour = timedelta(hours=1)
    lines = [
        line(LossReport("L10", 3, NOW), proc_id="logplex"),
        line(LossReport("L13", 4, NOW), proc_id="log-shuttle"),
        line(LossReport("L12", 8, NOW), app="velvet"),
        line(LossReport("L10", 9, NOW, "d.x"), hour),
        line(LossReport("L10", 9, NOW), hour),
        line(LossReport("L10", 1, NOW, "d.y"), hour),
        line(LossReport("L10", 9, NOW), WEEK + SECOND),
        line(None, message=f"{LossReport('L10', 3, NOW)}\n"),
    ]
    assert [tuple(row.values()) for row in answer("lines-lost", *lines)] == [
        ("velvet", datetime(2026, 1, 2, 12), None, 8),  # noqa: DTZ001  the query's are naive
        ("api", datetime(2026, 1, 2, 12), None, 7),  # noqa: DTZ001
        ("api", datetime(2026, 1, 2, 11), "d.x", 9),  # noqa: DTZ001
        ("api", datetime(2026, 1, 2, 11), None, 9),  # noqa: DTZ001
        ("api", datetime(2026, 1, 2, 11), "d.y", 1),  # noqa: DTZ001
    ]
