"""Lists of the archive's objects: where they are, how large, and whether a query can read them.

A list shows a thousand objects per request and needs only s3:ListBucket (S3 API reference, "ListObjectsV2",
OptionalObjectAttributes). HeadObject would take one request per object.
"""

import gzip
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

# The classes whose objects nobody can read until they are restored; a restored object stays in its class (S3 user
# guide, "Restoring an archived object"). contract/lifecycle.py moves logs only to S3 Glacier Flexible Retrieval.
# A list does not show that an object of INTELLIGENT_TIERING is in one of its archive tiers.
_DEEP_ARCHIVE = "DEEP_ARCHIVE"
_ARCHIVES = {"GLACIER", _DEEP_ARCHIVE}
_LISTERS = 16
_CHUNK_BYTES = 2**20


class State(StrEnum):
    """Whether a query can read an object: it reads what is not in Glacier, and restored copies that are ready."""

    NOT_IN_GLACIER = "not in Glacier"
    READY = "ready"
    IN_PROGRESS = "in progress"
    IN_GLACIER = "in Glacier"

    @property
    def readable(self) -> bool:
        """Whether Athena reads an object in this state."""
        return self in {State.NOT_IN_GLACIER, State.READY}


class StoredObject(NamedTuple):
    """An object as a list shows it: `size` in bytes; `until` is when S3 deletes the restored copy.

    `deep` says that it is in S3 Glacier Deep Archive, whose restores take longer and cost more.
    """

    key: str
    size: int
    modified: datetime
    state: State
    until: datetime | None
    deep: bool = False


class Page(NamedTuple):
    """One page of a list: objects, and with a delimiter the folders; `more` says whether another page follows."""

    objects: list[StoredObject]
    folders: list[str]
    more: bool


def pages(
    s3: "S3Client", bucket: str, prefix: str, *, start_after: str = "", folders: bool = False, restores: bool = False
) -> Iterator[Page]:
    """List what is under a prefix, in order of keys, only as far as the pages are read.

    With `folders`, objects deeper than the next `/` are shown as their folder. Without `restores` S3 does not say what
    is restored, and READY and IN_PROGRESS count as IN_GLACIER.
    """
    options: dict[str, Any] = {"Delimiter": "/"} if folders else {}
    if restores:
        options["OptionalObjectAttributes"] = ["RestoreStatus"]
    if start_after:
        options["StartAfter"] = start_after
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **options):
        yield Page(
            [_stored(found) for found in page.get("Contents", [])],
            [found["Prefix"] for found in page.get("CommonPrefixes", [])],
            page.get("IsTruncated", False),
        )


def objects(
    s3: "S3Client", bucket: str, prefix: str, *, start_after: str = "", restores: bool = False
) -> Iterator[StoredObject]:
    """List the objects under a prefix; see `pages`."""
    for page in pages(s3, bucket, prefix, start_after=start_after, restores=restores):
        yield from page.objects


@contextmanager
def list_pool() -> Iterator[ThreadPoolExecutor]:
    """Threads that list 16 prefixes at a time; `map` gives the results in order.

    Leaving the block, by Ctrl-C too, cancels what has not begun and does not wait for the rest.
    """
    pool = ThreadPoolExecutor(_LISTERS)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def state(found: "ObjectTypeDef") -> State:
    """Tell the state of a listed object (S3 API reference, "RestoreStatus": absent before the first restore)."""
    if found.get("StorageClass") not in _ARCHIVES:
        return State.NOT_IN_GLACIER
    if (status := found.get("RestoreStatus")) is None:
        return State.IN_GLACIER
    return State.IN_PROGRESS if status.get("IsRestoreInProgress") else State.READY


def gzip_fault(s3: "S3Client", bucket: str, key: str) -> str | None:
    """Read and decompress an object to its end; give what is wrong with it as gzip, None if nothing is."""
    with gzip.GzipFile(fileobj=s3.get_object(Bucket=bucket, Key=key)["Body"]) as file:
        try:
            while file.read(_CHUNK_BYTES):
                pass
        # Not OSError: botocore's time-outs are one too, and say nothing about the object.
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            return str(error)
    return None


def _stored(found: "ObjectTypeDef") -> StoredObject:
    until = found.get("RestoreStatus", {}).get("RestoreExpiryDate")
    deep = found.get("StorageClass") == _DEEP_ARCHIVE
    return StoredObject(found["Key"], found["Size"], found["LastModified"], state(found), until, deep)
