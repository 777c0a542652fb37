"""What each saved query must return, computed from the lines' facts, without SQL and without parsing text."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from local.traffic.facts import (
    ERROR_DESCRIPTIONS,
    DynoError,
    LossReport,
    PlatformEvent,
    Request,
    RequestNote,
    SecurityEvent,
    StateChange,
)
from local.traffic.lines import Line, Quarantined

Row = dict[str, Any]
Lines = list[Line | Quarantined]


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile by nearest rank. An engine may estimate it: a value from `least` to `most` is right.

    These are the values whose rank is at most one, and one percent of all values, away.
    """

    value: int
    least: int
    most: int

    @classmethod
    def of(cls, percent: int, values: Sequence[int]) -> Self:
        """Take it of at least one value."""
        ranked = sorted(values)
        place = -(-percent * len(ranked) // 100) - 1
        spread = 1 + len(ranked) // 100
        return cls(ranked[place], ranked[max(0, place - spread)], ranked[min(len(ranked) - 1, place + spread)])

    def holds(self, value: object) -> bool:
        """Whether a value is a right estimate."""
        return isinstance(value, int) and self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a query is asked: the number of rows at which its list ends, and the time that lines have to be near to."""

    limit: int | None
    moment: datetime


@dataclass(frozen=True, slots=True)
class _Truth:
    """A query's own window and limit, and its rows. `rows` gets the lines of the window and how it is asked."""

    span: timedelta
    rows: Callable[["Lines", _Asked], list[Row]]
    limit: int | None = None


_HOUR = timedelta(minutes=60)
_DAY = timedelta(hours=24)
_WEEK = timedelta(days=7)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_APART = timedelta(minutes=10)
_SLOW_MS = 2000
_FEWEST_REQUESTS = 10
_RESTART_MS = 5 * 60_000
_ONE_OFF_PROCESSES = {"run", "scheduler", "release"}
_VERBS = {"crashed": "crashed", "starting": "restarted", "up": "started"}
_SECURITY_STATUSES = {401: "401-unauthorized", 403: "403-forbidden", 429: "429-rate-limited"}
_SECURITY_NAMES = {
    "webauthn.registration_verify_failed": "passkey-register-fail",
    "webauthn.authentication_verify_failed": "passkey-authn-fail",
    "rate_limit_hit": "rate-limit-custom",
}
# Columns whose attribute of a line has another name.
_ATTRIBUTES = {"log_ts": "timestamp", "message": "stored_message"}


def expected(lines: Iterable[Line | Quarantined], now: datetime, request_id: str | None = None) -> dict[str, list[Row]]:
    """Give the rows of each saved query at `now`, by the query's name, in the query's order.

    `lines` are all lines in the table, also the L10 lines that Logplex added. `request_id` is what the query `request`
    asks for. In rows, `log_ts` is the text of TIME and `hour_utc` is a naive UTC datetime, as in the query's result.
    """
    stored = list(lines)
    return {name: within(name, stored, now - truth.span, now, request_id) for name, truth in _QUERIES.items()}


def within(
    name: str,
    lines: Iterable[Line | Quarantined],
    since: datetime,
    until: datetime,
    request_id: str | None = None,
    *,
    limit: int | None = None,
    moment: datetime | None = None,
) -> list[Row]:
    """Give the rows of one saved query, of the lines from `since` to `until`, both included.

    `limit` is the query's own if it is None, and `moment`, the time that lines have to be near to, is `until`.
    """
    window = [line for line in lines if since <= line.time <= until]
    if name == "request":
        window = [line for line in window if request_id and _request_id(line) == request_id]
    truth = _QUERIES[name]
    return truth.rows(window, _Asked(truth.limit if limit is None else limit, until if moment is None else moment))


def differences(rows: Sequence[Mapping[str, object]], right: Sequence[Mapping[str, object]]) -> list[str]:
    """Say where rows differ from the right ones, one text per value. Columns that only `rows` have are ignored."""
    if len(rows) != len(right):
        return [f"{len(rows)} rows in place of {len(right)}"]
    return [
        f"row {number}: {column} is {row.get(column)!r} in place of {value!r}"
        for number, (row, expected_row) in enumerate(zip(rows, right, strict=True), start=1)
        for column, value in expected_row.items()
        if not (value.holds(row.get(column)) if isinstance(value, Percentile) else row.get(column) == value)
    ]


def _errors_by_surface(lines: Lines) -> list[Row]:
    requests = Counter((_hour(line), line.app) for line, _ in _requests(lines))
    errors = Counter((_hour(line), line.app) for line, request in _requests(lines) if _is_error(request))
    return [
        {"app": app, "hour_utc": hour, **_rate(requests[hour, app], count)} for (hour, app), count in _by_hour(errors)
    ]


def _rate(requests: int, errors: int) -> Row:
    return {"request_count": requests, "error_count": errors, "error_rate": _percent(errors, requests)}


def _percent(part: int, whole: int) -> float | None:
    """Give a percentage to two decimals, half up as in SQL; None of nothing."""
    return (20_000 * part + whole) // (2 * whole) / 100 if whole else None


def _is_error(request: Request) -> bool:
    return 500 <= request.status <= 599


def _errors_by_endpoint(lines: Lines) -> list[Row]:
    groups: defaultdict[tuple[str, str], Lines] = defaultdict(list)
    for line, request in _requests(lines):
        groups[line.app, _prefix(request.path)].append(line)
    rows = []
    for (app, prefix), found in sorted(groups.items()):
        failed = [(_time(line), request.request_id) for line, request in _requests(found) if _is_error(request)]
        if failed:
            last_error, last_request_id = max(failed)
            times = {"first_error": min(failed)[0], "last_error": last_error, "last_request_id": last_request_id}
            rows.append({"app": app, "path_prefix": prefix, **_rate(len(found), len(failed)), **times})
    return sorted(rows, key=lambda row: (-row["error_count"], -row["error_rate"]))


def _prefix(path: str) -> str:
    """Give the first two segments of a path."""
    return "/".join(path.partition("?")[0].partition("#")[0].split("/")[:3])


def _errors_since(lines: Lines) -> list[Row]:
    rows = []
    for app in {line.app for line in lines}:
        of_app = [line for line in sorted(lines, key=_log_order) if line.app == app]
        failed = [_time(line) for line, request in _requests(of_app) if _is_error(request)]
        rows += [{"app": app, **_stretch(of_app, times)} for times in _stretches(failed)]
    return sorted(rows, key=lambda row: (-row["error_count"], _NAIVE_EPOCH - row["since_utc"], row["app"]))


def _stretches(times: Iterable[datetime]) -> list[list[datetime]]:
    """Divide times in order where two are ten minutes or more apart."""
    found: list[list[datetime]] = []
    for time in times:
        if found and time - found[-1][-1] < _APART:
            found[-1].append(time)
        else:
            found.append([time])
    return found


def _stretch(of_app: Lines, failed: Sequence[datetime]) -> Row:
    """Describe the requests of an app that failed at these times."""
    since, minute = failed[0], _minute(failed[0])
    changes = [
        line
        for line in of_app
        if isinstance(line.facts, PlatformEvent) and line.facts.kind != "build" and _time(line) <= since
    ]
    change = changes[-1] if changes else None
    return {
        "since_utc": minute,
        "error_count": len(failed),
        "request_count": sum(minute <= _minute(_time(line)) <= failed[-1] for line, _ in _requests(of_app)),
        "last_error": failed[-1],
        "last_change_at": change and _time(change),
        "last_change": change and change.stored_message,
    }


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)


