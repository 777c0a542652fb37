"""The lines of several batches in one order: by time, then in the order in which they came."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from contract.logplex.batch import Batch, Line, identity, lines


class Place(NamedTuple):
    """Where a line belongs; no two lines have the same place. `batch` is the batch's id, `number` the line's in it."""

    time: timedelta
    arrival_ms: int
    batch: bytes
    number: int


def ordered(
    batches: Iterable[Batch], through: Callable[[Batch, Iterator[Line]], Iterable[Line]] = lambda _, lines: lines
) -> list[tuple[Place, Line]]:
    """Give the lines of batches by time, then by the arrival of their batch, then as they come in it.

    The lines of each batch pass `through` first, which may count them.
    """
    placed: list[tuple[Place, Line]] = []
    for batch in batches:
        key = identity(batch).bytes
        placed += (
            (Place(line.time, batch.arrival_ms, key, number), line)
            for number, line in enumerate(through(batch, lines(batch)))
        )
    # Places are unique, so lines are never compared.
    placed.sort()
    return placed
