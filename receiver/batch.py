"""From the body of one POST to the objects that store it. Pure: the same batch gives the same keys on each try."""

import hashlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from contract.keys import ObjectKey, batch_id, day_number
from contract.record import Malformed, Reason, Record, escape_lines, from_frame, one_line, quarantine, slices
from receiver import losses, runs
from receiver.framing import Fault, next_frame
from receiver.runs import Run

_MINUTE_US = 60 * 1_000_000
_DAY_US = 24 * 60 * _MINUTE_US
# A time is believed from two days before the POST's arrival to an hour after it: Logplex buffers minutes, not
# days, and a wrong clock must not scatter lines over days that nobody queries.
_OLDEST_US = 2 * _DAY_US
_NEWEST_US = 60 * _MINUTE_US

# Of the levels, the one that costs least in all: docs/performance.md has their times and sizes.
GZIP_LEVEL = 3
_GZIP_MEMBER = 16 + zlib.MAX_WBITS
_BLOCK_BYTES = 1 << 16
_LF = ord("\n")

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
                reference_us = _reference_us(batch)
            time_us = reference_us
        draft = drafts[day_number(time_us // 1000)]
        if isinstance(entry, Run):
            draft.add_run(entry)
        elif isinstance(entry, Fault):
            draft.quarantined[entry.reason] += 1
            draft.add(quarantine(entry.reason, time_us, entry.remainder), time_us)
        else:
            draft.add(entry, time_us)
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

    def add_run(self, run: Run) -> None:
        self.newest_us = max(self.newest_us, run.newest_us)
        self.lines += run.lines
        self.lost += losses.lost(run.text)
        self._block += run.text
        if len(self._block) >= _BLOCK_BYTES:
            self._compress()

    def finish(self) -> bytes:
        self._compress()
        self._data.append(self._compressor.flush())
        return b"".join(self._data)

    def _compress(self) -> None:
        self._proceed()
        self._data.append(self._compressor.compress(escape_lines(bytes(self._block))))
        self._block.clear()


def _reference_us(batch: Batch) -> int:
    return max((time for _, time in _dated(batch) if time is not None), default=_midnight_us(batch.arrival_ms))


def _dated(batch: Batch) -> Iterator[tuple[Run | Record | Fault, int | None]]:
    """Give what a batch holds, each with its time where that is believed, in microseconds since 1970."""
    body = batch.body
    if batch.undecodable:
        yield Fault(Reason.BAD_BASE64, body), None
        return
    oldest_us = batch.arrival_ms * 1000 - _OLDEST_US
    newest_us = batch.arrival_ms * 1000 + _NEWEST_US
    start = window = 0
    while start < len(body):
        # The first frame is read by itself: it may be a loss report, whose time is not believed.
        run = runs.read(body, start, window) if start and body[start - 1] == _LF else None
        if run and oldest_us <= run.oldest_us and run.newest_us <= newest_us:
            yield run, run.newest_us
            # A short one ended at an odd frame.
            whole = run.end - start > window // 2
            window = min(4 * window, runs.WINDOW_BYTES) if whole else runs.LEAST_WINDOW_BYTES
            start = run.end
            continue
        if not (found := next_frame(body, start)):
            return
        frame, end = found
        entry = frame if isinstance(frame, Fault) else _read(frame)
        time_us = None if isinstance(entry, Fault) else entry.time_us
        if time_us is not None and not oldest_us <= time_us <= newest_us:
            time_us = None
        if start == 0 and isinstance(frame, bytes) and losses.is_drains_own(frame):
            time_us = None
        yield entry, time_us
        window = runs.LEAST_WINDOW_BYTES if start else runs.WINDOW_BYTES
        start = end


def _read(frame: bytes) -> Record | Fault:
    try:
        return from_frame(frame)
    except Malformed as malformed:
        return Fault(malformed.reason, frame)


def _midnight_us(arrival_ms: int) -> int:
    return arrival_ms * 1000 // _DAY_US * _DAY_US
