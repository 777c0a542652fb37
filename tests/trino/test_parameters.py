"""Each saved query answers the truth with all that the command line can write into it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.saved_queries import SavedQuery
from contract.window import Window
from local.traffic import truth
from runbook.search import lines_sql
from tests.trino.cases import CLOCKS, each_query
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
    app, limit, request_id = world.apps[0], 7, world.request_id(span.until)
    values: dict[str, Any] = {"app": app, "window": span, "limit": limit, "request_id": request_id}
    asked = query.on_table(world.database, world.table).with_parameters(
        **{name: value for name, value in values.items() if name in query.parameters}
    )
    lines = [line for line in world.lines if line.app == app]
    right = truth.within(query.name, lines, span.since, span.until, request_id=request_id)
    assert not truth.differences(world.ask(asked.sql).rows, right[:limit] if "limit" in query.parameters else right)


def test_a_search_of_lines_finds_the_newest_that_match(world: World) -> None:
    span, app, limit = SPANS["across-new-year"], world.apps[0], 20
    asked = lines_sql.sql(
        f"{world.database}.{world.table}", span, app=app, dyno="web", match="REQUEST", ignore_case=True, limit=limit
    )
    found = [
        {"log_ts": line.timestamp, "message": line.stored_message}
        for line in sorted(world.lines, key=lambda line: line.time, reverse=True)
        if line.app == app and span.since <= line.time <= span.until
        if line.proc_id.startswith("web.") and "request" in line.stored_message.lower()
    ]
    assert len(found) > limit
    assert not truth.differences(world.ask(asked).rows, found[:limit])


def test_a_search_of_lines_finds_canaries_only_if_asked_for_them(world: World) -> None:
    now, app, table = CLOCKS["leap-day"], world.apps[0], f"{world.database}.{world.table}"
    span = Window.last(timedelta(minutes=5), now)
    lines = [line for line in world.lines if line.app == app and span.since <= line.time <= span.until]
    found, canaries = (
        world.ask(lines_sql.sql(table, span, app=app, dyno=dyno, limit=1000)).rows for dyno in (None, "canary")
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
