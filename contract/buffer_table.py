"""The buffer, a DynamoDB table: its keys, its items and its times. docs/design.md has the protocol.

    <app>/<slot>    batch/<batch id>           a batch, written once: the first try wins
    <app>/<slot>    object/<n>                 the batches of the n-th object of a slot, and whether it is stored
    late/<app>      <slot>/<batch id>          a late marker: the slot has to be flushed once more
    flushed         <app>/<minutes>            the first slot of that length that is not flushed yet
    seen            <app>, <app>/canary        the arrival of the newest batch of the app, and of its newest canary

Items are in the words of DynamoDB's API: {"S": …}, {"N": …}, {"B": …}.
"""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self
from uuid import UUID

from contract import canary
from contract.logplex.batch import Batch, Survey
from contract.slots import Slot
from contract.stored_line import Reason

Item = dict[str, dict[str, Any]]

PARTITION_KEY, SORT_KEY, EXPIRES = "pk", "sk", "expires"

# A slot is flushed this long after its end, so that batches that are on their way are in it.
GRACE_MS = 20_000
# A put that ends less than this before the flush leaves a late marker. It is longer than a POST may take.
MARGIN_MS = 10_000
# How long items are kept after their slot's end: S3 may refuse objects for this long and nothing is lost.
KEPT_DAYS = 14

# An item may have 400 KB with its keys and names ("Quotas in Amazon DynamoDB"). This is the largest compressed body
# that always leaves room for the rest.
BODY_BYTES = 390_000
# A batch of more lines is not put into the buffer either: the flusher holds the lines of an object in memory.
BATCH_LINES = 100_000

FLUSHED_PARTITION = "flushed"
SEEN_PARTITION = "seen"
BATCH_PREFIX, RECORD_PREFIX = "batch/", "object/"

# Shorter bodies take one write unit in any case.
_COMPRESSED_FROM_BYTES = 512
# DynamoDB charges by size, which costs more than the time: docs/performance.md.
LEVEL = 6
# Only to find out whether a large body is too large; the other level never makes more of it.
_FAST_LEVEL = 1
_ID_BYTES = 16
_CANARY = "canary"


class Key(NamedTuple):
    """The partition key and the sort key of an item."""

    partition: str
    sort: str

    @property
    def item(self) -> Item:
        """The key as DynamoDB's API takes it."""
        return {PARTITION_KEY: {"S": self.partition}, SORT_KEY: {"S": self.sort}}


def slot_partition(app: str, slot: Slot) -> str:
    """Give the partition key of a slot's batches and records."""
    return f"{app}/{slot}"


def batch_key(app: str, slot: Slot, batch_id: UUID) -> Key:
    """Give the key of a batch."""
    return Key(slot_partition(app, slot), f"{BATCH_PREFIX}{batch_id}")


def record_key(app: str, slot: Slot, number: int) -> Key:
    """Give the key of the record of a slot's n-th object, n from 0."""
    return Key(slot_partition(app, slot), f"{RECORD_PREFIX}{number:06}")


def late_partition(app: str) -> str:
    """Give the partition key of an app's late markers."""
    return f"late/{app}"


def marker_key(app: str, slot: Slot, batch_id: UUID) -> Key:
    """Give the key of a late marker."""
    return Key(late_partition(app), f"{slot}/{batch_id}")


def slot_of_marker(sort: str) -> Slot:
    """Read the slot in the sort key of a late marker."""
    return Slot.parse(sort.rpartition("/")[0])


def until_key(app: str, minutes: int) -> Key:
    """Give the key of an app's first slot that is not flushed yet, among the slots of a length."""
    return Key(FLUSHED_PARTITION, f"{app}/{minutes:02}")


def is_late(slot: Slot, now_ms: int) -> bool:
    """Say whether a put that ended now needs a late marker, as the flusher may have passed the slot."""
    return now_ms > slot.end_ms + GRACE_MS - MARGIN_MS


def is_due(slot: Slot, now_ms: int) -> bool:
    """Say whether a slot is to be flushed."""
    return now_ms > due_ms(slot)


def due_ms(slot: Slot) -> int:
    """Give the time from which on a slot is to be flushed, in milliseconds since 1970."""
    return slot.end_ms + GRACE_MS


def _expiry(slot: Slot, now_ms: int) -> Item:
    # A batch that waited in the queue for days must not expire before it is flushed.
    seconds = max(slot.end_ms, now_ms) // 1000 + KEPT_DAYS * 24 * 3600
    return {EXPIRES: {"N": str(seconds)}}


# ---------------------------------------------------------------- items


def is_large(body: bytes, lines: int) -> bool:
    """Say whether a batch does not go into the buffer, by its body and lines without leading loss reports.

    Those are rendered anew on each try, and all tries of a batch must go the same way.
    """
    return lines > BATCH_LINES or (len(body) > BODY_BYTES and len(zlib.compress(body, _FAST_LEVEL)) > BODY_BYTES)


