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
from runbook.clients.athena import Athena, Value
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
    assert ask("request", request_id=REQUEST_ID, app=OTHER_APP) == rows[:1]
    assert ask("request") == ()


def test_errors_by_code_are_of_the_router_and_of_dynos_and_never_of_an_apps_own_words(ask: Ask) -> None:
    assert ask("errors-by-code") == (
        (BEGIN, APP, "H10", "App crashed", 2),
        (BEGIN, APP, "H12", "Request timeout", 1),
        (BEGIN, APP, "R14", "Memory quota exceeded", 1),
    )
    assert ask("errors-by-code", app=OTHER_APP) == ()


def test_lines_lost_are_told_by_logplex_and_log_shuttle_alone(ask: Ask) -> None:
    """Counts of 19 digits are no counts of messages, and their sum fails no query."""
    assert ask("lines-lost") == ((APP, BEGIN, None, 12), (APP, BEGIN, "d.x", 6))


def test_around_has_both_ends_of_its_window_in_the_order_of_time(ask: Ask) -> None:
    rows = ask("around", window=Window.around(NOON - timedelta(minutes=30), 5), app=OTHER_APP)
    minutes = [datetime.fromisoformat(str(row[1])).minute for row in rows]
    assert minutes == list(range(25, 36))


def test_a_limit_ends_the_list(ask: Ask) -> None:
    assert len(ask("around")) == len(LINES)
    assert ask("around", limit=3) == ask("around")[:3]


@each_query
def test_each_query_runs_with_all_its_parameters(query: SavedQuery, ask: Ask) -> None:
    values = {
        "app": APP, "window": Window.last(LONGEST, NOON), "limit": 5, "request_id": REQUEST_ID, "trusted_hops": 1,
        "long_lived": True,
    }  # fmt: skip
    ask(query.name, **{name: values[name] for name in query.parameters})
