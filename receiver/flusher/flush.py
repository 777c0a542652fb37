"""Writes the buffer's batches to the archive, slot by slot, each exactly once. docs/design.md has the protocol.

Nothing here is undone or locked: the record of an object decides what is in it before it is written, so a flusher that
repeats, overlaps or outlives another one writes the same object again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from contract import buffer_table
from contract.buffer_table import Heading, Key, Record, Seen
from contract.logplex.batch import Batch
from contract.slots import Slot
from receiver.flusher.slot_objects import objects
from receiver.stored_object import StoredObject
from receiver.tally import Tally

# The limits of one record, in bytes of bodies, lines and batches. A million lines take about 0.5 GB of memory; an item
# of 400 KB has room for the ids of 20,000 batches.
RECORD_BYTES = 64 * 1024 * 1024
RECORD_LINES = 500_000
RECORD_BATCHES = 20_000
_DAY_MS = 24 * 3600 * 1000
# The clock that dates the table may differ from the receiver's.
_SKEW_MS = 60_000


class Contents(NamedTuple):
    """What a slot holds: its batches without their bodies, and the records of its objects."""

    headings: list[Heading]
    records: list[Record]


class Table(Protocol):
    """The buffer. All reads are strongly consistent."""

    def born_ms(self) -> int:
        """Give the time at which the table was created, in milliseconds since 1970."""

    def untils(self) -> dict[str, list[Slot]]:
        """Give the first slot that is not flushed, for each app and each length of slots that were ever in use."""

    def advance(self, app: str, until: Slot) -> None:
        """Note that all slots before this one are flushed, unless a later one is noted."""

    def seen(self) -> dict[Seen, int]:
        """Give the arrival of the newest batches that were noted, in milliseconds since 1970."""

    def note_seen(self, seen: Seen, arrival_ms: int) -> None:
        """Note the arrival of a batch, unless that of a newer one is noted."""

    def markers(self, app: str) -> list[Key]:
        """Give the keys of all late markers."""

    def delete(self, keys: Iterable[Key]) -> None:
        """Delete items."""

    def contents(self, app: str, slot: Slot) -> Contents:
        """Give what a slot holds."""

    def batches(self, app: str, slot: Slot, batch_ids: Collection[UUID]) -> Iterable[Batch]:
        """Give those of a slot's batches."""

    def create_record(self, app: str, slot: Slot, number: int, batch_ids: Sequence[UUID], now_ms: int) -> bool:
        """Create the record of a slot's n-th object; False if there is one."""

    def mark_stored(self, app: str, slot: Slot, number: int) -> bool:
        """Mark a record's object as stored; False if it is marked already."""


class Store(Protocol):
    """The archive."""

    def put(self, objects: Sequence[StoredObject]) -> None:
        """Write objects, unless they are there."""


# Takes the tally of a record's batches, once, the size of its objects in bytes, and their slot.
Report = Callable[[Tally, int, Slot], None]


