"""Reading many frames at once: the usual ones, at a fraction of what each costs by itself.

A window of the body is taken apart as a whole, and the frames at its beginning that are of the usual kind are its run;
`counted` reads on from the first that is not. A frame that is read by itself gives the same lines.
"""

import re
from itertools import repeat
from operator import add
from typing import NamedTuple

from contract.stored_line import FIELDS, PRI, TIME, epoch_us, one_line

# Large enough that what a window costs by itself does not count; and small enough that an odd frame spoils little.
WINDOW_BYTES = 1 << 15
LEAST_WINDOW_BYTES = 1 << 10

# Each group is a piece of the line to be. The empty one is where STRUCTURED-DATA comes; LF is where the frame before
# ended. Times without a zone, of this form, sort as text as they do in time.
_FRAME = re.compile(rb"\n([1-9]\d{0,8}) (" + PRI + rb")(" + TIME + rb")((?:\+00:00|Z)" + FIELDS + rb")()(?= )")
_PIECES = 6  # what `split` gives for a frame: its five groups, and what follows them
_DATE = len("YYYY-MM-DD")


class Run(NamedTuple):
    """Lines of frames that stand next to each other: `text`, to be escaped but for LF, each ended by LF.

    `end` is where in the body the last of them ends. Times are in microseconds since 1970, UTC; all are of one day.
    """

    text: bytes
    lines: int
    oldest_us: int
    newest_us: int
    end: int


def read(body: bytes, start: int, size: int) -> Run | None:
    """Read the run that begins at an offset and lies in so many bytes; None where the first frame is an odd one.

    The usual kind of frame has a valid header with a time in UTC, a MSG, and LF as its last byte.
    """
    # The LF in front stands for the end of the frame before; the last one ends the last frame that may be whole.
    pieces = _FRAME.split(b"\n" + body[start : max(start, body.rfind(b"\n", start, start + size))])
    if pieces[0] or len(pieces) == 1:
        return None
    counts = list(map(int, pieces[1::_PIECES]))
    if (lines := _leading_equal(counts, _lengths(pieces))) < len(counts):
        del pieces[1 + lines * _PIECES :], counts[lines:]
    if not lines or (times := one_day(pieces[3::_PIECES])) is None:
        return None
    end = start + sum(map(len, pieces[1::_PIECES])) + lines + sum(counts)
    if b"\n" in b"".join(pieces[_PIECES::_PIECES]):
        pieces[_PIECES::_PIECES] = map(one_line, pieces[_PIECES::_PIECES])
    pieces[1::_PIECES] = repeat(b"\n", lines)
    pieces[5::_PIECES] = repeat(b" -", lines)
    pieces[1] = b""
    text = b"".join([*pieces, b"\n"])
    # An LF ends a frame here, so what is in front of it belongs to its line end.
    return Run(text.replace(b"\r\n", b"\n") if b"\r" in text else text, lines, *times, end)


def _lengths(pieces: list[bytes]) -> list[int]:
    """The lengths of the messages, if each match is where a frame begins: the pieces after its count, and LF."""
    lengths = list(map(len, pieces))
    header = map(add, map(add, lengths[2::_PIECES], lengths[3::_PIECES]), lengths[4::_PIECES])
    return list(map(add, map(add, header, lengths[6::_PIECES]), repeat(1)))


def _leading_equal(some: list[int], others: list[int]) -> int:
    if some == others:
        return len(some)
    return next(number for number, (one, other) in enumerate(zip(some, others, strict=True)) if one != other)


def one_day(times: list[bytes]) -> tuple[int, int] | None:
    """Give the oldest and the newest of times without a zone, in microseconds since 1970; None unless of one day."""
    oldest, newest = min(times), max(times)
    if oldest[:_DATE] != newest[:_DATE]:
        return None
    try:
        return epoch_us(oldest + b"Z"), epoch_us(newest + b"Z")
    except ValueError:
        return None