def _summary(lines: Lines) -> list[Row]:
    rows = []
    for app in {line.app for line in lines}:
        of_app = [line for line in lines if line.app == app]
        requests = [request for _, request in _requests(of_app)]
        errors = sum(map(_is_error, requests))
        times = [
            request.service_ms for request in requests if request.service_ms is not None and not request.long_lived
        ]
        facts = [line.facts for line in of_app]
        rows.append(
            {
                "app": app,
                "lines": len(of_app),
                "requests": len(requests),
                "errors": errors,
                "error_rate": _percent(errors, len(requests)),
                "p95_service_ms": Percentile.of(95, times) if times else None,
                "deploys": sum(isinstance(each, PlatformEvent) and each.kind == "release" for each in facts),
                "lines_lost": sum(each.lines for each in facts if isinstance(each, LossReport)),
                "last_line": max(map(_time, of_app)),
            }
        )
    return sorted(rows, key=lambda row: (-row["errors"], -row["lines"], row["app"]))


def _latency_outliers(lines: Lines) -> list[Row]:
    slow = [
        (-request.wait_ms, -_millisecond(line), line.app, request.request_id, line.stored_message, line)
        for line, request in _requests(lines)
        if request.wait_ms is not None and request.wait_ms > _SLOW_MS and not request.long_lived
    ]
    columns = ("app", "proc_id", "log_ts", "method", "path", "wait_ms", "service_ms", "status", "fwd_ip")
    return [_row(line, *columns, "request_id", "dyno") for *_, line in sorted(slow, key=lambda found: found[:-1])]


def _security_events(lines: Lines) -> list[Row]:
    columns = ("app", "proc_id", "log_ts", "message")
    return [
        _row(line, *columns)
        | {"event_type": event_type}
        | (_row(line, "fwd_ip", "path") if isinstance(line.facts, Request) else {"fwd_ip": None, "path": None})
        for line in _newest_first(lines)
        if (event_type := _event_type(line))
    ]


