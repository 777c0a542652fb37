"""Reading many frames at once where `runs` cannot: they do not end with LF, or have no header or an odd one.

They are found one after the other, by their counts; lines are made of neighbours together. Each by itself gives
the same.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from contract.stored_line import FIELDS, PRI, TIME, one_line, without_line_end
from receiver.logplex.framing import next_frames
from receiver.logplex.runs import Run, one_day

_HEADER = re.compile(PRI + rb"(" + TIME + rb")(?:\+00:00|Z)" + FIELDS + rb"(?= )")
_DATE = len("YYYY-MM-DD")
_HEADLESS, _OTHER = b"no header", b"another header"


class Headless(NamedTuple):
    """Messages that do not even begin like a header."""

    messages: list[bytes]

    def text(self, header: bytes) -> bytes:
        """The lines to store, each with a quarantine line's header, to be escaped but for LF, and ended by LF."""
        return header + (b"\n" + header).join(map(one_line, self.messages)) + b"\n"


def read(body: bytes, start: int, size: int) -> Iterator[tuple[Run | Headless | bytes, int]]:
    """Give what frames in so many bytes are, and where it ends: of one to be read by itself, the message."""
    messages, ends = next_frames(body, start, size)
    headers = [_HEADER.match(message) for message in messages]
    begin = 0
    for kind, neighbours in groupby(map(_kind, headers, messages)):
        past = begin + len(list(neighbours))
        some, end = messages[begin:past], ends[past - 1]
        if kind == _HEADLESS:
            yield Headless(some), end
        elif run := _run(some, headers[begin:past], end):
            yield run, end
        else:
            yield from zip(some, ends[begin:past], strict=True)
        begin = past


def _kind(header: re.Match[bytes] | None, message: bytes) -> bytes:
    """What neighbours have in common: the date of a usual header, or that there is no such header."""
    if header:
        return header[1][:_DATE]
    return _OTHER if message.startswith(b"<") else _HEADLESS


def _run(messages: list[bytes], headers: list[re.Match[bytes] | None], end: int) -> Run | None:
    usual = [header for header in headers if header]
    if not usual or not (times := one_day([header[1] for header in usual])):
        return None
    lines = [
        b"%b -%b\n" % (header[0], one_line(without_line_end(message[header.end() :])))
        for header, message in zip(usual, messages, strict=True)
    ]
    return Run(b"".join(lines), len(lines), *times, end)
