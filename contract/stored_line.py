r"""One stored line: `<PRI>1 TIME HOST APP PROCID MSGID SD MSG`, valid RFC 5424, on one physical line of UTF-8.

Frames of Logplex have no STRUCTURED-DATA (SD) and no `-` in its place, so it is always inserted, and MSG is kept
whatever it begins with. SD is `-`, or `[meta sequenceId="n"]` (RFC 5424 section 7.3.1) for the n-th line, n from 2, of
the lines with one time in a slot, in the order they came. A line is escaped so that it stays one line of UTF-8:

- one trailing LF or CRLF is the end of the message and is not stored;
- any other C0 control except TAB, and DEL, becomes `#` and three octal digits, as rsyslog writes them;
- a byte that is not part of valid UTF-8 becomes `\x` and two hexadecimal digits.

Nothing else changes and nothing is cut. If an application itself writes `#012` or `\xff`, it is stored as it is and
cannot be distinguished from an escape.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# RFC 5424 section 6: fields are printable US-ASCII without spaces, of at most these lengths.
PRI = rb"<(?:0|[1-9]\d?|1[0-8]\d|19[01])>1 "
_FIELDS = rb" [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32}"
# RFC 5424 section 6.2.3. datetime checks the calendar. The largest offset is 14 hours, which is the largest that Trino
# accepts (TimeZoneKey) and the largest in use: queries could not find a line whose time SQL cannot read.
_TIME = rb"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
_OFFSET = rb"(?:Z|[+-](?:0\d:[0-5]\d|1[0-3]:[0-5]\d|14:00))"
_ENDS = rb"(?= |\r?\n\Z|\Z)"
_HEADER = re.compile(PRI + rb"(" + _TIME + _OFFSET + rb")" + _FIELDS + _ENDS)
_HEADER_OF_ANY_TIME = re.compile(PRI + rb"[!-~]+" + _FIELDS + _ENDS)

# All bytes except the controls to escape, and LF, which ends lines: deleting these leaves the controls to escape.
_UNESCAPED = bytes({*range(256)} - {*range(32), 127} | {ord("\t"), ord("\n")})
_SLICE_BYTES = 1 << 16


class Reason(StrEnum):
    """Why bytes are stored as a quarantine line."""

    BAD_BASE64 = "bad-base64"  # the gateway's event says base64, but the body is not valid base64
    BAD_GZIP = "bad-gzip"  # Content-Encoding says gzip, but the body is corrupt or not gzip
    GZIP_TOO_LARGE = "gzip-too-large"  # a gzip body that decodes to more than the size limit of a body
    UNKNOWN_CODING = "unknown-coding"  # Content-Encoding is neither gzip nor identity
    BAD_COUNT = "bad-count"  # there is no octet count where a frame should begin
    TRUNCATED = "truncated"  # the body ends before the frame does
    BAD_HEADER = "bad-header"  # the frame does not begin with an RFC 5424 header
    BAD_TIME = "bad-time"  # the header's TIMESTAMP is not valid


class Record(NamedTuple):
    """A message that can be stored as a line, without its line end; its time is the time since 1970, UTC.

    The header ends with MSGID. The message starts with the space before MSG; without MSG it is empty.
    """

    header: bytes
    message: bytes
    time: timedelta

    @property
    def line(self) -> bytes:
        """The line as it is stored, without its line end, if no other line in its object has its time."""
        return self.header + structured_data(1) + escape(self.message)


def structured_data(number: int) -> bytes:
    """Give SD, with the space before it, of the n-th line of a time, counted from 1."""
    return b' [meta sequenceId="%d"]' % number if number > 1 else b" -"


def from_frame(frame: bytes) -> Record | Reason:
    """Read the message of one frame, or give the reason why it is not a valid syslog message."""
    header = _HEADER.match(frame)
    if not header:
        return Reason.BAD_TIME if _HEADER_OF_ANY_TIME.match(frame) else Reason.BAD_HEADER
    time = _time(header)
    if time is None:
        return Reason.BAD_TIME
    message = frame[header.end() :]
    if message[-1:] == b"\n":
        message = message[: -2 if message[-2:] == b"\r\n" else -1]
    return Record(header[0], message, time)


def time_of(frame: bytes) -> timedelta | None:
    """Give the time that `from_frame` would read; None where it would give a reason."""
    header = _HEADER.match(frame)
    return _time(header) if header else None


def _time(header: "re.Match[bytes]") -> timedelta | None:
    try:
        return datetime.fromisoformat(header[1].decode()) - _EPOCH
    except (ValueError, OverflowError):  # not in the calendar; before the year 1 or after 9999 in UTC
        return None


def quarantine(reason: Reason, reference: timedelta, data: bytes) -> Record:
    """Give the record that keeps bytes which are not a valid syslog message, at the batch's reference time."""
    return Record(_quarantine_header(reason, reference), b" " + data, reference)


@lru_cache(maxsize=len(Reason))
def _quarantine_header(reason: Reason, reference: timedelta) -> bytes:
    # Cached, because a batch with one bad frame can have a million more.
    time = (_EPOCH + reference).isoformat(timespec="microseconds").encode()
    return b"<43>1 %b host logdrain quarantine %b" % (time, reason.encode())


def escape(data: bytes) -> bytes:
    """Make bytes one physical line of UTF-8 text, by the rules at the top of this module."""
    return escape_lines(one_line(data))


def one_line(data: bytes) -> bytes:
    """Escape LF: the first half of `escape`, after which the data can be one of several lines."""
    return data.replace(b"\n", b"#012")


def escape_lines(lines: bytes) -> bytes:
    """Escape everything else: the second half, which is much faster for many lines at once than one by one."""
    try:
        lines.decode()
    except UnicodeDecodeError:
        lines = lines.decode("utf-8", "backslashreplace").encode()
    for control in set(lines.translate(None, _UNESCAPED)):
        lines = lines.replace(b"%c" % control, b"#%03o" % control)
    return lines


def slices(data: bytes) -> Iterator[bytes]:
    """Cut data between characters, so that its escaped form, up to four times as long, is never held as a whole."""
    start = 0
    while len(data) - start > _SLICE_BYTES:
        end = _character_edge(data, start + _SLICE_BYTES)
        yield data[start:end]
        start = end
    yield data[start:]


def _character_edge(data: bytes, position: int) -> int:
    """Give the last position, at most `position`, that is not inside a character."""
    # UTF-8 continues a character with up to three bytes of 0x80 to 0xBF. Four in a row are not UTF-8 and may be cut.
    return next((edge for edge in range(position, position - 4, -1) if not 0x80 <= data[edge] < 0xC0), position)