def _event_type(line: Line | Quarantined) -> str | None:
    match line.facts:
        case Request(status=status):
            return _SECURITY_STATUSES.get(status)
        case SecurityEvent(name=name):
            return _SECURITY_NAMES.get(name, "other-security")
        case _:
            return None


def _security_by_ip(lines: Lines) -> list[Row]:
    refused: defaultdict[str, list[tuple[Line | Quarantined, Request]]] = defaultdict(list)
    for line, request in _requests(lines):
        if request.status in _SECURITY_STATUSES:
            refused[request.fwd_ip].append((line, request))
    rows: list[Row] = []
    for ip, found in refused.items():
        prefixes = Counter(_prefix(request.path) for _, request in found)
        times = [_time(line) for line, _ in found]
        by_status = {f"status_{status}": sum(r.status == status for _, r in found) for status in _SECURITY_STATUSES}
        prefix = max(prefixes, key=lambda prefix: (prefixes[prefix], prefix))
        rows.append(
            {"fwd_ip": ip, "hits": len(found), "path_prefix": prefix, **by_status}
            | {"first_seen": min(times), "last_seen": max(times)}
        )
    return sorted(rows, key=lambda row: (-row["hits"], row["fwd_ip"]))


def _deploys(lines: Lines) -> list[Row]:
    events: Lines = [line for line in lines if isinstance(line.facts, PlatformEvent)]
    columns = ("app", "log_ts", "kind", "version", "who", "message")
    return [_row(line, *columns) for line in _newest_first(events)]


def _recent_deploys(lines: Lines, asked: _Asked) -> list[Row]:
    events: Lines = [line for line in lines if isinstance(line.facts, PlatformEvent)]
    rows = [_row(line, "app", "log_ts", "proc_id", "message") for line in _newest_first(events)]
    restarts = [_restart(changes) for changes in _restarts(lines)]
    newest_first = sorted(restarts, key=lambda found: (found[1]["app"], found[1]["proc_id"], found[1]["message"]))
    newest_first.sort(key=lambda found: (found[0], found[1]["log_ts"]), reverse=True)
    return [*rows, *(row for _, row in newest_first[: asked.limit])]


def _restarts(lines: Lines) -> list[Lines]:
    """Give the changes of state of each process type that are less than five minutes apart, crashes apart."""
    found: dict[tuple[str, str, bool], list[Lines]] = {}
    for line in sorted(lines, key=_millisecond):
        process = line.proc_id.partition(".")[0]
        if not isinstance(line.facts, StateChange) or process in _ONE_OFF_PROCESSES:
            continue
        groups = found.setdefault((line.app, process, line.facts.after == "crashed"), [])
        if groups and _millisecond(line) - _millisecond(groups[-1][-1]) < _RESTART_MS:
            groups[-1].append(line)
        else:
            groups.append([line])
    return [group for groups in found.values() for group in groups]


def _restart(changes: Lines) -> tuple[int, Row]:
    """Give a row for changes of state of one process type, and its time in milliseconds."""
    first = min(changes, key=_millisecond)
    dynos = sorted({line.proc_id for line in changes}, key=lambda dyno: int(dyno.partition(".")[2]))
    after = {line.facts.after for line in changes if isinstance(line.facts, StateChange)}
    verb = next((verb for state, verb in _VERBS.items() if state in after), "stopped")
    who = dynos[0] if len(dynos) == 1 else f"{dynos[0]} … {dynos[-1]}"
    row = _row(first, "app", "log_ts") | {"proc_id": dynos[0].partition(".")[0], "message": f"{who} {verb}"}
    return _millisecond(first), row


def _slow_endpoints(lines: Lines) -> list[Row]:
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line, request in _requests(lines):
        if request.service_ms is not None and not request.long_lived:
            groups[line.app, _prefix(request.path)].append(request.service_ms)
    rows: list[Row] = [
        {
            "app": app,
            "path_prefix": prefix,
            "request_count": len(times),
            # SQL rounds half away from zero, Python to even: so whole tenths, of the average as an exact fraction.
            "avg_service_ms": (20 * sum(times) + len(times)) // (2 * len(times)) / 10,
            "p95_service_ms": Percentile.of(95, times),
            "max_service_ms": max(times),
        }
        for (app, prefix), times in sorted(groups.items())
        if len(times) >= _FEWEST_REQUESTS
    ]
    # Sorting is stable: equal averages stay in the order of app and prefix.
    return sorted(rows, key=lambda row: row["avg_service_ms"], reverse=True)


def _unstructured_share(lines: Lines) -> list[Row]:
    return [
        {
            "total": len(lines),
            "unstructured_count": len(lines) - len(_requests(lines)),
            "quarantined_count": sum(isinstance(line, Quarantined) for line in lines),
        }
    ]


