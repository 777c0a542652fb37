"""`python -m receiver.flusher` flushes what is due, once, for a stack whose flusher is gone."""

import json
import time
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from contract.logplex.batch import Batch
from receiver.aws import Buffer, LogBucket
from receiver.deadline import Deadline
from receiver.flusher.__main__ import main
from receiver.intake import Intake
from tests.support.fakes import APP
from tests.support.logplex_frames import body, message

BUCKET, TABLE = "archive", "buffer"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LOG_BUCKET": BUCKET,
        "LOG_APPS": APP,
        "BUFFER_TABLE": TABLE,
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        boto3.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        # Of an hour ago, so that its slot is over.
        batch = Batch(APP, "f", time.time_ns() // 1_000_000 - 3_600_000, body(message(b"no valid time\n")))
        Intake(Buffer(TABLE), LogBucket(BUCKET), 5).keep(batch, Deadline(60))
        yield


def summary(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    told: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return told


def test_it_flushes_what_is_due_and_says_when_nothing_is_left(aws: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    told = summary(capsys)
    # The slot of the table's birth may be due, too, if it has just ended.
    assert told.pop("slots") in (1, 2)
    assert told == {"behindSeconds": 0, "failures": {}}
    assert boto3.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1
    assert main() == 0
    assert summary(capsys)["slots"] == 0


def test_it_says_what_it_could_not_flush(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_BUCKET", "no-such-bucket")
    assert main() == 1
    assert "NoSuchBucket" in str(summary(capsys)["failures"])


def test_it_names_what_is_not_set(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("LOG_BUCKET", "LOG_APPS", "BUFFER_TABLE"):
        monkeypatch.delenv(name, raising=False)
    assert main() == 2
    assert "LOG_BUCKET, LOG_APPS, BUFFER_TABLE" in capsys.readouterr().err
