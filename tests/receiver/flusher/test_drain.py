"""A spilled batch leaves the queue when it is in the buffer, and not before."""

import json
from itertools import count

import pytest

from contract.buffer_table import batch_of
from contract.logplex.batch import Batch
from receiver import spill
from receiver.aws import Unavailable
from receiver.deadline import Deadline, DeadlineExceeded
from receiver.flusher.drain import Message, drain
from receiver.intake import Intake
from tests.support.fakes import APP, FakeBuffer, FakeLogBucket, FakeQueue
from tests.support.logplex_frames import NOON_MS, body, message

AMPLE_S = 10.0
DOWN = Unavailable("dynamodb-ThrottlingException", "please")


class World:
    """A queue of so many spilled batches, and the buffer to put them in, which notes the calls of both."""

    def __init__(self, batches: int = 0) -> None:
        self.buffer, self.queue = FakeBuffer(), Queue()
        self.queue.calls = self.buffer.calls
        self._intake = Intake(self.buffer, FakeLogBucket(), 5, clock=lambda: NOON_MS)
        for number in range(batches):
            self.queue.sent.append(spill.encode(Batch(APP, f"f{number}", NOON_MS, body(message()))))

    def drain(self, seconds: float = AMPLE_S, turns: int = 1000) -> int:
        asked = count()
        return drain(self.queue, self._intake, Deadline(seconds), lambda: next(asked) < turns)

    def frames(self) -> list[str]:
        return sorted(batch_of(item, APP).frame_id or "" for item in self.buffer.batch_items())


class Queue(FakeQueue):
    calls: list[str]

    def delete(self, message: Message) -> None:
        self.calls.append("delete")
        super().delete(message)


def test_an_empty_queue_is_asked_once() -> None:
    world = World()
    assert world.drain() == 0
    assert world.buffer.calls == []


def test_all_batches_are_put_into_the_buffer_and_deleted() -> None:
    """SQS gives ten at a time."""
    world = World(batches=25)
    assert world.drain() == 25
    assert len(world.frames()) == 25
    assert (world.queue.sent, world.queue.received) == ([], {})


def test_a_message_is_deleted_once_its_batch_is_in_the_buffer() -> None:
    world = World(batches=2)
    world.drain()
    assert world.buffer.calls == ["put_batch", "delete"] * 2


def test_a_batch_that_the_buffer_does_not_take_stays_in_the_queue() -> None:
    """And those after it: the buffer would not take them either, and each try takes time."""
    world = World(batches=3)
    world.buffer.trouble = DOWN
    with pytest.raises(Unavailable):
        world.drain()
    assert len(world.buffer.calls) == 1
    world.buffer.trouble = None
    world.queue.give_back()
    assert world.drain() == 3
    assert world.frames() == ["f0", "f1", "f2"]


def test_a_batch_that_takes_too_long_stays_in_the_queue() -> None:
    world = World(batches=1)
    with pytest.raises(DeadlineExceeded):
        world.drain(seconds=0)
    assert len(world.queue.received) == 1


def test_a_message_that_is_no_batch_stays_and_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """It becomes a dead letter. Its text may hold lines, so its id is all that is told."""
    world = World(batches=1)
    world.queue.sent.insert(0, "password=hunter2")
    assert world.drain() == 1
    assert list(world.queue.received.values()) == ["password=hunter2"]
    assert json.loads(capsys.readouterr().out) == {
        "level": "ERROR", "reason": "spill-malformed", "message_id": "m1",
    }  # fmt: skip


def test_no_more_messages_are_asked_for_when_the_time_is_up() -> None:
    """What is received is finished, or it would be invisible to the next run."""
    world = World(batches=25)
    assert world.drain(turns=1) == 10
    assert len(world.queue.sent) == 15


def test_a_batch_that_comes_twice_is_in_the_buffer_once() -> None:
    """SQS may deliver a message again."""
    world = World(batches=1)
    world.queue.sent *= 2
    assert world.drain() == 2
    assert world.frames() == ["f0"]
