"""Walks the chain of digests, and gathers what they record of each day. Pure.

A day's records are given as soon as no later digest can add to them, so that a year needs the memory of a few weeks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from contract import digests
from contract.digests import Digest, Entry, InvalidDigest, Link

_DAY = timedelta(days=1)


@dataclass
class Records:
    """What digests record of a day.

    `entries` are the first of each key: an object that is written again is recorded again. `listed` is when the day was
    last listed; None if it never was.
    """

    day: date
    entries: dict[str, Entry] = field(default_factory=dict)
    listed: datetime | None = None


class Chain:
    """The chain from its first digest that is added. `problems` says what is wrong with it.

    `head` is the newest digest, `sha256s` are those of all. Days from `first` to `last` are gathered.
    """

    def __init__(self, first: date, last: date) -> None:
        self.problems: list[str] = []
        self.sha256s: set[str] = set()
        self.head: Link | None = None
        self.oldest: Digest | None = None
        self.newest: Digest | None = None
        self.digests = 0
        self._unsettled = {day: Records(day) for day in _days(first, last)}

    def add(self, key: str, data: bytes) -> Iterator[Records]:
        """Add the next digest, in the order of keys, and give the records of days that are complete now."""
        try:
            digest = Digest.decode(data)
        except InvalidDigest as error:
            self.problems.append(f"{key} is {error}")
            return
        self._check(key, digest)
        self.oldest = self.oldest or digest
        self.newest, self.head = digest, Link(key, digests.sha256_of(data), digest.made)
        self.sha256s.add(self.head.sha256)
        self.digests += 1
        for entry in digest.entries:
            if records := self._unsettled.get(digests.log_day(entry.key) or date.min):
                records.entries.setdefault(entry.key, entry)
        for day, records in self._unsettled.items():
            if digest.days.first <= day <= digest.days.last:
                records.listed = digest.made
        if digest.listed.old == digest.made:
            # No later digest goes back further.
            yield from [self._unsettled.pop(day) for day in sorted(self._unsettled) if day < digest.days.first]

    def rest(self) -> list[Records]:
        """Give the records of all other days, once all digests were added."""
        return [self._unsettled.pop(day) for day in sorted(self._unsettled)]

    def check_ends(self, expire_after_days: int, now: datetime, *, has_all: bool) -> None:
        """Find out whether the chain lacks its begin, if it `has_all` digests that are left, or its end."""
        if self.oldest is None or self.newest is None:
            self.problems.append("there is no digest: the digester has not run, or all were deleted")
            return
        lost = self.oldest.previous
        if has_all and lost and not has_expired(lost.made, expire_after_days, now):
            self.problems.append(f"all digests before {self.oldest.key} are missing, up to {_time(lost.made)}")
        if now - self.newest.made > digests.LATEST:
            self.problems.append(
                f"the newest digest is of {_time(self.newest.made)}: the digester does not run, or later digests were "
                "deleted"
            )

    def _check(self, key: str, digest: Digest) -> None:
        if digest.key != key:
            self.problems.append(f"{key} has the content of {digest.key}")
        if self.newest is None or self.head is None:
            return
        missing = digest.number - self.newest.number - 1
        if missing > 0:
            first, last = self.newest.number + 1, digest.number - 1
            which = f"the digest {first} is" if missing == 1 else f"the digests {first} to {last} are"
            self.problems.append(f"{which} missing, of {_time(self.newest.made)} to {_time(digest.made)}")
        elif missing < 0:
            self.problems.append(f"{key} is not the digest after {self.head.key}")
        elif digest.previous != self.head:
            was = f"; it had the SHA-256 {digest.previous.sha256}" if digest.previous else ""
            self.problems.append(f"{self.head.key} was changed after {key} was made{was}")


def is_same_content(one: Entry, other: Entry) -> bool:
    """Whether two entries are of the same bytes: by SHA-256, else by MD5, which is the ETag here, and size."""
    if one.sha256 and other.sha256:
        return one.sha256 == other.sha256
    return (one.etag, one.size) == (other.etag, other.size)


def keys_to_read(keys: list[str], first: date) -> list[str]:
    """Give the keys, of all digests in order, of those that can record objects of a day or later.

    Keys tell when the digest before was made, and no line is more than an hour ahead. From there, the chain is walked
    to its end: each digest vouches for those before.
    """
    begin = digests.day_prefix(max(first, date(1970, 1, 3)) - 2 * _DAY)
    before = [key for key in keys if key < begin]
    return keys[max(0, len(before) - 1) :]


def has_expired(modified: datetime, days: int, now: datetime) -> bool:
    """Whether S3 may have deleted an object by a lifecycle rule of so many days.

    It counts from when the object was created and rounds up to the next midnight, UTC ("Setting lifecycle configuration
    on a bucket").
    """
    due = modified + timedelta(days=days)
    midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
    return now >= (midnight if midnight == due else midnight + _DAY)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY


def _time(time: datetime) -> str:
    return digests.text_of(time)
