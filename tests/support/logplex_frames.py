"""Messages, frames and bodies as Logplex sends them, for the tests of whoever reads them."""

import gzip
import re
from datetime import UTC, datetime, timedelta

from contract.logplex import framing
from contract.stored_line import Reason, Record, from_frame
from receiver.stored_object import StoredObject

# A time away from every day's edge: tests that are not about days need not think of them.
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON_MS = 1_795_521_600_000
_NUMBER = re.compile(rb'^((?:\S* ){6})\[meta sequenceId="\d+"\]')


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


def unnumbered(line: bytes) -> bytes:
    """A stored line as if no other had its time."""
    return _NUMBER.sub(rb"\1-", line)


def record(frame: bytes) -> Record:
    """The record of a frame that has to be valid."""
    read = from_frame(frame)
    assert isinstance(read, Record), read
    return read


def split(body: bytes) -> tuple[list[bytes], tuple[Reason, bytes] | None]:
    """A body's messages, and the rest of it with the reason, if there is a framing fault."""
    found = [(message, fault) for message, fault, _ in framing.frames(body)]
    messages = [message for message, fault in found if not fault]
    faults = [(fault, rest) for rest, fault in found if fault]
    assert len(faults) <= 1
    return messages, faults[0] if faults else None
