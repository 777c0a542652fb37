"""A slot's batches are stored exactly once, whatever comes in between: other flushers, late batches, a crash."""

import gzip
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import pytest

from contract import canary
from contract.buffer_table import (
    GRACE_MS,
    KEPT_DAYS,
    Record,
    Seen,
    batch_item,
    batch_key,
    due_ms,
    marker_item,
    marker_key,
    record_item,
    record_key,
    until_item,
    until_key,
    until_of,
)
from contract.logplex.batch import Batch, identity, survey
from contract.object_keys import ObjectKey, slot_object_id
from contract.slots import Slot
from receiver.aws import Unavailable
from receiver.deadline import Deadline
from receiver.flusher import flush
from receiver.flusher.flush import Flusher
from receiver.flusher.slot_objects import objects
from receiver.stored_object import StoredObject
from receiver.tally import Tally
from tests.support.fakes import APP, FakeBuffer, FakeLogBucket
from tests.support.logplex_frames import NOON, NOON_MS, body, message

MINUTE_MS = 60_000
DAY_MS = 86_400_000
SLOT = Slot.of(NOON_MS, 5)
SEEN_MS = SLOT.begin_ms - 60_000
DUE_MS = due_ms(SLOT) + 1
AMPLE_S = 10.0


class Buffer(FakeBuffer):
    """Before a call, it does what is `planned` for that, once."""

    def __init__(self, born: int) -> None:
        super().__init__(born=born)
        self.planned: dict[str, Callable[[], object]] = {}

    def batches(self, app: str, slot: Slot, batch_ids: Collection[UUID]) -> list[Batch]:
        self._do("batches")
        return super().batches(app, slot, batch_ids)

    def create_record(self, app: str, slot: Slot, number: int, batch_ids: Sequence[UUID], now_ms: int) -> bool:
        self._do("create_record")
        return super().create_record(app, slot, number, batch_ids, now_ms)

    def mark_stored(self, app: str, slot: Slot, number: int) -> bool:
        self._do("mark_stored")
        return super().mark_stored(app, slot, number)

    def _do(self, call: str) -> None:
        self.planned.pop(call, lambda: None)()


class Bucket(FakeLogBucket):
    """Notes its calls among the table's."""

    def __init__(self, calls: list[str]) -> None:
        super().__init__()
        self._calls = calls

    def put(self, objects: Sequence[StoredObject], deadline: Deadline | None = None) -> None:
        self._calls.append("put " + ", ".join(str(stored.key.name)[:4] for stored in objects))
        super().put(objects, deadline)


class World:
    """One app's flusher with its table and bucket; `reported` are the tallies of what it stored."""

    def __init__(self, born: int = 0) -> None:
        self.buffer = Buffer(born)
        # So that tests do not depend on the table's birth.
        self.buffer.items[until_key(APP, 5)] = until_item(APP, SLOT)
        for seen in (Seen(APP), Seen(APP, canary=True)):
            self.buffer.note_seen(seen, SEEN_MS)
        self.bucket = Bucket(self.buffer.calls)
        self.reported: list[tuple[Tally, int]] = []
        self.flusher = self.another()

    def another(self) -> Flusher:
        return Flusher(APP, self.buffer, self.bucket, self._report)

    def _report(self, tally: Tally, size: int, _: Slot) -> None:
        self.reported.append((tally, size))

    def put(self, batch: Batch, slot: Slot = SLOT, *, late: bool = False) -> UUID:
        """A receiver puts a batch."""
        batch_id = identity(batch)
        item = batch_item(slot, batch_id, batch, survey(batch), NOON_MS)
        self.buffer.items.setdefault(batch_key(APP, slot, batch_id), item)
        if late:
            self.mark(batch_id, slot)
        return batch_id

    def mark(self, batch_id: UUID, slot: Slot = SLOT) -> None:
        self.buffer.items[marker_key(APP, slot, batch_id)] = marker_item(APP, slot, batch_id, NOON_MS)

    def record(self, number: int, *batch_ids: UUID, slot: Slot = SLOT) -> None:
        """A flusher recorded batches, and did no more."""
        self.buffer.items[record_key(APP, slot, number)] = record_item(APP, slot, number, batch_ids, NOON_MS)

    def look(self, now_ms: int = DUE_MS, minutes: int = 5, flusher: Flusher | None = None) -> None:
        untils, seen = self.buffer.untils().get(APP, []), self.buffer.seen()
        (flusher or self.flusher).look(untils, seen, minutes, now_ms)

    def flush_due(self, now_ms: int = DUE_MS, minutes: int = 5) -> list[Slot]:
        """A run: look, and flush all that is due."""
        self.look(now_ms, minutes)
        slots = []
        while slot := self.flusher.next():
            self.flusher.flush(slot)
            slots.append(slot)
        return slots

    def until(self, minutes: int = 5) -> Slot:
        return until_of(self.buffer.items[until_key(APP, minutes)])[1]

    def records(self, slot: Slot = SLOT) -> list[Record]:
        return sorted(self.buffer.contents(APP, slot).records)

    def texts(self) -> list[list[bytes]]:
        """The messages of the lines of each object, in the order in which they were stored."""
        return [
            [line.rpartition(b" ")[2] for line in gzip.decompress(data).splitlines()]
            for data in self.bucket.stored.values()
        ]


