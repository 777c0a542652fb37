"""Lists of objects: what S3 is asked, how far it is read, and how an interrupted list ends."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from runbook.clients import s3_objects

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class FakeS3:
    """A list of three pages with one object each; `asked` are the arguments, `read` is the number of pages read."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.read = 0

    def get_paginator(self, name: str) -> "FakeS3":
        assert name == "list_objects_v2"
        return self

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(arguments)
        for number in range(3):
            self.read += 1
            found = {"Key": f"{arguments['Prefix']}{number}", "Size": number, "LastModified": NOW}
            yield {"Contents": [found], "IsTruncated": number < 2}


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, {}),
        ({"restores": True}, {"OptionalObjectAttributes": ["RestoreStatus"]}),
        ({"folders": True}, {"Delimiter": "/"}),
        ({"start_after": "logs/x"}, {"StartAfter": "logs/x"}),
    ],
)
def test_s3_is_asked_for_what_is_needed_and_no_more(options: Any, asked: dict[str, Any]) -> None:
    fake = FakeS3()
    pages = list(s3_objects.pages(fake, "b", "logs/", **options))  # type: ignore[arg-type]
    assert fake.asked == [{"Bucket": "b", "Prefix": "logs/", **asked}]
    assert [page.more for page in pages] == [True, True, False]


def test_a_list_is_read_only_as_far_as_needed() -> None:
    fake = FakeS3()
    assert next(s3_objects.objects(fake, "b", "logs/")).key == "logs/0"  # type: ignore[arg-type]
    assert fake.read == 1


def test_results_come_in_the_order_of_the_prefixes() -> None:
    later = threading.Event()

    def ask(prefix: str) -> str:
        if prefix == "first":
            assert later.wait(timeout=10)
        later.set()
        return prefix

    with s3_objects.list_pool() as pool:
        assert list(pool.map(ask, ["first", "second"])) == ["first", "second"]


def test_an_interrupted_list_asks_for_nothing_more() -> None:
    """Ctrl-C does not wait for lists that run, and begins no others."""
    asked: list[str] = []
    interrupted = threading.Event()

    def ask(prefix: str) -> None:
        asked.append(prefix)
        interrupted.wait(timeout=10)

    def prefixes() -> Iterator[str]:
        yield from map(str, range(100))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), s3_objects.list_pool() as pool:
        pool.map(ask, prefixes())
    interrupted.set()
    pool.shutdown()
    assert len(asked) <= 16
