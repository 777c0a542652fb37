"""The ten questions of the person on call: each is answered rightly by at most two commands.

The stack holds the demo's week. What is right comes from the generator's records. Where the first command names the
next one, the second is that one, as it was printed.
"""

import csv
import gzip
import io
import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from contract.object_keys import LOGS_PREFIX, ObjectKey, batch_id
from local import demo
from local.stack import LocalStack, Options
from local.traffic import week
from local.traffic.facts import LossReport, PlatformEvent, Request, RequestNote
from local.traffic.lines import Line
from local.traffic.surfaces import ATTACKERS
from runbook.clients import aws, s3_objects
from tests.support.runbook_cli import Answer, Run, runner

NOW = datetime(2026, 11, 24, 15, 30, 12, tzinfo=UTC)
LINES = 1500
MINUTE, DAY = timedelta(minutes=1), timedelta(hours=24)
MARCH = datetime(2026, 3, 14, tzinfo=UTC)
_NEXT = re.compile(r"^next: hla (.+)$", re.MULTILINE)
_COMMAND = re.compile(r"`hla ([^`]+)`")


@dataclass(frozen=True)
class World:
    """The stack, what the demo did, and all lines that it sent."""

    stack: LocalStack
    demo: demo.Result
    lines: Sequence[Line]

    @property
    def apps(self) -> list[str]:
        return list(self.stack.settings.apps)

    def requests(self, since: datetime, until: datetime = NOW) -> list[tuple[Line, Request]]:
        return [
            (line, line.facts) for line in self.lines if since <= line.time <= until and isinstance(line.facts, Request)
        ]

    def about(self, request_id: str) -> list[str]:
        """What router and apps wrote about a request, oldest first."""
        return [
            line.stored_message
            for line in self.lines
            if isinstance(line.facts, Request | RequestNote) and line.facts.request_id == request_id
        ]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with LocalStack(Options(clock=NOW)) as stack:
        done = demo.run(stack, LINES, NOW)
        assert done.problems == []
        yield World(stack, done, week.generate(stack.settings.apps, NOW, LINES))


