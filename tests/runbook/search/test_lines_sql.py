"""The SQL of `lines`, on the local engine, selects the rows that Python selects of the buffer."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.logplex.batch import Line
from contract.stored_line import Record
from contract.window import Window
from local.aws.athena.sql import Columns, View, plan
from runbook.errors import RunbookError
from runbook.search import context, line_rows, lines_sql
from runbook.search.context import Candidate
from runbook.search.cut import Cut
from runbook.search.line_rows import Row
from runbook.search.selection import Selection
from runbook.search.text_filters import TextFilter

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = Window(NOON - timedelta(minutes=30), NOON + timedelta(minutes=30))
APPS = ("api", "web-app")
TABLE = Columns(
    dict.fromkeys(("log_ts", "source", "proc_id", "message", "seq", "app", "year", "month", "day"), "VARCHAR"),
    ("app", "year", "month", "day"),
    {"$path": "VARCHAR"},
)


class Table:
    """Rows behind the local engine's SQL."""

    def __init__(self) -> None:
        self._database = duckdb.connect()
        self._database.execute("SET TimeZone = 'UTC'; SET default_null_order = 'NULLS_LAST'")
        self.close = self._database.close

    def fill(self, rows: list[Row]) -> None:
        columns = "log_ts TEXT, app TEXT, source TEXT, proc_id TEXT, message TEXT, seq TEXT"
        self._database.execute(f"CREATE OR REPLACE TABLE stored ({columns})")
        for row in rows:
            # The table has NULL where a line has nothing.
            self._database.execute("INSERT INTO stored VALUES (?, ?, ?, ?, ?, ?)", [each or None for each in row])

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        def catalog(_: str, __: str) -> Columns | View:
            return TABLE

        planned = plan(sql, "db", catalog, NOON)
        for scan in planned.scans:
            self._database.execute(
                f"CREATE OR REPLACE VIEW {scan.relation} AS SELECT *, '2026' AS year, '11' AS month, '24' AS day, "
                "'s3://b/k' AS \"$path\" FROM stored"
            )
        return self._database.execute(planned.sql).fetchall()


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with closing(Table()) as table:
        yield table


MESSAGES = st.text(st.sampled_from("aAbB1 .é取%_'\\"), max_size=6)
ROWS = st.lists(
    st.builds(
        lambda second, app, source, proc_id, message, seq: Row(
            (NOON + timedelta(milliseconds=second)).isoformat(timespec="microseconds"),
            app,
            source,
            proc_id,
            message,
            seq,
        ),
        st.integers(-2_000_000, 2_000_000) | st.integers(-3, 3),
        st.sampled_from(APPS),
        st.sampled_from(("app", "heroku", "logdrain")),
        st.sampled_from(("web", "web.1", "web.12", "webber.1", "router", "canary")),
        MESSAGES,
        st.sampled_from(("", "2", "10")),
    ),
    max_size=12,
    unique=True,
)


def filters() -> st.SearchStrategy[TextFilter]:
    texts = st.one_of(
        st.tuples(MESSAGES.filter(bool), st.just(value=False)),
        st.tuples(
            st.sampled_from(["a|b", "^[aA]", r"\d", "é$", r"\W\w", "(ab?)+", r"%|_|'", "[^a]$"]), st.just(value=True)
        ),
    )
    return st.builds(lambda text, ignore_case: TextFilter(text[0], text[1], ignore_case), texts, st.booleans())


SELECTIONS = st.builds(
    Selection,
    st.just(HOUR),
    st.lists(st.sampled_from(("web", "web.1", "canary", "router")), max_size=2),
    st.lists(st.sampled_from(("app", "heroku")), max_size=2),
    st.lists(filters(), max_size=2),
    st.lists(filters(), max_size=2),
)
CUTS = st.one_of(
    st.builds(Cut, st.integers(1, 5), oldest=st.booleans()),
    st.builds(
        lambda limit, ms: Cut(limit, moment=NOON + timedelta(milliseconds=ms)), st.integers(1, 5), st.integers(-5, 5)
    ),
)


def line_of(row: Row) -> Line:
    """A line of the day of its partition."""
    return Line(Record(b"", b"", timedelta(0)), NOON - datetime(1970, 1, 1, tzinfo=UTC), None)


@given(ROWS, SELECTIONS, CUTS)
@settings(deadline=None, max_examples=150)
def test_sql_and_python_select_and_keep_the_same_rows(
    table: Table, rows: list[Row], selection: Selection, cut: Cut
) -> None:
    table.fill(rows)
    found = [line_rows.of_athena(values[:-1]) for values in table.ask(lines_sql.sql("db.t", selection, cut))]
    right = cut.kept([row for row in rows if selection.admits(line_of(row), row)], lambda row: row)
    assert sorted(found, key=lambda row: row.position) == right


@given(ROWS, SELECTIONS.filter(lambda each: each.texts), CUTS, st.integers(0, 2), st.integers(0, 2))
@settings(deadline=None, max_examples=150)
def test_sql_finds_the_lines_around_those_that_python_keeps(
    table: Table, rows: list[Row], selection: Selection, cut: Cut, before: int, after: int
) -> None:
    table.fill(rows)
    base = sorted((row for row in rows if selection.admits_base(line_of(row), row)), key=lambda row: row.position)
    everything = [
        Candidate(row, selection.admits_text(row), len(of_app) - at)
        for app in APPS
        for of_app in [[row for row in base if row.app == app]]
        for at, row in enumerate(of_app)
    ]
    asked = table.ask(lines_sql.with_context("db.t", selection, cut, before, after))
    found = [Candidate(line_rows.of_athena(values[:6]), bool(values[-1]), int(str(values[-2]))) for values in asked]
    assert context.blocks(found, cut, before, after) == context.blocks(everything, cut, before, after)


def test_only_the_named_apps_are_asked_for(table: Table) -> None:
    rows = [Row(NOON.isoformat(), app, "app", "web.1", "x", "") for app in APPS]
    table.fill(rows)
    assert len(table.ask(lines_sql.sql("db.t", Selection(HOUR), Cut(9)))) == 2
    assert len(table.ask(lines_sql.sql("db.t", Selection(HOUR), Cut(9), apps=APPS[:1]))) == 1


@pytest.mark.parametrize("text", ["", "x" * 1001, "a\x00b", "\ud800"])
def test_a_text_that_no_line_has_is_refused(text: str) -> None:
    with pytest.raises(RunbookError):
        TextFilter(text)
