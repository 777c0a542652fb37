"""What is asked of Athena uses functions that its engine documents: the Trino of the other tests is a later one."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import sqlglot
from sqlglot import TokenType, expressions

from contract import router_view
from contract.saved_queries import saved_queries
from contract.window import Window
from runbook.search import lines_sql
from runbook.search.cut import Cut
from runbook.search.selection import Selection
from runbook.search.text_filters import TextFilter
from tests.support.paths import GOLDEN

DOCUMENTED = {
    name
    for line in (GOLDEN / "athena_functions.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
    for name in line.split()
}
# What stands before a bracket and calls nothing; timestamp(3) is a type, and ROW(a, b) a value of several (Athena user
# guide, "Filter arrays with nested values").
KEYWORDS = {"and", "as", "by", "from", "in", "not", "or", "over", "row", "timestamp", "when", "where"}
HOUR = Window.last(timedelta(hours=1), datetime(2026, 11, 24, 12, tzinfo=UTC))
EVERY_FILTER = Selection(
    HOUR, ["web"], ["app"], [TextFilter("x", ignore_case=True)], [TextFilter("y", regexp=True), TextFilter("z")]
)
ASKED = {
    **{query.name: query.sql for query in saved_queries()},
    "a window written out": saved_queries()[0].with_parameters(window=HOUR).sql,
    "the view": router_view.sql("some_logs", "lines"),
    "a search of lines": lines_sql.sql("t", EVERY_FILTER, Cut(1)),
    "a search of lines near a moment": lines_sql.sql("t", EVERY_FILTER, Cut(1, moment=HOUR.since)),
    "a search of lines with those around them": lines_sql.with_context("t", EVERY_FILTER, Cut(1), 1, 1),
}


def called(sql: str) -> set[str]:
    """The names that stand before a bracket, keywords aside."""
    return {
        name.text.lower()
        for name, bracket in pairwise(sqlglot.tokenize(sql, read="trino"))
        if bracket.token_type is TokenType.L_PAREN and re.fullmatch(r"\w+", name.text)
    } - KEYWORDS


@pytest.mark.parametrize(
    "sql", [query.sql for query in saved_queries() if "hour_utc" in query.columns and ".syslog" in query.sql]
)
def test_a_query_of_the_table_has_the_views_time(sql: str) -> None:
    """SQL files have no imports, and tests/local/aws/test_sql.py holds that one expression to the right times."""
    assert f"date_trunc( 'hour', {router_view.TIME_UTC} ) AS hour_utc" in " ".join(sql.split())


@pytest.mark.parametrize("sql", ASKED.values(), ids=ASKED)
def test_nothing_is_cast_to_a_timestamp(sql: str) -> None:
    """Athena refuses that of a time stamp with a zone, or answers another time than Trino does.

    "Athena engine version 3", limitations: "Casting from TimestampTZ to Timestamp is not supported". A literal is none.
    """
    casts = sqlglot.parse_one(sql, read="trino").find_all(expressions.Cast)
    zoneless = {expressions.DType.TIMESTAMP, expressions.DType.TIMESTAMPNTZ, expressions.DType.DATETIME}
    assert not [
        cast.sql("trino")
        for cast in casts
        if cast.to.this in zoneless and not (isinstance(cast.this, expressions.Literal) and cast.this.is_string)
    ]


@pytest.mark.parametrize("sql", ASKED.values(), ids=ASKED)
def test_the_functions_are_ones_that_athena_documents(sql: str) -> None:
    assert called(sql)
    assert called(sql) <= DOCUMENTED
