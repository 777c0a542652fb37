"""Turns the body of one POST into the objects that store it. Pure: the same batch gives the same keys on each try."""

import hashlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple

from contract.object_keys import ObjectKey, batch_id, neighbouring_slots, slot_ms
from contract.stored_line import (
    Reason,
    Record,
    escape_lines,
    from_frame,
    one_line,
    quarantine,
    slices,
    structured_data,
)
from receiver.logplex import loss_reports
from receiver.logplex.framing import frames

# A time is valid from two days before the POST's arrival to an hour after it: Logplex buffers minutes, not days, and a
# wrong clock must not scatter lines over days that nobody queries.
_OLDEST = timedelta(days=2)
_NEWEST = timedelta(hours=1)
_MILLISECOND = timedelta(milliseconds=1)

# Level 6 takes twice as long and saves an eighth of the size: docs/performance.md has the times, sizes and costs.
GZIP_LEVEL = 3
_GZIP_MEMBER = 16 + zlib.MAX_WBITS
_BLOCK_BYTES = 1 << 16
# Between two checks of the deadline. A body of millions of tiny frames takes seconds.
_FRAMES_PER_CHECK = 1 << 8


class Batch(NamedTuple):
    """One POST: its app, its frame id if it has one, its arrival (ms since 1970) and its body.

    With a `fault` the body is not frames but bytes that could not be decoded: they become one quarantine line. `drain`
    is the name of the drain that sent it, if it says: it tells the drain's own loss reports from those of others.
    """

    app: str
    frame_id: str | None
    arrival_ms: int
    body: bytes
    fault: Reason | None = None
    drain: str | None = None


class StoredObject(NamedTuple):
    """An object to write: its key, its gzip bytes (one member, lines ended by LF), and its number of lines.

    `quarantined` counts the quarantine lines among them by reason, `lost` the messages that loss reports among them say
    were lost, by the drain that they name. `earlier` are keys under which another try of the batch may have stored the
    same lines. There are some only for a batch without a valid time, because its key follows from its arrival.
    """

    key: ObjectKey
    data: bytes
    lines: int
    quarantined: Counter[Reason]
    lost: Counter[str | None]
    earlier: tuple[ObjectKey, ...] = ()


def objects(batch: Batch, proceed: Callable[[], None] = lambda: None) -> list[StoredObject]:
    """Give the objects of a batch, one per UTC day, oldest first; none for a body without frames.

    `proceed` is called every few frames and before each block of lines is compressed; it may raise to end the work.
    Lines go into the compressor as they are found, because they can be many times as large as the body. So a batch
    that needs its reference time is read twice; such batches are few.
    """
    drafts: defaultdict[int, _Draft] = defaultdict(lambda: _Draft(proceed))
    reference: timedelta | None = None
    dated = False
    for record, data, own_time in _records(batch, proceed):
        if own_time is not None:
            time, dated = own_time, True
        else:
            if reference is None:
                reference = _reference(batch, proceed)
            time = reference
        draft = drafts[time.days]
        if isinstance(record, Reason):
            draft.quarantined[record] += 1
            draft.add(quarantine(record, time, data), time)
        else:
            draft.add(record, time)
    name = batch_id(batch.app, batch.frame_id or _digest(batch))
    stored = []
    for _, draft in sorted(drafts.items()):
        # The tries of a batch without a valid time arrive at different times, but nearly always in the same slot.
        key = ObjectKey(batch.app, draft.newest // _MILLISECOND if dated else slot_ms(batch.arrival_ms), name)
        earlier = () if dated else tuple(ObjectKey(batch.app, ms, name) for ms in neighbouring_slots(key.epoch_ms))
        stored.append(StoredObject(key, draft.finish(), draft.lines, draft.quarantined, draft.lost, earlier))
    return stored


def leading_reports(batch: Batch, proceed: Callable[[], None] = lambda: None) -> tuple[list[bytes], int]:
    """Give the loss reports that a batch begins with, and the offset in its body at which they end."""
    reports: list[bytes] = []
    start = 0
    if not batch.fault:
        for message, fault, end in frames(batch.body):
            proceed()
            if fault or not loss_reports.leads_batch(message):
                break
            reports.append(message)
            start = end
    return reports, start


def _digest(batch: Batch) -> str:
    _, start = leading_reports(batch)
    # A batch that holds only reports has nothing else to tell it from another.
    return hashlib.sha256(batch.body[start:] or batch.body).hexdigest()


class _Draft:
    """An object in the making."""

    def __init__(self, proceed: Callable[[], None]) -> None:
        self._proceed = proceed
        self.newest = timedelta(0)
        self.lines = 0
        self.lost: Counter[str | None] = Counter()
        self.quarantined: Counter[Reason] = Counter()
        self._of_time: dict[timedelta, int] = {}
        # No time in the header: equal lines give equal objects.
        self._compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_MEMBER)
        self._data: list[bytes] = []
        self._block = bytearray()

    def add(self, record: Record, time: timedelta) -> None:
        if time > self.newest:
            self.newest = time
        self.lines += 1
        if loss := loss_reports.loss(record):
            self.lost[loss.drain] += loss.messages
        # Not a Counter, which calls Python code for each new time.
        number = self._of_time[record.time] = self._of_time.get(record.time, 0) + 1
        self._block += record.header + structured_data(number)
        for text in slices(record.message):
            self._block += one_line(text)
            if len(self._block) >= _BLOCK_BYTES:
                self._compress()
        self._block += b"\n"

    def finish(self) -> bytes:
        self._compress()
        self._data.append(self._compressor.flush())
        return b"".join(self._data)

    def _compress(self) -> None:
        self._proceed()
        self._data.append(self._compressor.compress(escape_lines(bytes(self._block))))
        self._block.clear()


def _reference(batch: Batch, proceed: Callable[[], None]) -> timedelta:
    own_times = (own_time for _, _, own_time in _records(batch, proceed) if own_time is not None)
    return max(own_times, default=batch.arrival_ms * _MILLISECOND)


def _records(batch: Batch, proceed: Callable[[], None]) -> Iterator[tuple[Record | Reason, bytes, timedelta | None]]:
    """Give each record of a batch, or the reason to quarantine; the bytes it is made of; and its own time, if valid."""
    if batch.fault:
        yield batch.fault, batch.body, None
        return
    reports, start = leading_reports(batch, proceed)
    for report in reports:
        yield from_frame(report), report, None
    arrival = batch.arrival_ms * _MILLISECOND
    oldest, newest = arrival - _OLDEST, arrival + _NEWEST
    for number, (data, fault, _) in enumerate(frames(batch.body, start)):
        if number % _FRAMES_PER_CHECK == 0:
            proceed()
        record = fault or from_frame(data)
        yield record, data, record.time if isinstance(record, Record) and oldest <= record.time <= newest else None
