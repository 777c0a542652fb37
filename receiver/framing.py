"""Octet counting (RFC 6587 section 3.4.1), as Logplex does it: `<byte count> SP <message>`, back to back."""

import re
from typing import NamedTuple

from contract.record import Reason

# No body that the gateway lets through has a nine-digit length. CR and LF between frames are skipped: senders
# that are not Logplex put them there.
_COUNT = re.compile(rb"[\r\n]*([1-9]\d{0,8}) ")


class Fault(NamedTuple):
    """The first framing fault of a body, and all that is left from there on."""

    reason: Reason
    remainder: bytes


def split(body: bytes) -> tuple[list[bytes], Fault | None]:
    """Split a body into its frames' messages, by bytes.

    There is no way to find the next frame after a fault that a message could not imitate, so everything from the
    fault on is its remainder.
    """
    frames: list[bytes] = []
    position = 0
    while count := _COUNT.match(body, position):
        end = count.end() + int(count[1])
        if end > len(body):
            return frames, Fault(Reason.TRUNCATED, body[position:].lstrip(b"\r\n"))
        frames.append(body[count.end() : end])
        position = end
    remainder = body[position:].lstrip(b"\r\n")
    return frames, Fault(Reason.BAD_COUNT, remainder) if remainder else None
