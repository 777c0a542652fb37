"""The digester's AWS calls, with boto3's retries. Each raises botocore's ClientError or BotoCoreError if it fails."""

import base64
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from receiver.digests.digest import Found, Head
from receiver.put_object import ALREADY_STORED, LINES, PutOptions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AT_ONCE = 16
# Lambda ends a run after some minutes, and the next one does all of it again.
CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=_AT_ONCE,
)
_GONE = {"404", "NoSuchKey"}


class Bucket:
    """The archive's bucket; digest.py says what the methods do."""

    def __init__(self, bucket: str, options: PutOptions, client: "S3Client | None" = None) -> None:
        self._bucket, self._options = bucket, options
        self._s3: S3Client = client or boto3.client("s3", config=CONFIG)

    def keys_after(self, prefix: str, after: str) -> Iterator[str]:
        """List, page by page."""
        pages = self._pages(Prefix=prefix, **({"StartAfter": after} if after else {}))
        return (found["Key"] for page in pages for found in page.get("Contents", []))

    def folders(self, prefix: str) -> list[str]:
        """List with a delimiter."""
        pages = self._pages(Prefix=prefix, Delimiter="/")
        return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]

    def objects(self, prefixes: Iterable[str]) -> Iterator[Found]:
        """List several prefixes side by side."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for listed in pool.map(self._objects, prefixes):
                yield from listed

    def heads(self, keys: Iterable[str]) -> dict[str, Head | None]:
        """Ask side by side."""
        wanted = list(keys)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(wanted, pool.map(self._head, wanted), strict=True))

    def read(self, key: str) -> bytes:
        """Get the object."""
        return self._s3.get_object(Bucket=self._bucket, Key=key, **self._options.owner)["Body"].read()

    def create(self, key: str, data: bytes) -> bool:
        """Put the object with If-None-Match."""
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=data, **self._options.of(data))
        except ClientError as error:
            if error.response["Error"]["Code"] != ALREADY_STORED:
                raise
            return False
        return True

    def _pages(self, **arguments: Any) -> Iterator[Any]:
        paginator: Any = self._s3.get_paginator("list_objects_v2")
        return iter(paginator.paginate(Bucket=self._bucket, **arguments, **self._options.owner))

    def _objects(self, prefix: str) -> list[Found]:
        return [
            Found(
                found["Key"],
                found["ETag"].strip('"'),
                found["Size"],
                found["LastModified"],
                "SHA256" in found.get("ChecksumAlgorithm", []),
            )
            for page in self._pages(Prefix=prefix)
            for found in page.get("Contents", [])
        ]

    def _head(self, key: str) -> Head | None:
        try:
            answer = self._s3.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED", **self._options.owner)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return None
        # They are headers, whose names have no case.
        metadata = {name.lower(): value for name, value in answer["Metadata"].items()}
        lines = metadata.get(LINES, "")
        return Head(
            answer["ETag"].strip('"'),
            base64.b64decode(answer["ChecksumSHA256"]).hex() if "ChecksumSHA256" in answer else None,
            int(lines) if lines.isdecimal() else None,
        )
