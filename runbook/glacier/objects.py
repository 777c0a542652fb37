"""What of the archive lies in Glacier, and which of it is restored: asked of S3 by lists alone.

A list tells it of a thousand objects at once, and needs s3:ListBucket and no more (S3 API reference, "ListObjectsV2",
OptionalObjectAttributes); HeadObject would be a request an object.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from runbook.terminal import printing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ObjectTypeDef

# The one class that contract/lifecycle.py moves logs to, S3 Glacier Flexible Retrieval. A restored object stays in it.
_GLACIER = "GLACIER"
_LISTERS = 16


class State(StrEnum):
    """What an object is to a query: it reads those that are not archived, and those that are ready."""

    NOT_ARCHIVED = "not archived"
    READY = "ready"
    IN_PROGRESS = "in progress"
    ARCHIVED = "archived"


READABLE = frozenset({State.NOT_ARCHIVED, State.READY})


class Stored(NamedTuple):
    """An object as a list shows it, `size` in bytes; `until` is when S3 takes the copy of a ready one away again."""

    key: str
    size: int
    state: State
    until: datetime | None


@dataclass(frozen=True)
class Count:
    """Objects and their bytes; `until` is when the first of their copies goes, if they have copies."""

    objects: int = 0
    bytes: int = 0
    until: datetime | None = None

    def __add__(self, other: "Count") -> "Count":
        ends = [count.until for count in (self, other) if count.until is not None]
        return Count(self.objects + other.objects, self.bytes + other.bytes, min(ends, default=None))


@dataclass(frozen=True)
class Survey:
    """Objects counted by their states, and the `wanted` ones; `prefixes` are those under which these lie."""

    states: dict[State, Count] = field(default_factory=lambda: dict.fromkeys(State, Count()))
    wanted: Count = Count()
    prefixes: tuple[str, ...] = ()

    def __add__(self, other: "Survey") -> "Survey":
        states = {state: self.states[state] + other.states[state] for state in State}
        return Survey(states, self.wanted + other.wanted, self.prefixes + other.prefixes)


def pages(s3: "S3Client", bucket: str, prefix: str) -> "Iterator[ListObjectsV2OutputTypeDef]":
    """List the objects under a prefix, with what is restored of them, a page at a time as it is read."""
    paginator = s3.get_paginator("list_objects_v2")
    yield from paginator.paginate(Bucket=bucket, Prefix=prefix, OptionalObjectAttributes=["RestoreStatus"])


def state(found: "ObjectTypeDef") -> State:
    """Tell the state of a listed object (S3 API reference, "RestoreStatus": it is absent before any restore)."""
    if found.get("StorageClass") != _GLACIER:
        return State.NOT_ARCHIVED
    if (status := found.get("RestoreStatus")) is None:
        return State.ARCHIVED
    return State.IN_PROGRESS if status.get("IsRestoreInProgress") else State.READY


def stored(s3: "S3Client", bucket: str, prefixes: Iterable[str]) -> Iterator[Stored]:
    """List the objects under prefixes, as far as they are read."""
    for prefix in prefixes:
        for page in pages(s3, bucket, prefix):
            for found in page.get("Contents", []):
                until = found.get("RestoreStatus", {}).get("RestoreExpiryDate")
                yield Stored(found["Key"], found["Size"], state(found), until)


def survey(s3: "S3Client", bucket: str, prefixes: Iterable[str], wanted: Callable[[Stored], bool]) -> Survey:
    """Count what lies under prefixes."""
    total = Survey()
    pool = ThreadPoolExecutor(_LISTERS)
    try:
        for part in pool.map(lambda prefix: _survey(s3, bucket, prefix, wanted), prefixes):
            total += part
    finally:
        # Ctrl-C does not wait for what is still to be listed.
        pool.shutdown(wait=False, cancel_futures=True)
    return total


def _survey(s3: "S3Client", bucket: str, prefix: str, wanted: Callable[[Stored], bool]) -> Survey:
    states, chosen = dict.fromkeys(State, Count()), Count()
    for each in stored(s3, bucket, [prefix]):
        one = Count(1, each.size, each.until)
        states[each.state] += one
        if wanted(each):
            chosen += one
    return Survey(states, chosen, (prefix,) if chosen.objects else ())


def objects(count: int) -> str:
    """Write a number of objects."""
    return printing.counted(count, "object", "objects")
