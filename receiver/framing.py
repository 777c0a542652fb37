"""Octet counting (RFC 6587 section 3.4.1), as Logplex does it: `<byte count> SP <message>`, back to back."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from contract.record import Reason

# No body that the gateway lets through has a nine-digit length. CR and LF between frames are skipped: senders
# that are not Logplex put them there.
_COUNT = re.compile(rb"[\r\n]*([1-9]\d{0,8}) ")


class Fault(NamedTuple):
    """Bytes that are not what should have been there: a frame that is none, and all that is left from there on."""

    reason: Reason
    remainder: bytes


def frames(body: bytes) -> Iterator[bytes | Fault]:
    """Give the messages of a body's frames, by bytes, one by one, and last the first framing fault, if there is one.

    There is no way to find the next frame after a fault that a message could not imitate, so everything from the
    fault on is its remainder.
    """
    position, size = 0, len(body)
    while count := _COUNT.match(body, position):
        start = count.end()
        end = start + int(count[1])
        if end > size:
            yield Fault(Reason.TRUNCATED, body[position:].lstrip(b"\r\n"))
            return
        yield body[start:end]
        position = end
    if remainder := body[position:].lstrip(b"\r\n"):
        yield Fault(Reason.BAD_COUNT, remainder)


def split(body: bytes) -> tuple[list[bytes], Fault | None]:
    """Give a body's messages and its fault at once: for bodies that are known to be small."""
    messages: list[bytes] = []
    for frame in frames(body):
        if isinstance(frame, Fault):
            return messages, frame
        messages.append(frame)
    return messages, None
