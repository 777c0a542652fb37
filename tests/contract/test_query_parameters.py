"""Saved queries with other values: only values get into the SQL, and the window written out is the window asked for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from contract.object_keys import PROJECTED_YEARS, partition
from contract.saved_queries import SavedQuery, saved_queries
from contract.window import LONGEST, Window
from tests.support.sql_conditions import chosen, conditions, parsed, partition_conditions

QUERIES = saved_queries()
BY_NAME = {query.name: query for query in QUERIES}
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = Window.last(timedelta(hours=1), NOON)
REQUEST_ID = "9b6dbfcc-7bb8-4dd5-a0e3-5ed4b2e0c9a1"
MILLISECOND = timedelta(milliseconds=1)

each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    zone = timezone(timedelta(minutes=draw(st.integers(-14 * 60, 14 * 60))))
    first, last = datetime(PROJECTED_YEARS[0], 1, 2), datetime(PROJECTED_YEARS[-1], 12, 30)  # noqa: DTZ001  the zone comes
    until = draw(st.datetimes(first, last, timezones=st.just(zone)))
    longest = draw(st.sampled_from([timedelta(minutes=1), timedelta(days=1), timedelta(days=40), LONGEST]))
    return Window(until - draw(st.timedeltas(timedelta(microseconds=1), longest)), until)


def in_window(query: SavedQuery) -> Callable[[datetime], bool]:
    """Read the comparison of the lines' own time: does it hold for a moment, as Trino reads that in a line?"""
    [between] = (each for each in conditions(query) if isinstance(each, exp.Between) and each.find(exp.Try))
    low, high = (datetime.fromisoformat(between.args[end].find(exp.Literal).name) for end in ("low", "high"))
    return lambda moment: low <= moment.replace(microsecond=moment.microsecond // 1000 * 1000) <= high


# ---------------------------------------------------------------- windows


@given(windows(), st.integers(-40, 40))
def test_the_predicates_admit_exactly_the_days_of_the_window(window: Window, beyond: int) -> None:
    """Never a day less, whatever months and years it spans."""
    query = BY_NAME["around"].with_parameters(window=window)
    wanted = list(partition_conditions(query))
    first, last = (moment.astimezone(UTC).date() for moment in (window.since, window.until))
    days = {first + timedelta(number) for number in range((last - first).days + 1)}
    around = days | {first - timedelta(abs(beyond)), last + timedelta(abs(beyond))}
    admitted = {day for day in around if all(chosen(condition, partition("an-app", day)) for condition in wanted)}
    assert admitted == days == set(window.days)


@given(windows())
def test_the_lists_name_no_value_that_is_in_no_day_of_the_window(window: Window) -> None:
    """They are all that Athena is known to push down, so they are as short as they can be."""
    for condition in partition_conditions(BY_NAME["around"].with_parameters(window=window)):
        if isinstance(condition, exp.In):
            values = [value.name for value in condition.expressions]
            assert values == sorted({partition("", day)[condition.this.name] for day in window.days})


@given(windows(), st.floats(0, 1))
def test_every_moment_of_the_window_is_inside_to_the_millisecond(window: Window, share: float) -> None:
    query = BY_NAME["around"].with_parameters(window=window)
    inside = in_window(query)
    since, until = window.since.astimezone(UTC), window.until.astimezone(UTC)
    assert inside(since)
    assert inside(until)
    assert inside(since + (until - since) * share)
    assert not inside(since - MILLISECOND)
    assert not inside(until + MILLISECOND)


@each_query
def test_each_query_takes_a_window_and_says_so(query: SavedQuery) -> None:
    asked = query.with_parameters(window=HOUR)
    assert asked.window == "2026-11-24T11:00:00.000Z to 2026-11-24T12:00:00.000Z"
    assert f"-- window: {asked.window}\n" in asked.sql
    assert "now()" not in asked.sql
    assert in_window(asked)(NOON)
    assert [str(condition) for condition in conditions(asked)[5:]] == [
        str(condition) for condition in conditions(query)[5:]
    ]


def test_a_window_is_between_two_moments_up_to_one_or_around_one() -> None:
    assert Window.last(timedelta(days=2), NOON) == Window(NOON - timedelta(days=2), NOON)
    assert Window.around(NOON, 5) == Window(NOON - timedelta(minutes=5), NOON + timedelta(minutes=5))
    zone = timezone(timedelta(hours=2))
    assert str(Window(NOON.astimezone(zone), NOON + LONGEST)) == str(Window(NOON, NOON + LONGEST))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: Window(NOON.replace(tzinfo=None), NOON), "times with a time zone", id="naive"),
        pytest.param(lambda: Window(NOON, NOON), "must end after it begins", id="empty"),
        pytest.param(lambda: Window(NOON, NOON - MILLISECOND), "must end after it begins", id="backwards"),
        pytest.param(lambda: Window(NOON, NOON + LONGEST + MILLISECOND), "at most 366 days", id="too long"),
        pytest.param(lambda: Window.last(LONGEST + MILLISECOND, NOON), "at most 366 days", id="too long before"),
        pytest.param(lambda: Window.last(timedelta(0), NOON), "must end after it begins", id="no span"),
        pytest.param(
            lambda: Window.last(timedelta(days=2), datetime(2025, 12, 31, tzinfo=UTC)),
            "the years 2026 to 2040",
            id="before the table's years",
        ),
        pytest.param(
            lambda: Window.around(datetime(2041, 1, 2, tzinfo=UTC), 5),
            "the years 2026 to 2040",
            id="after the table's years",
        ),
        pytest.param(lambda: Window.around(NOON, 0), "a number from 1 to 1440", id="no minutes"),
        pytest.param(lambda: Window.around(NOON, 1441), "a number from 1 to 1440", id="too many minutes"),
    ],
)
def test_a_window_that_is_none_is_a_clear_error(make: Callable[[], Window], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# ---------------------------------------------------------------- values


@each_query
def test_without_values_a_query_stays_as_its_file_has_it(query: SavedQuery) -> None:
    assert query.with_parameters() == query


@each_query
def test_the_last_value_given_counts(query: SavedQuery) -> None:
    once = query.with_parameters(apps=("other-app",), window=HOUR)
    twice = query.with_parameters(apps=("some-app",)).with_parameters(window=Window.around(NOON, 5))
    assert twice.with_parameters(apps=("other-app",), window=HOUR) == once


@each_query
def test_an_app_limits_the_partitions_and_changes_nothing_else(query: SavedQuery) -> None:
    asked = query.with_parameters(apps=("raxx-api-prod",))
    added = [each for each in conditions(asked) if each not in conditions(query)]
    assert [each.sql("trino", comments=False) for each in added] == ["app IN ('raxx-api-prod')"]
    assert asked.sql.replace("AND app IN ('raxx-api-prod')", "").split() == query.sql.split()


@each_query
def test_a_limit_replaces_the_querys_own(query: SavedQuery) -> None:
    if "limit" in query.parameters:
        [limit] = parsed(query.with_parameters(limit=7)).find_all(exp.Limit)
        assert limit.expression.name == "7"
        assert query.with_parameters(limit=7).limit == 7
    else:
        with pytest.raises(ValueError, match=f"{query.name} has no parameter limit: it has "):
            query.with_parameters(limit=7)


@each_query
def test_one_row_more_than_the_limit_shows_whether_there_are_more(query: SavedQuery) -> None:
    limits = list(parsed(query.with_one_row_more()).find_all(exp.Limit))
    assert [int(limit.expression.name) for limit in limits] == [
        query.limit + 1 if query.limit else None for _ in limits
    ]
    assert len(limits) == ("limit" in query.parameters)
    assert query.with_one_row_more().limit == query.limit


def test_lines_are_near_to_a_moment_or_else_to_the_end_of_the_window() -> None:
    around = BY_NAME["around"]
    assert (
        "SELECT from_iso8601_timestamp('2026-11-24T11:59:00.000Z') AS moment"
        in around.with_parameters(window=HOUR, moment=NOON - timedelta(minutes=1)).sql
    )
    assert (
        "SELECT from_iso8601_timestamp('2026-11-24T12:00:00.000Z') AS moment" in around.with_parameters(window=HOUR).sql
    )


@pytest.mark.parametrize(("every", "column"), [("1m", "minute_utc"), ("5m", "minute_utc"), ("1h", "hour_utc")])
def test_errors_are_counted_by_an_interval(every: str, column: str) -> None:
    asked = BY_NAME["errors-by-surface"].with_parameters(every=every)
    assert asked.columns == ("app", column, "request_count", "error_count", "error_rate")
    assert tuple(parsed(asked).named_selects) == asked.columns
    assert f"-- columns: {', '.join(asked.columns)}\n" in asked.sql


def test_an_interval_is_one_of_three() -> None:
    with pytest.raises(ValueError, match=r"invalid interval '2m': write 1m, 5m, 1h"):
        BY_NAME["errors-by-surface"].with_parameters(every="2m")


def test_only_the_query_request_takes_a_request_id() -> None:
    assert [query.name for query in QUERIES if "request_id" in query.parameters] == ["request"]
    asked = BY_NAME["request"].with_parameters(request_id=REQUEST_ID).sql
    assert f"SELECT '{REQUEST_ID}' AS id" in asked
    assert "0000" not in asked
    with pytest.raises(ValueError, match="around has no parameter request_id: it has moment, window, app, limit"):
        BY_NAME["around"].with_parameters(request_id=REQUEST_ID)


def test_trusted_hops_are_a_small_number() -> None:
    asked = BY_NAME["security-by-ip"].with_parameters(trusted_hops=2)
    assert "SELECT 2 AS trusted" in asked.sql
    assert "SELECT 0 AS trusted" not in asked.sql
    for hops in (-1, 10):
        with pytest.raises(ValueError, match=f"invalid number of trusted hops {hops}: write a number from 0 to 9"):
            BY_NAME["security-by-ip"].with_parameters(trusted_hops=hops)


def test_long_lived_requests_are_selected_in_place_of_the_others() -> None:
    of_long, of_short = ("AND long_lived", "AND NOT long_lived")
    assert of_short in BY_NAME["slow-endpoints"].sql
    asked = BY_NAME["slow-endpoints"].with_parameters(long_lived=True).sql
    assert of_long in asked
    assert of_short not in asked
    with pytest.raises(ValueError, match="around has no parameter long_lived"):
        BY_NAME["around"].with_parameters(long_lived=True)


@pytest.mark.parametrize(
    "request_id", ["a" * 20, "a" * 200, "AbC/+=-0123456789-abc", "f9ed4675f1c53513c61a3b3b4e25b4c0"]
)
def test_a_request_id_is_what_the_router_takes_from_a_client(request_id: str) -> None:
    """Heroku Dev Center, "HTTP Request IDs"."""
    tree = parsed(BY_NAME["request"].with_parameters(request_id=request_id))
    assert request_id in {literal.name for literal in tree.find_all(exp.Literal)}


ATTACKS = [
    "",
    "x' OR '1' = '1",
    "raxx-api-prod' --",
    "raxx-api-prod'; DROP TABLE syslog",
    "raxx-api-prod\n",
    "raxx-api-prod\n-- </app>",
    "raxx\\'api",
    "RAXX-API",
    "räxx-api-prod",
    "raxx-api-prod٣",
    "a" * 201,
    "' || (SELECT max(message) FROM syslog) || '",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_invalid_app_name_does_not_get_into_the_sql(attack: str) -> None:
    with pytest.raises(ValueError, match=r"invalid app .*: write 3 to 30 of"):
        BY_NAME["around"].with_parameters(apps=(attack,))


@pytest.mark.parametrize("attack", [*ATTACKS, f"{REQUEST_ID}'", f"{REQUEST_ID}\n", f"{REQUEST_ID} ", "a" * 19])
def test_an_invalid_request_id_does_not_get_into_the_sql(attack: str) -> None:
    with pytest.raises(ValueError, match=r"invalid request id .*: write 20 to 200"):
        BY_NAME["request"].with_parameters(request_id=attack)


@pytest.mark.parametrize("attack", [0, -1, 100_001])
def test_an_invalid_limit_does_not_get_into_the_sql(attack: int) -> None:
    with pytest.raises(ValueError, match=r"invalid limit .*: write a number from 1 to 100000"):
        BY_NAME["around"].with_parameters(limit=attack)


@given(st.text(), st.text())
def test_no_text_changes_what_a_query_is(app: str, request_id: str) -> None:
    """It is refused, or it is one string in the same statement."""
    query = BY_NAME["request"]
    try:
        asked = query.with_parameters(apps=(app,), request_id=request_id)
    except ValueError:
        return
    statement: Any
    [statement] = sqlglot.parse(asked.sql, read="trino")
    assert {literal.name for literal in statement.find_all(exp.Literal)} >= {app, request_id}
