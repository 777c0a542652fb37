"""All writers write objects in one way: checked, once, into the right account, and locked if the stack says so."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from contract.object_keys import ObjectKey
from receiver.aws import LogBucket
from receiver.deadline import Deadline
from receiver.flusher.aws import Archive
from receiver.put_object import PutOptions
from receiver.stored_object import StoredObject
from tests.support.logplex_frames import NOON_MS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OBJECT = StoredObject(ObjectKey("raxx-api-prod", NOON_MS, UUID(int=1)), b"\x1f\x8b data", 3)
BUCKET, OWNER = "a-bucket", "123456789012"


def of_flusher(options: PutOptions) -> None:
    Archive(BUCKET, options=options).put([OBJECT])


def of_receiver(options: PutOptions) -> None:
    LogBucket(BUCKET, options=options).put([OBJECT], Deadline(20))


def test_s3_checks_and_keeps_the_sha256() -> None:
    given = PutOptions().of(b"bytes", 3)
    assert base64.b64decode(given["ChecksumSHA256"]) == hashlib.sha256(b"bytes").digest()
    assert given["Metadata"] == {"lines": "3"}
    assert given["IfNoneMatch"] == "*"


def test_without_a_lock_nothing_is_said_of_one() -> None:
    """S3 refuses a retention in a bucket without Object Lock."""
    assert not any(name.startswith("ObjectLock") for name in PutOptions(OWNER).of(b""))


def test_an_object_is_locked_from_when_it_is_written() -> None:
    """In governance mode: whoever may bypass it can delete what must not be kept, such as personal data."""
    given = PutOptions(lock_days=30, clock=lambda: NOW).of(b"")
    assert given["ObjectLockMode"] == "GOVERNANCE"
    assert given["ObjectLockRetainUntilDate"] == NOW + timedelta(days=30)


@pytest.mark.parametrize("write", [of_flusher, of_receiver])
@mock_aws
def test_each_writer_notes_lines_and_sha256(write: Callable[[PutOptions], None]) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    write(PutOptions(OWNER))
    head = s3.head_object(Bucket=BUCKET, Key=str(OBJECT.key), ChecksumMode="ENABLED")
    assert head["Metadata"] == {"lines": "3"}
    assert base64.b64decode(head["ChecksumSHA256"]) == hashlib.sha256(OBJECT.data).digest()


@pytest.mark.parametrize("write", [of_flusher, of_receiver])
@mock_aws
def test_each_writer_locks_what_it_writes(write: Callable[[PutOptions], None]) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    write(PutOptions(OWNER, 30))
    head = s3.head_object(Bucket=BUCKET, Key=str(OBJECT.key))
    assert head["ObjectLockMode"] == "GOVERNANCE"
    version = head["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=BUCKET, Key=str(OBJECT.key), VersionId=version)
