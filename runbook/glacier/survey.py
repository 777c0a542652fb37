"""How much of a window is in Glacier, and how much of that is restored."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from runbook.clients import s3_objects
from runbook.clients.s3_objects import State, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Count:
    """A number of objects and their bytes; `until` is when the first restored copy expires, if there is one."""

    objects: int = 0
    bytes: int = 0
    until: datetime | None = None

    def __add__(self, other: "Count") -> "Count":
        ends = [count.until for count in (self, other) if count.until is not None]
        return Count(self.objects + other.objects, self.bytes + other.bytes, min(ends, default=None))


@dataclass(frozen=True)
class Survey:
    """Objects counted by state, and those to restore; `prefixes` are the ones with objects to restore.

    `deep` is the part of those to restore that is retrieved from Deep Archive.
    """

    states: dict[State, Count] = field(default_factory=lambda: dict.fromkeys(State, Count()))
    wanted: Count = Count()
    prefixes: tuple[str, ...] = ()
    deep: Count = Count()

    def __add__(self, other: "Survey") -> "Survey":
        states = {state: self.states[state] + other.states[state] for state in State}
        return Survey(states, self.wanted + other.wanted, self.prefixes + other.prefixes, self.deep + other.deep)


def survey(s3: "S3Client", bucket: str, prefixes: Iterable[str], wanted: Callable[[StoredObject], bool]) -> Survey:
    """Count the objects under prefixes."""
    total = Survey()
    with s3_objects.list_pool() as pool:
        for part in pool.map(lambda prefix: _survey(s3, bucket, prefix, wanted), prefixes):
            total += part
    return total


def _survey(s3: "S3Client", bucket: str, prefix: str, wanted: Callable[[StoredObject], bool]) -> Survey:
    states, chosen, deep = dict.fromkeys(State, Count()), Count(), Count()
    for each in s3_objects.objects(s3, bucket, prefix, restores=True):
        one = Count(1, each.size, each.until)
        states[each.state] += one
        if wanted(each):
            chosen += one
            if each.deep and each.state is State.IN_GLACIER:
                deep += one
    return Survey(states, chosen, (prefix,) if chosen.objects else (), deep)
