"""The local engine, DuckDB, answers as Trino does; of approximate percentiles both are near the truth."""

from datetime import datetime

from contract.saved_queries import SavedQuery
from local.traffic.truth import differences
from tests.trino.cases import each_clock, each_query
from tests.trino.world import World, exact


@each_clock
@each_query
def test_the_local_engine_answers_as_trino_does(world: World, query: SavedQuery, now: datetime) -> None:
    answer, judge = world.local_answer(query, now), world.answer(query, now)
    assert answer.columns == judge.columns
    assert not differences(answer.rows, exact(judge))
    assert not differences(answer.rows, world.expected(query, now))
