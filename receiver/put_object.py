"""The arguments of PutObject that all writers have in common."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

# The metadata in which a writer notes the number of an object's lines.
LINES = "lines"
# S3's code, with 412, when there is an object of this key ("How to prevent object overwrites with conditional writes").
# While another write of it is in progress, S3 answers 409: the next try finds out.
ALREADY_STORED = "PreconditionFailed"


def _now() -> datetime:
    return datetime.now(UTC)


class PutOptions:
    """How objects are written: only into a bucket of the account `owner`, if given, and locked for `lock_days`."""

    def __init__(self, owner: str = "", lock_days: int = 0, clock: Callable[[], datetime] = _now) -> None:
        self._lock_days, self._clock = lock_days, clock
        self.owner: dict[str, Any] = {"ExpectedBucketOwner": owner} if owner else {}

    def of(self, data: bytes, lines: int | None = None) -> dict[str, Any]:
        """Give the arguments for gzip bytes: S3 checks their SHA-256, keeps it, and refuses to overwrite an object.

        Sources: S3 user guide, "Checking object integrity in Amazon S3", "How to prevent object overwrites with
        conditional writes" and "Uploading objects to an Object Lock enabled bucket".
        """
        metadata: dict[str, Any] = {} if lines is None else {"Metadata": {LINES: str(lines)}}
        return {
            "ContentType": "application/gzip",
            # A request that locks an object needs this one too ("PutObject", ChecksumAlgorithm).
            "ChecksumAlgorithm": "SHA256",
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
            "IfNoneMatch": "*",
            **metadata,
            **self.owner,
            **self._retention(),
        }

    def _retention(self) -> dict[str, Any]:
        # Whoever has s3:BypassGovernanceRetention can still delete it.
        if not self._lock_days:
            return {}
        until = self._clock() + timedelta(days=self._lock_days)
        return {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