def batch_item(slot: Slot, batch_id: UUID, batch: Batch, survey: Survey, now_ms: int) -> Item:
    """Write the item of a batch."""
    body = {"body": {"B": batch.body}}
    if len(batch.body) >= _COMPRESSED_FROM_BYTES:
        packed = zlib.compress(batch.body, LEVEL)
        if len(packed) < len(batch.body):
            body = {"zlib": {"B": packed}}
    item: Item = {
        **batch_key(batch.app, slot, batch_id).item,
        **body,
        "arrival": {"N": str(batch.arrival_ms)},
        "lines": {"N": str(survey.lines)},
        "bytes": {"N": str(len(batch.body))},
        **_expiry(slot, now_ms),
    }
    if canary.is_frame_id(batch.frame_id):
        item["canary"] = {"BOOL": True}
    if not survey.dated:
        item["undated"] = {"BOOL": True}
    if batch.frame_id is not None:
        # A header can hold text that has no UTF-8; the id is made of the same text.
        item["frame"] = {"S": batch.frame_id.encode("utf-8", "backslashreplace").decode()}
    if batch.fault is not None:
        item["fault"] = {"S": batch.fault.value}
    if batch.drain is not None:
        item["drain"] = {"S": batch.drain.encode("utf-8", "backslashreplace").decode()}
    if batch.announced is not None:
        item["announced"] = {"N": str(batch.announced)}
    return item


class Heading(NamedTuple):
    """What is known of a batch in the buffer without its body: sizes in lines and in bytes of the decoded body."""

    batch_id: UUID
    arrival_ms: int
    lines: int
    bytes: int
    undated: bool
    canary: bool = False

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """Read it from an item, or from the part of it that HEADING names."""
        return cls(
            UUID(item[SORT_KEY]["S"].removeprefix(BATCH_PREFIX)),
            int(item["arrival"]["N"]),
            int(item["lines"]["N"]),
            int(item["bytes"]["N"]),
            "undated" in item,
            "canary" in item,
        )


# The attributes of a heading, and of a record: everything except bodies.
HEADING = (SORT_KEY, "arrival", "lines", "bytes", "undated", "canary", "ids", "stored")


def batch_of(item: Mapping[str, Any], app: str) -> Batch:
    """Read the batch of an item."""
    return Batch(
        app,
        item["frame"]["S"] if "frame" in item else None,
        int(item["arrival"]["N"]),
        zlib.decompress(item["zlib"]["B"]) if "zlib" in item else bytes(item["body"]["B"]),
        Reason(item["fault"]["S"]) if "fault" in item else None,
        item["drain"]["S"] if "drain" in item else None,
        int(item["announced"]["N"]) if "announced" in item else None,
    )


class Record(NamedTuple):
    """The record of a slot's n-th object: its batches, and whether it is stored."""

    number: int
    batch_ids: tuple[UUID, ...]
    stored: bool

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """Read it from an item."""
        packed = bytes(item["ids"]["B"])
        return cls(
            int(item[SORT_KEY]["S"].removeprefix(RECORD_PREFIX)),
            tuple(UUID(bytes=packed[at : at + _ID_BYTES]) for at in range(0, len(packed), _ID_BYTES)),
            item["stored"]["BOOL"],
        )


def record_item(app: str, slot: Slot, number: int, batch_ids: Iterable[UUID], now_ms: int) -> Item:
    """Write the record of an object that is not stored yet."""
    return {
        **record_key(app, slot, number).item,
        "ids": {"B": b"".join(batch_id.bytes for batch_id in batch_ids)},
        "stored": {"BOOL": False},
        **_expiry(slot, now_ms),
    }


def marker_item(app: str, slot: Slot, batch_id: UUID, now_ms: int) -> Item:
    """Write a late marker."""
    return {**marker_key(app, slot, batch_id).item, **_expiry(slot, now_ms)}


def marked_ms(item: Mapping[str, Any]) -> int:
    """Read when a late marker was put, to the second, in milliseconds since 1970. That is after its slot's end."""
    return int(item[EXPIRES]["N"]) * 1000 - KEPT_DAYS * 24 * 3600 * 1000


def until_item(app: str, slot: Slot) -> Item:
    """Write that all slots before this one are flushed."""
    return {**until_key(app, slot.minutes).item, "slot": {"S": str(slot)}}


def until_of(item: Mapping[str, Any]) -> tuple[str, Slot]:
    """Read an app, and its first slot that is not flushed yet."""
    return item[SORT_KEY]["S"].partition("/")[0], Slot.parse(item["slot"]["S"])


class Seen(NamedTuple):
    """Whose batches were seen: an app's own, or its canaries."""

    app: str
    canary: bool = False

    @property
    def key(self) -> Key:
        """The key of the item."""
        return Key(SEEN_PARTITION, f"{self.app}/{_CANARY}" if self.canary else self.app)


def seen_item(seen: Seen, arrival_ms: int) -> Item:
    """Write when the newest of these batches arrived."""
    return {**seen.key.item, "arrival": {"N": str(arrival_ms)}}


def seen_of(item: Mapping[str, Any]) -> tuple[Seen, int]:
    """Read whose batches were seen, and when the newest arrived, in milliseconds since 1970."""
    app, _, kind = item[SORT_KEY]["S"].partition("/")
    return Seen(app, canary=kind == _CANARY), int(item["arrival"]["N"])
