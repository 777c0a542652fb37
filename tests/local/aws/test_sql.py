"""Trino's SQL on DuckDB: what the saved queries need is answered as Trino answers it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from contract import router_view
from local.aws.athena.sql import Columns, Refused, View, plan

NOW = datetime(2026, 11, 24, 1, 0, 0, 123456, UTC)
LOGS = Columns(
    dict.fromkeys(("message", "status", "ms", "app", "day"), "VARCHAR"), ("app", "day"), {"$path": "VARCHAR"}
)
ROWS = [("a", "500", "12", "api", "24"), ("b", "200", "30", "api", "23"), (None, None, "", "web", "24")]


def catalog(database: str, name: str) -> Columns | View:
    relations: dict[str, Columns | View] = {
        "db.logs": LOGS,
        "db.days": View("SELECT day AS d, try_cast(ms AS integer) AS ms FROM logs WHERE app = 'api'", "db"),
        "db.counted": View("SELECT day AS d, count(*) AS n FROM logs GROUP BY day", "db"),
        "db.endless": View("SELECT * FROM endless", "db"),
    }
    if f"{database}.{name}" not in relations:
        raise Refused(f"TABLE_NOT_FOUND: {database}.{name}")
    return relations[f"{database}.{name}"]


PATH = "s3://bucket/logs/api/1.gz"


class Duck:
    """DuckDB with the rows of db.logs."""

    def __init__(self) -> None:
        self._database = duckdb.connect()
        self._database.execute("SET TimeZone = 'UTC'; SET default_null_order = 'NULLS_LAST'")
        self._database.execute("CREATE TABLE stored (message TEXT, status TEXT, ms TEXT, app TEXT, day TEXT)")
        self._database.executemany("INSERT INTO stored VALUES (?, ?, ?, ?, ?)", ROWS)
        self.close = self._database.close

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run Trino's SQL; timestamps come as text, as rows do from Athena."""
        planned = plan(sql, "db", catalog, NOW)
        for scan in planned.scans:
            self._database.execute(
                f"CREATE OR REPLACE VIEW {scan.relation} AS SELECT *, '{PATH}' AS \"$path\" FROM stored"
            )
        kinds = [row[1] for row in self._database.execute(f"DESCRIBE {planned.sql}").fetchall()]
        names = [f"c{index}" for index in range(len(kinds))]
        shown = [
            f"{name}::TEXT" if kind.startswith("TIMESTAMP") or kind == "DATE" else name
            for name, kind in zip(names, kinds, strict=True)
        ]
        return self._database.execute(
            f"SELECT {', '.join(shown)} FROM ({planned.sql}) AS r({', '.join(names)})"
        ).fetchall()

    def value(self, expression: str) -> Any:
        [(value,)] = self.rows(f"SELECT {expression}")
        return value


@pytest.fixture(scope="module")
def duck() -> Iterator[Duck]:
    with closing(Duck()) as duck:
        yield duck


# A line's time -> what the view and the saved queries make of it: UTC, cut to the millisecond, NULL for no time.
TIMES_UTC = {
    "2026-11-24T01:02:03.123999+00:00": "2026-11-24 01:02:03.123",
    "2026-11-24T01:02:03Z": "2026-11-24 01:02:03",
    "2026-11-24T20:30:00.5-08:00": "2026-11-25 04:30:00.5",
    "2026-03-01T01:00:00+05:30": "2026-02-28 19:30:00",
    "1969-12-31T23:59:59.999+00:00": "1969-12-31 23:59:59.999",
    "2026-02-30T00:00:00Z": None,
    "2016-12-31T23:59:60Z": None,
    "yesterday": None,
    "": None,
}

ANSWERS = {
    # The clock is the emulator's, in milliseconds and UTC.
    "now()": "2026-11-24 01:00:00.123+00",
    "current_timestamp": "2026-11-24 01:00:00.123+00",
    "localtimestamp": "2026-11-24 01:00:00.123",
    "current_date": "2026-11-24",
    "date_format(now() - interval '1' day, '%Y-%m-%d')": "2026-11-23",
    # Without a match there is no value; an empty group is ''.
    "regexp_extract('abc', 'x(.)', 1)": None,
    "regexp_extract('abc', 'b')": "b",
    "regexp_extract('abc', '(b)(x*)', 2)": "",
    "regexp_extract(regexp_extract('abc', 'x'), 'b')": None,
    "regexp_like('abc', 'b')": True,
    "date_trunc('hour', TIMESTAMP '2026-11-24 01:59:00')": "2026-11-24 01:00:00",
    # Times are cut to milliseconds.
    "from_iso8601_timestamp('2026-11-24T01:02:03.123999Z')": "2026-11-24 01:02:03.123+00",
    "try(from_iso8601_timestamp(''))": None,
    "try(from_iso8601_timestamp('2026-02-30T00:00:00Z'))": None,
    **{router_view.TIME_UTC.replace("log_ts", f"'{text}'"): time for text, time in TIMES_UTC.items()},
    "TRY_CAST('1 2' AS bigint)": None,
    "7 / 2": 3,
    "strpos('abc', 'c')": 3,
    "'10%' LIKE '10!%' ESCAPE '!'": True,
}


@pytest.mark.parametrize("expression", ANSWERS)
def test_an_expression_has_trinos_value(duck: Duck, expression: str) -> None:
    assert duck.value(expression) == ANSWERS[expression]