class Flusher:
    """Flushes one app."""

    def __init__(self, app: str, table: Table, store: Store, report: Report) -> None:
        self.app = app
        self._table, self._store, self._report = table, store, report
        self._now_ms = 0
        self._untils: list[Slot] = []
        self._late: dict[Slot, list[Key]] = {}
        self._seen: dict[Seen, int] = {}

    @property
    def silence_ms(self) -> int | None:
        """How long the app has sent no line of its own, up to the first slot that is not flushed, in milliseconds.

        It is not counted up to now: lines of the slots after that may wait in the buffer. None if no slot is known.
        """
        known_ms = min((until.begin_ms for until in self._untils), default=None)
        return None if known_ms is None else max(0, known_ms - self._seen[Seen(self.app)])

    def look(self, untils: Iterable[Slot], seen: Mapping[Seen, int], minutes: int, now_ms: int) -> None:
        """Find out what is to be flushed; `untils` and `seen` are the table's, `minutes` is the length of new slots."""
        self._now_ms, self._late = now_ms, {}
        # What was never seen counts from now.
        self._seen = {each: seen.get(each, now_ms) for each in (Seen(self.app), Seen(self.app, canary=True))}
        # First, so that an app whose markers cannot be read is known to be behind.
        self._untils = list(untils)
        if all(until.minutes != minutes for until in self._untils):
            # A slot before the table's was late when it came, and has a marker.
            first_ms = max(self._table.born_ms() - _SKEW_MS, now_ms - buffer_table.KEPT_DAYS * _DAY_MS)
            first = Slot.of(first_ms, minutes)
            # At once: receivers may change to another length before a slot of this one is due.
            self._table.advance(self.app, first)
            self._untils.append(first)
        for each in self._seen.keys() - seen.keys():
            self._table.note_seen(each, now_ms)
        # Before the first query of a slot: a marker that comes later asks for another flush.
        for key in self._table.markers(self.app):
            self._late.setdefault(buffer_table.slot_of_marker(key.sort), []).append(key)

    def next(self) -> Slot | None:
        """Give the oldest slot that was due at the look, None if there is none left."""
        due = (slot for slot in [*self._untils, *self._late] if buffer_table.is_due(slot, self._now_ms))
        return min(due, default=None)

    def flush(self, slot: Slot) -> None:
        """Flush a slot that `next` gave."""
        self._flush(slot)
        if slot in self._untils:
            self._table.advance(self.app, slot.after)
            self._untils[self._untils.index(slot)] = slot.after
        # Only those that were listed before.
        self._table.delete(self._late.pop(slot, []))

    def _flush(self, slot: Slot) -> None:
        while True:
            contents = self._table.contents(self.app, slot)
            # Before the objects are written, as S3 may refuse them.
            self._note_seen(contents.headings)
            for record in contents.records:
                if not record.stored:
                    self._write(slot, record, contents.records)
            waiting = self._waiting(slot, contents)
            if not waiting:
                return
            number = 1 + max((record.number for record in contents.records), default=-1)
            batch_ids = tuple(heading.batch_id for heading in _first(waiting))
            # Otherwise another flusher was first, and the next look shows its record.
            if self._table.create_record(self.app, slot, number, batch_ids, self._now_ms):
                self._write(slot, Record(number, batch_ids, stored=False), contents.records)

    def _note_seen(self, headings: Collection[Heading]) -> None:
        for seen, noted_ms in self._seen.items():
            arrivals = (each.arrival_ms for each in headings if each.canary == seen.canary)
            newest_ms = max(arrivals, default=noted_ms)
            if newest_ms > noted_ms:
                self._table.note_seen(seen, newest_ms)
                self._seen[seen] = newest_ms

    def _waiting(self, slot: Slot, contents: Contents) -> list[Heading]:
        """Give the batches that are in no record, in order of arrival."""
        taken = {batch_id for record in contents.records for batch_id in record.batch_ids}
        waiting = [heading for heading in contents.headings if heading.batch_id not in taken]
        if any(heading.undated for heading in waiting):
            # Tries of a batch without a valid time may be in two slots. The first slot has it, unless the second has
            # recorded it.
            before, after = (self._table.contents(self.app, near) for near in (slot.before, slot.after))
            elsewhere = {heading.batch_id for heading in before.headings}
            elsewhere |= {batch_id for record in after.records for batch_id in record.batch_ids}
            waiting = [each for each in waiting if not (each.undated and each.batch_id in elsewhere)]
        return sorted(waiting, key=lambda heading: (heading.arrival_ms, heading.batch_id))

    def _write(self, slot: Slot, record: Record, records: Iterable[Record]) -> None:
        earlier = {batch_id for each in records if each.number < record.number for batch_id in each.batch_ids}
        tally = Tally(self.app)
        stored = objects(
            self.app,
            slot,
            record.number,
            self._table.batches(self.app, slot, record.batch_ids),
            tally,
            self._table.batches(self.app, slot, earlier) if earlier else (),
        )
        self._store.put(stored)
        # Of two flushers that write it, one counts it.
        if self._table.mark_stored(self.app, slot, record.number):
            self._report(tally, sum(len(each.data) for each in stored), slot)


def _first(waiting: Sequence[Heading]) -> list[Heading]:
    """Give as many batches as one record may have, at least one."""
    lines = size = 0
    for count, heading in enumerate(waiting):
        lines, size = lines + heading.lines, size + heading.bytes
        if count and (count == RECORD_BATCHES or lines > RECORD_LINES or size > RECORD_BYTES):
            return list(waiting[:count])
    return list(waiting)
