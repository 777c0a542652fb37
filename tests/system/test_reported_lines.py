"""What the saved queries answer about lines from public reports, on the local stack; tests/trino asks Trino."""

from datetime import UTC, datetime

import pytest

from contract.saved_queries import saved_queries
from contract.window import Window
from local.logplex.nodes import post
from local.stack import LocalStack
from local.traffic.lines import frame
from runbook.clients.athena import Athena
from runbook.search import lines_sql
from runbook.search.cut import Cut
from runbook.search.selection import Selection
from tests.support.reported_lines import CASES, Case, lines, windows_ends

APP = "raxx-console-prod"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BY_NAME = {query.name: query for query in saved_queries()}
ENDS = windows_ends(NOW)
CLOCK = max(ENDS.values())


@pytest.fixture(scope="module")
def athena(stack: LocalStack) -> Athena:
    """Athena of a stack that has all their lines."""
    for number, case in enumerate(CASES):
        body = b"".join(map(frame, lines(case, APP, ENDS[case.name])))
        assert post(stack.drain_urls[APP], body, f"{number:032}", ENDS[case.name]) == 200
    stack.flush()
    return Athena(stack.client("athena"), stack.outputs["workgroup"], stack.outputs["database"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_query_answers_right(case: Case, athena: Athena, stack: LocalStack) -> None:
    until = ENDS[case.name]
    query = BY_NAME[case.query].on_table(stack.outputs["database"], stack.outputs["table"])
    asked = query.with_parameters(apps=(APP,), window=Window(until - case.span, until), **case.parameters)
    places = [query.columns.index(column) for column in case.columns.split()]
    assert [tuple(row[place] for place in places) for row in athena.run(asked.sql).rows] == case.right


def test_a_search_of_lines_shows_those_of_one_time_as_they_were_sent(athena: Athena, stack: LocalStack) -> None:
    """It asks for the newest first."""
    [case] = [case for case in CASES if case.name == "lines of one time are shown as they were sent"]
    window = Window(ENDS[case.name] - case.span, ENDS[case.name])
    table = f"{stack.outputs['database']}.{stack.outputs['table']}"
    rows = athena.run(lines_sql.sql(table, Selection(window, ["web"]), Cut(100))).rows
    assert [(row[lines_sql.COLUMNS.index("message")],) for row in reversed(rows)] == case.right
