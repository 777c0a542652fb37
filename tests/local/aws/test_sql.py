"""Trino's SQL on DuckDB: what Trino answers, by its manual, the local engine answers or refuses."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

import local.aws.athena.trino_functions
from contract import router_view
from local.aws.athena.engine import java_double
from local.aws.athena.sql import RULES, Columns, View, plan
from local.aws.athena.trino_functions import FUNCTIONS, Refused

NOW = datetime(2026, 11, 24, 1, 0, 0, 123456, UTC)
MACROS = Path(local.aws.athena.trino_functions.__file__).with_name("trino.sql").read_text()
LOGS = Columns(dict.fromkeys(("message", "status", "ms", "app", "day"), "VARCHAR"), ("app", "day"))
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


class Duck:
    """DuckDB with the macros and the rows of db.logs."""

    def __init__(self) -> None:
        self._database = duckdb.connect()
        self._database.execute(MACROS)
        self._database.execute("SET TimeZone = 'UTC'; SET default_null_order = 'NULLS_LAST'")
        self._database.execute("CREATE TABLE stored (message TEXT, status TEXT, ms TEXT, app TEXT, day TEXT)")
        self._database.executemany("INSERT INTO stored VALUES (?, ?, ?, ?, ?)", ROWS)
        self.close = self._database.close

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run Trino's SQL; timestamps come as text, as rows do from Athena."""
        planned = plan(sql, "db", catalog, NOW)
        for scan in planned.scans:
            self._database.execute(f"CREATE OR REPLACE VIEW {scan.relation} AS SELECT * FROM stored")
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
    "now() AT TIME ZONE 'UTC'": "2026-11-24 01:00:00.123+00",
    "EXTRACT(HOUR FROM now())": 1,
    # Groups of a replacement are $1, and \1 is a literal 1.
    "regexp_replace('/a/12/b/3', '/([0-9]+)', '/<$1>')": "/a/<12>/b/<3>",
    r"regexp_replace('a7', '([0-9])', '\1')": "a1",
    r"regexp_replace('a7', '([0-9])', '\$1')": "a$1",
    r"regexp_replace('a7', '[0-9]', '\\')": "a\\",
    "regexp_replace('a7b', '[0-9]')": "ab",
    # Without a match, or without the group in it, there is no value; an empty group is ''.
    "regexp_extract('abc', 'x(.)', 1)": None,
    "regexp_extract('abc', 'b')": "b",
    "regexp_extract('abc', '(b)(x)?', 2)": None,
    "regexp_extract('abc', '(b)(x*)', 2)": "",
    "regexp_extract('abc', '(x)|(b)', 1)": None,
    "regexp_extract('abc', '(?:b|(z))c', 1)": None,
    r"regexp_extract('a(b', '[(]\(?(b)', 1)": "b",
    "regexp_like('abc', 'b')": True,
    # Time formats are MySQL's.
    "date_format(now(), '%Y-%m-%d %H:%i:%s %c/%e %W %M %j %%')": "2026-11-24 01:00:00 11/24 Tuesday November 328 %",
    "date_parse('24.11.2026 05', '%d.%m.%Y %H')": "2026-11-24 05:00:00",
    "date_trunc('hour', TIMESTAMP '2026-11-24 01:59:00')": "2026-11-24 01:00:00",
    "date_trunc('month', current_date)": "2026-11-01",
    "date_trunc('hour', from_iso8601_timestamp('2026-11-24T01:59:00+02:00'))": "2026-11-23 23:00:00+00",
    "from_iso8601_timestamp('2026-11-24T01:02:03.123999Z')": "2026-11-24 01:02:03.123+00",
    "from_iso8601_timestamp('2026-11-24')": "2026-11-24 00:00:00+00",
    "try(from_iso8601_timestamp('2026-11-24 01:02:03'))": None,
    "try(from_iso8601_timestamp(''))": None,
    "try(from_iso8601_timestamp('2026-02-30T00:00:00Z'))": None,
    "from_iso8601_date('2026-11-24')": "2026-11-24",
    "to_iso8601(now())": "2026-11-24T01:00:00.123Z",
    "from_unixtime(0.5e0)": "1970-01-01 00:00:00.5+00",
    "to_unixtime(TIMESTAMP '1970-01-01 00:00:01')": 1.0,
    # A date stays a date.
    "current_date - INTERVAL '1' DAY": "2026-11-23",
    "INTERVAL '1' MONTH + current_date": "2026-12-24",
    "date_add('day', -1, current_date)": "2026-11-23",
    "date_add('quarter', 1, current_date)": "2027-02-24",
    "now() - 2 * INTERVAL '1' HOUR": "2026-11-23 23:00:00.123+00",
    "array_join(sequence(DATE '2026-01-31', DATE '2026-02-01'), ',')": "2026-01-31,2026-02-01",
    # Whole units, not boundaries.
    "date_diff('day', TIMESTAMP '2026-01-01 23:00:00', TIMESTAMP '2026-01-02 01:00:00')": 0,
    # Casts.
    "CAST(TIMESTAMP '2026-11-24 01:00:00' AS varchar)": "2026-11-24 01:00:00.000",
    "CAST(now() AS varchar)": "2026-11-24 01:00:00.123 UTC",
    "CAST('abcdef' AS varchar(3))": "abc",
    "CAST(2.5e0 AS bigint)": 3,
    "CAST(-2.5e0 AS integer)": -3,
    "CAST('2026-1-2 03:04' AS timestamp)": "2026-01-02 03:04:00",
    **{router_view.TIME_UTC.replace("log_ts", f"'{text}'"): time for text, time in TIMES_UTC.items()},
    "try(CAST('12x' AS integer))": None,
    "TRY_CAST('1.5' AS bigint)": None,
    "TRY_CAST(' 12' AS bigint)": 12,
    "TRY_CAST('1 2' AS bigint)": None,
    "TRY_CAST('99999999999' AS integer)": None,
    "TRY_CAST('1e3' AS double)": 1000.0,
    "TRY_CAST('yes' AS boolean)": None,
    "TRY_CAST('2026-11-24T01:00:00' AS timestamp)": None,
    # Integers divide to integers.
    "7 / 2": 3,
    "-7 / 2": -3,
    "7 / 2e0": 3.5,
    "7 % 3": 1,
    "try(1 / 0)": None,
    "1e0 / 0": float("inf"),
    "round(2.5e0)": 3.0,
    "round(-1.25e0, 1)": -1.3,
    # NULL is not ''.
    "'a' || NULL": None,
    "concat('a', NULL)": None,
    "concat('a', 'b', 'c')": "abc",
    "greatest('a', NULL)": None,
    "least(2, 1)": 1,
    "split_part('a,b', ',', 3)": None,
    "split_part('a,,b', ',', 2)": "",
    "element_at(split('a,b', ','), 5)": None,
    "element_at(split('a,b', ','), -1)": "b",
    "nullif('', '')": None,
    "if(false, 1)": None,
    # Text.
    "strpos('abc', 'c')": 3,
    "position('z' IN 'abc')": 0,
    "lpad('7', 2, '0')": "07",
    "lpad('777', 2, '0')": "77",
    "substr('abc', 0)": "",
    "substring('abc' FROM 2 FOR 1)": "b",
    "substr('abc', -2)": "bc",
    "trim(' \t a \n')": "a",
    "TRIM(BOTH 'x' FROM 'xax')": "a",
    "replace('aba', 'b')": "aa",
    "'Z' < 'a'": True,
    "'10%' LIKE '10!%' ESCAPE '!'": True,
    "'10x' LIKE '10!%' ESCAPE '!'": False,
    r"'a\b' LIKE 'a\b'": True,
    "cardinality(ARRAY[1, 2])": 2,
    "array_join(array_distinct(ARRAY[2, 1, 2]), ',')": "2,1",
    "cardinality(array_distinct(ARRAY['a', NULL, NULL]))": 2,
    "contains(ARRAY['x'], 'x')": True,
}


