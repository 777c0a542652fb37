"""The objects that store batches of a slot. Pure: the same batches give the same keys and bytes."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta

from contract.logplex.batch import Batch, lines
from contract.object_keys import EPOCH_DAY, ObjectKey, slot_object_id
from contract.slot_lines import ordered
from contract.slots import Slot
from receiver.gzip_lines import GzipLines
from receiver.stored_object import StoredObject
from receiver.tally import Tally

_MILLISECOND = timedelta(milliseconds=1)


def objects(
    app: str, slot: Slot, number: int, batches: Iterable[Batch], tally: Tally, earlier: Iterable[Batch] = ()
) -> list[StoredObject]:
    """Give the objects of the n-th record of a slot, one per UTC day, oldest first; none for batches without lines.

    `earlier` are the batches of the records before. Lines of one time are numbered over the whole slot.
    """
    numbers = dict(Counter(line.record.time for batch in earlier for line in lines(batch)))
    days: defaultdict[int, GzipLines] = defaultdict(lambda: GzipLines(numbers))
    for place, line in ordered(batches, tally.counted):
        days[place.time.days].add(line.record, place.time)
    stored = []
    for day, written in days.items():
        name = slot_object_id(app, slot, number, EPOCH_DAY + timedelta(days=day))
        stored.append(
            StoredObject(ObjectKey(app, written.newest // _MILLISECOND, name), written.finish(), written.count)
        )
    return stored
