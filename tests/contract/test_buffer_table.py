"""What the receiver puts into the buffer is what the flusher and the operator's tool read, and DynamoDB takes it."""

import random
import zlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import buffer_table
from contract.buffer_table import (
    BATCH_LINES,
    BODY_BYTES,
    EXPIRES,
    GRACE_MS,
    HEADING,
    KEPT_DAYS,
    MARGIN_MS,
    PARTITION_KEY,
    SORT_KEY,
    Heading,
    Item,
    Key,
    Record,
    batch_item,
    batch_key,
    batch_of,
    is_due,
    is_large,
    is_late,
    marked_ms,
    marker_item,
    marker_key,
    record_item,
    record_key,
    slot_of_marker,
    slot_partition,
    until_item,
    until_key,
    until_of,
)
from contract.logplex.batch import Batch, Survey, identity, leading_reports, survey
from contract.slots import LENGTHS, Slot
from contract.stored_line import Reason
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message, minutes_before_noon

APP = "raxx-api-prod"
LONGEST_APP = "a" * 30
SLOT = Slot.of(NOON_MS, 5)
BATCH_ID = UUID("01234567-89ab-5def-8123-456789abcdef")
POSTED = body(message(b"one\n"), message(b"two\n"))
ITEM_BYTES = 400 * 1024
HEADERS_BYTES = 10_240  # all headers of a request together ("Quotas for configuring and running an HTTP API")


def item_of(batch: Batch, now_ms: int = NOON_MS) -> Item:
    return batch_item(SLOT, identity(batch), batch, survey(batch), now_ms)


def key_of(item: Item) -> Key:
    return Key(item[PARTITION_KEY]["S"], item[SORT_KEY]["S"])


def size(item: Item) -> int:
    """The size of an item in bytes ("DynamoDB item sizes and formats").

    A number takes about a byte for each two digits, and one more.
    """

    def value_size(value: dict[str, Any]) -> int:
        [(kind, content)] = value.items()
        if kind == "S":
            return len(content.encode())
        if kind == "B":
            return len(content)
        return {"BOOL": 1, "N": (len(str(content)) + 1) // 2 + 1}[kind]

    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


# ---------------------------------------------------------------- keys


def test_keys_are_as_documented() -> None:
    """What is in the buffer must be found across a deployment."""
    assert batch_key(APP, SLOT, BATCH_ID) == (f"{APP}/2026-11-24T12:00Z/05", f"batch/{BATCH_ID}")
    assert record_key(APP, SLOT, 7) == (f"{APP}/2026-11-24T12:00Z/05", "object/000007")
    assert marker_key(APP, SLOT, BATCH_ID) == (f"late/{APP}", f"2026-11-24T12:00Z/05/{BATCH_ID}")
    assert until_key(APP, 5) == ("flushed", f"{APP}/05")
    assert batch_key(APP, SLOT, BATCH_ID).item == {
        "pk": {"S": f"{APP}/2026-11-24T12:00Z/05"},
        "sk": {"S": f"batch/{BATCH_ID}"},
    }


def test_no_two_things_have_one_partition() -> None:
    """An app may be called `late` or `flushed`; the text of a slot is no app's name."""
    slots = {slot_partition(app, slot) for app in ("late", "flushed", APP) for slot in (SLOT, Slot.of(NOON_MS, 10))}
    others = {buffer_table.late_partition(app) for app in ("late", "flushed", APP)} | {buffer_table.FLUSHED_PARTITION}
    assert len(slots | others) == 6 + 4


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(LENGTHS), st.uuids())
def test_the_slot_of_a_marker_reads_back(epoch_ms: int, minutes: int, batch_id: UUID) -> None:
    slot = Slot.of(epoch_ms, minutes)
    item = marker_item(APP, slot, batch_id, NOON_MS)
    assert key_of(item) == marker_key(APP, slot, batch_id)
    assert slot_of_marker(item[SORT_KEY]["S"]) == slot


@given(st.lists(st.integers(0, 4_000_000_000_000), max_size=5), st.uuids())
def test_markers_and_slots_sort_in_the_order_of_time(times_ms: list[int], batch_id: UUID) -> None:
    slots = sorted(Slot.of(time_ms, 5) for time_ms in times_ms)
    assert sorted(marker_key(APP, slot, batch_id) for slot in slots) == [
        marker_key(APP, slot, batch_id) for slot in slots
    ]
    assert sorted(slot_partition(APP, slot) for slot in slots) == [slot_partition(APP, slot) for slot in slots]


