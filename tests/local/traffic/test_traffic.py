"""The traffic of the local stack: exact, repeatable, and with facts that say what the text says."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from contract import glue_table
from contract.logplex import loss_reports
from local.traffic.facts import DynoError, LossReport, PlatformEvent, Request, RequestNote, SecurityEvent, StateChange
from local.traffic.lines import Line, frame
from local.traffic.surfaces import ATTACKERS
from local.traffic.week import generate
from tests.support.logplex_frames import record

APPS = ("one-api", "two-console", "three-velvet")
UNTIL = datetime(2026, 11, 24, 14, 30, 0, 123456, tzinfo=UTC)
LINES = generate(APPS, UNTIL, 12_000)
REQUESTS = [(line, line.facts) for line in LINES if isinstance(line.facts, Request)]
ROW = re.compile(glue_table.ROW_PATTERN)


def stored(line: Line) -> str:
    count, _, syslog = frame(line).partition(b" ")
    assert int(count) == len(syslog)
    return record(syslog).line.decode()


def columns(line: Line) -> dict[str, str | None]:
    match = ROW.fullmatch(stored(line))
    assert match
    return dict(zip(glue_table.COLUMNS, match.groups(), strict=True))


def is_event(line: Line, beginning: str) -> bool:
    return isinstance(line.facts, PlatformEvent) and line.facts.text.startswith(beginning)


@pytest.mark.parametrize("count", [0, 1, 7, 500])
def test_there_are_exactly_as_many_lines_as_asked_for(count: int) -> None:
    assert len(generate(APPS, UNTIL, count)) == count


def test_equal_arguments_make_equal_lines_and_another_seed_makes_others() -> None:
    assert generate(APPS, UNTIL, 300) == generate(APPS, UNTIL, 300)
    assert generate(APPS, UNTIL, 300) != generate(APPS, UNTIL, 300, seed=1)


@pytest.mark.parametrize("until", [UNTIL, UNTIL.replace(hour=0, minute=0, second=0, microsecond=0)])
def test_lines_lie_in_today_and_the_seven_days_before(until: datetime) -> None:
    times = [line.time for line in generate(APPS, until, 2000)]
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    assert midnight - timedelta(days=7) <= min(times) < midnight - timedelta(days=6)
    assert until - timedelta(days=1) < max(times) <= until


def test_some_lines_are_of_the_last_ten_minutes() -> None:
    """The query `around` asks for them as it stands."""
    recent = [line for line in generate(APPS, UNTIL, 300) if line.time >= UNTIL - timedelta(minutes=10)]
    assert len(recent) >= 8


def test_what_ends_after_the_end_is_left_out() -> None:
    assert all(max(line.time for line in generate(APPS, UNTIL, 500, seed)) <= UNTIL for seed in range(20))


def test_lines_are_in_time_order_and_no_two_share_a_millisecond() -> None:
    milliseconds = [line.time.timestamp() * 1000 // 1 for line in LINES]
    assert all(earlier < later for earlier, later in pairwise(milliseconds))


def test_every_frame_is_a_syslog_line_at_its_own_time() -> None:
    for line in LINES:
        syslog = frame(line).partition(b" ")[2]
        assert datetime(1970, 1, 1, tzinfo=UTC) + record(syslog).time == line.time


def test_a_frame_has_no_structured_data_and_no_dash_in_its_place() -> None:
    line = Line("one-api", UNTIL, 190, "app", "web.1", "[info] é\n".encode())
    syslog = "<190>1 2026-11-24T14:30:00.123456+00:00 host app web.1 - [info] é\n".encode()
    assert frame(line) == b"%d %b" % (len(syslog), syslog)


@pytest.mark.parametrize(
    ("second", "microsecond", "timestamp"),
    [
        (2, 120_000, "2026-11-24T14:30:02.12+00:00"),
        (3, 120_000, "2026-11-24T14:30:03.120000+00:00"),
        (2, 0, "2026-11-24T14:30:02+00:00"),
        (3, 0, "2026-11-24T14:30:03+00:00"),
    ],
)
def test_trailing_zeros_of_a_time_are_trimmed_sometimes(second: int, microsecond: int, timestamp: str) -> None:
    time = UNTIL.replace(second=second, microsecond=microsecond)
    assert Line("one-api", time, 190, "app", "web.1", b"").timestamp == timestamp


def test_facts_of_requests_are_what_the_table_reads_from_the_text() -> None:
    def text(value: int | str | None) -> str | None:
        return None if value is None else str(value)

    for line, request in REQUESTS:
        row = columns(line)
        assert (
            row
            | {
                "log_ts": line.timestamp,
                "source": "heroku",
                "proc_id": "router",
                "code": request.code,
                "method": request.method,
                "path": request.path,
                "request_id": request.request_id,
                "fwd_ip": request.fwd_ip,
                "dyno": request.dyno,
                "connect_ms": text(request.connect_ms),
                "service_ms": text(request.service_ms),
                "status": text(request.status),
                "bytes": text(request.bytes),
            }
            == row
        )


def test_lines_of_no_request_have_no_router_fields_whatever_they_look_like() -> None:
    for line in LINES:
        if not isinstance(line.facts, Request):
            row = columns(line)
            assert not any(row[name] for name in ("method", "path", "status", "service_ms", "fwd_ip"))


def test_facts_of_security_events_are_exactly_the_application_lines_that_name_one() -> None:
    for line in LINES:
        named = re.search(rb"webauthn\.\w+_failed|rate_limit_hit", line.message)
        reported = line.facts.name if isinstance(line.facts, SecurityEvent) else None
        assert reported == (named[0].decode() if named and line.source == "app" else None)


def test_facts_of_deploys_are_exactly_the_platform_lines_that_tell_of_one() -> None:
    for line in LINES:
        starts = line.message.startswith(b"Starting process with command ")
        assert isinstance(line.facts, PlatformEvent) == (line.proc_id == "api" and not starts)


def test_facts_of_changes_of_state_are_exactly_the_lines_that_tell_of_one() -> None:
    for line in LINES:
        told = line.source == "heroku" and line.message.startswith(b"State changed from ")
        assert isinstance(line.facts, StateChange) == told


def test_facts_of_notes_are_exactly_the_application_lines_that_hold_a_requests_id() -> None:
    ids = {request.request_id for _, request in REQUESTS}
    for line in LINES:
        if line.source == "app":
            held = {found for found in re.findall(r"[0-9a-f-]{36}", stored(line)) if found in ids}
            assert held <= ({line.facts.request_id} if isinstance(line.facts, RequestNote) else set())
        if isinstance(line.facts, RequestNote):
            assert line.facts.request_id in stored(line)


def test_facts_of_errors_and_losses_are_exactly_the_platforms_lines_that_tell_of_one() -> None:
    for line in LINES:
        dyno_error = line.source == "heroku" and re.match(rb"Error R1[45] \(Memory quota ", line.message)
        assert isinstance(line.facts, DynoError) == bool(dyno_error)
        assert isinstance(line.facts, LossReport) == (line.proc_id in {"logplex", "log-shuttle"})


def test_the_receiver_counts_the_losses_that_the_facts_tell() -> None:
    told = sum(line.facts.lines for line in LINES if isinstance(line.facts, LossReport))
    read = (loss_reports.loss(record(frame(line).partition(b" ")[2])) for line in LINES)
    assert sum(loss.messages for loss in read if loss) == told > 0


def test_a_stored_message_is_the_tables() -> None:
    for line in LINES:
        assert columns(line)["message"] == line.stored_message


CONTENTS: dict[str, Callable[[Line], object]] = {
    "an old router's request": lambda line: isinstance(line.facts, Request) and not line.facts.tls_version,
    "a new router's request": lambda line: b"protocol=http2.0 tls=true tls_version=tls1.3\n" in line.message,
    "an app that crashed": lambda line: b'code=H10 desc="App crashed"' in line.message,
    "an app without dynos": lambda line: b"H14" in line.message and b" dyno= connect= service= " in line.message,
    "a time-out": lambda line: b"code=H12" in line.message and b"service=30000ms status=503" in line.message,
    "several forwarders": lambda line: isinstance(line.facts, Request) and len(line.facts.fwd) > 1,
    "a quote in a path": lambda line: isinstance(line.facts, Request) and '"' in line.facts.path,
    "a traceback in one message": lambda line: re.match(rb"Traceback .*\n.*\n.*\n.*\n", line.message),
    "JSON": lambda line: line.message.startswith(b"{") and line.message.endswith(b"}\n"),
    "UTF-8": lambda line: "取引".encode() in line.message,
    "a character cut in half": lambda line: b"\\x" in stored(line).encode() and len(line.message) == 10_000,
    "TAB": lambda line: b"\t" in line.message,
    "colours": lambda line: b"\x1b[3" in line.message,
    "text like structured data": lambda line: line.message.startswith(b"[info] "),
    "a deploy": lambda line: re.fullmatch(rb"Deploy [0-9a-f]{8} by user \S+@\S+\n", line.message),
    "a release": lambda line: re.fullmatch(rb"Release v\d+ created by user \S+@\S+\n", line.message),
    "a rollback": lambda line: is_event(line, "Rollback to v"),
    "a promotion": lambda line: is_event(line, "Promote "),
    "a change of config": lambda line: is_event(line, "Set CRON_ENABLED config vars by user "),
    "a change of scale": lambda line: is_event(line, "Scaled to web@"),
    "a build": lambda line: line.message == b"Build succeeded\n" and line.proc_id == "api",
    "a dyno that comes up": lambda line: line.message == b"State changed from starting to up\n" and line.pri == 45,
    "Postgres metrics": lambda line: line.proc_id == "heroku-postgres" and "." not in line.timestamp[-12:],
    "a dyno out of memory": lambda line: line.message == b"Error R14 (Memory quota exceeded)\n" and line.pri == 45,
    "a dyno far out of memory": lambda line: b"Error R15 (Memory quota vastly exceeded)" in line.message,
    "a loss in the old wording": lambda line: re.match(rb"Error L10 \(.*\): \d+ messages dropped since ", line.message),
    "a loss in the new wording": lambda line: re.match(rb"Error L10 \(.*\): drain 'd.*' dropped \d+ me", line.message),
    "a loss of log-shuttle": lambda line: line.proc_id == "log-shuttle" and line.message.startswith(b"Error L13: "),
    "another app's note of a request": lambda line: b"[info] called for " in line.message,
    "another passkey failure": lambda line: b"webauthn.challenge_expired_failed" in line.message,
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_some_thousand_lines_hold(kind: str) -> None:
    """The traffic has every kind of line that the queries must bear."""
    assert any(CONTENTS[kind](line) for line in LINES)


@pytest.mark.parametrize(
    ("naive", "honest"),
    [
        (rb"status=5\d\d", lambda line: isinstance(line.facts, Request) and line.facts.status >= 500),
        (rb"status=401", lambda line: isinstance(line.facts, Request) and line.facts.status == 401),
        (rb"service=99999ms", lambda line: isinstance(line.facts, Request) and line.facts.service_ms == 99999),
        (rb"rate.limit.hit", lambda line: isinstance(line.facts, SecurityEvent) and "rate" in line.facts.name),
        (rb"webauthn\..*_failed", lambda line: isinstance(line.facts, SecurityEvent) and "auth" in line.facts.name),
        (rb"State changed from", lambda line: is_event(line, "State changed from ")),
        (rb"^Deploy", lambda line: is_event(line, "Deploy ")),
        (rb"Error R1[45]", lambda line: isinstance(line.facts, DynoError)),
        (rb"code=H12", lambda line: isinstance(line.facts, Request) and line.facts.code == "H12"),
        (rb"Error L1[023]", lambda line: isinstance(line.facts, LossReport)),
    ],
)
def test_a_naive_search_of_the_text_finds_too_much(naive: bytes, honest: Callable[[Line], bool]) -> None:
    """There are decoys for every mistake that a query can make."""
    found = [line for line in LINES if re.search(naive, line.message)]
    assert sum(map(honest, found)) == sum(map(honest, LINES)) < len(found)


def test_few_addresses_cause_most_refusals() -> None:
    refused = Counter(request.fwd_ip for _, request in REQUESTS if request.status in {401, 403, 429})
    assert sum(refused[ip] for ip in ATTACKERS) > refused.total() / 2


def test_the_first_app_is_the_busiest_and_the_day_busier_than_the_night() -> None:
    apps = Counter(line.app for line in LINES)
    assert apps["one-api"] > apps["two-console"] > apps["three-velvet"] > 0
    hours = Counter(line.time.hour for line in LINES)
    assert sum(hours[hour] for hour in range(8, 20)) > 2 * sum(hours[hour] for hour in (*range(8), *range(20, 24)))


def test_errors_rise_in_the_hour_after_a_bad_deploy_of_the_last_day() -> None:
    deploys = [line for line in LINES if is_event(line, "Deploy ") and line.time > UNTIL - timedelta(days=1)]
    errors = [(line.app, line.time) for line, request in REQUESTS if request.status >= 500]

    def errors_after(deploy: Line) -> int:
        return sum(
            app == deploy.app and timedelta(0) <= time - deploy.time < timedelta(hours=1) for app, time in errors
        )

    an_ordinary_hour = len(errors) / (7.6 * 24)
    assert max(map(errors_after, deploys)) >= 8 > 5 * an_ordinary_hour


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((APPS, datetime(2026, 11, 24), 1), "give an aware UTC time"),  # noqa: DTZ001
        ((APPS, datetime(2026, 11, 24, tzinfo=timezone(timedelta(hours=1))), 1), "give an aware UTC time"),
    ],
)
def test_an_argument_that_makes_no_sense_is_a_clear_error(
    arguments: tuple[tuple[str, ...], datetime, int], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        generate(*arguments)