@pytest.fixture
def world() -> World:
    return World()


def batch(text: bytes, arrival_ms: int = NOON_MS) -> Batch:
    return Batch(APP, text.decode(), arrival_ms, body(message(text)))


ONE, TWO, THREE = batch(b"one"), batch(b"two", NOON_MS + 1), batch(b"three", NOON_MS + 2)


# ---------------------------------------------------------------- a slot


def test_the_batches_of_a_slot_become_one_object(world: World) -> None:
    world.put(TWO)
    world.put(ONE)
    assert world.flush_due() == [SLOT]
    assert world.texts() == [[b"one", b"two"]]
    assert list(world.bucket.stored) == [str(ObjectKey(APP, NOON_MS, slot_object_id(APP, SLOT, 0, NOON.date())))]
    assert world.records() == [Record(0, (identity(ONE), identity(TWO)), stored=True)]
    assert world.until() == SLOT.after


def test_the_steps_are_in_the_order_that_the_protocol_needs(world: World) -> None:
    """Markers are listed before the slot is read, membership is recorded before the object is written, and the slot is
    read again before it counts as flushed.
    """
    world.put(ONE, late=True)
    world.buffer.calls.clear()
    world.flush_due()
    name = str(slot_object_id(APP, SLOT, 0, NOON.date()))[:4]
    assert world.buffer.calls == [
        "untils",
        "seen",
        "markers",
        f"contents {SLOT}",
        f"note_seen {APP}",
        "create_record 0",
        f"batches {SLOT}",
        f"put {name}",
        "mark_stored 0",
        f"contents {SLOT}",
        f"advance {SLOT.after}",
        f"delete {SLOT}/{identity(ONE)}",
    ]


def test_a_slot_without_batches_is_flushed_without_an_object(world: World) -> None:
    assert world.flush_due() == [SLOT]
    assert world.bucket.stored == {}
    assert (world.records(), world.until()) == ([], SLOT.after)


def test_a_slot_that_is_flushed_again_is_the_same(world: World) -> None:
    world.put(ONE, late=True)
    world.flush_due()
    before = dict(world.bucket.stored)
    world.mark(identity(ONE))
    assert world.flush_due() == [SLOT]
    assert world.bucket.stored == before
    assert len(world.reported) == 1


def test_what_is_stored_is_reported_once_it_is(world: World) -> None:
    world.put(ONE)
    world.put(TWO)
    world.flush_due()
    [(tally, size)] = world.reported
    assert (tally.app, tally.batches, tally.lines) == (APP, 2, 2)
    assert size == sum(map(len, world.bucket.stored.values()))


