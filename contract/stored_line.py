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
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY_S = 24 * 60 * 60
_SECOND_US = 1_000_000

# RFC 5424 section 6: fields are printable US-ASCII without space, of these lengths at most.
PRI = rb"<(?:0|[1-9]\d?|1[0-8]\d|19[01])>1 "
FIELDS = rb" [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32}"
# RFC 5424 section 6.2.3. The calendar is checked by datetime; offsets end at 14 hours, the last that Trino
# knows (TimeZoneKey), and the last in use: a time that SQL cannot read would hide its line.
TIME = rb"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
_OFFSET = rb"(?:Z|[+-](?:0\d:[0-5]\d|1[0-3]:[0-5]\d|14:00))"
_ENDS = rb"(?= |\r?\n\Z|\Z)"
_HEADER = re.compile(PRI + rb"(" + TIME + _OFFSET + rb")" + FIELDS + _ENDS)
_HEADER_OF_ANY_TIME = re.compile(PRI + rb"[!-~]+" + FIELDS + _ENDS)

# All but the controls that are escaped and LF, which ends lines: deleting these bytes leaves what is to be done.
_UNESCAPED = bytes({*range(256)} - {*range(32), 127} | {ord("\t"), ord("\n")})
_SLICE_BYTES = 1 << 16


class Reason(StrEnum):
    """Why bytes are stored as a quarantine line instead of as the line that they should have been."""

    BAD_BASE64 = "bad-base64"  # the gateway's event says base64, and the body is not
    BAD_GZIP = "bad-gzip"  # Content-Encoding says gzip, and the body is broken or not gzip
    GZIP_TOO_LARGE = "gzip-too-large"  # a gzip body of more than the size limit of a body when it is decoded
    UNKNOWN_CODING = "unknown-coding"  # Content-Encoding is neither gzip nor identity
    BAD_COUNT = "bad-count"  # no octet count where a frame should begin
    TRUNCATED = "truncated"  # the body ends before the frame does
    BAD_HEADER = "bad-header"  # a frame that does not begin with an RFC 5424 header
    BAD_TIME = "bad-time"  # a header whose TIMESTAMP is none


class Malformed(ValueError):
    """A frame that cannot be stored as a syslog line; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Record(NamedTuple):
    """A message that can be stored as a line, without its line end, and its time in microseconds since 1970, UTC."""

    header: bytes
    message: bytes
    time_us: int

    @property
    def line(self) -> bytes:
        """The line as it is stored, without its line end."""
        return self.header + escape(self.message)


def from_frame(frame: bytes) -> Record:
    """Read the message of one frame; Malformed when it is no syslog message."""
    header = _HEADER.match(frame)
    if not header:
        raise Malformed(Reason.BAD_TIME if _HEADER_OF_ANY_TIME.match(frame) else Reason.BAD_HEADER)
    message = without_line_end(frame[header.end() :])
    try:
        time_us = epoch_us(header[1])
    except ValueError:
        raise Malformed(Reason.BAD_TIME) from None
    return Record(header[0] + b" -", message, time_us)


def without_line_end(message: bytes) -> bytes:
    """Take off the one LF or CRLF that ends a message."""
    if message[-1:] == b"\n":
        return message[: -2 if message[-2:] == b"\r\n" else -1]
    return message


def epoch_us(timestamp: bytes) -> int:
    """Give a TIMESTAMP in microseconds since 1970, UTC; ValueError for one that the calendar does not have."""
    try:
        since = datetime.fromisoformat(timestamp.decode()) - _EPOCH
    except OverflowError as error:
        raise ValueError("a time before the year 1 or after 9999") from error
    # Three times as fast as `since // timedelta(microseconds=1)`.
    return (since.days * _DAY_S + since.seconds) * _SECOND_US + since.microseconds


def quarantine(reason: Reason, reference_us: int, data: bytes) -> Record:
    """Give the record that keeps bytes which are no syslog message, at the batch's reference time."""
    return Record(_quarantine_header(reason, reference_us), data, reference_us)


@lru_cache(maxsize=len(Reason))
def _quarantine_header(reason: Reason, reference_us: int) -> bytes:
    # Kept, as a batch with one bad frame can have a million more.
    time = (_EPOCH + reference_us * _MICROSECOND).isoformat(timespec="microseconds").encode()
    return b"<43>1 %b host logdrain quarantine %b - " % (time, reason.encode())


def quarantine_line(reason: Reason, reference_us: int, data: bytes) -> bytes:
    """Give the line of such a record."""
    return quarantine(reason, reference_us, data).line


def escape(data: bytes) -> bytes:
    """Make bytes one physical line of UTF-8 text; the rules are this module's first lines."""
    return escape_lines(one_line(data))


def one_line(data: bytes) -> bytes:
    """Escape LF: the first half of `escape`, after which data can be a line among others."""
    return data.replace(b"\n", b"#012")


def escape_lines(lines: bytes) -> bytes:
    """Escape all else: the other half, which is much faster for many lines at once than for one by one."""
    try:
        lines.decode()
    except UnicodeDecodeError:
        lines = lines.decode("utf-8", "backslashreplace").encode()
    for control in set(lines.translate(None, _UNESCAPED)):
        lines = lines.replace(b"%c" % control, b"#%03o" % control)
    return lines


def slices(data: bytes) -> Iterator[bytes]:
    """Cut data between characters: what is escaped is up to four times as long, and need not be held as a whole."""
    start = 0
    while len(data) - start > _SLICE_BYTES:
        end = _character_edge(data, start + _SLICE_BYTES)
        yield data[start:end]
        start = end
    yield data[start:]


def _character_edge(data: bytes, position: int) -> int:
    """Give the last position up to this one, which is inside the data, that does not lie in a character."""
    # UTF-8 continues a character with up to three bytes of 0x80 to 0xBF; four in a row are none, and may be cut.
    return next((edge for edge in range(position, position - 4, -1) if not 0x80 <= data[edge] < 0xC0), position)
