"""The saved queries say what they give, read only their window's partitions, and are right on any day of any year."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import sqlglot
from sqlglot import TokenType, exp

from contract.keys import PARTITION_KEYS, partition
from contract.table import COLUMNS
from runbook.queries import SavedQuery, saved_queries

QUERIES = saved_queries()
BY_NAME = {query.name: query for query in QUERIES}
WINDOW_DAYS = {"the last 24 hours": 1, "the last 7 days": 7}

each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)


def parsed(query: SavedQuery) -> exp.Select:
    tree = sqlglot.parse_one(query.sql, read="trino")
    assert isinstance(tree, exp.Select)
    return tree


def conditions(query: SavedQuery) -> list[exp.Expr]:
    """What is joined by AND in the query's WHERE."""
    where = parsed(query).args["where"]
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def columns_of(tree: exp.Expr) -> set[str]:
    return {column.name for column in tree.find_all(exp.Column)}


# ---------------------------------------------------------------- header


def test_the_runbooks_queries_are_all_there_in_its_order() -> None:
    assert list(BY_NAME) == [
        "errors-by-surface",
        "latency-outliers",
        "security-events",
        "security-by-ip",
        "recent-deploys",
        "slow-endpoints",
        "unstructured-share",
    ]


@each_query
def test_a_header_is_complete(query: SavedQuery) -> None:
    assert all([query.title, query.purpose, query.tip])
    assert query.window in WINDOW_DAYS
    for key in ("title", "purpose", "window", "columns", "tip"):
        assert len(re.findall(f"^-- {key}: ", query.sql, re.MULTILINE)) == 1


@each_query
def test_the_columns_are_the_headers(query: SavedQuery) -> None:
    assert tuple(parsed(query).named_selects) == query.columns


# The runbook's readers, and what they paste results into, know these columns by name.
@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("errors-by-surface", "app hour_utc error_count"),
        ("latency-outliers", "app proc_id log_ts method path service_ms status fwd_ip"),
        ("security-events", "app proc_id log_ts event_type fwd_ip path message"),
        ("security-by-ip", "fwd_ip hits"),
        ("recent-deploys", "app log_ts proc_id message"),
        ("slow-endpoints", "app path_prefix request_count avg_service_ms p95_service_ms max_service_ms"),
        ("unstructured-share", "total unstructured_count quarantined_count"),
    ],
)
def test_the_columns_are_the_runbooks(name: str, columns: str) -> None:
    assert BY_NAME[name].columns == tuple(columns.split())


@each_query
def test_every_column_is_the_tables(query: SavedQuery) -> None:
    known = {*COLUMNS, *PARTITION_KEYS, *query.columns}
    assert columns_of(parsed(query)) <= known


@each_query
def test_the_same_query_can_be_asked_of_a_table_of_another_name(query: SavedQuery) -> None:
    renamed = query.on_table("other_logs", "lines")
    [table] = parsed(renamed).find_all(exp.Table)
    assert (table.db, table.name) == ("other_logs", "lines")
    assert "raxx_heroku_logs" not in renamed.sql
    assert query.on_table("raxx_heroku_logs", "syslog") == query


# ---------------------------------------------------------------- partitions

_CONSTANT = re.compile(r"date_format\(now\(\)(?: - interval '(\d+)' day)?, '([^']+)'\)")


def at(sql: str, now: datetime) -> str:
    """The SQL with its calendar constants as they are at a time."""
    return _CONSTANT.sub(lambda c: "'" + (now - timedelta(int(c[1] or 0))).strftime(c[2]) + "'", sql)


def chosen(condition: exp.Expr, values: dict[str, str]) -> bool:
    """Say whether a condition on partition keys alone holds for a partition."""

    def text(tree: exp.Expr) -> str:
        match tree:
            case exp.Literal():
                return str(tree.this)
            case exp.Column():
                return values[tree.name]
            case exp.Concat():
                return "".join(text(part) for part in tree.expressions)
        raise AssertionError(f"no constant or partition key: {tree!r}")

    match condition:
        case exp.In():
            return text(condition.this) in {text(value) for value in condition.expressions}
        case exp.Between():
            return text(condition.args["low"]) <= text(condition.this) <= text(condition.args["high"])
    raise AssertionError(f"no condition that Athena pushes down: {condition!r}")


def partition_conditions(query: SavedQuery) -> Iterator[exp.Expr]:
    keys = {"year", "month", "day"}
    return (condition for condition in conditions(query) if columns_of(condition) and columns_of(condition) <= keys)


