"""The simulation has to find each of these bugs, planted into the code under test, within so many seeds."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from contract import buffer_table
from contract.buffer_table import Heading, Record
from contract.logplex import batch as batches
from contract.logplex import loss_reports
from contract.logplex.batch import Batch, Survey, survey
from contract.slots import Slot
from receiver import aws, intake
from receiver.flusher import aws as flusher_aws
from receiver.flusher import handler as flusher_handler
from receiver.flusher.drain import drain
from receiver.flusher.flush import Contents, Flusher
from receiver.flusher.slot_objects import objects
from receiver.tally import Tally
from tests.support.simulation.life import simulated
from tests.support.simulation.seeds import first_violation

SEEDS = 300

# Plants a bug.
Plant = Callable[[pytest.MonkeyPatch], None]


def no_late_marker(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(buffer_table, "is_late", lambda *_: False)


def one_marker_per_slot(patch: pytest.MonkeyPatch) -> None:
    real = buffer_table.marker_key
    patch.setattr(buffer_table, "marker_key", lambda app, slot, _: real(app, slot, UUID(int=0)))


def no_marker_when_the_batch_is_there(patch: pytest.MonkeyPatch) -> None:
    def keep(self: Any, batch: Batch, found: Any, slot: Slot, deadline: Any) -> None:
        if not self._buffer.holds(buffer_table.batch_key(batch.app, slot, batches.identity(batch)), deadline):
            real(self, batch, found, slot, deadline)

    real = intake.Intake._keep
    patch.setattr(intake.Intake, "_keep", keep)


def marker_before_the_put(patch: pytest.MonkeyPatch) -> None:
    def keep(self: Any, batch: Batch, found: Any, slot: Slot, deadline: Any) -> None:
        batch_id, now_ms = batches.identity(batch), self._clock()
        if buffer_table.is_late(slot, now_ms):
            self._buffer.put_marker(buffer_table.marker_item(batch.app, slot, batch_id, now_ms), deadline)
        self._buffer.put_batch(buffer_table.batch_item(slot, batch_id, batch, found, now_ms), deadline)

    patch.setattr(intake.Intake, "_keep", keep)


def markers_listed_after_the_flush(patch: pytest.MonkeyPatch) -> None:
    def flush(self: Any, slot: Slot) -> None:
        self._late[slot] = []
        real(self, slot)
        of_slot = [key for key in self._table.markers(self.app) if buffer_table.slot_of_marker(key.sort) == slot]
        self._table.delete(of_slot)

    real = Flusher.flush
    patch.setattr(Flusher, "flush", flush)


def membership_written_after_the_object(patch: pytest.MonkeyPatch) -> None:
    def write(self: Any, slot: Slot, record: Record, _: object) -> None:
        found = self._table.batches(self.app, slot, record.batch_ids)
        self._store.put(objects(self.app, slot, record.number, found, Tally(self.app)))
        create(self._table, self.app, slot, record.number, record.batch_ids, self._now_ms)
        self._table.mark_stored(self.app, slot, record.number)

    create = flusher_aws.DynamoTable.create_record
    patch.setattr(flusher_aws.DynamoTable, "create_record", lambda *_: True)
    patch.setattr(Flusher, "_write", write)


def no_condition_on_the_number(patch: pytest.MonkeyPatch) -> None:
    def put(self: Any, item: Any, condition: str, values: Any = None) -> bool:
        if values:
            return real(self, item, condition, values)
        self._dynamodb.put_item(TableName=self._name, Item=item)
        return True

    real = flusher_aws.DynamoTable._put
    patch.setattr(flusher_aws.DynamoTable, "_put", put)


def object_of_what_is_there(patch: pytest.MonkeyPatch) -> None:
    def of_all(self: Any, app: str, slot: Slot, batch_ids: Collection[UUID]) -> Iterator[Batch]:
        contents = self.contents(app, slot)
        others = {other for record in contents.records for other in record.batch_ids} - {*batch_ids}
        return real(self, app, slot, [each.batch_id for each in contents.headings if each.batch_id not in others])

    real = flusher_aws.DynamoTable.batches
    patch.setattr(flusher_aws.DynamoTable, "batches", of_all)


def until_before_the_flush(patch: pytest.MonkeyPatch) -> None:
    def flush(self: Any, slot: Slot) -> None:
        if slot in self._untils:
            self._table.advance(self.app, slot.after)
        real(self, slot)

    real = Flusher.flush
    patch.setattr(Flusher, "flush", flush)


def until_before_the_last_query(patch: pytest.MonkeyPatch) -> None:
    def flush(self: Any, slot: Slot) -> None:
        rounds = iter([True, False])
        waiting = self._waiting
        self._waiting = lambda *arguments: waiting(*arguments) if next(rounds) else []
        real(self, slot)
        del self._waiting

    real = Flusher._flush
    patch.setattr(Flusher, "_flush", flush)


def until_moved_back(patch: pytest.MonkeyPatch) -> None:
    def advance(self: Any, app: str, until: Slot) -> None:
        self._dynamodb.put_item(TableName=self._name, Item=buffer_table.until_item(app, until))

    patch.setattr(flusher_aws.DynamoTable, "advance", advance)


def until_of_a_length_not_noted_at_once(patch: pytest.MonkeyPatch) -> None:
    def look(self: Any, slots: Any, seen: Any, minutes: int, now_ms: int) -> None:
        table = self._table
        self._table = SimpleNamespace(
            markers=table.markers, born_ms=table.born_ms, note_seen=table.note_seen, advance=lambda *_: None
        )
        real(self, slots, seen, minutes, now_ms)
        self._table = table

    real = Flusher.look
    patch.setattr(Flusher, "look", look)


def retry_overwrites(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(aws.Buffer, "_put_new", lambda self, item: self._put(item))


def slot_by_arrival(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(intake, "survey", lambda batch, check: survey(batch, check)._replace(reference_ms=batch.arrival_ms))


def no_rule_for_undated_batches(patch: pytest.MonkeyPatch) -> None:
    def waiting(self: Any, slot: Slot, contents: Contents) -> list[Heading]:
        return real(
            self, slot, contents._replace(headings=[each._replace(undated=False) for each in contents.headings])
        )

    real = Flusher._waiting
    patch.setattr(Flusher, "_waiting", waiting)


def leading_report_in_the_id(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(batches, "_digest", lambda batch: hashlib.sha256(batch.body).hexdigest())


def leading_report_in_the_reference(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(loss_reports, "leads_batch", lambda _: False)


def leading_report_counted_for_large(patch: pytest.MonkeyPatch) -> None:
    def is_large(batch: Batch, found: Survey, _: object) -> bool:
        _, end = batches.leading_reports(batch)
        return buffer_table.is_large(batch.body[end:], found.lines)

    patch.setattr(intake, "_is_large", is_large)


def large_batch_overwrites(patch: pytest.MonkeyPatch) -> None:
    def put(self: Any, stored: Any) -> None:
        self._s3.put_object(Bucket="", Key=str(stored.key), Body=stored.data, ContentType="application/gzip")

    patch.setattr(aws.LogBucket, "_put", put)


def answered_without_the_marker(patch: pytest.MonkeyPatch) -> None:
    def put(self: Any, item: Any, deadline: Any) -> None:
        try:
            real(self, item, deadline)
        except aws.Unavailable:
            return

    real = aws.Buffer.put_marker
    patch.setattr(aws.Buffer, "put_marker", put)


def message_deleted_before_it_is_kept(patch: pytest.MonkeyPatch) -> None:
    class DeletingQueue:
        def __init__(self, queue: Any) -> None:
            self._queue = queue

        def receive(self) -> list[Any]:
            messages: list[Any] = self._queue.receive()
            for message in messages:
                self._queue.delete(message)
            return messages

        def delete(self, message: Any) -> None:
            return

    patch.setattr(flusher_handler, "drain", lambda queue, *others: drain(DeletingQueue(queue), *others))


_BUGS: list[Plant] = [
    no_late_marker,
    one_marker_per_slot,
    no_marker_when_the_batch_is_there,
    marker_before_the_put,
    markers_listed_after_the_flush,
    membership_written_after_the_object,
    no_condition_on_the_number,
    object_of_what_is_there,
    until_before_the_flush,
    until_before_the_last_query,
    until_moved_back,
    until_of_a_length_not_noted_at_once,
    retry_overwrites,
    slot_by_arrival,
    no_rule_for_undated_batches,
    leading_report_in_the_id,
    leading_report_in_the_reference,
    leading_report_counted_for_large,
    large_batch_overwrites,
    answered_without_the_marker,
    message_deleted_before_it_is_kept,
]


@pytest.mark.parametrize("plant", _BUGS)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulated():
        plant(monkeypatch)
        found = first_violation(range(SEEDS))
    assert found, f"{plant.__name__} keeps all promises in {SEEDS} seeds"
    print(f"{plant.__name__}: seed {found[0]}, {found[1].kind}")
