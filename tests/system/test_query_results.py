"""What the saved queries answer on the local stack, with all their parameters."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract import canary
from contract.saved_queries import SavedQuery, saved_queries
from contract.window import LONGEST, Window
from local.logplex.nodes import post
from local.stack import LocalStack
from local.traffic.facts import DynoError, LossReport, RequestNote
from local.traffic.lines import Line, frame
from runbook.clients.athena import Athena
from runbook.clients.athena_values import Value
from tests.support.logplex_frames import body

QUERIES = saved_queries()
BY_NAME = {query.name: query for query in QUERIES}
NOON = CLOCK = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = Window.last(timedelta(hours=1), NOON)
REQUEST_ID = "9b6dbfcc-7bb8-4dd5-a0e3-5ed4b2e0c9a1"
each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)


APP, OTHER_APP = "raxx-api-prod", "raxx-velvet-prod"
TRACED = (
    f'at=error code=H12 desc="Request timeout" method=GET path="/x?code=H99" host=h request_id={REQUEST_ID} '
    'fwd="1.2.3.4" dyno=web.1 connect=1ms service=30000ms status=503 bytes=0 protocol=https tls=true tls_version=tls1.3'
)
EMPTY = (
    'at=error code=H10 desc="App crashed" method=GET path="/" host=h request_id=other fwd="1.2.3.4" '
    "dyno= connect= service= status=503 bytes= protocol=https"
)
NOTE = RequestNote(REQUEST_ID, f"did {REQUEST_ID}")
TOO_MANY = "Error L12: 9000000000000000000 messages dropped since 2026-11-24T00:00:00+00:00."


def line(message: object, ago: timedelta, app: str = APP, source: str = "heroku", proc_id: str = "router") -> Line:
    return Line(app, NOON - ago, 158, source, proc_id, f"{message}\n".encode())


SECOND = timedelta(seconds=1)
LINES = [
    line(TRACED, SECOND),
    line(EMPTY, 2 * SECOND),
    line(NOTE, 3 * SECOND, OTHER_APP, "app", "web.1"),
    # A visitor can put any id into a path.
    line(EMPTY.replace('path="/"', f'path="/?id={REQUEST_ID}"'), 4 * SECOND),
    line(DynoError("R14"), 5 * SECOND, proc_id="web.1"),
    line(DynoError("R14"), 6 * SECOND, source="app", proc_id="web.1"),
    line(LossReport("L10", 5, NOON), 7 * SECOND, proc_id="logplex"),
    line(LossReport("L10", 6, NOON, "d.x"), 8 * SECOND, proc_id="logplex"),
    line(LossReport("L13", 7, NOON), 9 * SECOND, proc_id="log-shuttle"),
    line(LossReport("L12", 8, NOON), 10 * SECOND, source="app", proc_id="web.1"),
    line(TOO_MANY, 11 * SECOND, proc_id="log-shuttle"),
    line(TOO_MANY, 12 * SECOND, proc_id="log-shuttle"),
    *(line("an hour of it", timedelta(minutes=minutes), OTHER_APP, "app", "web.1") for minutes in range(1, 61)),
]


# Two hours before, an app fails, recovers, and fails again.
_FAILED = EMPTY.replace("dyno= connect= service=", "dyno=web.1 connect=1ms service=9ms")
_MOMENTS = [
    ("10:00", _FAILED),
    ("20:30", "Release v7 created by user u@x"),
    ("38:59", _FAILED.replace("status=503", "status=200")),
    ("49:10", "Release v8 created by user u@x"),
    ("49:15", "Build succeeded"),
    ("49:30", _FAILED),
    ("49:40", "Set A config vars by user u@x"),
    ("49:59", _FAILED),
    ("51:00", _FAILED),
    ("53:00", _FAILED),
    ("58:59", _FAILED),
    ("58:59.5", _FAILED.replace("status=503", "status=200")),
]


def _failing(minute: str, message: str) -> Line:
    time = datetime.fromisoformat(f"2026-11-24T09:{minute}{'00' if '.' in minute else ''}+00:00")
    router = message.startswith("at=")
    return line(message, NOON - time, source="heroku" if router else "app", proc_id="router" if router else "api")


FAILING = Window(NOON - timedelta(hours=3), NOON - timedelta(hours=2))
LINES += [_failing(*moment) for moment in _MOMENTS]
NOON_UTC = NOON.replace(tzinfo=None)
BEGIN = datetime.fromisoformat("2026-11-24 11:00:00")
Rows = tuple[tuple[Value, ...], ...]
Ask = Callable[..., Rows]


@pytest.fixture(scope="module")
def without_canaries(stack: LocalStack) -> Ask:
    """Asks a saved query with these parameters, of a stack that holds LINES."""
    for app in (APP, OTHER_APP):
        posted = b"".join(frame(each) for each in LINES if each.app == app)
        assert post(stack.drain_urls[app], posted, "0" * 32, NOON) == 200
    stack.flush()
    athena = Athena(stack.client("athena"), stack.outputs["workgroup"], stack.outputs["database"])

    def answer(name: str, **parameters: Any) -> Rows:
        query = BY_NAME[name].with_parameters(**{"window": HOUR, **parameters})
        return athena.run(query.on_table(stack.outputs["database"], stack.outputs["table"]).sql).rows

    return answer


@pytest.fixture(scope="module")
def before_canaries(without_canaries: Ask) -> dict[str, Rows]:
    """What the queries answer without canaries."""
    return {query.name: without_canaries(query.name, **_asked_for(query)) for query in QUERIES}


@pytest.fixture(scope="module")
def ask(stack: LocalStack, without_canaries: Ask, before_canaries: dict[str, Rows]) -> Ask:
    """Asks a saved query as well, of LINES among which there are canaries."""
    assert before_canaries
    for app in (APP, OTHER_APP):
        for ago in (SECOND, 31 * SECOND, timedelta(minutes=30)):
            sent_ms = round((NOON - ago).timestamp() * 1000)
            canary_body = body(canary.message(sent_ms))
            assert post(stack.drain_urls[app], canary_body, canary.frame_id(sent_ms), NOON - ago) == 200
    stack.flush()
    return without_canaries


def _asked_for(query: SavedQuery) -> dict[str, str]:
    return {"request_id": REQUEST_ID} if query.name == "request" else {}


@each_query
def test_a_query_answers_as_if_there_were_no_canaries(
    query: SavedQuery, before_canaries: dict[str, Rows], ask: Ask
) -> None:
    assert ask(query.name, **_asked_for(query)) == before_canaries[query.name]


@pytest.mark.usefixtures("ask")
def test_the_canaries_are_in_the_table(stack: LocalStack) -> None:
    """Otherwise the tests above would say nothing."""
    sql = f"SELECT count(*) FROM {stack.outputs['table']} WHERE proc_id = 'canary'"
    athena = Athena(stack.client("athena"), stack.outputs["workgroup"], stack.outputs["database"])
    assert athena.run(sql).rows == ((6,),)


def test_the_lines_of_a_request_are_the_routers_and_what_apps_wrote_with_its_id(ask: Ask) -> None:
    rows = ask("request", request_id=REQUEST_ID)
    assert [(row[0], row[2], row[4]) for row in rows] == [(OTHER_APP, "app", str(NOTE)), (APP, "heroku", TRACED)]
    assert ask("request", request_id=REQUEST_ID, apps=(OTHER_APP,)) == rows[:1]
    assert ask("request") == ()


def test_errors_by_code_are_of_the_router_and_of_dynos_and_never_of_an_apps_own_words(ask: Ask) -> None:
    assert ask("errors-by-code") == (
        (BEGIN, APP, "H10", "App crashed", 2),
        (BEGIN, APP, "H12", "Request timeout", 1),
        (BEGIN, APP, "R14", "Memory quota exceeded", 1),
    )
    assert ask("errors-by-code", apps=(OTHER_APP,)) == ()


def test_lines_lost_are_told_by_logplex_and_log_shuttle_alone(ask: Ask) -> None:
    """Counts of 19 digits are no counts of messages, and their sum fails no query."""
    assert ask("lines-lost") == ((APP, BEGIN, None, 12), (APP, BEGIN, "d.x", 6))


def test_around_has_both_ends_of_its_window_in_the_order_of_time(ask: Ask) -> None:
    rows = ask("around", window=Window.around(NOON - timedelta(minutes=30), 5), apps=(OTHER_APP,))
    minutes = [datetime.fromisoformat(str(row[1])).minute for row in rows]
    assert minutes == list(range(25, 36))


def test_a_limit_ends_the_list(ask: Ask) -> None:
    assert len(ask("around")) == sum(line.time >= HOUR.since for line in LINES)
    assert ask("around", limit=3) == ask("around")[-3:]


def test_around_has_the_lines_nearest_to_its_moment_in_the_order_of_time(ask: Ask) -> None:
    rows = ask("around", moment=NOON - timedelta(minutes=30, seconds=1), limit=3, apps=(OTHER_APP,))
    assert [datetime.fromisoformat(str(row[1])).minute for row in rows] == [29, 30, 31]


@pytest.mark.parametrize(
    ("every", "minutes"),
    [("1m", [58, 53, 51, 49, 10]), ("5m", [55, 50, 45, 10]), ("1h", [0])],
    ids=lambda value: str(value),
)
def test_errors_are_counted_by_the_interval_that_was_asked_for(ask: Ask, every: str, minutes: list[int]) -> None:
    rows = ask("errors-by-surface", every=every, window=FAILING)
    assert [row[1] for row in rows] == [BEGIN - timedelta(hours=2) + timedelta(minutes=minute) for minute in minutes]
    assert sum(int(str(row[3])) for row in rows) == 6


def test_an_app_fails_since_the_first_error_behind_ten_minutes_without_one(ask: Ask) -> None:
    """The change before it is the last one of the app that is not a build, even within the minute.

    A single error has a row of its own, below.
    """
    since, stray = (BEGIN - timedelta(hours=2) + timedelta(minutes=minutes) for minutes in (49, 10))
    worst, other = ask("errors-since", window=FAILING)
    assert worst == (
        APP,
        since,
        5,
        6,
        since + timedelta(minutes=9, seconds=59),
        since + 10 * SECOND,
        "Release v8 created by user u@x",
    )
    assert other[1:4] == (stray, 1, 1)
    assert other[5:] == (None, None)
    assert ask("errors-since", window=Window(FAILING.since, FAILING.until - timedelta(minutes=40))) == (other,)


def test_the_summary_counts_what_the_other_queries_list(ask: Ask) -> None:
    [api, other] = ask("summary")
    lines = ask("around")
    assert api[:5] == (APP, sum(row[0] == APP for row in lines), 3, 3, 100.0)
    assert api[6:] == (0, sum(int(str(row[3])) for row in ask("lines-lost")), NOON_UTC - SECOND)
    assert other == (OTHER_APP, 61, 0, 0, None, None, 0, 0, NOON_UTC - 3 * SECOND)
    assert [row[6] for row in ask("summary", window=FAILING)] == [2]


@each_query
def test_each_query_runs_with_all_its_parameters(query: SavedQuery, ask: Ask) -> None:
    values = {
        "window": Window.last(LONGEST, NOON), "limit": 5, "request_id": REQUEST_ID, "trusted_hops": 1,
        "long_lived": True, "moment": NOON, "every": "5m",
    }  # fmt: skip
    ask(query.name, apps=(APP,), **{name: values[name] for name in query.parameters if name != "app"})