def test_records_sort_by_their_numbers() -> None:
    keys = [record_key(APP, SLOT, number) for number in (0, 2, 9, 10, 99, 100, 999_999)]
    assert sorted(keys) == keys


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(LENGTHS))
def test_the_first_slot_that_is_not_flushed_reads_back(epoch_ms: int, minutes: int) -> None:
    slot = Slot.of(epoch_ms, minutes)
    item = until_item(APP, slot)
    assert until_of(item) == (APP, slot)
    assert key_of(item) == until_key(APP, minutes)
    assert EXPIRES not in item


# ---------------------------------------------------------------- times


def test_a_put_is_late_when_the_flusher_may_have_passed_the_slot() -> None:
    """It has to end a margin before the slot is due, as clocks differ and a flush takes what it finds."""
    border_ms = SLOT.end_ms + GRACE_MS - MARGIN_MS
    assert not is_late(SLOT, border_ms)
    assert is_late(SLOT, border_ms + 1)


def test_a_slot_is_due_after_the_grace_period() -> None:
    border_ms = SLOT.end_ms + GRACE_MS
    assert not is_due(SLOT, border_ms)
    assert is_due(SLOT, border_ms + 1)
    assert buffer_table.due_ms(SLOT) == border_ms


def test_the_margin_is_longer_than_a_post_and_shorter_than_the_grace_period() -> None:
    """A receiver ends a put within 4 s of the POST; the rest is for clocks that differ."""
    assert 4_000 < MARGIN_MS < GRACE_MS


