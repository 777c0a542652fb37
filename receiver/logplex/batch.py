"""From the body of one POST to the objects that store it. Pure: the same batch gives the same keys on each try."""

import hashlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from contract.object_keys import ObjectKey, batch_id, day_number, neighbouring_slots, slot_ms
from contract.stored_line import Malformed, Reason, Record, escape_lines, from_frame, one_line, quarantine, slices
from receiver.logplex import counted, loss_reports, runs
from receiver.logplex.counted import Headless
from receiver.logplex.framing import Fault, next_frame
from receiver.logplex.runs import Run

_HOUR_US = 3600 * 1_000_000
# A time is believed from two days before the POST's arrival to an hour after it: Logplex buffers minutes, not
# days, and a wrong clock must not scatter lines over days that nobody queries.
_OLDEST_US = 48 * _HOUR_US
_NEWEST_US = _HOUR_US

# Level 6 takes twice the time for an eighth less: docs/performance.md has times and sizes, and what they cost.
GZIP_LEVEL = 3
_GZIP_MEMBER = 16 + zlib.MAX_WBITS
_BLOCK_BYTES = 1 << 16
_LF = ord("\n")

_Dated = tuple[Run | Headless | Record | Fault, int | None]

# More than the longest loss report has.
_REPORT_BYTES = 1 << 9


class Batch(NamedTuple):
    """One POST: whose it is, what it calls itself, when it arrived (ms since 1970) and what it holds.

    With a `fault` the body is not frames but bytes that could not be decoded: they become one quarantine line.
    """

    app: str
    frame_id: str | None
    arrival_ms: int
    body: bytes
    fault: Reason | None = None


class StoredObject(NamedTuple):
    """An object to write: its key, its gzip bytes (one member, lines ended by LF), and what it holds.

    `quarantined` counts the quarantine lines among `lines` by their reason, `lost` the messages that loss reports among
    them tell of. `earlier` are the keys under which another try of the same batch may have stored the same lines: there
    are some only where the key follows from the arrival, as no line of the batch has a valid time.
    """

    key: ObjectKey
    data: bytes
    lines: int
    quarantined: Counter[Reason]
    lost: int
    earlier: tuple[ObjectKey, ...] = ()