@pytest.mark.parametrize("expression", ANSWERS)
def test_an_expression_has_trinos_value(duck: Duck, expression: str) -> None:
    assert duck.value(expression) == ANSWERS[expression]


REFUSED = {
    "nosuch(1)": "does not know the function nosuch",
    "format_datetime(now(), 'yyyy')": "does not know the function format_datetime",
    "date_format(now(), '%D')": "does not know %D",
    "date_trunc('fortnight', now())": "'fortnight' is not one of",
    "regexp_replace('a', '(a)', '$2')": "unknown group",
    "regexp_replace('a', '(a)', x -> upper(x[1]))": "NOT_SUPPORTED",
    "regexp_extract('a', '(a)(b*)?', 2)": "may be absent or empty",
    "regexp_extract('a', '(a)', 2)": "Cannot access group 2",
    "regexp_extract('a', lower('A'))": "only as a string literal",
    "now() AT TIME ZONE 'Europe/Berlin'": "no time zone but UTC",
    "CAST('x' AS json)": "does not cast to json",
    "CAST(now() AS timestamp(6))": "milliseconds only",
    "INTERVAL '1 02' DAY TO HOUR": "NOT_SUPPORTED",
    "ROW(1, 2)": "does not know the function row",
    "1 = 'a'": "TYPE_MISMATCH",
    "split('a', ',')[1]": "NOT_SUPPORTED",
    "date_add('day', 1)": "does not take 2 argument",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_has_no_rule_is_refused_with_a_reason(duck: Duck, expression: str) -> None:
    with pytest.raises(Refused, match=REFUSED[expression]):
        duck.value(expression)


FAILING = {
    "CAST('12x' AS bigint)": "Cannot cast '12x' to BIGINT",
    "from_iso8601_timestamp('24.11.2026')": "is no ISO 8601 timestamp",
    "1 / 0": "Division by zero",
    "100.0 * 7 / 3": "quotient of decimals",
    "round(1.25, 1)": "round.. of a decimal",
    "current_date - DATE '2026-11-01'": "use date_diff",
    "current_date + INTERVAL '1' HOUR": "Cannot add hour",
    "split_part('a', ',', 0)": "greater than zero",
    "CAST(1e0 AS varchar)": "double as varchar",
    "CAST(now() AS timestamp)": "Casting a Timestamp with Time Zone to Timestamp is not supported",
    "now() > '2026-01-01'": "TYPE_MISMATCH",
    "length('abc') = '3'": "TYPE_MISMATCH",
    "lower('5') BETWEEN 1 AND 9": "TYPE_MISMATCH",
    "lower('5') IN (5)": "TYPE_MISMATCH",
}


@pytest.mark.parametrize("expression", FAILING)
def test_what_trino_fails_on_or_answers_otherwise_fails(duck: Duck, expression: str) -> None:
    with pytest.raises(duckdb.Error, match=FAILING[expression]):
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
        ("SELECT CAST(count(*) AS varchar), app FROM logs GROUP BY ROLLUP (app)", "grouping sets"),
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
        "SELECT count(*), count_if(status = '500'), approx_distinct(app), arbitrary(app), max_by(message, day), "
        "approx_percentile(TRY_CAST(ms AS bigint), 0.5), avg(TRY_CAST(ms AS integer)), every(app = 'api') FROM logs "
        "WHERE app = 'api'"
    )
    assert duck.rows(sql) == [(2, 1, 1, "api", "a", 12, 21.0, True)]
    assert duck.rows("SELECT max_by(x, y) FROM (VALUES (NULL, 2), ('a', 1)) AS t(x, y)") == [(None,)]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT CAST(count(*) AS varchar) FROM logs", [("3",)]),
        ("SELECT sum(TRY_CAST(ms AS double)) / 4 FROM logs", [(10.5,)]),
        (
            "SELECT app, 1e2 * count(*) / 3 AS pct FROM logs GROUP BY app ORDER BY pct",
            [("web", 100 / 3), ("api", 200 / 3)],
        ),
        ("SELECT app FROM logs GROUP BY app HAVING count(*) / 2 >= 1", [("api",)]),
        (
            "SELECT app, 1e0 / row_number() OVER (ORDER BY app) AS r FROM logs GROUP BY app",
            [("api", 1.0), ("web", 0.5)],
        ),
        (
            "SELECT app, CAST(count(*) AS double) / sum(count(*)) OVER () FROM logs GROUP BY 1 ORDER BY app",
            [("api", 2 / 3), ("web", 1 / 3)],
        ),
    ],
)
def test_what_depends_on_the_type_of_an_aggregate_knows_it(duck: Duck, sql: str, rows: list[tuple[Any, ...]]) -> None:
    assert sorted(duck.rows(sql), key=str) == sorted(rows, key=str)


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
        database.execute(MACROS)
        for scan in plan(sql, "db", catalog, NOW).scans:
            conditions = " AND ".join(f"coalesce(try({each}), true)" for each in scan.conditions) or "true"
            partitions = "(VALUES ('api', '23'), ('api', '24'), ('web', '24')) AS p(app, day)"
            found = database.execute(f"SELECT app || '/' || day FROM {partitions} WHERE {conditions}").fetchall()
            chosen |= {name for (name,) in found}
    assert chosen == PRUNED[sql]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12.0"),
        (0.001, "0.001"),
        (0.00012, "1.2E-4"),
        (1e7, "1.0E7"),
        (9999999.5, "9999999.5"),
        (-1.25e10, "-1.25E10"),
        (0.0, "0.0"),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
    ],
)
def test_doubles_are_written_as_java_writes_them(value: float, text: str) -> None:
    assert java_double(value) == text


def test_every_function_and_rule_says_why() -> None:
    assert all(function.why for function in FUNCTIONS.values())
    assert all(rule.__doc__ for rule in RULES.values())
