"""The demo: drains a week of three apps' traffic, runs the saved queries, and accounts for every line."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from contract.object_keys import LOGS_PREFIX, PROJECTED_YEARS
from contract.saved_queries import SavedQuery, saved_queries
from local.child import LocalError
from local.logplex import nodes
from local.logplex.batches import Batch, batches
from local.logplex.field_bodies import FieldBody, field_bodies
from local.stack import LocalStack
from local.traffic import truth, week
from local.traffic.facts import RequestNote
from local.traffic.lines import Line, Quarantined
from runbook.clients import athena, s3_objects

_WEEK = timedelta(days=8)
_POLL_S = 0.02
# Large batches, because in a quiet week most slots have one, and moto needs 20 ms or more to flush a slot.
_MEAN_LINES, _LONGEST_WAIT = 200, timedelta(hours=3)


@dataclass(frozen=True)
class QueryResult:
    """The result of a saved query, and its differences from the truth."""

    query: SavedQuery
    result: athena.Result
    differences: list[str]


@dataclass(frozen=True)
class Result:
    """What the demo did. `quarantined` counts quarantine lines by reason; `seconds` are wall-clock time by stage."""

    now: datetime
    drained: nodes.Report
    lines_found: int
    quarantined: dict[str, int]
    queries: list[QueryResult]
    object_sizes: list[int]
    seconds: dict[str, float]

    @property
    def lines_sent(self) -> int:
        """The number of lines that drains accepted, with those that Logplex added."""
        return sum(outcome.batch.lines for outcome in self.drained.delivered) + len(self.drained.l10_lines)

    @property
    def problems(self) -> list[str]:
        """What is wrong, one text each."""
        problems = [f"{asked.query.name}: {difference}" for asked in self.queries for difference in asked.differences]
        if self.drained.dropped:
            problems.append(f"{len(self.drained.dropped)} batches were dropped")
        if self.lines_sent != self.lines_found:
            problems.append(f"{self.lines_sent} lines were sent and SQL finds {self.lines_found}")
        return problems

    @property
    def document(self) -> dict[str, Any]:
        """The result as a JSON document."""
        drained = self.drained
        return {
            "now": self.now.isoformat(),
            "lines": {"sent": self.lines_sent, "found": self.lines_found, "quarantined": self.quarantined},
            "batches": {"sent": len(drained.outcomes), "tries": drained.tries, "dropped": len(drained.dropped)},
            "bytes": {"received": drained.bytes, "stored": sum(self.object_sizes)},
            "objects": {"stored": len(self.object_sizes), "if one per POST": len(drained.delivered)},
            "queries": {asked.query.name: _records(asked.result) for asked in self.queries},
            "seconds": {stage: round(seconds, 2) for stage, seconds in self.seconds.items()},
            "problems": self.problems,
        }


def _batches(written: Sequence[Line], app: str) -> list[Batch]:
    return batches([line for line in written if line.app == app], mean_lines=_MEAN_LINES, longest=_LONGEST_WAIT)


def check_clock(now: datetime) -> None:
    """LocalError if the table does not project the days of the traffic: its lines would be stored, but not found."""
    if not {(now - _WEEK).year, now.year} <= set(PROJECTED_YEARS):
        first, last = PROJECTED_YEARS[0], PROJECTED_YEARS[-1]
        raise LocalError(
            f"--clock {now:%Y-%m-%d} is outside the table's years, {first} to {last}: "
            f"the traffic begins a week earlier, so give a time from {first}-01-09 to {last}-12-31"
        )


def run(
    stack: LocalStack, lines: int, now: datetime, progress: Callable[[int, int], object] = lambda *_: None
) -> Result:
    """Drain `lines` lines of traffic up to `now`, and the bodies from the field; then query what was stored.

    `progress` is called after each batch, with its number of lines and with that of all batches.
    """
    seconds: dict[str, float] = {}
    apps = stack.settings.apps
    with _timed(seconds, "traffic"):
        written = week.generate(apps, now, lines)
        bodies = [body for body in field_bodies() if body.body and not _is_recent(body, now)]
        # One after the other: lines of batches that arrive at one time would be in the order of the batches' ids.
        addressed = [
            (apps[number % len(apps)], now - timedelta(milliseconds=number), body) for number, body in enumerate(bodies)
        ]
        sent = [batch for app in apps for batch in _batches(written, app)]
        sent += [
            Batch(app, body.body, len(body.frames) + bool(body.malformed_remainder), uuid4().hex.upper(), arrival)
            for app, arrival, body in addressed
        ]
        sent.sort(key=lambda batch: batch.arrival or now)
    with _timed(seconds, "drain"):
        urls, total = stack.drain_urls, sum(batch.lines for batch in sent)
        drained = nodes.Logplex().drain(
            ((urls[batch.app], batch) for batch in sent), lambda batch, _: progress(batch.lines, total)
        )
    with _timed(seconds, "flush"):
        stack.flush()
    with _timed(seconds, "queries"):
        # A quarantine line without a valid time has that of its batch's arrival.
        quarantined = [
            Quarantined(app, arrival, body.malformed_remainder)
            for app, arrival, body in addressed
            if body.malformed_remainder
        ]
        request_id = _request_of_most_apps(written)
        expected = truth.expected([*written, *drained.l10_lines, *quarantined], now, request_id)
        database, table = stack.settings.database_name, stack.settings.table_name
        ask = athena.Athena(
            stack.client("athena"), stack.settings.workgroup_name, database, pause=lambda _: time.sleep(_POLL_S)
        ).run
        reasons: Any = ask(
            f"SELECT msgid, count(*) FROM {table} WHERE source = 'logdrain' GROUP BY 1 ORDER BY 1"  # noqa: S608
        ).rows
        [[found]] = ask(f"SELECT count(*) FROM {table}").rows  # noqa: S608
        queries = []
        for query in saved_queries():
            asked = query.on_table(database, table)
            if query.name == "request" and request_id:
                asked = asked.with_parameters(request_id=request_id)
            result = ask(asked.sql)
            queries.append(QueryResult(query, result, truth.differences(_records(result), expected[query.name])))
    with _timed(seconds, "listing"):
        stored = s3_objects.objects(stack.client("s3"), stack.settings.bucket_name, LOGS_PREFIX)
        sizes = [each.size for each in stored]
    return Result(now, drained, int(str(found)), dict(reasons), queries, sizes, seconds)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[stage] = time.monotonic() - began


def _records(result: athena.Result) -> list[dict[str, object]]:
    return [dict(zip([column.name for column in result.columns], row, strict=True)) for row in result.rows]


def _request_of_most_apps(lines: Sequence[Line]) -> str | None:
    """The request that the most apps wrote about, the newest if there are several; None if there is none."""
    notes = [(line.facts.request_id, line.app) for line in reversed(lines) if isinstance(line.facts, RequestNote)]
    most = Counter(request_id for request_id, _ in dict.fromkeys(notes)).most_common(1)
    return most[0][0] if most else None


def _is_recent(body: FieldBody, now: datetime) -> bool:
    """Whether the queries would find lines of a body from the field, which the truth does not know."""
    times = (datetime.fromisoformat(frame.timestamp).astimezone(UTC) for frame in body.frames)
    return any(now - _WEEK <= time <= now + timedelta(hours=1) for time in times)
