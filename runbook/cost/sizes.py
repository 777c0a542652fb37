"""How large batches are in the buffer and lines are in S3. Measured by `python -m benchmarks.sizes`. Pure."""

from collections.abc import Sequence
from itertools import pairwise

from contract import canary

# A frame of the traffic generator, as Logplex sends it.
LINE_BYTES = 235
# Logplex ends a body that has reached this size (logplex_http_drain.erl).
BODY_BYTES = 102_400
# The body of a canary: its frame with the count before it.
CANARY_BYTES = len("123 ") + len(canary.message(0))

_Points = Sequence[tuple[float, float]]

# Batches of 1, 2, 3, 5, 10, 20, 50, 100 and 420 lines of the traffic generator: mean bytes of a body, and of its item
# with 220 bytes of keys and names. The body is compressed from 512 bytes on.
_ITEM_BYTES: _Points = (
    *((0, 220), (235, 444), (470, 648), (706, 634), (1_176, 774), (2_352, 1_099)),
    *((4_705, 1_676), (11_764, 3_222), (23_431, 5_581), (98_123, 20_126)),
)
# The same batches: mean write units. They are whole for each item, so they are not its size in KB.
_WRITE_UNITS: _Points = (
    *((0, 1), (235, 1.01), (470, 1.02), (706, 1.02), (1_176, 1.04), (2_352, 1.53)),
    *((4_705, 2.16), (11_764, 3.42), (23_431, 5.75), (98_123, 20.09)),
)
# Objects of 1 to 20,000 lines: bytes of the bodies, and of the gzip object.
_STORED_BYTES: _Points = (
    *((0, 0), (221, 199), (494, 342), (1_230, 583), (2_402, 893), (4_637, 1_386), (11_744, 2_891)),
    *((23_447, 5_097), (47_093, 9_631), (117_747, 22_880), (235_721, 45_020), (1_177_311, 220_899)),
    (4_697_711, 872_865),
)


def item_bytes(body_bytes: float) -> float:
    """Give the mean size of the item of a body."""
    return _at(_ITEM_BYTES, body_bytes)


def write_units(body_bytes: float) -> float:
    """Give the mean write units of a body."""
    return _at(_WRITE_UNITS, body_bytes)


def stored_bytes(body_bytes: float) -> float:
    """Give the size of an object that holds the lines of bodies of so many bytes."""
    return _at(_STORED_BYTES, body_bytes)


def body_bytes(object_bytes: float) -> float:
    """Give the bytes of the bodies whose lines are in an object of so many bytes: the inverse of `stored_bytes`."""
    return _at([(stored, body) for body, stored in _STORED_BYTES], object_bytes)


def _at(points: _Points, size: float) -> float:
    """Give the value on the line through the two points around a size; beyond the last point, in proportion to it."""
    for (low, below), (high, above) in pairwise(points):
        if size <= high:
            return below + (above - below) * (size - low) / (high - low)
    most, value = points[-1]
    return value * size / most