@each_query
@pytest.mark.parametrize(
    "now",
    [
        pytest.param(datetime(2026, 11, 24, 12, tzinfo=UTC), id="any-day"),
        pytest.param(datetime(2027, 1, 1, tzinfo=UTC), id="new-year"),
        pytest.param(datetime(2027, 1, 4, 23, 59, tzinfo=UTC), id="new-year-in-the-window"),
        pytest.param(datetime(2026, 12, 31, 23, 59, tzinfo=UTC), id="new-years-eve"),
        pytest.param(datetime(2028, 3, 1, 1, tzinfo=UTC), id="behind-a-leap-day"),
        pytest.param(datetime(2027, 3, 1, 1, tzinfo=UTC), id="behind-february"),
        pytest.param(datetime(2027, 6, 30, 12, tzinfo=UTC), id="end-of-month"),
    ],
)
def test_a_query_reads_the_partitions_of_its_window_and_no_other(query: SavedQuery, now: datetime) -> None:
    window = {now.date() - timedelta(back) for back in range(WINDOW_DAYS[query.window] + 1)}
    around = [date(now.year - 1, 11, 1) + timedelta(number) for number in range(2 * 366)]
    today = SavedQuery(**{**vars(query), "sql": at(query.sql, now)})
    wanted = list(partition_conditions(today))
    read = {day for day in around if all(chosen(condition, partition("an-app", day)) for condition in wanted)}
    assert read == window


@each_query
def test_each_partition_key_is_compared_with_constants_alone(query: SavedQuery) -> None:
    """Athena pushes only that down: the comparison of the three together does not prune by itself."""
    lists = [condition for condition in partition_conditions(query) if isinstance(condition, exp.In)]
    assert sorted(condition.this.name for condition in lists) == ["day", "month", "year"]
    assert not any(columns_of(value) for condition in lists for value in condition.expressions)
    [together] = [condition for condition in partition_conditions(query) if isinstance(condition, exp.Between)]
    assert columns_of(together) == {"year", "month", "day"}


@each_query
def test_the_window_is_by_the_lines_own_time_and_a_bad_time_fails_no_query(query: SavedQuery) -> None:
    span = {"the last 24 hours": "'24' hour", "the last 7 days": "'7' day"}[query.window]
    assert f"AND try(from_iso8601_timestamp(log_ts)) BETWEEN now() - interval {span} AND now()" in query.sql


# ---------------------------------------------------------------- dialect

# Athena engine v3 answers with Trino's functions; these are in its list ("Functions in Amazon Athena").
DOCUMENTED = {
    *("approx_percentile", "avg", "coalesce", "concat", "count", "count_if", "date_format", "date_trunc"),
    *("from_iso8601_timestamp", "max", "now", "regexp_extract", "regexp_like", "round", "strpos", "try", "try_cast"),
}
KEYWORDS = {"and", "or", "in", "by", "where", "as", "when", "not"}


@each_query
def test_the_functions_are_ones_that_athena_documents(query: SavedQuery) -> None:
    stream = sqlglot.tokenize(query.sql, read="trino")
    called = {
        name.text.lower()
        for name, bracket in pairwise(stream)
        if bracket.token_type is TokenType.L_PAREN and re.fullmatch(r"\w+", name.text)
    }
    assert called - KEYWORDS <= DOCUMENTED


# The wrong answers of the queries that these replace.
@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param(r"\\[1-9]", id="backslash-group"),
        pytest.param(r"'20\d\d'", id="fixed-year"),
        pytest.param(r"current_date", id="sessions-time-zone"),
        pytest.param(r"message LIKE '%", id="field-found-in-text"),
        pytest.param(r"status=", id="status-found-in-text"),
        pytest.param(r"heroku/", id="proc-id-that-never-is"),
        pytest.param(r"[^_]cast\(", id="cast-that-fails-the-query"),
        pytest.param(r"release v", id="lower-case-release"),
    ],
)
@each_query
def test_a_query_does_not_repeat_a_mistake(query: SavedQuery, mistake: str) -> None:
    assert not re.search(mistake, query.sql)


# ---------------------------------------------------------------- what they ask


def test_the_pivot_counts_the_very_lines_of_security_events() -> None:
    """All of them: it is a query of its own and not one over the newest 500."""

    def asked(name: str) -> set[str]:
        return {condition.sql("trino") for condition in conditions(BY_NAME[name])}

    assert asked("security-by-ip") - asked("security-events") == {"NOT fwd_ip IS NULL"}
    assert asked("security-events") <= asked("security-by-ip")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Deploy 1a2b3c4d by user ops@raxx.app", id="deploy"),
        pytest.param("Release v42 created by user ops@raxx.app", id="release"),
        pytest.param("Rollback to v41 by user ops@raxx.app", id="rollback"),
        pytest.param("Build succeeded", id="build"),
    ],
)
def test_recent_deploys_knows_what_heroku_writes(message: str) -> None:
    [pattern] = re.findall(r"regexp_like\(message, '(.+)'\)", BY_NAME["recent-deploys"].sql)
    assert re.search(pattern, message)


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/api/auth/login?next=/x", "/api/auth"),
        ("/api/auth", "/api/auth"),
        ("/api?x=/y/z", "/api"),
        ("/", "/"),
        ("/a/", "/a/"),
        ("/a#b/c", "/a"),
    ],
)
def test_a_path_prefix_is_the_first_two_segments(path: str, prefix: str) -> None:
    [pattern] = re.findall(r"regexp_extract\(path, '([^']+)'\)", BY_NAME["slow-endpoints"].sql)
    found = re.search(pattern, path)
    assert found
    assert found[0] == prefix


@each_query
def test_rows_come_in_an_order_that_is_the_same_each_time(query: SavedQuery) -> None:
    tree = parsed(query)
    if tree.args.get("limit") or tree.args.get("group"):
        assert len(tree.args["order"].expressions) >= 2
