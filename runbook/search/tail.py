"""Follows the buffer: rows of batches as they come, whether they are flushed meanwhile or not."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from contract import buffer_table
from contract.buffer_table import SORT_KEY
from contract.slot_lines import ordered
from contract.slots import Slot
from runbook.clients.buffer import Buffer
from runbook.search import line_rows
from runbook.search.line_rows import Row
from runbook.search.selection import Selection
from runbook.search.unflushed import AHEAD_MS, Contents, read

# Between two polls. A row is shown by the second poll that knows it, within two seconds.
PAUSE_S = 0.7
READERS = 16
# A batch is in the buffer within four seconds of its arrival. One that was spilled, whose clock is ahead, or whose late
# marker was gone before it was seen, is looked for less often.
_RECENT_MS, _ANY_MS = 30_000, 20 * 60_000
_ANY_EVERY_MS = 15_000


class Tail:
    """Gives the rows of batches that it has not seen."""

    def __init__(
        self,
        apps: Sequence[str],
        minutes: Iterable[int],
        selection: Selection,
        began: datetime,
        seen: Iterable[Contents] = (),
    ) -> None:
        """`minutes` are the lengths of slots in use. What arrived before it `began`, and `seen`, is not shown."""
        self._apps, self._minutes, self._selection = apps, sorted({*minutes}), selection
        self._seen = {(each.app, batch_id): each.slot.end_ms for each in seen for batch_id in each.batches}
        # Rows that were found last time, and wait for older ones that come a little later.
        self._waiting: list[tuple[Any, Row]] = []
        self._any_at_ms = 0
        # What arrived later than this, and is not in `seen`, was not in the buffer then.
        self._old_ms: int | None = round(began.timestamp() * 1000) - _RECENT_MS // 3

    @property
    def remembered(self) -> int:
        """How many batches it knows."""
        return len(self._seen)

    def poll(self, buffer: Buffer, now: datetime) -> list[Row]:
        """Read the buffer, and give rows to show: those that the poll before found, and those that belong before them.

        In order of their times, then of the arrival of their batches.
        """
        now_ms = round(now.timestamp() * 1000)
        any_age = now_ms >= self._any_at_ms
        if any_age:
            self._any_at_ms = now_ms + _ANY_EVERY_MS
            self._seen = {batch: end_ms for batch, end_ms in self._seen.items() if end_ms > now_ms - 2 * AHEAD_MS}
        since_ms = now_ms - (_ANY_MS if any_age else _RECENT_MS)
        with ThreadPoolExecutor(READERS) as readers:
            of_apps = readers.map(lambda app: self._slots(buffer, app, now_ms, any_age), self._apps)
            wanted = [(app, slot) for app, slots in zip(self._apps, of_apps, strict=True) for slot in slots]
            # A batch that a weaker read misses is there the next time.
            contents = list(
                readers.map(lambda each: read(buffer, each[0], each[1], since_ms, consistent=False), wanted)
            )
        found = sorted(each for one in contents for each in self._new(one))
        self._old_ms = None
        newest = max((position for position, _ in self._waiting), default=None)
        older = [each for each in found if newest is not None and each[0] < newest]
        shown = sorted([*self._waiting, *older])
        self._waiting = found[len(older) :]
        return [row for _, row in shown]

    def rest(self) -> list[Row]:
        """Give the rows that still wait for older ones."""
        rest, self._waiting = self._waiting, []
        return [row for _, row in rest]

    def _slots(self, buffer: Buffer, app: str, now_ms: int, any_age: bool) -> set[Slot]:
        """Give the slots in which batches can come now."""
        markers = buffer.query(buffer_table.late_partition(app))
        found = {buffer_table.slot_of_marker(item[SORT_KEY]["S"]) for item in markers}
        for minutes in self._minutes:
            slot = Slot.of(now_ms - (_ANY_MS if any_age else 0), minutes)
            # A batch that comes to a slot later than this has a marker.
            if not buffer_table.is_due(slot.before, now_ms):
                slot = slot.before
            while slot.begin_ms <= now_ms + (AHEAD_MS if any_age else 0):
                found.add(slot)
                slot = slot.after
        return found

    def _new(self, contents: Contents) -> Iterator[tuple[Any, Row]]:
        for batch_id, batch in contents.batches.items():
            if (contents.app, batch_id) in self._seen:
                continue
            self._seen[contents.app, batch_id] = contents.slot.end_ms
            if self._old_ms is not None and batch.arrival_ms < self._old_ms:
                continue
            for number, (place, line) in enumerate(ordered([batch]), 1):
                row = line_rows.of_line(contents.app, line, 1)
                if self._selection.admits(line, row):
                    yield (row.position[:3], place.arrival_ms, place.batch, number), row
