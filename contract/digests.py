"""Digests: what was written to the archive, as a chain in which each digest has the SHA-256 of the one before.

A digest is an object `digests/<YYYY>/<MM>/<DD>/<number>.json.gz`. Its day is the one on which the digest before was
made. So the key follows from the chain: two digesters at once create the same object, and S3 refuses one of them. The
order of the keys is that of the chain.
"""

import gzip
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Self

from contract.object_keys import DIGESTS_PREFIX, LOGS_PREFIX, PROJECTED_YEARS

# Until the first digest, nothing was ever listed.
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
# A list shows what was written before it began. But a write takes some minutes at most, and S3's clock, which dates
# objects, is not the digester's: S3 refuses requests of clocks that differ by more than 15 minutes ("Error responses",
# RequestTimeTooSkewed).
OVERLAP = timedelta(minutes=30)
# Most objects are under the day on which they are written, or one of the two days before: lines of these days have
# valid times. A batch can wait for 14 days in the spill queue and then for 14 in the buffer.
_RECENT, _OLD = timedelta(days=3), timedelta(days=35)
# Lines may be an hour ahead.
_AHEAD = timedelta(days=1)
_OLD_EVERY = timedelta(hours=24)
# A digest is made every hour; a run may fail, and takes some minutes.
LATEST = timedelta(hours=3)
# No object is under an earlier day.
FIRST_DAY = date(PROJECTED_YEARS[0], 1, 1)
_KEY = re.compile(rf"{DIGESTS_PREFIX}\d{{4}}/\d{{2}}/\d{{2}}/(\d{{8}})\.json\.gz", re.ASCII)
_LOG_DAY = re.compile(rf"{LOGS_PREFIX}[^/]+/(\d{{4}})/(\d{{2}})/(\d{{2}})/", re.ASCII)
_GZIP_LEVEL = 6


class InvalidDigest(ValueError):
    """An object that is not a digest; the message says why."""


class Entry(NamedTuple):
    """An object of the archive as a digest records it.

    `etag` is without quotes; `modified` is S3's LastModified, as 2026-11-24T03:00:00Z. `sha256`, in hex, and `lines`
    are None if the object was written without them.
    """

    key: str
    etag: str
    size: int
    modified: str
    sha256: str | None = None
    lines: int | None = None


class Link(NamedTuple):
    """A digest as the next one refers to it. `sha256` is that of its object's bytes, in hex."""

    key: str
    sha256: str
    made: datetime


class Days(NamedTuple):
    """Days of logs, first and last included."""

    first: date
    last: date

    def include(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last


class Listed(NamedTuple):
    """When the recent days, and all days of which objects may still come, were last listed."""

    recent: datetime = BEGINNING
    old: datetime = BEGINNING


class Plan(NamedTuple):
    """What to list for a digest: `days`, of which those from `recent` on are listed each time."""

    days: Days
    recent: date
    before: Listed
    listed: Listed

    def since(self, day: date) -> datetime:
        """When to begin: objects of a day that were modified earlier are in a digest before this one."""
        before = self.before.recent if day >= self.recent else self.before.old
        return before if before == BEGINNING else before - OVERLAP


def plan(before: Listed, now: datetime) -> Plan:
    """Plan the next list. Its days go back from the last such list, however long ago that was."""
    is_old = now - before.old >= _OLD_EVERY
    recent = _first_day(before.recent, _RECENT)
    first = min(recent, _first_day(before.old, _OLD)) if is_old else recent
    return Plan(Days(first, (now + _AHEAD).date()), recent, before, Listed(now, now if is_old else before.old))


def _first_day(before: datetime, back: timedelta) -> date:
    return FIRST_DAY if before == BEGINNING else max(FIRST_DAY, (before - back).date())


@dataclass(frozen=True)
class Digest:
    """One digest. Its list of `days` began at `made`, in whole seconds, UTC; `listed` includes this list."""

    number: int
    made: datetime
    previous: Link | None
    listed: Listed
    days: Days
    entries: Sequence[Entry]

    @property
    def key(self) -> str:
        """The key of its object."""
        return key_of(self.number, self.previous.made if self.previous else BEGINNING)

    def encode(self) -> bytes:
        """Give the bytes of its object. `lines` are those of the objects, by app."""
        lines: Counter[str] = Counter()
        for entry in self.entries:
            lines[entry.key.split("/", 2)[1]] += entry.lines or 0
        document = {
            "number": self.number,
            "made": text_of(self.made),
            "previous": self.previous and {**self.previous._asdict(), "made": text_of(self.previous.made)},
            "listed": {"recent": text_of(self.listed.recent), "old": text_of(self.listed.old)},
            "days": {"first": self.days.first.isoformat(), "last": self.days.last.isoformat()},
            "lines": dict(sorted(lines.items())),
        }
        return b"".join(_compressed(f'{_json(document)[:-1]},"objects":[', self.entries))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the bytes of an object; InvalidDigest if they are not a digest's."""
        try:
            return cls._of(json.loads(gzip.decompress(data)))
        except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
            raise InvalidDigest(f"not a digest ({type(error).__name__}: {error})") from None

    @classmethod
    def _of(cls, document: dict[str, Any]) -> Self:
        previous, listed, days = document["previous"], document["listed"], document["days"]
        return cls(
            int(document["number"]),
            time_of(document["made"]),
            previous and Link(previous["key"], previous["sha256"], time_of(previous["made"])),
            Listed(time_of(listed["recent"]), time_of(listed["old"])),
            Days(date.fromisoformat(days["first"]), date.fromisoformat(days["last"])),
            [Entry(**entry) for entry in document["objects"]],
        )


def _compressed(begin: str, entries: Iterable[Entry]) -> Iterator[bytes]:
    """Write entries one by one: the first digest of a year has 315,000."""
    # Neither a time nor a name in gzip's header: equal digests have equal bytes.
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    yield compressor.compress(begin.encode())
    separator = ""
    for entry in entries:
        yield compressor.compress(f"{separator}{_json(entry._asdict())}".encode())
        separator = ","
    yield compressor.compress(b"]}")
    yield compressor.flush()


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def sha256_of(data: bytes) -> str:
    """Give the SHA-256 of a digest's bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def key_of(number: int, made_before: datetime) -> str:
    """Give a digest's key, from its number and when the digest before it was made."""
    return f"{day_prefix(made_before.date())}{number:08}.json.gz"


def day_prefix(day: date) -> str:
    """Give the prefix of the digests whose predecessors were made on a day."""
    return f"{DIGESTS_PREFIX}{day:%Y/%m/%d}/"


def number_of(key: str) -> int | None:
    """Give the number in a digest's key; None for another key."""
    match = _KEY.fullmatch(key)
    return int(match[1]) if match else None


def log_day(key: str) -> date | None:
    """Give the day under which a log object is; None if there is none."""
    match = _LOG_DAY.match(key)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def text_of(time: datetime) -> str:
    """Write a time as digests do: 2026-11-24T03:00:00Z."""
    return f"{time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def time_of(text: str) -> datetime:
    """Read a time back."""
    return datetime.fromisoformat(text).astimezone(UTC)
