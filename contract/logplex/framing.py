"""Octet counting (RFC 6587 section 3.4.1), as Logplex does it: `<byte count> SP <message>`, back to back."""

import re
from collections.abc import Iterator

from contract.stored_line import Reason

# No body that the gateway accepts has a nine-digit length. CR and LF between frames are skipped: some senders other
# than Logplex write them there.
_COUNT = re.compile(rb"[\r\n]*([1-9]\d{0,8}) ")


def frames(body: bytes, start: int = 0) -> Iterator[tuple[bytes, Reason | None, int]]:
    """Give the message of each frame from an offset of a body on, None, and the offset at which the frame ends.

    Everything from the first byte on that is not part of a valid frame comes last, as a whole, with the reason. The
    search does not resume behind it, because the message of a frame can look like any number of frames.
    """
    size = len(body)
    while (count := _COUNT.match(body, start)) and (end := (begin := count.end()) + int(count[1])) <= size:
        yield body[begin:end], None, end
        start = end
    if rest := body[start:].lstrip(b"\r\n"):
        yield rest, Reason.TRUNCATED if count else Reason.BAD_COUNT, size
