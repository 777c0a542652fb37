"""Counts what the lines of an object are."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from contract import canary
from contract.logplex import loss_reports
from contract.logplex.batch import Batch, Line, leading_reports
from contract.stored_line import Reason

_MILLISECOND = timedelta(milliseconds=1)
# Quarantine lines that are not a frame: the rest of a body, or a body that could not be decoded.
_NOT_FRAMES = {*Reason} - {Reason.BAD_HEADER, Reason.BAD_TIME}


@dataclass
class Tally:
    """What the batches of an app hold, in lines and in bytes of bodies.

    Batches include canaries, and lines do not.

    `lost` are messages that the drain lost by its own reports, `lost_elsewhere` those of other drains of the app.
    `mismatches` counts the batches with more or fewer frames than announced. `lag_ms` is the longest time from the
    newest line of a batch to its arrival; 0 for a batch without a valid time.
    """

    app: str
    batches: int = 0
    canaries: int = 0
    lines: int = 0
    bytes: int = 0
    quarantined: Counter[Reason] = field(default_factory=Counter)
    lost: int = 0
    lost_elsewhere: int = 0
    mismatches: int = 0
    lag_ms: int = 0

    def counted(self, batch: Batch, lines: Iterable[Line]) -> Iterator[Line]:
        """Give the lines of a batch, and count them and the batch."""
        is_canary = canary.is_frame_id(batch.frame_id)
        frames, newest = 0, timedelta(0)
        for line in lines:
            self.lines += not is_canary
            newest = max(newest, line.time)
            if line.reason:
                self.quarantined[line.reason] += 1
            frames += line.reason not in _NOT_FRAMES
            if loss := loss_reports.loss(line.record):
                if loss_reports.is_of(loss.drain, batch.drain):
                    self.lost += loss.messages
                else:
                    self.lost_elsewhere += loss.messages
            yield line
        self.batches += 1
        self.canaries += is_canary
        self.bytes += len(batch.body)
        if newest:
            self.lag_ms = max(self.lag_ms, batch.arrival_ms - newest // _MILLISECOND)
        # Logplex does not count a leading report that it adds.
        if batch.announced is not None and frames != batch.announced:
            self.mismatches += not 0 < frames - batch.announced <= len(leading_reports(batch)[0])
