"""One Trino, and the stack that it reads, for all tests of a run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stack import LocalStack, Options
from local.traffic import week
from local.trino.catalog import lend_owner, properties
from local.trino.server import Trino
from tests.trino.cases import CLOCKS
from tests.trino.world import World

# Each is the end of a week's traffic.
_WEEKS = (
    datetime(2026, 10, 14, 15, 30, 12, 345_000, tzinfo=UTC),
    datetime(2026, 12, 1, 0, 0, 30, tzinfo=UTC),
    datetime(2027, 1, 2, 9, 15, tzinfo=UTC),
    datetime(2028, 3, 1, 12, tzinfo=UTC),
)
_LINES_PER_WEEK = 2500
_SINCE_CANARY = timedelta(seconds=40)

# Makes a world with a bucket and a database of its own, by the database's name.
NewWorld = Callable[[str], World]


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    with LocalStack(Options()) as running:
        yield running


@pytest.fixture(scope="session")
def trino(stack: LocalStack) -> Iterator[Trino]:
    lend_owner(stack.client("glue"), stack.settings.database_name)
    with Trino(properties(stack.aws_url, stack.settings.region), brief=True) as running:
        yield running


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest, stack: LocalStack, trino: Trino) -> Iterator[World]:
    """The registered table over some weeks of traffic, and already asked what the chosen tests are about."""
    with closing(World(stack, trino)) as world:
        for seed, until in enumerate(_WEEKS):
            world.store(week.generate(world.apps, until, _LINES_PER_WEEK, seed))
        # Within the window of every query.
        for now in CLOCKS.values():
            world.send_canaries(now - _SINCE_CANARY)
        for item in request.session.items:
            asked: dict[str, Any] = (
                item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
            )
            if {"query", "now"} <= asked.keys():
                world.begin(asked["query"], asked["now"])
        yield world


@pytest.fixture(scope="session")
def new_world(stack: LocalStack, trino: Trino) -> Iterator[NewWorld]:
    with ExitStack() as worlds:
        yield lambda database: worlds.enter_context(closing(World(stack, trino, database)))