def test_an_object_a_day_and_both_are_reported_together(world: World) -> None:
    yesterday = body(message(b"old", NOON.replace(day=23)), message(b"new"))
    world.put(ONE._replace(body=yesterday))
    world.flush_due()
    assert world.texts() == [[b"old"], [b"new"]]
    [(tally, size)] = world.reported
    assert (tally.lines, size) == (2, sum(map(len, world.bucket.stored.values())))


# ---------------------------------------------------------------- late batches


def test_a_late_batch_is_an_object_of_its_own(world: World) -> None:
    world.put(ONE)
    world.flush_due()
    world.put(TWO, late=True)
    assert world.flush_due() == [SLOT]
    assert world.texts() == [[b"one"], [b"two"]]
    assert [record.number for record in world.records()] == [0, 1]
    assert world.buffer.marker_keys() == []
    assert world.until() == SLOT.after


def test_without_a_marker_nobody_looks_for_a_late_batch(world: World) -> None:
    """This is what markers are for: a flusher reads a slot that is flushed only when it is told to."""
    world.flush_due()
    world.put(ONE)
    assert world.flush_due() == []


def test_a_marker_that_comes_after_the_look_stays(world: World) -> None:
    """Its batch may have come after the last query of the slot."""
    world.put(ONE, late=True)
    world.look()
    world.mark(identity(TWO))
    world.flusher.flush(SLOT)
    assert world.buffer.marker_keys() == [marker_key(APP, SLOT, identity(TWO))]


def test_markers_of_other_slots_stay_until_those_are_flushed(world: World) -> None:
    earlier = SLOT.before.before
    world.put(ONE, late=True)
    world.put(TWO, earlier, late=True)
    world.look()
    assert world.flusher.next() == earlier
    world.flusher.flush(earlier)
    assert world.buffer.marker_keys() == [marker_key(APP, SLOT, identity(ONE))]
    assert world.until() == SLOT


def test_a_marker_of_a_slot_that_is_not_due_waits(world: World) -> None:
    """A receiver's clock can be ahead."""
    world.put(ONE, late=True)
    assert world.flush_due(SLOT.end_ms) == []
    assert len(world.buffer.marker_keys()) == 1


def test_a_batch_that_comes_while_the_slot_is_flushed_is_in_the_next_object(world: World) -> None:
    """The slot is read again until nothing is left in it."""
    world.put(ONE)
    world.buffer.planned["mark_stored"] = lambda: world.put(TWO)
    world.flush_due()
    assert world.texts() == [[b"one"], [b"two"]]


def test_a_batch_that_comes_after_the_record_is_not_in_its_object(world: World) -> None:
    """Another flusher may write the same object from the same record."""
    world.put(ONE)
    world.buffer.planned["batches"] = lambda: world.put(TWO)
    world.flush_due()
    assert world.texts() == [[b"one"], [b"two"]]


# ---------------------------------------------------------------- what an earlier flusher left


def test_a_record_that_is_not_stored_is_finished_first(world: World) -> None:
    world.record(0, world.put(TWO))
    world.put(ONE)
    world.flush_due()
    assert world.texts() == [[b"two"], [b"one"]]
    assert all(record.stored for record in world.records())


def test_an_object_that_was_stored_but_not_marked_is_not_stored_twice(world: World) -> None:
    """The flusher ended in between. Its object has the same key and the same bytes."""
    world.record(0, world.put(ONE), world.put(TWO))
    stored = objects(APP, SLOT, 0, [TWO, ONE], Tally(APP))
    world.bucket.put(stored)
    world.flush_due()
    assert world.bucket.stored == {str(stored[0].key): stored[0].data}
    assert len(world.reported) == 1


def test_a_record_that_is_stored_is_not_stored_again(world: World) -> None:
    world.put(ONE)
    world.flush_due()
    stored = dict(world.bucket.stored)
    world.put(TWO, late=True)
    world.buffer.calls.clear()
    world.flush_due()
    assert world.buffer.calls.count("mark_stored 0") == 0
    assert stored.items() < world.bucket.stored.items()


