"""What the saved queries answer about lines from public reports, on the local stack; tests/trino asks Trino."""

from datetime import UTC, datetime

import pytest

from contract.saved_queries import saved_queries
from contract.window import Window
from local.logplex.nodes import post
from local.stack import LocalStack
from local.traffic.lines import frame
from runbook.clients.athena import Athena
from tests.support.reported_lines import CASES, Case, lines, windows_ends

APP = "raxx-console-prod"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BY_NAME = {query.name: query for query in saved_queries()}
ENDS = windows_ends(NOW)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_query_answers_right(case: Case, stack: LocalStack) -> None:
    until = ENDS[case.name]
    body = b"".join(map(frame, lines(case, APP, until)))
    assert post(stack.drain_urls[APP], body, f"{CASES.index(case):032}", until) == 200
    query = BY_NAME[case.query].on_table(stack.outputs["database"], stack.outputs["table"])
    asked = query.with_parameters(app=APP, window=Window(until - case.span, until), **case.parameters)
    result = Athena(stack.client("athena"), stack.outputs["workgroup"], stack.outputs["database"]).run(asked.sql)
    places = [query.columns.index(column) for column in case.columns.split()]
    assert [tuple(row[place] for place in places) for row in result.rows] == case.right