@pytest.mark.parametrize(
    ("now_ms", "from_ms"),
    [
        pytest.param(NOON_MS, SLOT.end_ms, id="within-the-slot"),
        # A batch that waited in the queue for ten days has fourteen more.
        pytest.param(SLOT.end_ms + 10 * 86_400_000, SLOT.end_ms + 10 * 86_400_000, id="ten-days-late"),
    ],
)
def test_items_expire_two_weeks_after_their_slot_or_their_put(now_ms: int, from_ms: int) -> None:
    """TTL is in seconds ("Using time to live (TTL) in DynamoDB")."""
    expires = {EXPIRES: {"N": str(from_ms // 1000 + 14 * 86_400)}}
    assert KEPT_DAYS == 14
    for item in (
        item_of(Batch(APP, "f", NOON_MS, POSTED), now_ms),
        record_item(APP, SLOT, 0, [BATCH_ID], now_ms),
        marker_item(APP, SLOT, BATCH_ID, now_ms),
    ):
        assert item.items() >= expires.items()


# ---------------------------------------------------------------- batches

BATCHES = {
    "as Logplex sends it": Batch(APP, "DA37BFA502AFA196A479F50990BA3E2C", NOON_MS, POSTED, None, "d.x", 2),
    "without anything else": Batch(APP, None, NOON_MS, POSTED),
    "no frames announced": Batch(APP, "f", NOON_MS, POSTED, announced=0),
    "any bytes": Batch(APP, "f", 1, bytes(range(256))),
    "much the same": Batch(APP, "f", NOON_MS, POSTED * 1000),
    "cannot be compressed": Batch(APP, "f", NOON_MS, random.Random(1).randbytes(5000)),
    "without a valid time": Batch(APP, "f", NOON_MS, b"no frame"),
    **{str(fault): Batch(APP, "f", NOON_MS, b"!", fault) for fault in Reason},
}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_a_batch_reads_back(batch: Batch) -> None:
    item = item_of(batch)
    assert batch_of(item, APP) == batch
    assert key_of(item) == batch_key(APP, SLOT, identity(batch))


@pytest.mark.parametrize("odd", ["é", "a\udc80b", "\ud800", "\n", "漢字 🚀", "\x00", "\\udc80"])
def test_a_batch_with_odd_headers_keeps_its_id(odd: str) -> None:
    """A header can hold text that has no UTF-8, and the id is made of the same text."""
    batch = Batch(APP, odd, NOON_MS, POSTED, None, odd)
    item = item_of(batch)
    assert all(value["S"].encode() for value in item.values() if "S" in value)
    assert identity(batch_of(item, APP)) == identity(batch)
    assert batch_of(item, APP).drain == odd.encode("utf-8", "backslashreplace").decode()


def test_a_body_is_compressed_where_that_is_smaller() -> None:
    """DynamoDB charges for each KB; below that there is nothing to gain."""
    assert "body" in item_of(Batch(APP, "f", NOON_MS, POSTED))
    packed = item_of(Batch(APP, "f", NOON_MS, POSTED * 100))
    assert "body" not in packed
    assert len(packed["zlib"]["B"]) < len(POSTED) * 10
    noise = random.Random(1).randbytes(5000)
    assert item_of(Batch(APP, "f", NOON_MS, noise))["body"] == {"B": noise}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_a_heading_is_what_is_known_without_the_body(batch: Batch) -> None:
    found = survey(batch)
    item = {name: value for name, value in item_of(batch).items() if name in HEADING}
    assert Heading.of(item) == Heading(
        identity(batch), batch.arrival_ms, found.lines, len(batch.body), undated=not found.dated
    )


def test_an_item_as_boto3_gives_it_is_read() -> None:
    """boto3 gives binary values as bytes; a tool that reads JSON can have bytearray."""
    batch = Batch(APP, "f", NOON_MS, POSTED)
    item = item_of(batch)
    assert batch_of(item | {"body": {"B": bytearray(POSTED)}}, APP) == batch


# ---------------------------------------------------------------- sizes


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


# Each becomes six bytes in an item; receiver/request.py takes no longer names.
ODD_NAME = "\udc80" * 256


@pytest.mark.parametrize("name", ["x" * HEADERS_BYTES, ODD_NAME], ids=["ASCII", "odd"])
def test_the_largest_batch_that_is_not_large_fits_an_item(name: str) -> None:
    """By a body that cannot be compressed, and with names of all the bytes that an HTTP API takes as headers."""
    largest = noise(BODY_BYTES)
    assert not is_large(largest, BATCH_LINES)
    batch = Batch(LONGEST_APP, name, NOON_MS, largest, Reason.GZIP_TOO_LARGE, ODD_NAME, 10**9 - 1)
    item = batch_item(Slot.of(NOON_MS, 60), BATCH_ID, batch, Survey(NOON_MS, dated=False, lines=BATCH_LINES), NOON_MS)
    assert size(item) <= ITEM_BYTES


def test_a_batch_is_large_by_its_compressed_size() -> None:
    assert is_large(noise(BODY_BYTES + 1), 1)
    assert not is_large(bytes(10 * BODY_BYTES), 1)
    assert not is_large(noise(BODY_BYTES), 1)


def test_a_batch_is_large_by_its_lines() -> None:
    """The flusher holds the lines of an object in memory."""
    assert not is_large(b"", BATCH_LINES)
    assert is_large(b"", BATCH_LINES + 1)


def without_reports(batch: Batch) -> bytes:
    return batch.body[leading_reports(batch)[1] :]


@pytest.mark.parametrize("size", [BODY_BYTES - 100, BODY_BYTES - 1, BODY_BYTES, BODY_BYTES + 1])
def test_a_leading_report_does_not_make_a_batch_large(size: int) -> None:
    """It is rendered anew on each try: one try in the buffer and one in S3 would be stored twice."""
    frame = message(noise(size - len(body(message(b""))) - 6))
    reports = [[], [l10(NOON)], [l10(minutes_before_noon(1)), l10(NOON)]]
    tries = [Batch(APP, "f", NOON_MS, body(*each, frame)) for each in reports]
    assert len({is_large(without_reports(each), 1) for each in tries}) == 1


def test_what_goes_into_the_buffer_fits_an_item_with_its_leading_reports() -> None:
    """log-shuttle puts up to two in front of a batch, Logplex one."""
    batch = Batch(APP, "f" * 32, NOON_MS, body(l10(NOON), l10(NOON)) + noise(BODY_BYTES), None, "d." + "x" * 36, 1)
    assert not is_large(without_reports(batch), 1)
    assert size(item_of(batch)) <= ITEM_BYTES


# ---------------------------------------------------------------- records


@given(st.lists(st.uuids(), max_size=5), st.integers(0, 999_999))
def test_a_record_reads_back(batch_ids: list[UUID], number: int) -> None:
    item = record_item(APP, SLOT, number, batch_ids, NOON_MS)
    assert key_of(item) == record_key(APP, SLOT, number)
    assert Record.of(item) == Record(number, tuple(batch_ids), stored=False)
    stored = {name: value for name, value in item.items() if name in HEADING} | {"stored": {"BOOL": True}}
    assert Record.of(stored) == Record(number, tuple(batch_ids), stored=True)


def test_a_record_of_as_many_batches_as_one_may_have_fits_an_item() -> None:
    batch_ids = [UUID(int=number) for number in range(20_000)]
    item = record_item(LONGEST_APP, Slot.of(NOON_MS, 60), 999_999, batch_ids, NOON_MS)
    assert Record.of(item).batch_ids == tuple(batch_ids)
    assert size(item) < ITEM_BYTES


def test_packed_bodies_are_plain_zlib() -> None:
    """A tool of another language can read the buffer."""
    packed = item_of(Batch(APP, "f", NOON_MS, POSTED * 100))["zlib"]["B"]
    assert zlib.decompress(packed) == POSTED * 100


def test_a_marker_says_when_it_was_put() -> None:
    """Its slot may be days old: the age of a marker is how long the flusher has left it."""
    now_ms = SLOT.end_ms + 3 * 86_400_000
    assert marked_ms(marker_item(APP, SLOT, BATCH_ID, now_ms)) == now_ms