def test_lines_of_one_time_are_numbered_over_all_objects_of_a_slot(world: World) -> None:
    """Else a late line would look as if it came first."""
    world.put(ONE)
    world.flush_due()
    world.put(TWO, late=True)
    world.flush_due()
    texts = [gzip.decompress(data) for data in world.bucket.stored.values()]
    assert {b'[meta sequenceId="2"]' in text: text[-4:] for text in texts} == {False: b"one\n", True: b"two\n"}


def test_the_next_record_has_the_next_number(world: World) -> None:
    world.record(6, world.put(ONE))
    world.put(TWO)
    world.flush_due()
    assert [record.number for record in world.records()] == [6, 7]


def test_a_slot_whose_object_cannot_be_stored_is_left_as_it_is(world: World) -> None:
    """Neither does it count as flushed, nor is its marker deleted."""
    world.put(ONE, late=True)
    world.bucket.trouble = Unavailable("s3-SlowDown", "please")
    world.look()
    with pytest.raises(Unavailable):
        world.flusher.flush(SLOT)
    assert (world.until(), len(world.buffer.marker_keys()), world.reported) == (SLOT, 1, [])
    world.bucket.trouble = None
    world.flush_due()
    assert world.texts() == [[b"one"]]
    assert (world.until(), world.buffer.marker_keys()) == (SLOT.after, [])


def test_a_batch_that_has_expired_does_not_stop_the_slot(world: World) -> None:
    world.record(0, world.put(ONE), identity(TWO))
    world.flush_due()
    assert world.texts() == [[b"one"]]


# ---------------------------------------------------------------- two flushers


def test_when_another_flusher_is_first_its_record_counts(world: World) -> None:
    """The condition on the number decides; then the slot is read again, and its record is finished."""
    world.put(ONE)
    world.put(TWO)
    world.buffer.planned["create_record"] = lambda: world.record(0, identity(TWO))
    world.flush_due()
    assert world.texts() == [[b"two"], [b"one"]]
    assert [record.batch_ids for record in world.records()] == [(identity(TWO),), (identity(ONE),)]


def test_of_two_flushers_that_write_an_object_one_counts_it(world: World) -> None:
    world.put(ONE)
    other = world.another()
    world.look(flusher=other)
    world.buffer.planned["mark_stored"] = lambda: other.flush(SLOT)
    world.flush_due()
    assert world.texts() == [[b"one"]]
    assert len(world.reported) == 1


def test_a_flusher_that_outlives_another_changes_nothing(world: World) -> None:
    """It has looked, and goes on when all is over."""
    world.put(ONE, late=True)
    zombie = world.another()
    world.look(flusher=zombie)
    world.flush_due(DUE_MS + 30 * MINUTE_MS)
    until, stored = world.until(), dict(world.bucket.stored)
    zombie.flush(SLOT)
    assert (world.until(), world.bucket.stored) == (until, stored)
    assert until > SLOT.after


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("limit", "value"),
    [("RECORD_BATCHES", 2), ("RECORD_LINES", 2), ("RECORD_BYTES", len(ONE.body) + len(TWO.body))],
)
def test_a_slot_is_cut_into_objects_that_fit_into_memory(
    monkeypatch: pytest.MonkeyPatch, world: World, limit: str, value: int
) -> None:
    monkeypatch.setattr(flush, limit, value)
    for each in (THREE, TWO, ONE):
        world.put(each)
    world.flush_due()
    assert world.texts() == [[b"one", b"two"], [b"three"]]


