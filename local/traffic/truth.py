"""What each saved query must answer, computed from the lines' facts and so without any parsing or SQL."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Self

from local.traffic.facts import (
    ERROR_DESCRIPTIONS,
    Build,
    Deploy,
    DynoError,
    LossReport,
    Release,
    Request,
    RequestNote,
    Rollback,
    SecurityEvent,
    StateChange,
)
from local.traffic.lines import Line, Quarantined

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile by nearest rank: the smallest value that at least so many percent of all do not exceed.

    What only estimates it is right from `least` to `most`: values whose rank is one and a hundredth of all away.
    """

    value: int
    least: int
    most: int

    @classmethod
    def of(cls, percent: int, values: Sequence[int]) -> Self:
        """Take it of some values, at least one."""
        ranked = sorted(values)
        place = -(-percent * len(ranked) // 100) - 1
        spread = 1 + len(ranked) // 100
        return cls(ranked[place], ranked[max(0, place - spread)], ranked[min(len(ranked) - 1, place + spread)])

    def holds(self, value: object) -> bool:
        """Whether a value is a right estimate."""
        return isinstance(value, int) and self.least <= value <= self.most


class _Stored(NamedTuple):
    """The lines of a window, and the request that is asked for."""

    lines: list[Line]
    quarantined: list[Quarantined]
    request_id: str | None


_AROUND = timedelta(minutes=10)
_DAY = timedelta(hours=24)
_WEEK = timedelta(days=7)
_SLOW_MS = 2000
_FEWEST_REQUESTS = 10
_SECURITY_STATUSES = {401: "401-unauthorized", 403: "403-forbidden", 429: "429-rate-limited"}
_SECURITY_NAMES = {
    "webauthn.registration_verify_failed": "passkey-register-fail",
    "webauthn.authentication_verify_failed": "passkey-authn-fail",
    "rate_limit_hit": "rate-limit-custom",
}


def expected(
    lines: Iterable[Line], now: datetime, quarantined: Sequence[Quarantined] = (), request_id: str | None = None
) -> dict[str, list[Row]]:
    """Give the rows that each saved query answers at `now`, by the query's name, in the query's order.

    `lines` are all lines that are stored as they came, so those that Logplex added (its L10 lines) or another
    sender sent belong to them, and `quarantined` is what was stored in quarantine lines. `request_id` is what the
    query `request` asks for; as it stands it asks for none that there is. Times of rows are as the query has them:
    `log_ts` the text of TIME, `hour_utc` a naive UTC datetime.
    """
    held = list(lines)
    return {name: within(name, held, now - span, now, quarantined, request_id) for name, (span, _) in _QUERIES.items()}


def within(
    name: str,
    lines: Iterable[Line],
    since: datetime,
    until: datetime,
    quarantined: Iterable[Quarantined] = (),
    request_id: str | None = None,
) -> list[Row]:
    """Give the rows that one saved query answers of the lines from `since` to `until`, both included."""
    _, rows = _QUERIES[name]
    return rows(
        _Stored(
            [line for line in lines if since <= line.time <= until],
            [line for line in quarantined if since <= line.time <= until],
            request_id,
        )
    )


def differences(rows: Sequence[Mapping[str, object]], right: Sequence[Mapping[str, object]]) -> list[str]:
    """Say where rows are not what they must be, one line each; other columns of the rows do not count."""
    if len(rows) != len(right):
        return [f"{len(rows)} rows in place of {len(right)}"]
    return [
        f"row {number}: {column} is {row.get(column)!r} in place of {value!r}"
        for number, (row, expected_row) in enumerate(zip(rows, right, strict=True), start=1)
        for column, value in expected_row.items()
        if not (value.holds(row.get(column)) if isinstance(value, Percentile) else row.get(column) == value)
    ]


def stored_per_day(lines: Iterable[Line]) -> Counter[tuple[str, date]]:
    """Count the lines of each app and UTC day, which is the partition that they are stored in.

    That holds for lines whose time is valid on arrival: at most two days before it and one hour after it.
    """
    return Counter((line.app, line.time.date()) for line in lines)


def _errors_by_surface(lines: Iterable[Line]) -> list[Row]:
    counts = Counter((_hour(line), line.app) for line, request in _requests(lines) if 500 <= request.status <= 599)
    # Sorting is stable: last by what matters most.
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0][1]))
    ranked.sort(key=lambda item: item[0][0], reverse=True)
    return [{"app": app, "hour_utc": hour, "error_count": count} for (hour, app), count in ranked]


