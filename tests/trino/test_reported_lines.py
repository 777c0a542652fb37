"""What the saved queries answer about lines from public reports; tests/system asks the local engine."""

from datetime import UTC, datetime

import pytest

from contract.window import Window
from runbook.search import lines_sql
from runbook.search.cut import Cut
from runbook.search.selection import Selection
from tests.support.reported_lines import CASES, Case, lines, windows_ends
from tests.trino.cases import BY_NAME
from tests.trino.conftest import NewWorld
from tests.trino.world import World, batch_of

ENDS = windows_ends(datetime(2026, 10, 14, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def reported(new_world: NewWorld) -> World:
    """All their lines."""
    world = new_world("reported_lines")
    world.deliver([batch_of(lines(case, world.apps[0], ENDS[case.name])) for case in CASES if case.sent])
    return world


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_query_answers_right(case: Case, reported: World) -> None:
    until = ENDS[case.name]
    asked = (
        BY_NAME[case.query]
        .on_table(reported.database, reported.table)
        .with_parameters(apps=(reported.apps[0],), window=Window(until - case.span, until), **case.parameters)
    )
    answer = reported.ask(asked.sql)
    assert [tuple(row[column] for column in case.columns.split()) for row in answer.rows] == case.right


def test_a_search_of_lines_shows_those_of_one_time_as_they_were_sent(reported: World) -> None:
    """It asks for the newest first."""
    [case] = [case for case in CASES if case.name == "lines of one time are shown as they were sent"]
    window = Window(ENDS[case.name] - case.span, ENDS[case.name])
    sql = lines_sql.sql(f"{reported.database}.{reported.table}", Selection(window, ["web"]), Cut(100))
    assert [(row["message"],) for row in reversed(reported.ask(sql).rows)] == case.right