def test_a_batch_that_is_larger_than_the_limits_is_an_object(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(flush, "RECORD_BYTES", 1)
    world.put(ONE)
    world.put(TWO)
    world.flush_due()
    assert world.texts() == [[b"one"], [b"two"]]


def test_the_limits_are_those_of_memory_and_of_an_item() -> None:
    """64 MB of bodies; ids of 16 bytes in an item of 400 KB."""
    assert flush.RECORD_BYTES == 64 * 1024 * 1024
    assert flush.RECORD_BATCHES * 16 < 400_000


# ---------------------------------------------------------------- without a valid time

UNDATED = Batch(APP, "undated", NOON_MS, body(b"no-header"))
NEXT_TRY = UNDATED._replace(arrival_ms=SLOT.end_ms)


def test_tries_without_a_valid_time_in_two_slots_are_stored_once(world: World) -> None:
    """Tries that overlap do not see each other."""
    world.put(UNDATED)
    world.put(NEXT_TRY, SLOT.after)
    assert world.flush_due(due_ms(SLOT.after) + 1) == [SLOT, SLOT.after]
    assert len(world.texts()) == 1
    assert world.records(SLOT.after) == []


def test_the_second_slot_keeps_what_it_has_recorded(world: World) -> None:
    """The try in the first slot came late, when the second was flushed."""
    world.put(NEXT_TRY, SLOT.after)
    world.flush_due(due_ms(SLOT.after) + 1)
    world.put(UNDATED, late=True)
    assert world.flush_due() == [SLOT]
    assert len(world.texts()) == 1
    assert world.records() == []


def test_neither_is_left_when_the_first_slot_is_flushed_before_the_second_try_comes(world: World) -> None:
    world.put(UNDATED)
    world.flush_due()
    world.put(NEXT_TRY, SLOT.after)
    world.flush_due(due_ms(SLOT.after) + 1)
    assert len(world.texts()) == 1


def test_a_batch_without_a_valid_time_that_is_in_one_slot_is_stored(world: World) -> None:
    world.put(UNDATED)
    world.put(ONE)
    world.flush_due()
    [texts] = world.texts()
    assert sorted(texts) == [b"no-header", b"one"]


def test_the_neighbours_are_read_for_such_a_batch_alone(world: World) -> None:
    """Each read is paid for."""
    world.put(ONE)
    world.flush_due()
    assert {call for call in world.buffer.calls if call.startswith("contents")} == {f"contents {SLOT}"}


# ---------------------------------------------------------------- what is due


def test_the_oldest_slot_is_flushed_first(world: World) -> None:
    late = SLOT.before.before
    world.put(ONE, late, late=True)
    assert world.flush_due(due_ms(SLOT.after) + 1) == [late, SLOT, SLOT.after]


@pytest.mark.parametrize(("now_ms", "slots"), [(SLOT.end_ms + GRACE_MS, []), (SLOT.end_ms + GRACE_MS + 1, [SLOT])])
def test_a_slot_is_flushed_after_the_grace_period(world: World, now_ms: int, slots: list[Slot]) -> None:
    assert world.flush_due(now_ms) == slots


def test_an_outage_of_hours_is_caught_up(world: World) -> None:
    slots = world.flush_due(DUE_MS + 180 * MINUTE_MS)
    assert len(slots) == 37
    assert slots == sorted(slots)
    assert world.until() == slots[-1].after


# A new app, and a new length of slots, begin with the table, or with what can still be in it.
@pytest.mark.parametrize(
    ("born_ms", "now_ms", "first_ms"),
    [
        pytest.param(NOON_MS + 7 * MINUTE_MS, DUE_MS + 60 * MINUTE_MS, NOON_MS + 5 * MINUTE_MS, id="the-table's-birth"),
        pytest.param(NOON_MS + 30_000, DUE_MS, NOON_MS - 5 * MINUTE_MS, id="by-a-clock-that-differs"),
        pytest.param(0, NOON_MS + KEPT_DAYS * DAY_MS, NOON_MS, id="as-long-as-items-are-kept"),
    ],
)
def test_the_first_slot_of_an_app_is_that_of_the_tables_birth(born_ms: int, now_ms: int, first_ms: int) -> None:
    flusher = Flusher(APP, FakeBuffer(born=born_ms), FakeLogBucket(), lambda *_: None)
    flusher.look([], {}, 5, now_ms)
    assert flusher.next() == Slot(first_ms, 5)


def test_where_an_app_is_known_the_birth_is_not_asked_for(world: World) -> None:
    world.flush_due()
    assert "born_ms" not in world.buffer.calls


def test_slots_of_two_lengths_are_flushed_each_by_itself() -> None:
    """After a change of flushMinutes: what receivers put before it is in slots of the length before."""
    world = World(born=NOON_MS + MINUTE_MS)
    ten = Slot.of(NOON_MS, 10)
    world.put(ONE)
    world.put(TWO, ten)
    assert world.flush_due(due_ms(ten) + 1, minutes=10) == [SLOT, ten, SLOT.after]
    assert world.texts() == [[b"one"], [b"two"]]
    assert (world.until(5), world.until(10)) == (SLOT.after.after, ten.after)
    # And back again.
    world.put(THREE, SLOT.after.after)
    assert SLOT.after.after in world.flush_due(due_ms(ten.after) + 1, minutes=5)
    assert world.texts()[-1] == [b"three"]


def test_a_look_forgets_the_one_before(world: World) -> None:
    """Another flusher has done meanwhile what was found then."""
    world.put(ONE, late=True)
    world.look()
    other = world.another()
    world.look(flusher=other)
    other.flush(SLOT)
    world.look()
    assert world.flusher.next() is None


# ---------------------------------------------------------------- what was seen


def test_silence_is_counted_from_the_newest_arrival_to_the_first_slot_that_is_not_flushed(world: World) -> None:
    """Not to now: what comes in a slot that is not flushed yet nobody has seen."""
    world.put(ONE)
    world.flush_due()
    assert world.flusher.silence_ms == SLOT.after.begin_ms - ONE.arrival_ms
    world.flush_due(DUE_MS + 3600_000)
    assert world.flusher.silence_ms == SLOT.after.begin_ms + 3600_000 - ONE.arrival_ms


def test_an_app_is_not_silent_while_its_objects_cannot_be_stored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits in the buffer was seen, or may have come since."""

    def refuse(*_: object) -> None:
        raise Unavailable("s3-AccessDenied", "no")

    world.put(ONE)
    monkeypatch.setattr(world.bucket, "put", refuse)
    with pytest.raises(Unavailable):
        world.flush_due(DUE_MS + 7200_000)
    assert world.buffer.seen()[Seen(APP)] == ONE.arrival_ms
    assert world.flusher.silence_ms == 0


def test_a_late_batch_ends_the_silence(world: World) -> None:
    world.flush_due()
    late = ONE._replace(arrival_ms=DUE_MS + 1000)
    world.put(late, late=True)
    world.flush_due(DUE_MS + 2000)
    assert world.buffer.seen()[Seen(APP)] == late.arrival_ms


def test_a_canary_is_noted_by_itself_and_ends_no_silence(world: World) -> None:
    sent = Batch(APP, canary.frame_id(NOON_MS), NOON_MS, body(canary.message(NOON_MS)))
    world.put(sent)
    world.flush_due()
    assert world.buffer.seen() == {Seen(APP): SEEN_MS, Seen(APP, canary=True): NOON_MS}
    [(tally, _)] = world.reported
    assert (tally.batches, tally.canaries, tally.lines) == (1, 1, 0)
    assert [b"canary" in data for data in map(gzip.decompress, world.bucket.stored.values())] == [True]


def test_what_was_never_seen_counts_from_the_first_look() -> None:
    world = World()
    for seen in (Seen(APP), Seen(APP, canary=True)):
        del world.buffer.items[seen.key]
    world.look(DUE_MS)
    assert world.buffer.seen() == {Seen(APP): DUE_MS, Seen(APP, canary=True): DUE_MS}
    assert world.flusher.silence_ms == 0


def test_an_older_batch_does_not_take_back_what_was_seen(world: World) -> None:
    world.buffer.note_seen(Seen(APP), DUE_MS)
    world.put(ONE)
    world.flush_due()
    assert world.buffer.seen()[Seen(APP)] == DUE_MS
