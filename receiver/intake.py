"""Puts a batch where it is durable: into the buffer, or, if it is too large for that, into objects of its own."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from contract import buffer_table
from contract.buffer_table import Item, Key
from contract.logplex.batch import Batch, Survey, identity, leading_reports, survey
from contract.object_keys import ObjectKey
from contract.slots import Slot
from receiver import large_batch
from receiver.deadline import Deadline
from receiver.stored_object import StoredObject
from receiver.tally import Tally

# Two reports of any sender have fewer. More are part of what is kept, or an item could become too large.
_REPORTS_BYTES = 4096


class Buffer(Protocol):
    """What is needed of the table. Every call raises Unavailable when DynamoDB does not do it."""

    def put_batch(self, item: Item, deadline: Deadline) -> None:
        """Put a batch, unless its first try is there."""

    def put_marker(self, item: Item, deadline: Deadline) -> None:
        """Put a late marker."""

    def holds(self, key: Key, deadline: Deadline) -> bool:
        """Say whether there is an item, by a strongly consistent read."""


class Bucket(Protocol):
    """What is needed of the archive. Every call raises Unavailable when S3 does not do it."""

    def put(self, objects: Sequence[StoredObject], deadline: Deadline) -> None:
        """Write objects, unless they are there."""

    def holds_any(self, keys: Sequence[ObjectKey], deadline: Deadline) -> bool:
        """Say whether an object with one of these keys is stored."""


class Intake:
    """Keeps batches in slots of so many minutes; `clock` gives milliseconds since 1970."""

    def __init__(
        self,
        buffer: Buffer,
        bucket: Bucket,
        minutes: int,
        report: Callable[[Tally, int], None] = lambda *_: None,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`report` takes the tally of a large batch and the size of its objects; the flusher counts all others."""
        self._buffer, self._bucket, self._minutes = buffer, bucket, minutes
        self._report, self._clock = report, clock

    def keep(self, batch: Batch, deadline: Deadline) -> Survey:
        """Return once a batch is durable. Safe to call again, for each try of the batch.

        Unavailable, if AWS does not take it; DeadlineExceeded, if reading it takes too long.
        """
        found = survey(batch, deadline.check)
        slot = Slot.of(found.reference_ms, self._minutes)
        if found.lines == 0:
            return found
        if _is_large(batch, found, deadline):
            self._keep_large(batch, found, slot, deadline)
        else:
            self._keep(batch, found, slot, deadline)
        return found

    def _keep(self, batch: Batch, found: Survey, slot: Slot, deadline: Deadline) -> None:
        batch_id = identity(batch)
        near = None if found.dated else self._slot_of_other_try(batch, slot, deadline)
        if near is None:
            self._buffer.put_batch(buffer_table.batch_item(slot, batch_id, batch, found, self._clock()), deadline)
        # After the put: it is the end of the put that the flusher may have missed. Also when the batch was there, as
        # its other try may have ended before it could leave a marker.
        now_ms = self._clock()
        if buffer_table.is_late(near or slot, now_ms):
            self._buffer.put_marker(buffer_table.marker_item(batch.app, near or slot, batch_id, now_ms), deadline)

    def _slot_of_other_try(self, batch: Batch, slot: Slot, deadline: Deadline) -> Slot | None:
        """Find the slot of another try of a batch without a valid time, whose slot follows from its arrival."""
        batch_id = identity(batch)
        for near in (slot.before, slot.after):
            if self._buffer.holds(buffer_table.batch_key(batch.app, near, batch_id), deadline):
                return near
        return None

    def _keep_large(self, batch: Batch, found: Survey, slot: Slot, deadline: Deadline) -> None:
        earlier = large_batch.earlier_keys(batch, found, slot)
        if earlier and self._bucket.holds_any(earlier, deadline):
            return
        tally = Tally(batch.app)
        stored = large_batch.objects(batch, found, slot, tally, deadline.check)
        self._bucket.put(stored, deadline)
        self._report(tally, sum(len(each.data) for each in stored))


def _is_large(batch: Batch, found: Survey, deadline: Deadline) -> bool:
    # Only a batch that may be large is read once more.
    if len(batch.body) <= buffer_table.BODY_BYTES and found.lines <= buffer_table.BATCH_LINES:
        return False
    reports, end = leading_reports(batch, deadline.check)
    if end > _REPORTS_BYTES:
        reports, end = [], 0
    return buffer_table.is_large(batch.body[end:], found.lines - len(reports))
