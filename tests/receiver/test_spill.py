"""A batch that the buffer does not take goes to the queue, whole: its slot follows from it, now and days later."""

import base64
import gzip
import json
import random

import pytest

from contract.buffer_table import batch_of
from contract.logplex.batch import Batch
from contract.stored_line import Reason
from receiver import spill
from receiver.aws import Unavailable
from receiver.deadline import Deadline
from receiver.flusher.drain import drain
from receiver.handler import Budget, Receiver
from receiver.intake import Intake
from tests.support.fakes import (
    APP,
    FRAME_ID,
    FakeBuffer,
    FakeLogBucket,
    FakeQueue,
    accepted_tokens,
    drain_event,
)
from tests.support.logplex_frames import NOON_MS, body, message

SLOW_DOWN = Unavailable("dynamodb-ThrottlingException", "please")
POSTED = body(message(b"one\n"), message(b"two\n"))
EVENT = drain_event(POSTED)

BUDGET = Budget()


def intake(buffer: FakeBuffer) -> Intake:
    return Intake(buffer, FakeLogBucket(), 5)


def receiver(buffer: FakeBuffer, queue: FakeQueue, budget: Budget = BUDGET) -> Receiver:
    return Receiver(accepted_tokens(), intake(buffer), queue, budget=budget)


def test_what_the_buffer_refuses_is_spilled_and_answered_200() -> None:
    queue = FakeQueue()
    assert receiver(FakeBuffer(SLOW_DOWN), queue).receive(EVENT)["statusCode"] == 200
    assert spill.decode(queue.sent[0]).body == POSTED


def test_what_the_buffer_takes_is_not_spilled() -> None:
    queue = FakeQueue()
    assert receiver(FakeBuffer(), queue).receive(EVENT)["statusCode"] == 200
    assert queue.sent == []


def test_when_both_refuse_it_is_503() -> None:
    queue = FakeQueue(Unavailable("sqs-deadline", "no answer in time"))
    assert receiver(FakeBuffer(SLOW_DOWN), queue).receive(EVENT)["statusCode"] == 503


def test_a_spilled_batch_comes_into_the_buffer_as_it_was() -> None:
    """With its drain and its count, which only the flusher looks at."""
    headers = {"logplex-frame-id": FRAME_ID, "logplex-drain-token": "d.x", "logplex-msg-count": "2"}
    direct, later, queue = FakeBuffer(), FakeBuffer(SLOW_DOWN), FakeQueue()
    for buffer in (direct, later):
        receiver(buffer, queue).receive(drain_event(POSTED, headers=headers))
    later.trouble = None
    assert drain(queue, intake(later), Deadline(10), lambda: True) == 1
    [item], [item_of_spilled] = direct.batch_items(), later.batch_items()
    assert batch_of(item_of_spilled, APP) == batch_of(item, APP)
    assert batch_of(item, APP).announced == 2
    assert later.items.keys() == direct.items.keys() | set(later.marker_keys())


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(Batch(APP, "DA37BFA502AFA196A479F50990BA3E2C", NOON_MS, POSTED), id="ordinary"),
        pytest.param(Batch(APP, None, 0, b""), id="empty, without frame id"),
        pytest.param(Batch(APP, "é\udc80\n", NOON_MS, bytes(range(256))), id="any bytes"),
        pytest.param(Batch(APP, "f", NOON_MS, b"!", Reason.BAD_BASE64), id="bad-base64"),
        pytest.param(Batch(APP, "f", NOON_MS, b"!", Reason.BAD_GZIP), id="bad-gzip"),
        pytest.param(Batch(APP, "f", NOON_MS, POSTED, drain="d.x"), id="with its drain"),
        pytest.param(Batch(APP, "f", NOON_MS, POSTED, announced=0), id="with its count"),
    ],
)
def test_a_message_holds_the_whole_batch(batch: Batch) -> None:
    assert spill.decode(spill.encode(batch)) == batch


def test_a_message_is_what_its_contract_says() -> None:
    """JSON {v, app, frame_id, arrival_ms, body}, the body in base64 of gzip: others read it too."""
    told = json.loads(spill.encode(Batch(APP, "f", NOON_MS, POSTED)))
    assert {key: told[key] for key in ("v", "app", "frame_id", "arrival_ms")} == {
        "v": 1, "app": APP, "frame_id": "f", "arrival_ms": NOON_MS,
    }  # fmt: skip
    assert gzip.decompress(base64.b64decode(told["body"])) == POSTED


@pytest.mark.parametrize(
    ("of_its_time", "fault"),
    [
        pytest.param({}, None, id="the first"),
        pytest.param({"undecodable": False}, None, id="with a flag"),
        pytest.param({"undecodable": True}, Reason.BAD_BASE64, id="with the flag set"),
        pytest.param({"fault": None}, None, id="with a fault"),
        pytest.param({"fault": "bad-gzip"}, Reason.BAD_GZIP, id="with a fault set"),
    ],
)
def test_a_message_of_an_earlier_receiver_is_read(of_its_time: dict[str, object], fault: Reason | None) -> None:
    """A queue keeps messages for two weeks, so an upgrade finds some: without drain, count or fault."""
    message = {
        "v": 1,
        "app": APP,
        "frame_id": "f",
        "arrival_ms": NOON_MS,
        "body": base64.b64encode(gzip.compress(POSTED)).decode(),
        **of_its_time,
    }
    assert spill.decode(json.dumps(message)) == Batch(APP, "f", NOON_MS, POSTED, fault)


def test_what_does_not_fit_a_message_is_503_and_not_split(capsys: pytest.CaptureFixture[str]) -> None:
    """Parts would be batches of their own, each time other ones."""
    noise = random.Random(1).randbytes(spill.MAX_BYTES)
    queue = FakeQueue()
    event = drain_event(noise)
    assert receiver(FakeBuffer(SLOW_DOWN), queue).receive(event)["statusCode"] == 503
    assert queue.sent == []
    assert "spill-too-large" in capsys.readouterr().out
    spill.encode(Batch(APP, "f" * 32, NOON_MS, noise[:110_000]))


def test_what_does_not_fit_a_message_is_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    """By API Gateway, as a 503; the fault's line says which batch it was, and why."""
    noise = random.Random(2).randbytes(spill.MAX_BYTES)
    receiver(FakeBuffer(SLOW_DOWN), FakeQueue()).receive(drain_event(noise))
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
        '{"v": 1, "app": "a", "frame_id": null, "arrival_ms": 0, "body": "H4sI", "fault": "another"}',
    ],
)
def test_a_message_that_is_none_is_said_to_be_none(text: str) -> None:
    with pytest.raises(spill.InvalidMessage):
        spill.decode(text)


def test_a_batch_that_takes_too_long_to_read_is_spilled_and_answered_in_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Many frames of one byte: each is a line, and the lines are thirty times the body."""
    buffer, queue = FakeBuffer(), FakeQueue()
    event = drain_event(b"1 x" * 20_000)
    assert receiver(buffer, queue, Budget(response=0.0, least=0.01)).receive(event)["statusCode"] == 200
    assert (buffer.items, len(queue.sent)) == ({}, 1)
    assert '"reason": "reading-deadline"' in capsys.readouterr().out
    assert drain(queue, intake(buffer), Deadline(60), lambda: True) == 1
    [item] = buffer.batch_items()
    assert item["lines"] == {"N": "20000"}