def _latency_outliers(lines: Iterable[Line]) -> list[Row]:
    slow = [
        (service_ms, line, request)
        for line, request in _requests(lines)
        if (service_ms := request.service_ms) is not None and service_ms > _SLOW_MS
    ]
    slow.sort(key=lambda found: (found[1].app, found[2].request_id, found[1].stored_message))
    slow.sort(key=lambda found: (found[0], _millisecond(found[1])), reverse=True)
    return [
        {
            "app": line.app,
            "proc_id": line.proc_id,
            "log_ts": line.timestamp,
            "method": request.method,
            "path": request.path,
            "service_ms": service_ms,
            "status": request.status,
            "fwd_ip": request.fwd_ip,
        }
        for service_ms, line, request in slow[:200]
    ]


def _security_events(lines: Iterable[Line]) -> list[Row]:
    """Give all of them: the query's limit is not the pivot's."""
    return [
        {
            "app": line.app,
            "proc_id": line.proc_id,
            "log_ts": line.timestamp,
            "event_type": event_type,
            "fwd_ip": line.facts.fwd_ip if isinstance(line.facts, Request) else None,
            "path": line.facts.path if isinstance(line.facts, Request) else None,
            "message": line.stored_message,
        }
        for line in _newest_first(lines)
        if (event_type := _event_type(line))
    ]


def _event_type(line: Line) -> str | None:
    match line.facts:
        case Request(status=status):
            return _SECURITY_STATUSES.get(status)
        case SecurityEvent(name=name):
            return _SECURITY_NAMES.get(name, "other-security")
        case _:
            return None


def _security_by_ip(lines: Iterable[Line]) -> list[Row]:
    hits = Counter(request.fwd_ip for _, request in _requests(lines) if request.status in _SECURITY_STATUSES)
    ranked = sorted(hits.items(), key=lambda item: (-item[1], item[0]))
    return [{"fwd_ip": ip, "hits": count} for ip, count in ranked[:20]]


def _recent_deploys(lines: Iterable[Line]) -> list[Row]:
    events = [
        line
        for line in _newest_first(lines)
        if isinstance(line.facts, Build | Deploy | Release | Rollback | StateChange)
    ]
    return [
        {
            "app": line.app,
            "log_ts": line.timestamp,
            "proc_id": line.proc_id,
            "message": line.stored_message,
        }
        for line in events[:100]
    ]


def _slow_endpoints(lines: Iterable[Line]) -> list[Row]:
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line, request in _requests(lines):
        if request.service_ms is not None:
            groups[line.app, _prefix(request.path)].append(request.service_ms)
    # SQL rounds half away from zero, Python to even: so whole tenths, and the average as an exact fraction.
    averages = {
        group: (20 * sum(times) + len(times)) // (2 * len(times)) / 10
        for group, times in groups.items()
        if len(times) >= _FEWEST_REQUESTS
    }
    ranked = sorted(averages.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "app": app,
            "path_prefix": prefix,
            "request_count": len(times),
            "avg_service_ms": average,
            "p95_service_ms": Percentile.of(95, times),
            "max_service_ms": max(times),
        }
        for (app, prefix), average in ranked[:50]
        for times in [groups[app, prefix]]
    ]


def _unstructured_share(stored: _Stored) -> list[Row]:
    total = len(stored.lines) + len(stored.quarantined)
    return [
        {
            "total": total,
            "unstructured_count": total - sum(1 for _ in _requests(stored.lines)),
            "quarantined_count": len(stored.quarantined),
        }
    ]


