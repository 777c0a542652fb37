"""What a query reads is its window's partitions: by the plan of Trino, over the whole range of the projection."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest

from contract import router_view
from contract.object_keys import PROJECTED_YEARS, partition
from contract.saved_queries import SavedQuery
from contract.window import Window
from local.trino.query import at_clock
from tests.trino.cases import CLOCKS, each_clock, each_query, window
from tests.trino.world import World

NOW = CLOCKS["day-behind-new-year"]


def partitions(apps: Iterable[str], first: date, last: date) -> set[str]:
    """The app-days between two days, both included, as Trino names them."""
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    return {"/".join(f"{key}={value}" for key, value in partition(app, day).items()) for app in apps for day in days}


def test_the_projection_has_every_day_of_every_app_and_year(world: World) -> None:
    [[count]] = world.ask(f'SELECT count(*) FROM {world.database}."{world.table}$partitions"').values
    assert count == len(world.apps) * len(PROJECTED_YEARS) * 12 * 31


@each_clock
@each_query
def test_a_saved_query_reads_the_app_days_of_its_window_alone(world: World, query: SavedQuery, now: datetime) -> None:
    read = world.answer(query, now).partitions
    assert read == partitions(world.apps, (now - window(query)).date(), now.date())


@each_query
def test_an_app_and_a_window_that_are_filled_in_limit_what_is_read(world: World, query: SavedQuery) -> None:
    app = world.apps[1]
    span = Window(datetime(2026, 12, 30, 22, tzinfo=UTC), datetime(2027, 1, 1, 3, tzinfo=UTC))
    asked = world.filled_in(query, NOW).with_parameters(apps=(app,), window=span)
    assert world.ask(asked.sql).partitions == partitions([app], date(2026, 12, 30), date(2027, 1, 1))


def test_lists_of_years_months_and_days_limit_what_is_read_by_themselves(world: World) -> None:
    """These alone are what Athena is known to push down; across a month's end they admit more days."""
    answer = world.ask(
        f"SELECT count(*) FROM {world.database}.{world.table} "
        "WHERE year IN ('2026', '2027') AND month IN ('12', '01') AND day IN ('31', '01')"
    )
    days = [date(year, month, day) for year in (2026, 2027) for month in (12, 1) for day in (31, 1)]
    assert answer.partitions == set().union(*(partitions(world.apps, day, day) for day in days))


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("app = 'raxx-api-prod' AND year = '2027' AND month = '01' AND day = '01'", id="keys"),
        pytest.param(
            "app = 'raxx-api-prod' AND year = date_format(now(), '%Y') AND month = date_format(now(), '%m')"
            " AND concat(year, '-', month, '-', day) = '2027-01-01'",
            id="a-comparison-of-all-three",
        ),
    ],
)
def test_what_is_asked_of_the_view_limits_what_is_read(world: World, condition: str) -> None:
    sql = f"SELECT count(*) FROM {world.database}.{router_view.NAME} WHERE {condition} AND now() IS NOT NULL"
    answer = world.ask(at_clock(sql, NOW))
    assert answer.partitions == partitions(["raxx-api-prod"], date(2027, 1, 1), date(2027, 1, 1))
    requests = [line for line in world.lines if line.app == "raxx-api-prod" and line.time.date() == date(2027, 1, 1)]
    assert answer.read_rows == len(requests)
