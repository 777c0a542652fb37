"""The main job, end to end: a week of three apps' traffic drained, stored, queried, and every line accounted for."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from contract.object_keys import LOGS_PREFIX, PROJECTED_YEARS
from contract.saved_queries import SavedQuery, saved_queries
from local.child import LocalError
from local.logplex.batches import Batch, batches
from local.logplex.field_bodies import FieldBody, field_bodies
from local.logplex.nodes import Logplex
from local.stack import LocalStack
from local.traffic import truth, week
from local.traffic.facts import RequestNote
from local.traffic.lines import Line, Quarantined
from runbook.clients.athena import Athena
from runbook.clients.athena import Result as Answer
from runbook.terminal.printing import plain

_WEEK = timedelta(days=8)
_POLL_S = 0.02


@dataclass(frozen=True)
class QueryResult:
    """A saved query's answer, and where it differs from what the traffic's own records say."""

    query: SavedQuery
    answer: Answer
    differences: list[str]


@dataclass
class Result:
    """What the demo did, in numbers. Seconds are of the wall clock."""

    now: datetime
    lines_sent: int = 0
    lines_found: int = 0
    batches: int = 0
    tries: int = 0
    dropped: int = 0
    body_bytes: int = 0
    objects: int = 0
    stored_bytes: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    queries: list[QueryResult] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        """What does not add up."""
        problems = [
            f"{result.query.name}: {difference}" for result in self.queries for difference in result.differences
        ]
        if self.dropped:
            problems.append(f"{self.dropped} batches were dropped")
        if self.lines_sent != self.lines_found:
            problems.append(f"{self.lines_sent} lines were sent and SQL finds {self.lines_found}")
        return problems

    def as_json(self) -> str:
        """The same for programs."""
        return json.dumps(
            {
                "now": self.now.isoformat(),
                "lines": {"sent": self.lines_sent, "found": self.lines_found, "quarantined": self.quarantined},
                "batches": {"sent": self.batches, "tries": self.tries, "dropped": self.dropped},
                "bytes": {"received": self.body_bytes, "stored": self.stored_bytes},
                "objects": self.objects,
                "queries": {result.query.name: _records(result.answer) for result in self.queries},
                "seconds": {stage: round(seconds, 2) for stage, seconds in self.seconds.items()},
                "problems": self.problems,
            },
            indent=2,
            default=plain,
        )

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage takes."""
        began = time.monotonic()
        yield
        self.seconds[stage] = time.monotonic() - began


def check_clock(now: datetime) -> None:
    """LocalError for a time whose week the table does not project: its lines would be stored, and not be found."""
    if not {(now - _WEEK).year, now.year} <= set(PROJECTED_YEARS):
        first, last = PROJECTED_YEARS[0], PROJECTED_YEARS[-1]
        raise LocalError(
            f"--clock {now:%Y-%m-%d} is outside what SQL can find: the table has the years {first} to {last}, "
            f"and the traffic begins a week before; give a time from {first}-01-09 to {last}-12-31"
        )


def run(
    stack: LocalStack,
    lines: int,
    now: datetime,
    result: Result,
    progress: Callable[[int, int], object] = lambda *_: None,
) -> None:
    """Drain `lines` lines of traffic up to `now`, and the bodies from the field; fill in the result.

    `progress` is called with the lines that are stored so far and those that there will be.
    """
    with result.timed("traffic"):
        sent = week.generate(stack.settings.apps, now, lines)
        apps = stack.settings.apps
        bodies = [body for body in field_bodies() if body.body and not _of_the_week(body, now)]
        shipments = [batch for app in apps for batch in batches([line for line in sent if line.app == app])]
        shipments += _field_batches(bodies, apps, now)
        shipments.sort(key=lambda batch: batch.arrival or now)
    with result.timed("drain"):
        urls = stack.drain_urls
        total, stored = sum(batch.lines for batch in shipments), 0

        def on_delivered(batch: Batch, _: object) -> None:
            nonlocal stored
            stored += batch.lines
            progress(stored, total)

        report = Logplex().drain(((urls[batch.app], batch) for batch in shipments), on_delivered)
    result.batches, result.tries, result.dropped = len(report.outcomes), report.tries, len(report.dropped)
    result.lines_sent = sum(outcome.batch.lines for outcome in report.delivered) + len(report.l10_lines)
    result.body_bytes = report.bytes

    with result.timed("queries"):
        database, table = stack.settings.database_name, stack.settings.table_name
        athena = Athena(
            stack.client("athena"), stack.settings.workgroup_name, database, pause=lambda _: time.sleep(_POLL_S)
        )
        [[result.lines_found]] = athena.run(f"SELECT count(*) FROM {table}").rows  # type: ignore[assignment]  # noqa: S608
        result.quarantined = dict(
            athena.run(f"SELECT msgid, count(*) FROM {table} WHERE source = 'logdrain' GROUP BY 1 ORDER BY 1").rows  # type: ignore[arg-type]  # noqa: S608
        )
        request_id = _told_request(sent)
        expected = truth.expected([*sent, *report.l10_lines, *_quarantined(bodies, apps, now)], now, request_id)
        for query in saved_queries():
            asked = query.on_table(database, table)
            if query.name == "request" and request_id:
                asked = asked.with_parameters(request_id=request_id)
            answer = athena.run(asked.sql)
            result.queries.append(QueryResult(query, answer, truth.differences(_records(answer), expected[query.name])))
    with result.timed("listing"):
        result.objects, result.stored_bytes = _stored(stack)


def _records(answer: Answer) -> list[dict[str, object]]:
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.rows]


def _field_batches(bodies: Sequence[FieldBody], apps: Sequence[str], now: datetime) -> list[Batch]:
    """The bodies from the field, one after the other to each app, arriving now under frame ids of their own."""
    return [
        Batch(apps[number % len(apps)], body.body, len(body.frames) + bool(body.malformed_remainder), uuid4().hex.upper(), now)
        for number, body in enumerate(bodies)
    ]


def _quarantined(bodies: Sequence[FieldBody], apps: Sequence[str], now: datetime) -> list[Quarantined]:
    """What is quarantined of these bodies: without a time of the week it has that of its arrival, in milliseconds."""
    arrival = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return [
        Quarantined(apps[number % len(apps)], arrival, data)
        for number, body in enumerate(bodies)
        for data in [body.malformed_remainder]
        if data
    ]


def _told_request(lines: Sequence[Line]) -> str | None:
    """The id of a request of which more than one app tells, or one app at least; None where there is no such."""
    notes = [(line.facts.request_id, line.app) for line in lines if isinstance(line.facts, RequestNote)]
    apps = Counter(request_id for request_id, _ in dict.fromkeys(notes))
    return max(reversed(apps), key=lambda request_id: apps[request_id], default=None)


def _of_the_week(body: FieldBody, now: datetime) -> bool:
    """Whether queries may find lines of a body from the field, which the traffic's records know nothing of.

    They are years old, as a rule; where `now` is chosen so that some are not, those bodies are left out.
    """
    times = (datetime.fromisoformat(frame.timestamp).astimezone(UTC) for frame in body.frames)
    return any(now - _WEEK <= time <= now + timedelta(hours=1) for time in times)


def _stored(stack: LocalStack) -> tuple[int, int]:
    pages = stack.client("s3").get_paginator("list_objects_v2")
    sizes: list[int] = [
        stored["Size"]
        for page in pages.paginate(Bucket=stack.settings.bucket_name, Prefix=LOGS_PREFIX)
        for stored in page.get("Contents", [])
    ]
    return len(sizes), sum(sizes)