def _errors_by_code(lines: Lines) -> list[Row]:
    counts = Counter(
        (_hour(line), line.app, line.facts.code)
        for line in lines
        if isinstance(line.facts, Request | DynoError) and line.facts.code
    )
    return [
        {"hour_utc": hour, "app": app, "code": code, "descr": ERROR_DESCRIPTIONS[code], "error_count": count}
        for (hour, app, code), count in _by_hour(counts)
    ]


def _log(lines: Lines) -> list[Row]:
    """Give lines in the order of the log, oldest first."""
    columns = ("app", "log_ts", "source", "proc_id", "message")
    return [_row(line, *columns) for line in sorted(lines, key=_log_order)]


def _around(lines: Lines, asked: _Asked) -> list[Row]:
    """Give the lines nearest to a moment; of those at one distance, the newest."""
    moment = (asked.moment - _EPOCH) // _MILLISECOND
    newest_first = _newest_first(lines)
    return _log(sorted(newest_first, key=lambda line: abs(_millisecond(line) - moment))[: asked.limit])


def _lines_lost(lines: Lines) -> list[Row]:
    lost: Counter[tuple[datetime, str, bool, str]] = Counter()
    for line in lines:
        if isinstance(line.facts, LossReport):
            # SQL sorts NULL last.
            lost[_hour(line), line.app, line.facts.drain is None, line.facts.drain or ""] += line.facts.lines
    return [
        {"app": app, "hour_utc": hour, "drain": drain or None, "lines_lost": count}
        for (hour, app, _, drain), count in _by_hour(lost)
    ]


def _request_id(line: Line | Quarantined) -> str | None:
    return line.facts.request_id if isinstance(line.facts, Request | RequestNote) else None


def _requests(lines: Lines) -> list[tuple[Line | Quarantined, Request]]:
    return [(line, line.facts) for line in lines if isinstance(line.facts, Request)]


def _row(line: Line | Quarantined, *columns: str) -> Row:
    """Give columns of a line: its own attributes, or else those of its facts."""
    names = {column: _ATTRIBUTES.get(column, column) for column in columns}
    return {column: getattr(line if hasattr(line, name) else line.facts, name) for column, name in names.items()}


def _newest_first(lines: Lines) -> Lines:
    ordered = sorted(lines, key=lambda line: (line.app, -line.seq, line.proc_id, line.stored_message))
    return sorted(ordered, key=lambda line: (_millisecond(line), line.timestamp), reverse=True)


def _log_order(line: Line | Quarantined) -> tuple[int | str, ...]:
    time = (_millisecond(line), line.timestamp)
    return (*time, line.app, line.seq, line.source, line.proc_id, line.stored_message)


def _by_hour(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """Order counts by (hour, ...): newest hour first, then the largest count, then the rest of the key."""
    return sorted(counts.items(), key=lambda item: (_NAIVE_EPOCH - item[0][0], -item[1], item[0]))


def _hour(line: Line | Quarantined) -> datetime:
    return line.time.replace(minute=0, second=0, microsecond=0, tzinfo=None)


def _millisecond(line: Line | Quarantined) -> int:
    """Cut a line's time to what from_iso8601_timestamp reads of it."""
    return (line.time - _EPOCH) // _MILLISECOND


def _time(line: Line | Quarantined) -> datetime:
    """Give the view's `time`: to the millisecond, in UTC without a zone."""
    return line.time.replace(microsecond=line.time.microsecond // 1000 * 1000, tzinfo=None)


def _listed(rows: Callable[[Lines], list[Row]]) -> Callable[[Lines, _Asked], list[Row]]:
    return lambda lines, asked: rows(lines)[: asked.limit]


# In the runbook's order.
_QUERIES = {
    "summary": _Truth(_HOUR, _listed(_summary)),
    "errors-by-surface": _Truth(_DAY, _listed(_errors_by_surface)),
    "errors-by-endpoint": _Truth(_DAY, _listed(_errors_by_endpoint), 100),
    "errors-since": _Truth(_DAY, _listed(_errors_since), 20),
    "latency-outliers": _Truth(_WEEK, _listed(_latency_outliers), 200),
    "security-events": _Truth(_DAY, _listed(_security_events), 500),
    "security-by-ip": _Truth(_DAY, _listed(_security_by_ip), 20),
    "recent-deploys": _Truth(_WEEK, _recent_deploys, 100),
    "deploys": _Truth(_WEEK, _listed(_deploys), 200),
    "slow-endpoints": _Truth(_WEEK, _listed(_slow_endpoints), 50),
    "unstructured-share": _Truth(_DAY, _listed(_unstructured_share)),
    "errors-by-code": _Truth(_DAY, _listed(_errors_by_code)),
    "request": _Truth(_WEEK, _listed(_log)),
    "around": _Truth(timedelta(minutes=10), _around, 1000),
    "lines-lost": _Truth(_WEEK, _listed(_lines_lost)),
}
