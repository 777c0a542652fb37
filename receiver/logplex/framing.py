"""Octet counting (RFC 6587 section 3.4.1), as Logplex does it: `<byte count> SP <message>`, back to back."""

import re
from typing import NamedTuple

from contract.stored_line import Reason

# No body that the gateway lets through has a nine-digit length. CR and LF between frames are skipped: senders
# that are not Logplex put them there.
_COUNT = re.compile(rb"[\r\n]*([1-9]\d{0,8}) ")


class Fault(NamedTuple):
    """Bytes that are not what should have been there: a frame that is none, and all that is left from there on."""

    reason: Reason
    remainder: bytes


def next_frame(body: bytes, start: int) -> tuple[bytes | Fault, int] | None:
    """Give the message of the frame at an offset of a body and the offset at which it ends; None where nothing is left.

    There is no way to find the next frame after a fault that a message could not imitate, so everything from the
    fault on is its remainder.
    """
    size = len(body)
    if count := _COUNT.match(body, start):
        message = count.end()
        end = message + int(count[1])
        if end <= size:
            return body[message:end], end
    if remainder := body[start:].lstrip(b"\r\n"):
        return Fault(Reason.TRUNCATED if count else Reason.BAD_COUNT, remainder), size
    return None


def next_frames(body: bytes, start: int, size: int) -> tuple[list[bytes], list[int]]:
    """Give the messages of the frames at an offset of a body that lie in so many bytes, and the offsets where they end.

    There may be none.
    """
    messages, ends = [], []
    last = min(start + size, len(body))
    while (count := _COUNT.match(body, start)) and (end := count.end() + int(count[1])) <= last:
        messages.append(body[count.end() : end])
        ends.append(end)
        start = end
    return messages, ends
