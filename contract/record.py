r"""One stored line: `<PRI>1 TIME HOST APP PROCID MSGID - MSG`, valid RFC 5424, on one physical line of UTF-8.

A frame of Logplex has no STRUCTURED-DATA and no `-` in its place, so `-` is always inserted and MSG is kept
whatever it begins with. Escaping, so that a line stays one line and UTF-8:

- one trailing LF or CRLF is the end of the message and is not stored;
- every other C0 control but TAB, and DEL, becomes `#` and three octal digits, as rsyslog writes them;
- a byte that is not part of valid UTF-8 becomes `\x` and two hexadecimal digits.

Nothing else changes and nothing is cut. Text that an application itself wrote as `#012` or `\xff` is stored
as it is, so it cannot be told from an escape.
"""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# RFC 5424 section 6: fields are printable US-ASCII without space, of these lengths at most.
_HEADER = re.compile(
    rb"<(?:0|[1-9]\d?|1[0-8]\d|19[01])>1 (?P<time>[!-~]+) "
    rb"[!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32}(?= |\r?\n\Z|\Z)"
)
# RFC 5424 section 6.2.3. The calendar is checked by datetime; offsets end at 14 hours, the last that Trino
# knows (TimeZoneKey), and the last in use: a time that SQL cannot read would hide its line.
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d:[0-5]\d|1[0-3]:[0-5]\d|14:00))")
_UNPRINTABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Reason(StrEnum):
    """Why bytes are stored as a quarantine line instead of as the line that they should have been."""

    BAD_BASE64 = "bad-base64"  # the gateway's event says base64, and the body is none
    BAD_COUNT = "bad-count"  # no octet count where a frame should begin
    TRUNCATED = "truncated"  # the body ends before the frame does
    BAD_HEADER = "bad-header"  # a frame that does not begin with an RFC 5424 header
    BAD_TIME = "bad-time"  # a header whose TIMESTAMP is none


class Malformed(ValueError):
    """A frame that cannot be stored as a syslog line; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Record(NamedTuple):
    """A line as it is stored, without its line end, and its time in microseconds since 1970, UTC."""

    line: bytes
    time_us: int


def from_frame(frame: bytes) -> Record:
    """Turn the message of one frame into the line that is stored; Malformed when it is no syslog message."""
    header = _HEADER.match(frame)
    if not header:
        raise Malformed(Reason.BAD_HEADER)
    time_us = _parse_time(header["time"])
    end = len(frame)
    if frame.endswith(b"\n"):
        end -= 2 if frame.endswith(b"\r\n") else 1
    return Record(header[0] + b" -" + escape(frame[header.end() : end]), time_us)


def quarantine_line(reason: Reason, reference_us: int, data: bytes) -> bytes:
    """Give the line that keeps bytes which are no syslog message, at the batch's reference time."""
    reference = _EPOCH + reference_us * _MICROSECOND
    time = reference.isoformat(timespec="microseconds").encode()
    return b"<43>1 %b host logdrain quarantine %b - %b" % (time, reason.encode(), escape(data))


def escape(data: bytes) -> bytes:
    """Make bytes one physical line of UTF-8 text; the rules are this module's first lines."""
    if not data.isascii():
        data = data.decode("utf-8", "backslashreplace").encode()
    return _UNPRINTABLE.sub(lambda control: b"#%03o" % control[0][0], data)


def _parse_time(text: bytes) -> int:
    if not _TIME.fullmatch(text):
        raise Malformed(Reason.BAD_TIME)
    try:
        time = datetime.fromisoformat(text.decode())
        return (time - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        raise Malformed(Reason.BAD_TIME) from None
