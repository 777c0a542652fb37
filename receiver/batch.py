"""From the body of one POST to the objects that store it. Pure: the same batch gives the same keys on each try."""

import hashlib
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from contract.keys import ObjectKey, batch_id, day_number
from contract.record import Malformed, Reason, Record, escape_controls, from_frame, one_line, quarantine, slices
from receiver.framing import Fault, frames

_MINUTE_US = 60 * 1_000_000
_DAY_US = 24 * 60 * _MINUTE_US
# A time is believed from two days before the POST's arrival to an hour after it: Logplex buffers minutes, not
# days, and a wrong clock must not scatter lines over days that nobody queries.
_OLDEST_US = 2 * _DAY_US
_NEWEST_US = 60 * _MINUTE_US

# Of the levels, the one that costs least in all: docs/performance.md has their times and sizes.
_GZIP_LEVEL = 3
_GZIP_MEMBER = 16 + zlib.MAX_WBITS
_BLOCK_BYTES = 1 << 16

# What Logplex puts in front of the frames of a batch, rendered anew on each try (logplex_http_drain.erl), so
# nothing in a key may come from it.
_LOSS_REPORT_HEADER = re.compile(rb"<\d+>1 \S+ \S+ heroku logplex - -")


class Batch(NamedTuple):
    """One POST: whose it is, what it calls itself, when it arrived (ms since 1970) and what it holds."""

    app: str
    frame_id: str | None
    arrival_ms: int
    body: bytes
    undecodable: bool = False  # the body is not what was sent, but base64 that did not decode


class StoredObject(NamedTuple):
    """An object to write: its key, its gzip bytes (one member, lines ended by LF), and what it holds.

    `quarantined` counts the quarantine lines among `lines` by their reason.
    """

    key: ObjectKey
    data: bytes
    lines: int
    quarantined: Counter[Reason]


def objects(batch: Batch) -> list[StoredObject]:
    """Give the objects of a batch, one a UTC day, oldest first; none for a body without frames.

    Lines go into the compressor as they are found: a body can make lines of many times its size. So the reference is
    looked for ahead of time, in a reading of its own, by the few batches that need it.
    """
    drafts: defaultdict[int, _Draft] = defaultdict(_Draft)
    reference_us: int | None = None
    for entry, believed_us in _dated(batch):
        if (time_us := believed_us) is None:
            if reference_us is None:
                reference_us = _reference_us(batch)
            time_us = reference_us
        draft = drafts[day_number(time_us // 1000)]
        if isinstance(entry, Fault):
            draft.quarantined[entry.reason] += 1
            draft.add(quarantine(entry.reason, time_us, entry.remainder), time_us)
        else:
            draft.add(entry, time_us)
    name = batch_id(batch.app, batch.frame_id or hashlib.sha256(batch.body).hexdigest())
    return [
        StoredObject(
            ObjectKey(batch.app, draft.newest_us // 1000, name), draft.finish(), draft.lines, draft.quarantined
        )
        for _, draft in sorted(drafts.items())
    ]


class _Draft:
    """An object in the making."""

    def __init__(self) -> None:
        self.newest_us = 0
        self.lines = 0
        self.quarantined: Counter[Reason] = Counter()
        # No time in the header: equal lines give equal objects.
        self._compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_MEMBER)
        self._data: list[bytes] = []
        self._block = bytearray()

    def add(self, record: Record, time_us: int) -> None:
        if time_us > self.newest_us:
            self.newest_us = time_us
        self.lines += 1
        self._block += record.header
        for text in slices(record.message) if len(record.message) > _BLOCK_BYTES else (record.message,):
            self._block += one_line(text)
            if len(self._block) >= _BLOCK_BYTES:
                self._compress()
        self._block += b"\n"

    def finish(self) -> bytes:
        self._compress()
        self._data.append(self._compressor.flush())
        return b"".join(self._data)

    def _compress(self) -> None:
        self._data.append(self._compressor.compress(escape_controls(bytes(self._block))))
        self._block.clear()


def _reference_us(batch: Batch) -> int:
    return max((time for _, time in _dated(batch) if time is not None), default=_midnight_us(batch.arrival_ms))


def _dated(batch: Batch) -> Iterator[tuple[Record | Fault, int | None]]:
    """Give what a batch holds, each with its time where that is believed, in microseconds since 1970."""
    oldest = batch.arrival_ms * 1000 - _OLDEST_US
    newest = batch.arrival_ms * 1000 + _NEWEST_US
    leading = True
    for entry in _entries(batch):
        if isinstance(entry, Fault) or not oldest <= entry.time_us <= newest or (leading and _is_loss_report(entry)):
            yield entry, None
        else:
            yield entry, entry.time_us
        leading = False


def _entries(batch: Batch) -> Iterator[Record | Fault]:
    if batch.undecodable:
        yield Fault(Reason.BAD_BASE64, batch.body)
        return
    for frame in frames(batch.body):
        if isinstance(frame, Fault):
            yield frame
            continue
        try:
            yield from_frame(frame)
        except Malformed as malformed:
            yield Fault(malformed.reason, frame)


def _is_loss_report(record: Record) -> bool:
    return record.message.startswith(b" Error L10 ") and _LOSS_REPORT_HEADER.fullmatch(record.header) is not None


def _midnight_us(arrival_ms: int) -> int:
    return arrival_ms * 1000 // _DAY_US * _DAY_US
