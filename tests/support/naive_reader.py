"""A second reader of drain bodies: slow, obvious, and written from the design's text alone.

It shares no code with the receiver, so that a fault has to be made twice to go unseen. No regular expression, no
buffering, one frame after the other.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID, uuid5

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NAMESPACE = UUID("0b1f5a4e-5d0f-5d0e-9e4c-3a3c4b1f6a77")
PRINTABLE = {*range(ord("!"), ord("~") + 1)}
DIGITS = {*range(ord("0"), ord("9") + 1)}


class Stored(NamedTuple):
    """What should be in S3, and the quarantine lines among it by their reason.

    `lines` are those of a large batch, by key; `in_slot` are those of an object of a slot with no other batch, by the
    key without its name.
    """

    lines: dict[str, list[bytes]]
    in_slot: dict[str, list[bytes]]
    quarantined: Counter[str]


class Entry(NamedTuple):
    """A line to be: a message with its valid time, or a reason to quarantine bytes."""

    reason: str | None
    data: bytes
    time_us: int | None


def read(app: str, frame_id: str | None, arrival_ms: int, body: bytes) -> Stored:
    frames, fault = split(body)
    leading = 0
    while leading < len(frames) and is_leading_report(frames[leading][0]):
        leading += 1
    entries = [entry(frame, arrival_ms * 1000, trusted=n >= leading) for n, (frame, _) in enumerate(frames)]
    if fault:
        entries.append(Entry(*fault, None))
    times = [each.time_us for each in entries if each.time_us is not None]
    reference = max(times) if times else arrival_ms * 1000
    rest = body[frames[leading - 1][1] :] if leading else body
    name = uuid5(NAMESPACE, f"{app}\n{frame_id or sha256(rest or body).hexdigest()}")
    days: dict[str, list[tuple[int, bytes]]] = {}
    for reason, data, own_us in entries:
        time_us = reference if own_us is None else own_us
        line = quarantine(reason, reference, data) if reason else data
        days.setdefault(f"{at(time_us):%Y/%m/%d}", []).append((time_us, line))
    lines, in_slot = {}, {}
    for day, found in days.items():
        newest_ms = max(time for time, _ in found) // 1000
        large_ms = newest_ms if times else arrival_ms // 300_000 * 300_000
        lines[f"logs/{app}/{day}/{large_ms}-{name}.gz"] = numbered([line for _, line in found])
        in_order = sorted(range(len(found)), key=lambda place: (found[place][0], place))
        in_slot[f"logs/{app}/{day}/{newest_ms}"] = numbered([found[place][1] for place in in_order])
    return Stored(lines, in_slot, Counter(each.reason for each in entries if each.reason))


def numbered(lines: list[bytes]) -> list[bytes]:
    """Tell the second and later lines of one time from the first, in the place of STRUCTURED-DATA."""
    seen: Counter[int | None] = Counter()
    found = []
    for line in lines:
        parts = line.split(b" ", 6)
        time_us = epoch_us(parts[1])
        seen[time_us] += 1
        if seen[time_us] > 1:
            parts[6] = b'[meta sequenceId="%d"]' % seen[time_us] + parts[6][1:]
        found.append(b" ".join(parts))
    return found


def split(body: bytes) -> tuple[list[tuple[bytes, int]], tuple[str, bytes] | None]:
    """Frames with their ends, and the fault: everything from the first place at which there is no whole frame."""
    frames: list[tuple[bytes, int]] = []
    position = 0
    while True:
        while position < len(body) and body[position] in b"\r\n":
            position += 1
        if position == len(body):
            return frames, None
        end = position
        while end < len(body) and body[end] in DIGITS and end - position < 9:
            end += 1
        if end == position or body[position] == ord("0") or body[end : end + 1] != b" ":
            return frames, ("bad-count", body[position:])
        begin, size = end + 1, int(body[position:end])
        if begin + size > len(body):
            return frames, ("truncated", body[position:])
        position = begin + size
        frames.append((body[begin:position], position))


def entry(frame: bytes, arrival_us: int, *, trusted: bool) -> Entry:
    parts = frame.split(b" ", 6)
    if len(parts) == 6:  # no message: the line end stands right behind MSGID
        parts[5], message = without_line_end(parts[5]), None
    else:
        message = without_line_end(parts[6]) if len(parts) == 7 else None
    limits = [255, 48, 128, 32]
    if len(parts) < 6 or not is_pri(parts[0]) or not all(map(is_field, parts[2:6], limits)) or not is_field(parts[1]):
        return Entry("bad-header", frame, None)
    time_us = epoch_us(parts[1])
    if time_us is None:
        return Entry("bad-time", frame, None)
    line = b" ".join([*parts[:6], b"-"]) + (b"" if message is None else b" " + escaped(message))
    hour = 3_600_000_000
    valid = trusted and arrival_us - 48 * hour <= time_us <= arrival_us + hour
    return Entry(None, line, time_us if valid else None)


def is_pri(text: bytes) -> bool:
    return text in {b"<%d>1" % number for number in range(192)}


def is_field(text: bytes, limit: int = 1 << 30) -> bool:
    return 0 < len(text) <= limit and all(byte in PRINTABLE for byte in text)


def epoch_us(text: bytes) -> int | None:
    """YYYY-MM-DDTHH:MM:SS[.1 to 6 digits], then Z or an offset of up to 14 hours; None for anything else."""
    local, zone = (text[:-1], b"+00:00") if text.endswith(b"Z") else (text[:-6], text[-6:])
    seconds, point, fraction = local.partition(b".")
    shape = bytes(ord("0") if byte in DIGITS else byte for byte in seconds + b"|" + zone)
    if shape not in (b"0000-00-00T00:00:00|+00:00", b"0000-00-00T00:00:00|-00:00"):
        return None
    if point and not (1 <= len(fraction) <= 6 and all(byte in DIGITS for byte in fraction)):
        return None
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        return None
    try:
        time = datetime.strptime(seconds.decode(), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    if seconds[17:] > b"59":  # strptime knows leap seconds
        return None
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[:1] == b"-" else 1)
    return (time - EPOCH - offset) // MICROSECOND + int(fraction.ljust(6, b"0") or b"0")


def is_leading_report(frame: bytes) -> bool:
    parts = frame.split(b" ", 6)
    if len(parts) < 7 or not is_pri(parts[0]) or not all(map(is_field, parts[1:5])) or parts[5] != b"-":
        return False
    source, sender, message = parts[3], parts[4], parts[6]
    if sender == b"log-shuttle":
        return message.removeprefix(b"- ").startswith((b"Error L12: ", b"Error L13: "))
    return (source, sender) == (b"heroku", b"logplex") and message.startswith(b"Error L10 ")


def quarantine(reason: str, reference_us: int, data: bytes) -> bytes:
    time = at(reference_us).isoformat(timespec="microseconds")
    return f"<43>1 {time} host logdrain quarantine {reason} - ".encode() + escaped(data)


def escaped(data: bytes) -> bytes:
    text = data.decode("utf-8", "backslashreplace")
    return "".join(f"#{ord(c):03o}" if c == "\x7f" or (c < " " and c != "\t") else c for c in text).encode()


def without_line_end(data: bytes) -> bytes:
    return data[:-2] if data.endswith(b"\r\n") else data[:-1] if data.endswith(b"\n") else data


def at(time_us: int) -> datetime:
    return EPOCH + time_us * MICROSECOND
