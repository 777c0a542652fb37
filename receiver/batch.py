"""From the body of one POST to the objects that store it. Pure: the same batch gives the same keys on each try."""

import hashlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from contract.keys import ObjectKey, batch_id, day_number
from contract.record import Malformed, Reason, Record, escape_lines, from_frame, one_line, quarantine, slices
from receiver import counted, losses, runs
from receiver.counted import Headless
from receiver.framing import Fault, next_frame
from receiver.runs import Run

_MINUTE_US = 60 * 1_000_000
_DAY_US = 24 * 60 * _MINUTE_US
# A time is believed from two days before the POST's arrival to an hour after it: Logplex buffers minutes, not
# days, and a wrong clock must not scatter lines over days that nobody queries.
_OLDEST_US = 2 * _DAY_US
_NEWEST_US = 60 * _MINUTE_US

# Level 6 takes twice the time for an eighth less: docs/performance.md has times and sizes, and what they cost.
GZIP_LEVEL = 3
_GZIP_MEMBER = 16 + zlib.MAX_WBITS
_BLOCK_BYTES = 1 << 16
_LF = ord("\n")

_Dated = tuple[Run | Headless | Record | Fault, int | None]

# More than the longest loss report has.
_REPORT_BYTES = 1 << 9


class Batch(NamedTuple):
    """One POST: whose it is, what it calls itself, when it arrived (ms since 1970) and what it holds."""

    app: str
    frame_id: str | None
    arrival_ms: int
    body: bytes
    undecodable: bool = False  # the body is not what was sent, but base64 that did not decode


class StoredObject(NamedTuple):
    """An object to write: its key, its gzip bytes (one member, lines ended by LF), and what it holds.

    `quarantined` counts the quarantine lines among `lines` by their reason, `lost` the messages that loss reports among
    them tell of.
    """

    key: ObjectKey
    data: bytes
    lines: int
    quarantined: Counter[Reason]
    lost: int


def objects(batch: Batch, proceed: Callable[[], None] = lambda: None) -> list[StoredObject]:
    """Give the objects of a batch, one a UTC day, oldest first; none for a body without frames.

    `proceed` is called now and then, and may raise what ends the work: millions of tiny frames take long.
    Lines go into the compressor as they are found: a body can make lines of many times its size. So the reference is
    looked for ahead of time, in a reading of its own, by the few batches that need it.
    """
    drafts: defaultdict[int, _Draft] = defaultdict(lambda: _Draft(proceed))
    reference_us: int | None = None
    for entry, believed_us in _dated(batch):
        if (time_us := believed_us) is None:
            if reference_us is None:
                reference_us = _reference_us(batch, proceed)
            time_us = reference_us
        draft = drafts[day_number(time_us // 1000)]
        if isinstance(entry, Run):
            draft.add_lines(entry.text, entry.lines, time_us)
        elif isinstance(entry, Record):
            draft.add(entry, time_us)
        else:
            draft.quarantine(entry, time_us)
    name = batch_id(batch.app, batch.frame_id or hashlib.sha256(batch.body).hexdigest())
    return [
        StoredObject(
            ObjectKey(batch.app, draft.newest_us // 1000, name),
            draft.finish(),
            draft.lines,
            draft.quarantined,
            draft.lost,
        )
        for _, draft in sorted(drafts.items())
    ]


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
            self.lost += losses.lost(header + one_line(message[:_REPORT_BYTES]))
        self._block += header
        for text in slices(message) if len(message) > _BLOCK_BYTES else (message,):
            self._block += one_line(text)
            if len(self._block) >= _BLOCK_BYTES:
                self._compress()
        self._block += b"\n"

    def add_lines(self, text: bytes, lines: int, time_us: int) -> None:
        self.newest_us = max(self.newest_us, time_us)
        self.lines += lines
        self.lost += losses.lost(text)
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
    newest_us = None
    for _, time_us in _dated(batch):
        proceed()
        if time_us is not None and (newest_us is None or time_us > newest_us):
            newest_us = time_us
    return _midnight_us(batch.arrival_ms) if newest_us is None else newest_us


def _dated(batch: Batch) -> Iterator[_Dated]:
    """Give what a batch holds, each with its time where that is believed, in microseconds since 1970."""
    body = batch.body
    if batch.undecodable:
        yield Fault(Reason.BAD_BASE64, body), None
        return
    arrival_us = batch.arrival_ms * 1000
    believed = range(arrival_us - _OLDEST_US, arrival_us + _NEWEST_US + 1)
    if not (first := next_frame(body, 0)):
        return
    frame, start = first
    # Logplex renders its own report, which comes first, anew on each try.
    own = isinstance(frame, bytes) and losses.is_drains_own(frame)
    yield _by_itself(frame, range(0) if own else believed)
    yield from _rest(body, start, believed)


def _rest(body: bytes, start: int, believed: range) -> Iterator[_Dated]:
    """Give what follows the first frame: as much as can be read together."""
    window = runs.WINDOW_BYTES
    while start < len(body):
        run = runs.read(body, start, window) if body[start - 1] == _LF else None
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


def _midnight_us(arrival_ms: int) -> int:
    return arrival_ms * 1000 // _DAY_US * _DAY_US
