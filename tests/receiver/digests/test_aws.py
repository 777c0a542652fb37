"""The digester's AWS calls do what digest.py says, on moto's S3."""

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from contract.digests import Digest
from receiver.digests import handler
from receiver.digests.aws import Bucket
from receiver.digests.digest import make
from receiver.put_object import PutOptions
from receiver.settings import MissingSetting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

BUCKET, OWNER = "a-bucket", "123456789012"
WRITER = PutOptions(OWNER)
DAY = "logs/raxx-api-prod/2026/11/24/"


@pytest.fixture
def s3() -> "Iterator[S3Client]":
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


def test_the_objects_of_a_day_are_listed_with_what_s3_keeps(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{DAY}new.gz", Body=b"new", **WRITER.of(b"new", 3))
    s3.put_object(Bucket=BUCKET, Key=f"{DAY}old.gz", Body=b"of before")
    s3.put_object(Bucket=BUCKET, Key="logs/raxx-api-prod/2026/11/25/other.gz", Body=b"x")
    bucket = Bucket(BUCKET, WRITER)
    assert bucket.folders("logs/") == ["logs/raxx-api-prod/"]
    new, old = bucket.objects([DAY])
    assert (new.key, new.size, new.has_sha256) == (f"{DAY}new.gz", 3, True)
    assert (old.key, old.size, old.has_sha256) == (f"{DAY}old.gz", 9, False)
    heads = bucket.heads([new.key, old.key, f"{DAY}gone.gz"])
    assert heads[new.key] == (new.etag, hashlib.sha256(b"new").hexdigest(), 3)
    assert heads[old.key] == (old.etag, None, None)
    assert heads[f"{DAY}gone.gz"] is None


def test_a_digest_is_written_where_there_is_none(s3: "S3Client") -> None:
    bucket, key = Bucket(BUCKET, WRITER), "digests/2026/11/24/00000001.json.gz"
    assert bucket.create(key, b"first")
    assert not bucket.create(key, b"second")
    assert bucket.read(key) == b"first"
    assert list(bucket.keys_after("digests/", "")) == [key]
    assert list(bucket.keys_after("digests/", "digests/2026/11/25/")) == []


def test_trouble_ends_the_run(s3: "S3Client") -> None:
    bucket = Bucket("another-bucket", WRITER)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        bucket.create("digests/k", b"")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        list(bucket.keys_after("digests/", ""))


def test_every_call_names_the_account(s3: "S3Client") -> None:
    """If the bucket is gone, somebody else can create one of its name. S3 refuses to call that one; moto does not."""
    s3.put_object(Bucket=BUCKET, Key=f"{DAY}new.gz", Body=b"new", **WRITER.of(b"new", 3))
    session, owners = boto3.Session(), []
    session.events.register(
        "provide-client-params.s3", lambda params, **_: owners.append(params.get("ExpectedBucketOwner"))
    )
    bucket = Bucket(BUCKET, WRITER, client=session.client("s3"))
    make(bucket, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    make(bucket, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    assert len(owners) >= 8
    assert set(owners) == {OWNER}


def test_lambda_makes_a_digest_and_logs_it(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_BUCKET", BUCKET)
    monkeypatch.setenv("BUCKET_OWNER", OWNER)
    s3.put_object(Bucket=BUCKET, Key=f"{DAY}new.gz", Body=b"new", **WRITER.of(b"new", 3))
    handler.bucket.cache_clear()
    made = handler.handler({}, None)
    assert (made["number"], made["objects"], made["lines"]) == (0, 1, 3)
    assert made["sha256"] in capsys.readouterr().out
    data = s3.get_object(Bucket=BUCKET, Key=made["key"])["Body"].read()
    assert Digest.decode(data).entries[0].key == f"{DAY}new.gz"
    handler.bucket.cache_clear()


def test_a_digester_without_a_bucket_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOG_BUCKET", raising=False)
    with pytest.raises(MissingSetting, match="LOG_BUCKET"):
        handler.make_bucket()


def test_a_run_on_s3_makes_a_chain(s3: "S3Client") -> None:
    bucket = Bucket(BUCKET, WRITER)
    first = make(bucket, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    second = make(bucket, lambda: datetime(2026, 11, 24, 1, tzinfo=UTC))
    assert second.previous_sha256 == first.sha256
