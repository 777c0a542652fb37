"""From the body of one POST to the objects that store it. Pure: the same batch gives the same keys on each try."""

import gzip
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from contract.keys import ObjectKey, batch_id, day_number
from contract.record import Malformed, Reason, Record, from_frame, quarantine_line
from receiver.framing import Fault, split

_MINUTE_US = 60 * 1_000_000
_DAY_US = 24 * 60 * _MINUTE_US
# A time is believed from two days before the POST's arrival to an hour after it: Logplex buffers minutes, not
# days, and a wrong clock must not scatter lines over days that nobody queries.
_OLDEST_US = 2 * _DAY_US
_NEWEST_US = 60 * _MINUTE_US

_GZIP_LEVEL = 6

# What Logplex puts in front of the frames of a batch, rendered anew on each try (logplex_http_drain.erl), so
# nothing in a key may come from it.
_LOSS_REPORT = re.compile(rb"<\d+>1 \S+ \S+ heroku logplex - - Error L10 ")


class Batch(NamedTuple):
    """One POST: whose it is, what it calls itself, when it arrived (ms since 1970) and what it holds."""

    app: str
    frame_id: str | None
    arrival_ms: int
    body: bytes
    undecodable: bool = False  # the body is not what was sent, but base64 that did not decode


class StoredObject(NamedTuple):
    """An object to write: its key and its gzip bytes (one member, lines ended by LF)."""

    key: ObjectKey
    data: bytes


class _Quarantined(NamedTuple):
    reason: Reason
    data: bytes


def objects(batch: Batch) -> list[StoredObject]:
    """Give the objects of a batch, one a UTC day, oldest first; none for a body without frames."""
    entries = list(_entries(batch))
    times = [_believed_time(entry, batch.arrival_ms * 1000) for entry in entries]
    if entries and _is_loss_report(entries[0]):
        times[0] = None
    reference = max((time for time in times if time is not None), default=_midnight_us(batch.arrival_ms))

    lines: defaultdict[int, list[bytes]] = defaultdict(list)
    newest: dict[int, int] = {}
    for entry, time in zip(entries, times, strict=True):
        epoch_ms = (reference if time is None else time) // 1000
        day = day_number(epoch_ms)
        newest[day] = max(newest.get(day, 0), epoch_ms)
        lines[day].append(
            entry.line if isinstance(entry, Record) else quarantine_line(entry.reason, reference, entry.data)
        )
    name = batch_id(batch.app, batch.frame_id or hashlib.sha256(batch.body).hexdigest())
    return [StoredObject(ObjectKey(batch.app, newest[day], name), _compress(lines[day])) for day in sorted(lines)]


def _entries(batch: Batch) -> Iterator[Record | _Quarantined]:
    frames, fault = ([], Fault(Reason.BAD_BASE64, batch.body)) if batch.undecodable else split(batch.body)
    for frame in frames:
        try:
            yield from_frame(frame)
        except Malformed as malformed:
            yield _Quarantined(malformed.reason, frame)
    if fault:
        yield _Quarantined(fault.reason, fault.remainder)


def _believed_time(entry: Record | _Quarantined, arrival_us: int) -> int | None:
    if isinstance(entry, Record) and arrival_us - _OLDEST_US <= entry.time_us <= arrival_us + _NEWEST_US:
        return entry.time_us
    return None


def _is_loss_report(entry: Record | _Quarantined) -> bool:
    return isinstance(entry, Record) and _LOSS_REPORT.match(entry.line) is not None


def _midnight_us(arrival_ms: int) -> int:
    return arrival_ms * 1000 // _DAY_US * _DAY_US


def _compress(lines: list[bytes]) -> bytes:
    # No time in the header: equal lines give equal objects.
    return gzip.compress(b"\n".join(lines) + b"\n", _GZIP_LEVEL, mtime=0)