REFUSED = {
    "CAST(now() AS timestamp)": "Casting a Timestamp with Time Zone to Timestamp is not supported",
    "CAST(try(from_iso8601_timestamp('2026-11-24')) AS timestamp(3))": "is not supported",
    "1 = 'a'": "TYPE_MISMATCH",
    "lower('5') BETWEEN 1 AND 9": "TYPE_MISMATCH",
    "lower('5') IN (5)": "TYPE_MISMATCH",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_athena_refuses_is_refused_with_a_reason(duck: Duck, expression: str) -> None:
    with pytest.raises(Refused, match=REFUSED[expression]):
        duck.value(expression)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DELETE FROM logs", "runs SELECT statements"),
        ("EXPLAIN SELECT 1", "runs SELECT statements"),
        ("SELECT 1; SELECT 2", "Only one sql statement"),
        ("SELECT FROM WHERE", "SYNTAX_ERROR"),
        ("SELECT nosuch FROM logs", "Column 'nosuch' could not be resolved"),
        ("SELECT app AS surface, count(*) FROM logs GROUP BY surface", "'surface' could not be resolved"),
        ("SELECT 1 FROM nosuch", "TABLE_NOT_FOUND"),
        ("SELECT 1 FROM endless", "names itself"),
        ("SELECT app FROM logs TABLESAMPLE BERNOULLI (10)", "cannot read"),
        ("SELECT 1 FROM read_csv('x')", "cannot read"),
        ("SELECT 1 FROM logs WHERE status >= 500", "TYPE_MISMATCH: .* quote the number, or cast the varchar"),
    ],
)
def test_a_statement_that_cannot_be_run_is_refused(sql: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        plan(sql, "db", catalog, NOW)


def test_a_name_without_a_database_needs_one_in_the_context() -> None:
    with pytest.raises(Refused, match="Schema must be specified"):
        plan("SELECT 1 FROM logs", "", catalog, NOW)
    assert plan("SELECT 1 FROM db.logs", "", catalog, NOW).scans[0].table == "logs"


def test_nulls_come_last_in_both_directions(duck: Duck) -> None:
    values = "FROM (VALUES 1, NULL, 2) AS t(x) ORDER BY x"
    assert duck.rows(f"SELECT x {values}") == [(1,), (2,), (None,)]
    assert duck.rows(f"SELECT x {values} DESC") == [(2,), (1,), (None,)]


def test_aggregates_are_trinos(duck: Duck) -> None:
    sql = (
        "SELECT count(*), count_if(status = '500'), approx_percentile(TRY_CAST(ms AS bigint), 0.5), "
        "avg(TRY_CAST(ms AS integer)) FROM logs WHERE app = 'api'"
    )
    assert duck.rows(sql) == [(2, 1, 12, 21.0)]


def test_columns_without_a_name_are_numbered_as_in_athena() -> None:
    assert '"_col1"' in plan("SELECT app, lower(app) FROM logs", "db", catalog, NOW).sql


PRUNED = {
    "SELECT 1 FROM logs WHERE app = 'api' AND message = 'a'": {"api/23", "api/24"},
    "SELECT 1 FROM logs l WHERE l.app || l.day = 'api24'": {"api/24"},
    "SELECT 1 FROM logs WHERE app = 'api' OR message = 'a'": {"api/23", "api/24", "web/24"},
    "SELECT 1 FROM logs WHERE day = date_format(now(), '%d')": {"api/24", "web/24"},
    "SELECT 1 FROM logs WHERE app = 'api' AND CAST(app AS bigint) = 5": {"api/23", "api/24"},
    "SELECT 1 FROM (SELECT app AS a, message FROM logs) WHERE a = 'web'": {"web/24"},
    "WITH x AS (SELECT * FROM logs WHERE day = '24') SELECT 1 FROM x WHERE app = 'api'": {"api/24"},
    "SELECT ms FROM days WHERE d = '24'": {"api/24"},
    # Not moved in: a limit comes before the condition, an outer join makes rows, an aggregate is no partition key.
    "SELECT 1 FROM (SELECT app FROM logs LIMIT 1) WHERE app = 'web'": {"api/23", "api/24", "web/24"},
    "SELECT 1 FROM (SELECT 1) LEFT JOIN logs ON true WHERE app IS NULL": {"api/23", "api/24", "web/24"},
    "SELECT 1 FROM counted WHERE d = '24'": {"api/23", "api/24", "web/24"},
    "WITH x AS (SELECT * FROM logs) SELECT 1 FROM x WHERE app = 'api' UNION ALL SELECT 1 FROM x": {
        "api/23",
        "api/24",
        "web/24",
    },
}


@pytest.mark.parametrize("sql", PRUNED)
def test_conditions_on_partition_keys_alone_choose_the_partitions(sql: str) -> None:
    chosen: set[str] = set()
    with closing(duckdb.connect()) as database:
        for scan in plan(sql, "db", catalog, NOW).scans:
            conditions = " AND ".join(f"coalesce(try({each}), true)" for each in scan.conditions) or "true"
            partitions = "(VALUES ('api', '23'), ('api', '24'), ('web', '24')) AS p(app, day)"
            found = database.execute(f"SELECT app || '/' || day FROM {partitions} WHERE {conditions}").fetchall()
            chosen |= {name for (name,) in found}
    assert chosen == PRUNED[sql]


def test_the_path_of_a_rows_object_is_a_hidden_column(duck: Duck) -> None:
    """Athena user guide, "SELECT": getting the file locations for source data."""
    assert duck.rows("SELECT message, \"$path\" FROM logs WHERE message = 'a'") == [("a", PATH)]
    assert [len(row) for row in duck.rows("SELECT * FROM logs")] == [5, 5, 5]
