"""How large batches are in the buffer, and lines in S3: the numbers in runbook/cost/sizes.py.

The lines are the traffic generator's, cut into batches of so many lines of one app.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, NamedTuple

from contract import buffer_table
from contract.logplex.batch import Batch, identity, survey
from contract.slots import DEFAULT_MINUTES, Slot
from local.traffic import week
from local.traffic.lines import Line, frame
from receiver.flusher.slot_objects import objects
from receiver.tally import Tally
from runbook.prices import WRITE_UNIT_BYTES

APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
UNTIL = datetime(2026, 6, 17, 12, tzinfo=UTC)
LINES_PER_BATCH = (1, 2, 3, 5, 10, 20, 50, 100, 420)
LINES_PER_OBJECT = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 20_000)
MOST_OBJECTS = 400


class Sizes(NamedTuple):
    """Means over batches, or over objects."""

    body_bytes: float
    item_bytes: float
    write_units: float


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of an item, by "DynamoDB item sizes and formats"."""
    return sum(len(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            # A byte for two digits, and one more.
            return (len(content.strip("0")) + 1) // 2 + 1
        case _:
            return 1


def batches(lines: Sequence[Line], size: int) -> Iterator[Batch]:
    """Cut the lines of each app into batches of so many."""
    for app in APPS:
        of_app = [line for line in lines if line.app == app]
        for first in range(0, len(of_app) - size + 1, size):
            part = of_app[first : first + size]
            arrival_ms = int(part[-1].time.timestamp() * 1000) + 50
            body = b"".join(map(frame, part))
            yield Batch(app, f"{first:032X}", arrival_ms, body, None, "d.00000000-0000-4000-8000-000000000000", size)


def in_buffer(lines: Sequence[Line], size: int) -> Sizes:
    """Batches of so many lines in the buffer."""
    made = []
    for batch in batches(lines, size):
        found = survey(batch, lambda: None)
        slot = Slot.of(found.reference_ms, DEFAULT_MINUTES)
        item = buffer_table.batch_item(slot, identity(batch), batch, found, batch.arrival_ms)
        made.append((len(batch.body), item_bytes(item)))
    return Sizes(
        fmean(body for body, _ in made),
        fmean(item for _, item in made),
        fmean(-(-item // WRITE_UNIT_BYTES) for _, item in made),
    )


def in_bucket(lines: Sequence[Line], size: int) -> tuple[float, float]:
    """Objects of so many lines: mean bytes of the bodies, and of the objects."""
    bodies, sizes = [], []
    for batch in list(batches(lines, size))[:MOST_OBJECTS]:
        slot = Slot.of(batch.arrival_ms, DEFAULT_MINUTES)
        stored = objects(batch.app, slot, 0, [batch], Tally(batch.app))
        bodies.append(len(batch.body))
        sizes.append(sum(len(each.data) for each in stored))
    return fmean(bodies), fmean(sizes)


def main() -> None:
    """Print the tables."""
    lines = week.generate(APPS, UNTIL, 60_000)
    print(f"a line: {fmean(len(frame(line)) for line in lines):.1f} bytes")
    print("\nlines  bytes of a body  of its item  write units")
    for size in LINES_PER_BATCH:
        found = in_buffer(lines[:20_000], size)
        print(f"{size:5}  {found.body_bytes:15,.0f}  {found.item_bytes:11,.0f}  {found.write_units:11.2f}")
    print("\nlines  bytes of bodies  of the object")
    for size in LINES_PER_OBJECT:
        bodies, stored = in_bucket(lines, size)
        print(f"{size:5}  {bodies:15,.0f}  {stored:13,.0f}")


if __name__ == "__main__":
    main()
