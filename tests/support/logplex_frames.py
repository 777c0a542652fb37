"""Messages, frames and bodies as Logplex sends them, for the tests of whoever reads them."""

import gzip
from datetime import UTC, datetime, timedelta

from receiver.logplex.batch import StoredObject
from receiver.logplex.framing import Fault, next_frame

# A time away from every day's edge: tests that are not about days need not think of them.
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON_MS = 1_795_521_600_000


def message(text: bytes = b"hi\n", time: datetime = NOON, header: str = "<190>1 {} host app web.1 -") -> bytes:
    """A message without STRUCTURED-DATA; `header` has `{}` in the place of its time."""
    return header.format(time.isoformat(timespec="microseconds")).encode() + b" " + text


def l10(time: datetime) -> bytes:
    """The loss report that Logplex puts in front of a batch, rendered at a time."""
    text = b"Error L10 (output buffer overflow): 1 messages dropped since 2026-11-24T11:00:00.000000+00:00."
    return message(text, time, "<172>1 {} host heroku logplex -")


def body(*messages: bytes) -> bytes:
    """Frames back to back."""
    return b"".join(b"%d %b" % (len(syslog), syslog) for syslog in messages)


def minutes_before_noon(minutes: float) -> datetime:
    """A time that is so many minutes before NOON."""
    return NOON - timedelta(minutes=minutes)


def stored_lines(stored: StoredObject) -> list[bytes]:
    """The lines of an object, each of which has to end with LF."""
    *lines, end = gzip.decompress(stored.data).split(b"\n")
    assert end == b""
    return lines


def frames(body: bytes) -> list[bytes | Fault]:
    """What the receiver's framing finds in a body, one after the other."""
    found, end = [], 0
    while each := next_frame(body, end):
        frame, end = each
        found.append(frame)
    return found


def split(body: bytes) -> tuple[list[bytes], Fault | None]:
    """A body's messages, and its fault, which is the last thing found."""
    found = frames(body)
    fault = found.pop() if found and isinstance(found[-1], Fault) else None
    return [frame for frame in found if isinstance(frame, bytes)], fault if isinstance(fault, Fault) else None
