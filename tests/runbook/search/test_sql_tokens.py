"""A text has one statement, whatever its strings and comments hold."""

import pytest

from runbook.errors import RunbookError
from runbook.search import sql_tokens


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT ';', 'it''s;' AS \";\"",
        "-- title: a; b\nSELECT 1 -- x;",
        "/* ; */ SELECT 1",
    ],
)
@pytest.mark.parametrize("end", ["", ";", " ;\n", "; -- the end\n", ";;"])
def test_one_statement_stays_as_it_is_without_its_semicolon(sql: str, end: str) -> None:
    assert sql_tokens.statement(f"\n{sql}\n{end}") == sql


@pytest.mark.parametrize("sql", ["", " ", ";", "-- SELECT 1", "/* SELECT 1 */;"])
def test_nothing_is_no_statement(sql: str) -> None:
    with pytest.raises(RunbookError, match="the SQL is empty"):
        sql_tokens.statement(sql)


@pytest.mark.parametrize(("sql", "count"), [("SELECT 1; SELECT 2", 2), ("SELECT ';';VALUES 1; TABLE a;", 3)])
def test_several_statements_are_refused(sql: str, count: int) -> None:
    with pytest.raises(RunbookError, match=f"the SQL has {count} statements"):
        sql_tokens.statement(sql)
