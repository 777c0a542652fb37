"""The lines that were acknowledged and are not in S3 yet.

A flusher can run at any moment, and each line must be shown once. So the buffer is read first, then Athena is asked,
then the records are read again. A batch that was stored before the first reading is left to Athena: its object was
there when Athena listed the bucket. Any other batch is shown from here, unless Athena's answer has rows of its object.
If its object was written in between and the answer has no row of it, then Athena listed the bucket before that, or no
row of the object is selected, or all its rows are older than those of a full answer. Rows from here are selected and
cut in the same way, so in each case the right ones are left.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from contract import buffer_table
from contract.buffer_table import RECORD_PREFIX, SORT_KEY, Heading, Record
from contract.logplex.batch import Batch, Line
from contract.object_keys import EPOCH_DAY, slot_object_id
from contract.slot_lines import Place, ordered
from contract.slots import Slot
from contract.window import Window
from runbook.clients.buffer import Buffer
from runbook.search import line_rows
from runbook.search.line_rows import Row
from runbook.search.selection import Selection

READERS = 16
_UNSEEN_MS = 6 * 3600 * 1000
# A time is valid up to an hour after its arrival (contract/logplex/batch.py), so slots of the next hour can have lines.
AHEAD_MS = 65 * 60_000


class Contents(NamedTuple):
    """What a slot of an app holds: its batches by their ids, those without a valid time, and its records in order."""

    app: str
    slot: Slot
    batches: dict[UUID, Batch]
    undated: set[UUID]
    records: list[Record]

    @property
    def recorded(self) -> dict[UUID, Record]:
        """The records by the ids of their batches."""
        return {batch_id: record for record in self.records for batch_id in record.batch_ids}


class Waiting(NamedTuple):
    """A row of a batch that was not stored, and the name of its object; None if that is not decided yet."""

    row: Row
    object: UUID | None


class Unflushed:
    """What is in the buffer at the moment at which this object is made."""

    def __init__(self, buffer: Buffer, apps: Sequence[str], minutes: int, window: Window, now: datetime) -> None:
        """Read the slots that can have lines of a window, where receivers use slots of so many minutes."""
        self._buffer = buffer
        with ThreadPoolExecutor(READERS) as readers:
            untils = untils_of(buffer)
            # A line lies under the day of its slot, or an earlier one.
            since = datetime.combine(window.days[0], time(), UTC)
            slots_of = [readers.submit(slots, buffer, app, untils.get(app, []), minutes, since, now) for app in apps]
            wanted = {(app, slot) for app, found in zip(apps, slots_of, strict=True) for slot in found.result()}
            contents = list(readers.map(lambda each: read(buffer, *each), sorted(wanted)))
            # Another try of a batch without a valid time can be in a slot that was not read.
            near = {
                (each.app, slot) for each in contents if each.undated for slot in (each.slot.before, each.slot.after)
            }
            contents += readers.map(lambda each: read(buffer, *each), sorted(near - wanted))
        self.contents = sorted(contents, key=lambda each: (each.app, each.slot))

    def rows(self, selection: Selection, objects: Collection[UUID]) -> list[Row]:
        """Give the selected rows; `objects` are the names of the objects that Athena's answer has rows of."""
        return [row for row, name in self.waiting(selection) if name not in objects]

    def waiting(self, selection: Selection) -> list[Waiting]:
        """Give the selected rows that Athena's answer may lack, and the name of the object that will have each."""
        owners = _owners(self.contents)
        rows = []
        for contents in self.contents:
            waiting = {
                batch_id for batch_id in contents.batches if owners.get((contents.app, batch_id)) == contents.slot
            }
            if not waiting:
                continue
            numbers = {
                batch_id: record.number for record in _records(self._buffer, contents) for batch_id in record.batch_ids
            }
            for place, line, number in _numbered(contents):
                batch_id = UUID(bytes=place.batch)
                if batch_id not in waiting:
                    continue
                day = EPOCH_DAY + timedelta(days=place.time.days)
                in_object = numbers.get(batch_id)
                name = None if in_object is None else slot_object_id(contents.app, contents.slot, in_object, day)
                row = line_rows.of_line(contents.app, line, number)
                if selection.admits(line, row):
                    rows.append(Waiting(row, name))
        return rows