@pytest.fixture
def runbook(world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(world.stack, monkeypatch, capfd, NOW)


def rows(answer: Answer) -> list[dict[str, str]]:
    """The rows of an answer with --csv."""
    assert answer.code == 0, answer.err
    return list(csv.DictReader(io.StringIO(answer.out)))


def run_next(runbook: Run, answer: Answer, pattern: re.Pattern[str] = _NEXT) -> Answer:
    """Run the command that an answer names, as it was printed."""
    named = pattern.search(answer.err)
    assert named, answer.err
    return runbook(*shlex.split(named[1]))


def in_order(text: str, parts: Sequence[str]) -> bool:
    """Whether a text has these parts, one behind the other."""
    places = [text.find(part) for part in parts]
    return -1 not in places and all(first < second for first, second in pairwise(places))


@dataclass(frozen=True)
class Outage:
    """A bad deploy, which the generator rolls back: its app, release, and the time of the first 5xx since then."""

    app: str
    release: Line
    first_error: datetime


@pytest.fixture(scope="module")
def outage(world: World) -> Outage:
    """The last day's bad deploy with the most errors before its rollback."""
    events = [line for line in world.lines if isinstance(line.facts, PlatformEvent) and line.time >= NOW - DAY]
    found: dict[int, Outage] = {}
    for rollback in [line for line in events if getattr(line.facts, "kind", None) == "rollback"]:
        release = max(
            (
                line
                for line in events
                if line.app == rollback.app
                and line.time < rollback.time
                and "Release v" in line.stored_message
                and line.time > rollback.time - 21 * MINUTE
            ),
            key=lambda line: line.time,
        )
        failed = [
            line.time
            for line, request in world.requests(release.time, rollback.time)
            if line.app == release.app and request.status >= 500
        ]
        found[len(failed)] = Outage(release.app, release, min(failed))
    return found[max(found)]


# ---------------------------------------------------------------- what the logs say


def test_which_app_fails_and_since_when(runbook: Run, world: World, outage: Outage) -> None:
    errors = Counter(line.app for line, request in world.requests(NOW - DAY) if request.status >= 500)
    first = runbook("query", "summary", "--last", "24h", "--csv")
    assert {row["app"]: int(row["errors"]) for row in rows(first)} == {app: errors[app] for app in world.apps}
    assert rows(first)[0]["app"] == outage.app
    worst = run_next(runbook, first).out.splitlines()[1]
    assert in_order(worst, [outage.app, f"{outage.first_error:%Y-%m-%d %H:%M}:00Z", outage.release.stored_message])


def test_what_was_deployed_before(runbook: Run, outage: Outage) -> None:
    [worst, *_] = rows(runbook("query", "errors-since", "--csv"))
    assert worst["last_change"] == outage.release.stored_message
    deploys = rows(runbook("query", "deploys", "--app", outage.app, "--csv"))
    [release] = [row for row in deploys if row["log_ts"] == outage.release.timestamp]
    facts = outage.release.facts
    assert isinstance(facts, PlatformEvent)
    assert (release["kind"], release["version"], release["who"]) == ("release", facts.version, facts.who)


def test_which_request_was_slow_and_what_the_app_said_about_it(runbook: Run, world: World) -> None:
    """As it is told to the person on call: it was slow at such a time."""
    noted = {line.facts.request_id for line in world.lines if isinstance(line.facts, RequestNote)}
    wait, line, slow = max(
        (
            (request.wait_ms or 0, line, request)
            for line, request in world.requests(NOW - 7 * DAY)
            if request.request_id in noted and not request.long_lived
        ),
        key=lambda found: found[0],
    )
    assert wait > 2000
    # As long before and after as no other was slower.
    slower = [each.time for each, request in world.requests(NOW - 7 * DAY) if (request.wait_ms or 0) > wait]
    minutes = min(abs(time - line.time) for time in slower) // MINUTE
    first = runbook("query", "latency-outliers", "--around", line.timestamp, "--minutes", str(minutes), "--csv")
    worst, *others = rows(first)
    assert others
    assert (worst["request_id"], worst["wait_ms"], worst["dyno"]) == (slow.request_id, str(wait), slow.dyno)
    said = run_next(runbook, first).out
    assert len(world.about(slow.request_id)) >= 2
    assert in_order(said, world.about(slow.request_id))


def test_who_hammers_the_login(runbook: Run, world: World) -> None:
    refused = [(line, request) for line, request in world.requests(NOW - DAY) if request.status in {401, 403, 429}]
    hits = Counter(request.fwd_ip for _, request in refused)
    [(address, most)] = hits.most_common(1)
    assert address in ATTACKERS
    first = runbook("query", "security-by-ip", "--csv")
    worst = rows(first)[0]
    assert (worst["fwd_ip"], int(worst["hits"])) == (address, most)
    logins = Counter(request.path for _, request in refused if request.fwd_ip == address)
    assert worst["path_prefix"] in {"/".join(path.split("/")[:3]) for path in logins}
    last = max(line.time for line, request in refused if request.fwd_ip == address)
    assert worst["last_seen"].startswith(f"{last:%Y-%m-%dT%H:%M:%S}")
    attempts = run_next(runbook, first).out
    assert all(request.request_id in attempts for _, request in refused if request.fwd_ip == address)


def test_whether_lines_were_lost(runbook: Run, world: World) -> None:
    lost: Counter[str] = Counter()
    for line in world.lines:
        if isinstance(line.facts, LossReport):
            lost[line.app] += line.facts.lines
    found: Counter[str] = Counter()
    for row in rows(runbook("query", "lines-lost", "--last", "8d", "--csv")):
        found[row["app"]] += int(row["lines_lost"])
    assert lost
    assert found == lost


def test_what_a_request_did(runbook: Run, world: World) -> None:
    """Of the apps that it went through; the one of the most lines."""
    notes = Counter(line.facts.request_id for line in world.lines if isinstance(line.facts, RequestNote))
    [(request_id, _)] = notes.most_common(1)
    answer = runbook("query", "request", "--request-id", request_id)
    assert in_order(answer.out, world.about(request_id))
    assert len(answer.out.splitlines()) == len(world.about(request_id)), "and nothing else"


# ---------------------------------------------------------------- what the stack does


def test_whether_a_drain_is_broken_and_where(runbook: Run, world: World) -> None:
    """The doctor names the app, and the command that mends it."""
    before, broken = world.stack.drain_urls, world.apps[1]
    world.stack.heroku.drains_by_app[broken].clear()
    answer = runbook("doctor")
    assert answer.code == 1
    finding, _, remedy = answer.out.splitlines()[:3]
    assert finding.startswith("WRONG ")
    assert [app for app in world.apps if app in finding] == [broken]
    program, *words = shlex.split(remedy)
    assert program == "hla"
    mended = runbook(*words, "--yes")
    assert (mended.code, world.stack.drain_urls) == (0, before)


def test_stopping_everything_and_starting_again(runbook: Run, world: World) -> None:
    before = world.stack.drain_urls
    assert set(before) == set(world.apps)
    assert runbook("stop", "--yes").code == 0
    assert world.stack.drain_urls == {}
    assert runbook("start", "--yes").code == 0
    assert world.stack.drain_urls == before


def test_bringing_back_a_day_of_march(runbook: Run, world: World) -> None:
    """What a search names is the restore; the emulator's is done at once, so the search then finds the lines."""
    app, said = world.apps[0], [f"payment {number} was refused" for number in range(3)]
    for number, message in enumerate(said):
        time = MARCH + timedelta(hours=3, minutes=number)
        line = f"<190>1 {time.isoformat(timespec='microseconds')} host app web.1 - - {message}\n"
        key = ObjectKey(app, int(time.timestamp() * 1000), batch_id(app, message))
        world.stack.client("s3").put_object(
            Bucket=world.stack.outputs["bucket"],
            Key=str(key),
            Body=gzip.compress(line.encode()),
            StorageClass="GLACIER",
        )
    day = ["--app", app, "--from", "2026-03-14", "--to", "2026-03-15"]
    searched = runbook("lines", *day)
    assert not any(message in searched.out for message in said)
    [restore] = _COMMAND.findall(searched.err)
    restored = runbook(*shlex.split(restore), "--yes")
    assert (restored.code, "3 objects" in restored.out) == (0, True)
    assert in_order(runbook("lines", *day).out, said)


def test_what_it_costs_and_why(runbook: Run, world: World) -> None:
    """So little traffic costs nearly nothing: the bill is what the stack costs by the month, whatever is logged."""

    def came_by_key(parsed: dict[str, Any], **_: Any) -> None:
        # The emulator's objects came just now, by the real clock.
        for stored in parsed.get("Contents", []):
            of_logs = stored["Key"].startswith("logs/")
            stored["LastModified"] = ObjectKey.parse(stored["Key"]).time if of_logs else NOW

    def client(session: Any, service: str) -> Any:
        made = aws.make_client(session, service)
        made.meta.events.register("after-call.s3.ListObjectsV2", came_by_key)
        return made

    runbook.make_client = client
    cost = json.loads(runbook("cost", "--json").out)
    items = {item["name"]: item for item in cost["items"]}
    monthly = {name: item["usd"]["this_month_projected"] for name, item in items.items()}
    assert sum(monthly.values()) == pytest.approx(cost["total_usd"]["this_month_projected"], abs=1e-4)

    alarms = world.stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    watched = sum(len([each for each in alarm.get("Metrics", []) if "MetricStat" in each]) or 1 for alarm in alarms)
    # "Amazon CloudWatch pricing" and "AWS KMS pricing": a metric that an alarm watches, a dashboard, a key.
    # Of them, the part of this month in which the stack exists.
    part = monthly["key"]
    assert 0 < part <= 1
    assert (monthly["alarms"], monthly["dashboard"]) == pytest.approx((0.1 * watched * part, 3 * part), rel=1e-4)
    growing = {name: usd["this_month_projected"] for name, usd in cost["grows_with_usd"].items()}
    assert max(growing, key=lambda name: growing[name]) == "apps and time"

    midnight = NOW.replace(hour=0, minute=0, second=0)
    stored = s3_objects.objects(world.stack.client("s3"), world.stack.outputs["bucket"], LOGS_PREFIX)
    times = [ObjectKey.parse(each.key).time for each in stored]
    of_week = sum(midnight - 7 * DAY <= time < midnight for time in times)
    assert of_week > 0
    assert cost["per_day"]["objects"] == pytest.approx(of_week / 7, abs=1e-5)
