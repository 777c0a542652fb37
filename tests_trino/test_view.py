"""The view on the engine that Athena is: its types, and the router's two ways of writing a line."""

from datetime import UTC, datetime

import pytest

from contract import view
from contract.keys import ObjectKey, batch_id
from contract.record import from_frame
from tests_trino.conftest import NewWorld
from tests_trino.world import World

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
HEADER = b"<158>1 2026-10-14T12:00:00.123456+00:00 host heroku router - "
QUOTED = (
    b'at=info method=GET path="/a?b=%20" host=a.example.com request_id=8601b555-6a83-4c12-8269-97c8e32cdb22 '
    b'fwd="192.0.2.7" dyno=web.1 connect=1ms service=18ms status=200 bytes=13 protocol=https'
)
BARE = (
    b"at=info method=GET path=/a host=a.example.com request_id=8601b555-6a83-4c12-8269-97c8e32cdb22 fwd=192.0.2.7 "
    b"dyno=web.1 connect=1ms service=18ms status=200 bytes=13 protocol=http1.1 tls=true tls_version=tls1.3"
)
NO_DYNO = (
    b'at=error code=H10 desc="App crashed" method=GET path="/" host=a.example.com request_id=x fwd="192.0.2.7" '
    b"dyno= connect= service= status=503 bytes= protocol=https"
)


@pytest.fixture(scope="module")
def world(new_world: NewWorld) -> World:
    world = new_world("view")
    app = world.apps[0]
    lines = b"".join(from_frame(HEADER + message).line + b"\n" for message in (QUOTED, BARE, NO_DYNO))
    world.put_lines(str(ObjectKey(app, round(NOW.timestamp() * 1000), batch_id(app, "view"))), lines)
    return world


def test_trino_reads_the_types_that_the_definition_promises(world: World) -> None:
    """Athena calls a view stale whose columns have other types than its definition."""
    found = world.ask(f"DESCRIBE {world.database}.{view.NAME}").values
    assert [(row[0], row[1]) for row in found] == [(name, column.trino_type) for name, column in view.COLUMNS.items()]


def test_both_ways_of_the_router_are_one_row_each_and_what_is_empty_is_null(world: World) -> None:
    answer = world.ask(
        f"SELECT code, path, fwd_ip, dyno, connect_ms + 0, service_ms + 0, status + 0, bytes + 0, time "
        f"FROM {world.database}.{view.NAME} WHERE year = '2026' AND month = '10' AND day = '14' ORDER BY path DESC"
    )
    time = "2026-10-14 12:00:00.123"
    assert answer.values == [
        [None, "/a?b=%20", "192.0.2.7", "web.1", "1", "18", "200", "13", time],
        [None, "/a", "192.0.2.7", "web.1", "1", "18", "200", "13", time],
        ["H10", "/", "192.0.2.7", None, None, None, "503", None, time],
    ]
