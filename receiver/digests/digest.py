"""Makes the next digest of the chain. contract/digests.py has its form, docs/verify.md what it proves.

A run reads everything that it needs from the bucket and changes it once, when it creates the digest's object. So a run
can end at any step, overlap with another one or come late: the next one lists what this one did not record.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from contract import digests
from contract.digests import BEGINNING, Digest, Entry, InvalidDigest, Link, Listed, Plan
from contract.object_keys import DIGESTS_PREFIX, LOGS_PREFIX

_DAY = timedelta(days=1)


class Found(NamedTuple):
    """An object as a list shows it, and whether S3 has a SHA-256 of it."""

    key: str
    etag: str
    size: int
    modified: datetime
    has_sha256: bool


class Head(NamedTuple):
    """What S3 keeps with an object: its SHA-256 in hex, and the number of lines that its writer noted."""

    etag: str
    sha256: str | None
    lines: int | None


class Store(Protocol):
    """The bucket. Lists and reads are strongly consistent."""

    def keys_after(self, prefix: str, after: str) -> Iterable[str]:
        """List the keys under a prefix that come after another text."""

    def folders(self, prefix: str) -> list[str]:
        """List the folders in a folder, with their trailing slashes."""

    def objects(self, prefixes: Iterable[str]) -> Iterable[Found]:
        """List the objects under prefixes."""

    def heads(self, keys: Iterable[str]) -> dict[str, Head | None]:
        """Ask for what S3 keeps with objects; None for an object that is gone."""

    def read(self, key: str) -> bytes:
        """Read a digest's object."""

    def create(self, key: str, data: bytes) -> bool:
        """Write a digest's object; False if there is one."""


@dataclass(frozen=True)
class Made:
    """A digest that is in the bucket: what a log entry says of it."""

    number: int
    key: str
    sha256: str
    previous_sha256: str
    objects: int
    lines: int

    def text(self) -> str:
        """Write it as one line of JSON. Kept apart from the bucket, it shows that nobody rewrote the whole chain."""
        return json.dumps({"level": "INFO", "reason": "digest", **vars(self)})


def make(store: Store, clock: Callable[[], datetime]) -> Made:
    """Make the next digest. If another digester made it meanwhile, give that one."""
    previous, link = _previous(store, _newest(store, clock()))
    # A clock that is behind the last digester's would list less than is new, and break the order of the keys.
    made = max(clock().replace(microsecond=0), previous.made if previous else BEGINNING)
    planned = digests.plan(previous.listed if previous else Listed(), made)
    entries = _entries(store, planned, previous.entries if previous else ())
    digest = Digest(previous.number + 1 if previous else 0, made, link, planned.listed, planned.days, entries)
    data = digest.encode()
    if not store.create(digest.key, data):
        data = store.read(digest.key)
        digest = Digest.decode(data)
    before = digest.previous.sha256 if digest.previous else ""
    lines = sum(entry.lines or 0 for entry in digest.entries)
    return Made(digest.number, digest.key, digests.sha256_of(data), before, len(digest.entries), lines)


def newest_key(keys: Iterable[str]) -> str:
    """Give the key of the newest digest among keys in their order; empty if there is none."""
    newest = ""
    for key in keys:
        if digests.number_of(key) is not None:
            newest = key
    return newest


def _newest(store: Store, now: datetime) -> str:
    # Usually the digest before the last one was made today or yesterday. After an outage all have to be listed.
    recent = digests.day_prefix((now - _DAY).date())
    everything = DIGESTS_PREFIX
    return newest_key(store.keys_after(everything, recent)) or newest_key(store.keys_after(everything, ""))


def _previous(store: Store, key: str) -> tuple[Digest | None, Link | None]:
    """Read a digest; None if there is none. InvalidDigest for an object that is none, or another one."""
    if not key:
        return None, None
    data = store.read(key)
    digest = Digest.decode(data)
    if digest.key != key:
        raise InvalidDigest(f"{key} is the digest {digest.key}")
    return digest, Link(key, digests.sha256_of(data), digest.made)


def _entries(store: Store, planned: Plan, recorded: Iterable[Entry]) -> list[Entry]:
    """Give what was written since the last list and is not recorded yet, in the order of keys."""
    known = {(entry.key, entry.etag, entry.modified) for entry in recorded}
    found = [
        each
        for each in store.objects(_prefixes(store, planned))
        if each.modified >= planned.since(digests.log_day(each.key) or planned.days.first)
        and (each.key, each.etag, digests.text_of(each.modified)) not in known
    ]
    heads = store.heads(each.key for each in found if each.has_sha256)
    return sorted(_entry(each, heads.get(each.key)) for each in found)


def _entry(found: Found, head: Head | None) -> Entry:
    # An object that was overwritten or deleted since the list is recorded as the list shows it: what was there, was.
    kept = head if head and head.etag == found.etag else Head(found.etag, None, None)
    return Entry(found.key, found.etag, found.size, digests.text_of(found.modified), kept.sha256, kept.lines)


def _prefixes(store: Store, planned: Plan) -> Iterator[str]:
    """Give the prefix of each planned day. Apps that the stack no longer has may still get an object."""
    for app in store.folders(LOGS_PREFIX):
        day = planned.days.first
        while day <= planned.days.last:
            yield f"{app}{day:%Y/%m/%d}/"
            day += _DAY
