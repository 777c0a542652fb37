"""Moves spilled batches from the queue into the buffer."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from receiver import faults, spill
from receiver.deadline import Deadline
from receiver.intake import Intake


class Message(NamedTuple):
    """A message of the queue: its id, the receipt by which it is deleted, and its text."""

    message_id: str
    receipt: str
    text: str


class SpillQueue(Protocol):
    """The spill queue. A message that is received and not deleted comes again later."""

    def receive(self) -> Iterable[Message]:
        """Receive some messages, none if there are none."""

    def delete(self, message: Message) -> None:
        """Delete a message."""


def drain(queue: SpillQueue, intake: Intake, deadline: Deadline, time_left: Callable[[], bool]) -> int:
    """Put spilled batches into the buffer until the queue is empty or the time is up; gives their number.

    Unavailable and DeadlineExceeded leave the batch in the queue. So does a message that cannot be read, which becomes
    a dead letter after it was received often enough.
    """
    drained = 0
    while time_left() and (messages := list(queue.receive())):
        for message in messages:
            try:
                batch = spill.decode(message.text)
            except spill.InvalidMessage:
                faults.log("spill-malformed", message_id=message.message_id)
                continue
            intake.keep(batch, deadline)
            queue.delete(message)
            drained += 1
    return drained
