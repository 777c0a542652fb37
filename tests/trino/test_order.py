"""Rows come in one order, and limits cut rows and no counts, however the lines are spread over objects."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contract.saved_queries import SavedQuery
from local.traffic import week
from local.traffic.facts import Request
from local.traffic.lines import Line
from local.traffic.truth import differences
from tests.trino.cases import BY_NAME, each_query
from tests.trino.conftest import NewWorld
from tests.trino.world import World, exact

NOW = datetime(2026, 10, 14, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def layouts(new_world: NewWorld) -> tuple[World, World]:
    """The same lines in few large and in many small objects, many of them at the same moment."""
    few_large, many_small = new_world("few_large"), new_world("many_small")
    made = [_to_ten_minutes(line) for line in week.generate(few_large.apps, NOW, 1200)]
    made += [line for line in made if line.time > NOW - timedelta(hours=6)]
    made.sort(key=lambda line: line.time)
    few_large.store(made, 100_000)
    many_small.store(made, 30)
    return few_large, many_small


def _to_ten_minutes(line: Line) -> Line:
    return replace(line, time=line.time.replace(minute=line.time.minute // 10 * 10, second=0, microsecond=0))


@each_query
def test_ties_have_an_order(layouts: tuple[World, World], query: SavedQuery) -> None:
    few_large, many_small = layouts
    for world in layouts:
        assert not differences(world.answer(query, NOW).rows, world.expected(query, NOW))
    # Lines of one time come in their order within an object.
    if "log_ts" not in query.columns:
        assert not differences(many_small.answer(query, NOW).rows, exact(few_large.answer(query, NOW)))


@pytest.fixture(scope="module")
def attacked(new_world: NewWorld) -> World:
    """More refusals in one minute than security-events shows."""
    world = new_world("attacked")
    addresses = [f"198.51.100.{number}" for number in range(25)]
    world.store(
        [_refused(world.apps[0], number, addresses[number * number % len(addresses)]) for number in range(900)],
    )
    return world


def _refused(app: str, number: int, address: str) -> Line:
    request = Request(
        method="POST",
        path="/login",
        host="www.example.com",
        request_id=f"00000000-0000-4000-8000-{number:012}",
        fwd=(address,),
        dyno="web.1",
        connect_ms=1,
        service_ms=9,
        status=401,
        bytes=0,
        protocol="https",
    )
    time = NOW - timedelta(seconds=1000 - number)
    return Line(app, time, 158, "heroku", "router", f"{request}\n".encode(), request)


def test_a_limit_of_rows_does_not_limit_what_is_counted(attacked: World) -> None:
    events, by_ip = BY_NAME["security-events"], BY_NAME["security-by-ip"]
    assert len(attacked.answer(events, NOW).values) == 500
    counted = attacked.answer(by_ip, NOW)
    assert not differences(counted.rows, attacked.expected(by_ip, NOW))
    assert sum(int(str(row["hits"])) for row in counted.rows) > 500
