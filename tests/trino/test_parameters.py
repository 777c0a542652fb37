"""Each saved query answers the truth with all that the command line can write into it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.saved_queries import SavedQuery
from contract.window import Window
from local.traffic import truth
from local.traffic.facts import Request
from runbook.search import lines_sql
from runbook.search.cut import Cut
from runbook.search.selection import Selection
from runbook.search.text_filters import TextFilter
from tests.trino.cases import BY_NAME, CLOCKS, each_query
from tests.trino.world import World

# Within the traffic of conftest.py, whose last hours are the fullest.
SPANS = {
    "across-a-months-end": Window(datetime(2026, 11, 29, 7, tzinfo=UTC), CLOCKS["just-behind-midnight"]),
    "across-new-year": Window(datetime(2026, 12, 29, 22, 30, tzinfo=UTC), CLOCKS["day-behind-new-year"]),
    "minutes-across-new-year": Window.around(datetime(2027, 1, 1, tzinfo=UTC), 90),
    "months": Window(datetime(2026, 10, 7, tzinfo=UTC), CLOCKS["day-behind-new-year"]),
}


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@each_query
def test_a_query_with_all_its_parameters_answers_the_truth(world: World, query: SavedQuery, span: Window) -> None:
    app, request_id = world.apps[0], world.request_id(span.until)
    moment = span.since + (span.until - span.since) * 0.7
    values: dict[str, Any] = {"window": span, "limit": 7, "request_id": request_id, "moment": moment}
    asked = query.on_table(world.database, world.table).with_parameters(
        apps=(app,), **{name: value for name, value in values.items() if name in query.parameters}
    )
    lines = [line for line in world.lines if line.app == app]
    limit = 7 if "limit" in query.parameters else None
    right = truth.within(query.name, lines, span.since, span.until, request_id, limit=limit, moment=moment)
    assert not truth.differences(world.ask(asked.sql).rows, right)


@pytest.mark.parametrize("minutes", [1, 5], ids=lambda minutes: f"{minutes}m")
def test_errors_are_counted_by_minutes(world: World, minutes: int) -> None:
    span = SPANS["across-new-year"]
    asked = world.filled_in(BY_NAME["errors-by-surface"], span.until).with_parameters(window=span, every=f"{minutes}m")
    right = Counter(
        (
            line.app,
            line.time.replace(minute=line.time.minute // minutes * minutes, second=0, microsecond=0, tzinfo=None),
        )
        for line in world.lines
        if span.since <= line.time <= span.until and isinstance(line.facts, Request) and line.facts.status >= 500
    )
    rows = world.ask(asked.sql).rows
    assert right
    assert {(row["app"], row["minute_utc"]): row["error_count"] for row in rows} == right


def test_a_search_of_lines_finds_the_newest_that_match(world: World) -> None:
    span, app, limit = SPANS["across-new-year"], world.apps[0], 20
    selection = Selection(span, ["web"], matches=[TextFilter("REQUEST", ignore_case=True)])
    asked = lines_sql.sql(f"{world.database}.{world.table}", selection, Cut(limit), apps=[app])
    found = [
        {"log_ts": line.timestamp, "message": line.stored_message}
        for line in sorted(world.lines, key=lambda line: line.time, reverse=True)
        if line.app == app and span.since <= line.time <= span.until
        if line.proc_id.startswith("web.") and "request" in line.stored_message.lower()
    ]
    assert len(found) > limit
    assert not truth.differences(world.ask(asked).rows, found[:limit])


EXPRESSIONS = (
    r"\w+\.\d", r"^\[(info|warn)\]", r"é|取|[^ -~]", r"[a&&b~-]{2,3}", r"(?:a|b)*$", r"\S\s\S", r"[\w.-]+@[\w.-]+",
    r"\[|\]|\(|\)|\{|\}", "\\W\\D", "[A-Z][^A-Z]", r"path=\"/[a-z/]+\?", "x*", "[é取]", r"\/|\&|\#|\-|\'",
)  # fmt: skip


@pytest.mark.parametrize("ignore_case", [False, True])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_finds_in_athena_what_it_finds_in_python(
    world: World, expression: str, ignore_case: bool
) -> None:
    """Joni and Python, on a day's lines."""
    span, app = Window.last(timedelta(days=1), CLOCKS["day-behind-new-year"]), world.apps[0]
    sought = TextFilter(expression, regexp=True, ignore_case=ignore_case)
    asked = lines_sql.sql(
        f"{world.database}.{world.table}", Selection(span, matches=[sought]), Cut(100_000), apps=[app]
    )
    messages = [
        line.stored_message for line in world.lines if line.app == app and span.since <= line.time <= span.until
    ]
    right = [message for message in messages if sought.found_in(message)]
    assert sorted(str(row["message"]) for row in world.ask(asked).rows) == sorted(right)


def test_lines_around_a_match_are_the_nearest_of_the_app(world: World) -> None:
    span = Window.last(timedelta(days=1), CLOCKS["day-behind-new-year"])
    selection, cut = Selection(span, matches=[TextFilter("status=5")]), Cut(3)
    asked = lines_sql.with_context(f"{world.database}.{world.table}", selection, cut, 1, 2)
    rows = world.ask(asked).rows
    assert sum(bool(row["hit"]) for row in rows) >= 3
    for app in {str(row["app"]) for row in rows}:
        lines = [line for line in world.lines if line.app == app and span.since <= line.time <= span.until]
        lines.sort(key=lambda line: (line.time, line.seq))
        numbered = {len(lines) - at: line.stored_message for at, line in enumerate(lines)}
        assert all(numbered[int(str(row["number"]))] == row["message"] for row in rows if row["app"] == app)


def test_a_search_of_lines_finds_canaries_only_if_asked_for_them(world: World) -> None:
    now, app, table = CLOCKS["leap-day"], world.apps[0], f"{world.database}.{world.table}"
    span = Window.last(timedelta(minutes=5), now)
    lines = [line for line in world.lines if line.app == app and span.since <= line.time <= span.until]
    found, canaries = (
        world.ask(lines_sql.sql(table, Selection(span, dynos), Cut(1000), apps=[app])).rows
        for dynos in ((), ("canary",))
    )
    assert [row["message"] for row in reversed(found)] == [line.stored_message for line in lines]
    assert [row["proc_id"] for row in canaries] == ["canary"]


def test_both_ends_of_a_window_are_in_it_and_nothing_beyond(world: World) -> None:
    """To the millisecond, which is what Trino reads of a time."""
    first, *_, last = [line for line in world.lines if line.time.date() == CLOCKS["leap-day"].date()]
    whole = [line for line in world.lines if first.time <= line.time <= last.time]
    millisecond = timedelta(milliseconds=1)
    for span, count in [
        (Window(first.time, last.time), len(whole)),
        (Window(first.time + millisecond, last.time - millisecond), len(whole) - 2),
    ]:
        where = " AND ".join(span.predicates)
        [[counted]] = world.ask(f"SELECT count(*) FROM {world.database}.{world.table} WHERE {where}").values
        assert counted == count