def _errors_by_code(lines: Iterable[Line]) -> list[Row]:
    counts = Counter((_hour(line), line.app, code) for line in lines if (code := _error_code(line)))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ranked.sort(key=lambda item: item[0][0], reverse=True)
    return [
        {"hour_utc": hour, "app": app, "code": code, "descr": ERROR_DESCRIPTIONS[code], "error_count": count}
        for (hour, app, code), count in ranked
    ]


def _error_code(line: Line) -> str | None:
    return line.facts.code if isinstance(line.facts, Request | DynoError) else None


def _request_id(line: Line) -> str | None:
    return line.facts.request_id if isinstance(line.facts, Request | RequestNote) else None


def _request(stored: _Stored) -> list[Row]:
    asked = stored.request_id
    return _log(line for line in stored.lines if asked and _request_id(line) == asked)


def _log(lines: Iterable[Line | Quarantined]) -> list[Row]:
    """Give lines as the log has them, oldest first."""
    rows = [
        (
            _millisecond(line),
            {
                "app": line.app,
                "log_ts": line.timestamp,
                "source": line.source,
                "proc_id": line.proc_id,
                "message": line.stored_message,
            },
        )
        for line in lines
    ]
    rows.sort(key=lambda found: (found[0], *found[1].values()))
    return [{**row} for _, row in rows]


def _lines_lost(lines: Iterable[Line]) -> list[Row]:
    lost: Counter[tuple[datetime, str]] = Counter()
    for line in lines:
        if isinstance(line.facts, LossReport):
            lost[_hour(line), line.app] += line.facts.lines
    ranked = sorted(lost.items(), key=lambda item: (-item[1], item[0][1]))
    ranked.sort(key=lambda item: item[0][0], reverse=True)
    return [{"app": app, "hour_utc": hour, "lines_lost": count} for (hour, app), count in ranked]


def _requests(lines: Iterable[Line]) -> Iterable[tuple[Line, Request]]:
    return ((line, line.facts) for line in lines if isinstance(line.facts, Request))


def _newest_first(lines: Iterable[Line]) -> list[Line]:
    alike = sorted(lines, key=lambda line: (line.app, line.proc_id, line.stored_message))
    return sorted(alike, key=_millisecond, reverse=True)


def _hour(line: Line) -> datetime:
    return line.time.replace(minute=0, second=0, microsecond=0, tzinfo=None)


def _millisecond(line: Line | Quarantined) -> datetime:
    """Cut a line's time to what from_iso8601_timestamp reads of it."""
    return line.time.replace(microsecond=line.time.microsecond // 1000 * 1000)


def _prefix(path: str) -> str:
    """Give the first two segments of a path, without its query string or fragment."""
    segments = path.partition("?")[0].partition("#")[0].split("/")
    return "/".join(segments[:3])


# In the runbook's order: how far back each looks as it stands, and its rows.
_QUERIES: dict[str, tuple[timedelta, Callable[[_Stored], list[Row]]]] = {
    "errors-by-surface": (_DAY, lambda stored: _errors_by_surface(stored.lines)),
    "latency-outliers": (_WEEK, lambda stored: _latency_outliers(stored.lines)),
    "security-events": (_DAY, lambda stored: _security_events(stored.lines)[:500]),
    "security-by-ip": (_DAY, lambda stored: _security_by_ip(stored.lines)),
    "recent-deploys": (_WEEK, lambda stored: _recent_deploys(stored.lines)),
    "slow-endpoints": (_WEEK, lambda stored: _slow_endpoints(stored.lines)),
    "unstructured-share": (_DAY, _unstructured_share),
    "errors-by-code": (_DAY, lambda stored: _errors_by_code(stored.lines)),
    "request": (_WEEK, _request),
    "around": (_AROUND, lambda stored: _log([*stored.lines, *stored.quarantined])[:1000]),
    "lines-lost": (_WEEK, lambda stored: _lines_lost(stored.lines)),
}
