"""What `verify` asks S3: the digests, lists of logs, and the checksums that S3 keeps. No log is read or restored."""

import base64
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from contract import digests
from contract.digests import Entry
from contract.object_keys import DIGESTS_PREFIX, LOGS_PREFIX

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AT_ONCE = 16
_AHEAD = 64
_GONE = {"404", "NoSuchKey"}

Given = TypeVar("Given")
Result = TypeVar("Result")


def keys(s3: "S3Client", bucket: str, start_after: str = "") -> list[str]:
    """List the keys of digests, in their order: thousands, a thousand per request."""
    return [
        found["Key"]
        for found in _list(s3, bucket, DIGESTS_PREFIX, start_after)
        if digests.number_of(found["Key"]) is not None
    ]


def read(s3: "S3Client", bucket: str, key: str) -> bytes:
    """Read a digest."""
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def folders(s3: "S3Client", bucket: str) -> list[str]:
    """List the folders of apps, also of those that the stack no longer has."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=LOGS_PREFIX, Delimiter="/")
    return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]


def entries(s3: "S3Client", bucket: str, prefix: str) -> Iterator[Entry]:
    """List the objects under a prefix, as digests record them, without their SHA-256."""
    for found in _list(s3, bucket, prefix):
        yield Entry(found["Key"], found["ETag"].strip('"'), found["Size"], digests.text_of(found["LastModified"]))


def ask(s3: "S3Client", bucket: str, key: str) -> Entry | None:
    """Ask for what S3 keeps with an object, in Glacier too; None if it is gone."""
    from botocore.exceptions import ClientError

    try:
        answer = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
        return None
    checksum = answer.get("ChecksumSHA256")
    return Entry(
        key,
        answer["ETag"].strip('"'),
        answer["ContentLength"],
        digests.text_of(answer["LastModified"]),
        base64.b64decode(checksum).hex() if checksum else None,
    )


@contextmanager
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for requests. Leaving the block, by Ctrl-C too, cancels what has not begun."""
    threads = ThreadPoolExecutor(_AT_ONCE)
    try:
        yield threads
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def ahead(
    threads: ThreadPoolExecutor, function: Callable[[Given], Result], given: Iterable[Given]
) -> Iterator[tuple[Given, Result]]:
    """Call a function for each, some ahead of where the results are needed, and give the results in order."""
    under_way: deque[tuple[Given, Future[Result]]] = deque()
    for each in given:
        under_way.append((each, threads.submit(function, each)))
        if len(under_way) == _AHEAD:
            first, future = under_way.popleft()
            yield first, future.result()
    for first, future in under_way:
        yield first, future.result()


def _list(s3: "S3Client", bucket: str, prefix: str, start_after: str = "") -> Iterator[Any]:
    options = {"StartAfter": start_after} if start_after else {}
    paginator: Any = s3.get_paginator("list_objects_v2")
    for page in paginator.paginate(Bucket=bucket, Prefix=prefix, **options):
        yield from page.get("Contents", [])