def untils_of(buffer: Buffer) -> Mapping[str, list[Slot]]:
    """Give the first slots that are not flushed yet, one per length, by app."""
    untils: dict[str, list[Slot]] = {}
    for item in buffer.query(buffer_table.FLUSHED_PARTITION):
        app, slot = buffer_table.until_of(item)
        untils.setdefault(app, []).append(slot)
    return untils


def slots(buffer: Buffer, app: str, untils: Iterable[Slot], minutes: int, since: datetime, now: datetime) -> list[Slot]:
    """Give the slots of an app that can have batches which are not flushed, and lines from a time on."""
    since_ms, now_ms = (round(moment.timestamp() * 1000) for moment in (since, now))
    first = list(untils)
    if all(until.minutes != minutes for until in first):
        # The flusher has not come to this app or length yet, which it does within a minute. Longer than some hours only
        # if it never ran, which the doctor finds.
        first.append(Slot.of(max(since_ms, now_ms - _UNSEEN_MS), minutes))
    found = set()
    for until in first:
        # The slot before shows whether a batch without a valid time is stored there.
        slot = max(until.before, Slot.of(since_ms, until.minutes))
        while slot.begin_ms <= now_ms + AHEAD_MS:
            found.add(slot)
            slot = slot.after
    markers = buffer.query(buffer_table.late_partition(app))
    late = {buffer_table.slot_of_marker(item[SORT_KEY]["S"]) for item in markers}
    return sorted(found | {slot for slot in late if slot.end_ms > since_ms})


def read(buffer: Buffer, app: str, slot: Slot, since_ms: int | None = None, *, consistent: bool = True) -> Contents:
    """Read a slot: its records, and its batches, or only those that arrived since a time."""
    contents = Contents(app, slot, {}, set(), [])
    partition = buffer_table.slot_partition(app, slot)
    for item in buffer.query(partition, since_ms=since_ms, consistent=consistent):
        if item[SORT_KEY]["S"].startswith(RECORD_PREFIX):
            contents.records.append(Record.of(item))
            continue
        heading = Heading.of(item)
        contents.batches[heading.batch_id] = buffer_table.batch_of(item, app)
        if heading.undated:
            contents.undated.add(heading.batch_id)
    return contents


def _records(buffer: Buffer, contents: Contents) -> Iterator[Record]:
    partition = buffer_table.slot_partition(contents.app, contents.slot)
    return (Record.of(item) for item in buffer.query(partition, prefix=RECORD_PREFIX))


def _owners(slots: Iterable[Contents]) -> dict[tuple[str, UUID], Slot | None]:
    """Give the slot from which each batch is shown, None if it is in S3.

    A batch without a valid time can be in two slots. The one that recorded it stores it, otherwise the first one
    (receiver/flusher/flush.py).
    """
    owners: dict[tuple[str, UUID], Slot | None] = {}
    recorded_at = {}
    for contents in slots:
        for batch_id, record in contents.recorded.items():
            recorded_at[contents.app, batch_id] = None if record.stored else contents.slot
        for batch_id in contents.batches:
            owners.setdefault((contents.app, batch_id), contents.slot)
    return owners | recorded_at


def _numbered(contents: Contents) -> Iterator[tuple[Place, Line, int]]:
    """Give the lines of a slot with their numbers among lines of one time, as the flusher writes them."""
    numbers: dict[timedelta, int] = {}
    recorded = contents.recorded
    groups = [list(record.batch_ids) for record in contents.records]
    groups.append([batch_id for batch_id in contents.batches if batch_id not in recorded])
    for batch_ids in groups:
        for place, line in ordered(contents.batches[each] for each in batch_ids if each in contents.batches):
            numbers[line.record.time] = numbers.get(line.record.time, 0) + 1
            yield place, line, numbers[line.record.time]
