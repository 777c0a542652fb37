"""Each saved query answers what the records of the traffic say, at any time of any year."""

from datetime import UTC, datetime, timedelta

from contract.saved_queries import SavedQuery
from local.traffic import week
from local.traffic.truth import differences
from local.trino.query import at_clock
from tests.trino.cases import CLOCKS, QUERIES, WINDOWS, each_clock, each_query, with_times
from tests.trino.conftest import NewWorld
from tests.trino.world import World

_MARGIN = timedelta(minutes=5)


@each_clock
@each_query
def test_a_saved_query_answers_the_truth(world: World, query: SavedQuery, now: datetime) -> None:
    answer = world.answer(query, now)
    assert answer.columns == list(query.columns)
    assert not differences(answer.rows, world.expected(query, now))


@each_query
def test_the_truth_has_something_to_tell(world: World, query: SavedQuery) -> None:
    """Where no clock had an answer, equality would say nothing."""
    assert any(world.expected(query, now) for now in CLOCKS.values())


def test_a_saved_query_answers_as_it_stands(new_world: NewWorld) -> None:
    """With the node's own clock, and lines that lie in no window's edge while the test runs."""
    world = new_world("as_it_stands")
    now = datetime.now(UTC)
    made = week.generate(world.apps, now, 1000)
    edges = [now - span for span in WINDOWS.values()]
    world.store([line for line in made if not any(edge <= line.time <= edge + _MARGIN for edge in edges)])
    for query in QUERIES:
        answer = world.ask(world.filled_in(query, now).sql)
        assert not differences(answer.rows, world.expected(query, now)), query.name


@with_times
def test_times_are_utc_whatever_the_sessions_time_zone_is(world: World, query: SavedQuery) -> None:
    now = CLOCKS["day-behind-new-year"]
    sql = at_clock(world.filled_in(query, now).sql, now)
    answer = world.ask(sql, time_zone="America/St_Johns")
    assert answer.values
    assert not differences(answer.rows, world.expected(query, now))
