"""One POST of a drain, and the lines that its body becomes. Pure: each try of a batch has the same id and slot."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from contract.logplex import loss_reports
from contract.logplex.framing import frames
from contract.object_keys import batch_id
from contract.stored_line import Reason, Record, from_frame, quarantine, time_of

# A time is valid from two days before the POST's arrival to an hour after it: Logplex buffers minutes, not days, and a
# wrong clock must not scatter lines over days that nobody queries.
_OLDEST = timedelta(days=2)
_NEWEST = timedelta(hours=1)
_MILLISECOND = timedelta(milliseconds=1)

# Between two checks of the deadline. A body of millions of tiny frames takes seconds.
_FRAMES_PER_CHECK = 1 << 8


class Batch(NamedTuple):
    """One POST: its app, its frame id if it has one, its arrival (ms since 1970) and its body.

    With a `fault` the body is not frames but bytes that could not be decoded: they become one quarantine line. `drain`
    is the name of the drain that sent it, if it says: it tells the drain's own loss reports from those of others.
    `announced` is the number of frames that the POST says it has, if it does.
    """

    app: str
    frame_id: str | None
    arrival_ms: int
    body: bytes
    fault: Reason | None = None
    drain: str | None = None
    announced: int | None = None


class Survey(NamedTuple):
    """What decides where a batch goes: its reference time (ms since 1970), and its number of lines.

    The reference is the newest valid time of its lines, except those of leading loss reports. A batch without one is
    not `dated`: its reference is its arrival, which differs between its tries.
    """

    reference_ms: int
    dated: bool
    lines: int


class Line(NamedTuple):
    """A line to store, the time since 1970 that it lies under, and why it is a quarantine line, if it is one."""

    record: Record
    time: timedelta
    reason: Reason | None


def identity(batch: Batch) -> UUID:
    """Give the id of a batch, which all its tries have."""
    return batch_id(batch.app, batch.frame_id or _digest(batch))


def survey(batch: Batch, proceed: Callable[[], None] = lambda: None) -> Survey:
    """Read a batch through; `proceed` is called every few frames and may raise to end the work."""
    is_valid = _validity(batch)
    count, newest = 0, None
    for data, fault, counts in _frames(batch, proceed):
        count += 1
        time = time_of(data) if counts and not fault else None
        if time is not None and (newest is None or time > newest) and is_valid(time):
            newest = time
    return Survey(batch.arrival_ms if newest is None else newest // _MILLISECOND, newest is not None, count)


def lines(batch: Batch, proceed: Callable[[], None] = lambda: None) -> Iterator[Line]:
    """Give the lines of a batch as they come; none for a body without frames.

    A line without a valid time has the reference time of the batch. A batch that needs it is read twice; such batches
    are few. `proceed` is called every few frames and may raise to end the work.
    """
    reference: timedelta | None = None
    for record, data, time in _records(batch, proceed):
        if time is None:
            if reference is None:
                reference = _reference(batch, proceed)
            time = reference
        if isinstance(record, Reason):
            yield Line(quarantine(record, time, data), time, record)
        else:
            yield Line(record, time, None)


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


def _reference(batch: Batch, proceed: Callable[[], None]) -> timedelta:
    # Not the survey's, which is in whole milliseconds.
    own_times = (own_time for _, _, own_time in _records(batch, proceed) if own_time is not None)
    return max(own_times, default=batch.arrival_ms * _MILLISECOND)


def _records(batch: Batch, proceed: Callable[[], None]) -> Iterator[tuple[Record | Reason, bytes, timedelta | None]]:
    """Give each record of a batch, or the reason to quarantine; the bytes it is made of; and its own time, if valid."""
    is_valid = _validity(batch)
    for data, fault, counts in _frames(batch, proceed):
        record = fault or from_frame(data)
        yield record, data, record.time if counts and isinstance(record, Record) and is_valid(record.time) else None


def _frames(batch: Batch, proceed: Callable[[], None]) -> Iterator[tuple[bytes, Reason | None, bool]]:
    """Give each frame of a batch, the reason to quarantine it, and whether its time counts."""
    if batch.fault:
        yield batch.body, batch.fault, False
        return
    reports, start = leading_reports(batch, proceed)
    for report in reports:
        yield report, None, False
    for number, (data, fault, _) in enumerate(frames(batch.body, start)):
        if number % _FRAMES_PER_CHECK == 0:
            proceed()
        yield data, fault, True


def _validity(batch: Batch) -> Callable[[timedelta], bool]:
    arrival = batch.arrival_ms * _MILLISECOND
    oldest, newest = arrival - _OLDEST, arrival + _NEWEST
    return lambda time: oldest <= time <= newest
