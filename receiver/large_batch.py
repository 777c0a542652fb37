"""The objects of a batch that is too large for the buffer: it is written to S3 at once, under keys of its own.

Lines go into the compressor as they are found, because they can be many times as large as the body. So the lines of
an object are in the order in which they came.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

from contract.logplex.batch import Batch, Survey, identity, lines
from contract.object_keys import ObjectKey
from contract.slots import Slot
from receiver.gzip_lines import GzipLines
from receiver.stored_object import StoredObject
from receiver.tally import Tally

_MILLISECOND = timedelta(milliseconds=1)


def objects(
    batch: Batch, survey: Survey, slot: Slot, tally: Tally, proceed: Callable[[], None] = lambda: None
) -> list[StoredObject]:
    """Give the objects of a batch, one per UTC day, oldest first.

    `proceed` is called every few frames and may raise to end the work.
    """
    numbers: dict[timedelta, int] = {}
    days: defaultdict[int, GzipLines] = defaultdict(lambda: GzipLines(numbers))
    for record, time, _ in tally.counted(batch, lines(batch, proceed)):
        days[time.days].add(record, time)
    name = identity(batch)
    return [
        # The tries of a batch without a valid time arrive at different times, but nearly always in the same slot.
        StoredObject(
            ObjectKey(batch.app, written.newest // _MILLISECOND if survey.dated else slot.begin_ms, name),
            written.finish(),
            written.count,
        )
        for _, written in sorted(days.items())
    ]


def earlier_keys(batch: Batch, survey: Survey, slot: Slot) -> list[ObjectKey]:
    """Give keys under which another try may have stored the same lines, in the slots before and after.

    There are some only for a batch without a valid time, because its key follows from its arrival.
    """
    name = identity(batch)
    near = () if survey.dated else (slot.before, slot.after)
    return [ObjectKey(batch.app, each.begin_ms, name) for each in near if each.begin_ms >= 0]