def objects(batch: Batch, proceed: Callable[[], None] = lambda: None) -> list[StoredObject]:
    """Give the objects of a batch, one per UTC day, oldest first; none for a body without frames.

    `proceed` is called between windows of the body and between blocks of lines, and may raise to end the work: millions
    of tiny frames take long. Lines go into the compressor as they are found, because a body can make lines of many
    times its size. So the batches that need the reference time, which are few, read the body twice.
    """
    drafts: defaultdict[int, _Draft] = defaultdict(lambda: _Draft(proceed))
    reference_us: int | None = None
    dated = False
    for entry, believed_us in _dated(batch, proceed):
        if (time_us := believed_us) is None:
            if reference_us is None:
                reference_us = _reference_us(batch, proceed)
            time_us = reference_us
        else:
            dated = True
        draft = drafts[day_number(time_us // 1000)]
        if isinstance(entry, Run):
            draft.add_lines(entry.text, entry.lines, time_us)
        elif isinstance(entry, Record):
            draft.add(entry, time_us)
        else:
            draft.quarantine(entry, time_us)
    name = batch_id(batch.app, batch.frame_id or _digest(batch))
    stored = []
    for _, draft in sorted(drafts.items()):
        # Tries of a batch without a valid time arrive at different times, but nearly always in the same slot.
        key = ObjectKey(batch.app, draft.newest_us // 1000 if dated else slot_ms(batch.arrival_ms), name)
        earlier = () if dated else tuple(ObjectKey(batch.app, ms, name) for ms in neighbouring_slots(key.epoch_ms))
        stored.append(StoredObject(key, draft.finish(), draft.lines, draft.quarantined, draft.lost, earlier))
    return stored


def leading_reports(batch: Batch, proceed: Callable[[], None] = lambda: None) -> tuple[list[bytes], int]:
    """Give the loss reports that a batch begins with, and the offset in its body at which they end."""
    reports: list[bytes] = []
    start = 0
    while not batch.fault and (found := next_frame(batch.body, start)):
        proceed()
        frame, end = found
        if isinstance(frame, Fault) or not loss_reports.leads_batch(frame):
            break
        reports.append(frame)
        start = end
    return reports, start


def _digest(batch: Batch) -> str:
    _, start = leading_reports(batch)
    # A batch of reports only has nothing else that tells it from another.
    return hashlib.sha256(batch.body[start:] or batch.body).hexdigest()


class _Draft:
    """An object in the making."""

    def __init__(self, proceed: Callable[[], None]) -> None:
        self._proceed = proceed
        self.newest_us = 0
        self.lines = 0
        self.lost = 0
        self.quarantined: Counter[Reason] = Counter()
        # No time in the header: equal lines give equal objects.
        self._compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_MEMBER)
        self._data: list[bytes] = []
        self._block = bytearray()

    def add(self, record: Record, time_us: int) -> None:
        if time_us > self.newest_us:
            self.newest_us = time_us
        self.lines += 1
        header, message, _ = record
        if b"Error L1" in message:
            self.lost += loss_reports.lost(header + one_line(message[:_REPORT_BYTES]))
        self._block += header
        for text in slices(message) if len(message) > _BLOCK_BYTES else (message,):
            self._block += one_line(text)
            if len(self._block) >= _BLOCK_BYTES:
                self._compress()
        self._block += b"\n"

    def add_lines(self, text: bytes, lines: int, time_us: int) -> None:
        self.newest_us = max(self.newest_us, time_us)
        self.lines += lines
        self.lost += loss_reports.lost(text)
        self._block += text
        if len(self._block) >= _BLOCK_BYTES:
            self._compress()

    def quarantine(self, entry: Headless | Fault, time_us: int) -> None:
        if isinstance(entry, Headless):
            header, _, _ = quarantine(Reason.BAD_HEADER, time_us, b"")
            self.quarantined[Reason.BAD_HEADER] += len(entry.messages)
            self.add_lines(entry.text(header), len(entry.messages), time_us)
        else:
            self.quarantined[entry.reason] += 1
            self.add(quarantine(entry.reason, time_us, entry.remainder), time_us)

    def finish(self) -> bytes:
        self._compress()
        self._data.append(self._compressor.flush())
        return b"".join(self._data)

    def _compress(self) -> None:
        self._proceed()
        self._data.append(self._compressor.compress(escape_lines(bytes(self._block))))
        self._block.clear()


def _reference_us(batch: Batch, proceed: Callable[[], None]) -> int:
    newest_us = max((time_us for _, time_us in _dated(batch, proceed) if time_us is not None), default=None)
    return batch.arrival_ms * 1000 if newest_us is None else newest_us


def _dated(batch: Batch, proceed: Callable[[], None]) -> Iterator[_Dated]:
    """Give what a batch holds, each with its time where that is believed, in microseconds since 1970."""
    if batch.fault:
        yield Fault(batch.fault, batch.body), None
        return
    reports, start = leading_reports(batch, proceed)
    for report in reports:
        yield _read(report), None
    arrival_us = batch.arrival_ms * 1000
    yield from _rest(batch.body, start, range(arrival_us - _OLDEST_US, arrival_us + _NEWEST_US + 1), proceed)


def _rest(body: bytes, start: int, believed: range, proceed: Callable[[], None]) -> Iterator[_Dated]:
    """Give what follows the leading reports: as much as can be read together."""
    window = runs.WINDOW_BYTES
    while start < len(body):
        proceed()
        run = runs.read(body, start, window) if start == 0 or body[start - 1] == _LF else None
        begin = start
        for entry, end in [(run, run.end)] if run else counted.read(body, start, window):
            if isinstance(entry, bytes):
                yield _by_itself(entry, believed)
            elif isinstance(entry, Headless):
                yield entry, None
            elif entry.oldest_us in believed and entry.newest_us in believed:
                yield entry, entry.newest_us
            else:
                yield from _singly(body, start, end, believed)
            start = end
        if start == begin:
            start = yield from _singly(body, start, start + 1, believed)
        # What is short ended at an odd frame.
        whole = start - begin > window // 2
        window = min(4 * window, runs.WINDOW_BYTES) if whole else runs.LEAST_WINDOW_BYTES


def _singly(body: bytes, start: int, end: int, believed: range) -> Generator[_Dated, None, int]:
    """Give the frames that begin between two offsets one by one; returns where the last one ends."""
    while start < end:
        if not (found := next_frame(body, start)):
            return len(body)
        frame, start = found
        yield _by_itself(frame, believed)
    return start


def _by_itself(frame: bytes | Fault, believed: range) -> _Dated:
    entry = frame if isinstance(frame, Fault) else _read(frame)
    return entry, entry.time_us if isinstance(entry, Record) and entry.time_us in believed else None


def _read(frame: bytes) -> Record | Fault:
    try:
        return from_frame(frame)
    except Malformed as malformed:
        return Fault(malformed.reason, frame)
