"""A batch that S3 does not take goes to the queue, and from there under the very keys that it would have had."""

import base64
import gzip
import json
import os
from typing import Any

import pytest

from contract.metrics import Metric
from contract.stored_line import Reason
from receiver import spill
from receiver.accepted_keys import AcceptedKeys
from receiver.aws import Unavailable
from receiver.handler import Budget, Receiver
from receiver.logplex.batch import Batch
from receiver.metrics import Point
from tests.support.fakes import (
    APP,
    FRAME_ID,
    KEY,
    FakeLogBucket,
    FakeParameter,
    FakeQueue,
    drain_event,
)
from tests.support.logplex_frames import NOON_MS, body, message

SLOW_DOWN = Unavailable("s3-SlowDown", "please")
POSTED = body(message(b"one\n"), message(b"two\n"))
EVENT = drain_event(POSTED)

BUDGET = Budget()


def receiver(bucket: FakeLogBucket, queue: FakeQueue, budget: Budget = BUDGET) -> Receiver:
    keys = AcceptedKeys(FakeParameter(json.dumps([KEY])).read)
    return Receiver(frozenset({APP}), keys, bucket, queue, budget=budget)


def sqs_event(*texts: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{number}", "body": text} for number, text in enumerate(texts)]}


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_what_s3_refuses_is_spilled_and_answered_200() -> None:
    queue = FakeQueue()
    assert receiver(FakeLogBucket(SLOW_DOWN), queue).receive(EVENT)["statusCode"] == 200
    assert spill.decode(queue.sent[0]).body == POSTED


def test_what_s3_takes_is_not_spilled() -> None:
    queue = FakeQueue()
    assert receiver(FakeLogBucket(), queue).receive(EVENT)["statusCode"] == 200
    assert queue.sent == []


def test_when_both_refuse_it_is_503() -> None:
    queue = FakeQueue(Unavailable("sqs-deadline", "no answer in time"))
    assert receiver(FakeLogBucket(SLOW_DOWN), queue).receive(EVENT)["statusCode"] == 503


def test_sqs_keeps_what_is_not_stored_and_only_that() -> None:
    """A message that is none of ours ends as a dead letter, not in nothing."""
    good = spill.encode(Batch(APP, "f", NOON_MS, POSTED))
    bucket = FakeLogBucket()
    assert failures(receiver(bucket, FakeQueue()).redrive(sqs_event(good, "no batch", good), 10)) == ["m1"]
    assert len(bucket.stored) == 1
    assert failures(receiver(FakeLogBucket(SLOW_DOWN), FakeQueue()).redrive(sqs_event(good, good), 10)) == ["m0", "m1"]


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(Batch(APP, "DA37BFA502AFA196A479F50990BA3E2C", NOON_MS, POSTED), id="ordinary"),
        pytest.param(Batch(APP, None, 0, b""), id="empty, without frame id"),
        pytest.param(Batch(APP, "é\udc80\n", NOON_MS, bytes(range(256))), id="any bytes"),
        pytest.param(Batch(APP, "f", NOON_MS, b"!", Reason.BAD_BASE64), id="bad-base64"),
        pytest.param(Batch(APP, "f", NOON_MS, b"!", Reason.BAD_GZIP), id="bad-gzip"),
        pytest.param(Batch(APP, "f", NOON_MS, POSTED, drain="d.x"), id="with its drain"),
    ],
)
def test_a_message_holds_all_that_makes_the_keys(batch: Batch) -> None:
    assert spill.decode(spill.encode(batch)) == batch


def test_a_message_is_what_its_contract_says() -> None:
    """JSON {v, app, frame_id, arrival_ms, body}, the body in base64 of gzip: others read it too."""
    told = json.loads(spill.encode(Batch(APP, "f", NOON_MS, POSTED)))
    assert {key: told[key] for key in ("v", "app", "frame_id", "arrival_ms")} == {
        "v": 1, "app": APP, "frame_id": "f", "arrival_ms": NOON_MS,
    }  # fmt: skip
    assert gzip.decompress(base64.b64decode(told["body"])) == POSTED


def test_what_does_not_fit_a_message_is_503_and_not_split(capsys: pytest.CaptureFixture[str]) -> None:
    """Parts would no longer write the keys of the whole."""
    import random

    noise = random.Random(1).randbytes(spill.MAX_BYTES)
    queue = FakeQueue()
    event = drain_event(noise)
    assert receiver(FakeLogBucket(SLOW_DOWN), queue).receive(event)["statusCode"] == 503
    assert queue.sent == []
    assert "spill-too-large" in capsys.readouterr().out
    spill.encode(Batch(APP, "f" * 32, NOON_MS, noise[:110_000]))


def test_what_does_not_fit_a_message_is_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    """By the answer's metric; the fault's line says which batch it was, and why."""
    points: list[Point] = []
    keys = AcceptedKeys(FakeParameter(json.dumps([KEY])).read)
    refusing = Receiver(frozenset({APP}), keys, FakeLogBucket(SLOW_DOWN), FakeQueue(), points.extend)
    refusing.receive(drain_event(os.urandom(spill.MAX_BYTES)))
    assert Point(Metric.REQUESTS, 1, "503") in points
    faults = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert faults[-1] == {"level": "ERROR", "reason": "spill-too-large", "app": APP, "frame_id": FRAME_ID}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"v": 2, "app": "a", "frame_id": null, "arrival_ms": 0, "body": ""}',
        '{"v": 1, "app": "a", "frame_id": null, "arrival_ms": 0, "body": "!"}',
        '{"v": 1, "app": "a", "frame_id": null, "arrival_ms": 0, "body": "AAAA"}',
    ],
)
def test_a_message_that_is_none_is_said_to_be_none(text: str) -> None:
    with pytest.raises(spill.InvalidMessage):
        spill.decode(text)


def test_a_batch_that_takes_too_long_to_read_is_spilled_and_answered_in_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Many frames of one byte: each is a line, and the lines are thirty times the body."""
    bucket, queue = FakeLogBucket(), FakeQueue()
    event = drain_event(b"1 x" * 20_000)
    assert receiver(bucket, queue, Budget(response=0.0, least=0.01)).receive(event)["statusCode"] == 200
    assert (bucket.stored, len(queue.sent)) == ({}, 1)
    assert '"reason": "objects-deadline"' in capsys.readouterr().out
    assert failures(receiver(bucket, queue).redrive(sqs_event(*queue.sent), 0.001)) == ["m0"]
    assert failures(receiver(bucket, queue).redrive(sqs_event(*queue.sent), 60)) == []
    [stored] = bucket.stored.values()
    assert gzip.decompress(stored).count(b"\n") == 20_000
