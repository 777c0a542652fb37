"""Compares the objects of a day with what digests recorded of it. Pure, but for `ask`, which gets checksums."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from contract.digests import OVERLAP, Entry, text_of
from runbook.verification.chain import Records, has_expired, is_same_content


class Kind(StrEnum):
    """How an object can differ from its record."""

    MISSING = "missing"
    CHANGED = "changed"
    ADDED = "added"


class Difference(NamedTuple):
    """An object that differs from its record, and how."""

    kind: Kind
    key: str
    detail: str


@dataclass
class Counts:
    """How many objects are as recorded, and how many differ.

    `expired` were recorded and are gone by the lifecycle rule; `pending` were written after the last digest; `copied`
    have the recorded content, but were written again. `first` has the first difference of each kind, by key.
    """

    same: int = 0
    copied: int = 0
    expired: int = 0
    pending: int = 0
    different: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    first: dict[Kind, Difference] = field(default_factory=dict)

    def add(self, other: "Counts") -> None:
        """Add the counts of a later day."""
        self.same, self.copied = self.same + other.same, self.copied + other.copied
        self.expired, self.pending = self.expired + other.expired, self.pending + other.pending
        for kind in Kind:
            self.different[kind] += other.different[kind]
        for kind, difference in other.first.items():
            self.first.setdefault(kind, difference)

    def found(self, kind: Kind, key: str, detail: str) -> None:
        """Count a difference."""
        self.different[kind] += 1
        if kind not in self.first or key < self.first[kind].key:
            self.first[kind] = Difference(kind, key, detail)

    @property
    def differences(self) -> int:
        """The number of objects that differ."""
        return sum(self.different.values())


@dataclass(frozen=True)
class Rules:
    """What is no difference: objects that expired at `now`, and, if no digest listed their day, those since `until`."""

    now: datetime
    expire_after_days: int
    until: datetime
    checksums: bool = False


# Gives what S3 keeps with an object, as a list and HeadObject tell it; None if it is gone.
Ask = Callable[[str], Entry | None]


def compare(records: Records, listed: Iterable[Entry], rules: Rules, ask: Ask) -> Counts:
    """Compare a day. S3 sets LastModified, so an object that has the recorded one was not written since.

    One that was written again, and with `checksums` each one, is judged by the SHA-256 that S3 keeps of it.
    """
    counts = Counts()
    left = dict(records.entries)
    recorded_until = (records.listed or rules.until) - OVERLAP
    for found in listed:
        recorded = left.pop(found.key, None)
        if recorded is None:
            _unrecorded(counts, found, recorded_until)
        elif found[:4] == recorded[:4] and not rules.checksums:
            counts.same += 1
        else:
            _judge(counts, recorded, found, ask(found.key))
    for entry in left.values():
        _gone(counts, entry, rules)
    return counts


def _unrecorded(counts: Counts, found: Entry, recorded_until: datetime) -> None:
    if found.modified >= text_of(recorded_until):
        counts.pending += 1
    else:
        counts.found(Kind.ADDED, found.key, f"it was written at {found.modified}, and no digest records it")


def _judge(counts: Counts, recorded: Entry, found: Entry, asked: Entry | None) -> None:
    if asked is None:
        counts.found(Kind.MISSING, recorded.key, f"written at {recorded.modified}, deleted just now")
    elif not is_same_content(recorded, asked):
        counts.found(
            Kind.CHANGED,
            recorded.key,
            f"it was written again at {asked.modified}: {_content(asked)}, recorded at {recorded.modified}: "
            f"{_content(recorded)}",
        )
    elif found.modified != recorded.modified:
        counts.copied += 1
    else:
        counts.same += 1


def _gone(counts: Counts, entry: Entry, rules: Rules) -> None:
    if has_expired(datetime.fromisoformat(entry.modified), rules.expire_after_days, rules.now):
        counts.expired += 1
    else:
        lines = "" if entry.lines is None else f", {entry.lines:,} lines"
        counts.found(Kind.MISSING, entry.key, f"written at {entry.modified}, {entry.size:,} bytes{lines}")


def _content(entry: Entry) -> str:
    return f"SHA-256 {entry.sha256}" if entry.sha256 else f"MD5 {entry.etag}, {entry.size:,} bytes"
