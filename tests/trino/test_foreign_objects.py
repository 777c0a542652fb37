"""What an object that the flusher did not write does to a query, as docs/design.md says it.

Nobody can put one under logs/ whose key is not of our form (contract/policies.py). These came before that, or by
somebody who changed it.
"""

import bz2
import gzip
from datetime import UTC, datetime

import pytest

from contract.object_keys import partition_prefix
from local.trino.query import QueryFailed
from runbook.clients.athena_values import Value
from tests.trino.conftest import NewWorld
from tests.trino.world import World

DAY = datetime(2026, 10, 14, tzinfo=UTC).date()
GOOD = b"<190>1 2026-10-14T12:00:00Z host app web.1 - - hi\n"
PACKED = gzip.compress(GOOD)


@pytest.fixture(scope="module")
def world(new_world: NewWorld) -> World:
    return new_world("foreign_objects")


def messages(world: World) -> list[Value]:
    """The messages of a day, beside a good object's."""
    app = world.apps[0]
    answer = world.ask(
        f"SELECT message FROM {world.database}.{world.table} WHERE app = '{app}' AND year = '{DAY:%Y}' "
        f"AND month = '{DAY:%m}' AND day = '{DAY:%d}' ORDER BY message"
    )
    return [message for [message] in answer.values]


def put(world: World, name: str, data: bytes) -> str:
    key = partition_prefix(world.apps[0], DAY) + name
    world.put(key, data)
    return key


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        pytest.param("x.gz", gzip.compress(GOOD * 999)[:-20], "HIVE_CURSOR_ERROR", id="cut-off"),
        pytest.param("x.gz", PACKED[:10], "HIVE_CANNOT_OPEN_SPLIT", id="a-gzip-header-alone"),
        pytest.param("x.gz", GOOD, "HIVE_CANNOT_OPEN_SPLIT", id="named-gz-and-no-gzip"),
    ],
)
def test_a_broken_gz_fails_the_query(world: World, name: str, data: bytes, error: str) -> None:
    key = put(world, name, data)
    try:
        with pytest.raises(QueryFailed) as failed:
            messages(world)
    finally:
        world.s3.delete_object(Bucket=world.bucket, Key=key)
    assert failed.value.name == error
    assert key in failed.value.message


@pytest.mark.parametrize(
    ("name", "data", "rows"),
    [
        pytest.param("x.txt", b"notes\n", ["notes"], id="text"),
        pytest.param("x", GOOD, ["hi"], id="lines-without-gzip"),
        pytest.param("below/x.gz", PACKED, ["hi"], id="in-a-folder-below"),
        pytest.param("x.gz", PACKED * 2, ["hi", "hi"], id="two-gzip-members"),
        pytest.param("x.gz", PACKED + b"garbage", ["hi"], id="garbage-behind"),
        pytest.param("x.bz2", bz2.compress(GOOD), ["hi"], id="bzip2"),
        pytest.param("x.gz", gzip.compress(GOOD[:-1]), ["hi"], id="no-last-line-end"),
        pytest.param("x.gz", gzip.compress(b"a\rb\n"), ["a", "b"], id="CR-is-a-line-end-to-hive"),
        pytest.param("x.gz", b"", [], id="empty"),
        pytest.param("", b"", [], id="folder-marker"),
        pytest.param("_x.gz", b"no gzip", [], id="hidden-by-an-underscore"),
        pytest.param(".x.gz", b"no gzip", [], id="hidden-by-a-dot"),
    ],
)
def test_another_object_is_read_for_what_it_is_or_not_at_all(
    world: World, name: str, data: bytes, rows: list[str]
) -> None:
    good, other = put(world, "good.gz", PACKED), put(world, name, data)
    found = messages(world)
    world.s3.delete_objects(Bucket=world.bucket, Delete={"Objects": [{"Key": good}, {"Key": other}]})
    assert found == sorted([*rows, "hi"])
