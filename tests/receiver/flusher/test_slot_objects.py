"""Batches of a slot become one object a UTC day, in order of time, with the same key and bytes each time."""

import gzip
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.logplex.batch import Batch
from contract.object_keys import slot_object_id
from contract.slots import Slot
from local.logplex.field_bodies import FieldBody, field_bodies
from receiver.flusher import slot_objects
from receiver.stored_object import StoredObject
from receiver.tally import Tally
from tests.support.fakes import APP
from tests.support.logplex_frames import NOON, NOON_MS, body, message, minutes_before_noon, stored_lines

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
SLOT = Slot.of(NOON_MS, 5)
NUMBER = 3


def batch(
    *messages: bytes, frame_id: str | None = "a-frame", arrival_ms: int = NOON_MS + 250, tail: bytes = b""
) -> Batch:
    return Batch(APP, frame_id, arrival_ms, body(*messages) + tail)


def objects(*batches: Batch, slot: Slot = SLOT, number: int = NUMBER) -> list[StoredObject]:
    return slot_objects.objects(APP, slot, number, batches, Tally(APP))


def only(*batches: Batch) -> StoredObject:
    [one] = objects(*batches)
    return one


def milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def texts(stored: StoredObject) -> list[bytes]:
    """The messages of an object's lines, with what stands in the place of STRUCTURED-DATA."""
    return [line.partition(b" host app web.1 - ")[2] for line in stored_lines(stored)]


# ---------------------------------------------------------------- keys


def test_the_key_is_of_the_newest_line_the_slot_and_the_record() -> None:
    stored = only(batch(message(time=minutes_before_noon(3)), message(time=NOON + timedelta(microseconds=1999))))
    assert (stored.key.app, stored.key.epoch_ms) == (APP, NOON_MS + 1)
    assert stored.key.name == slot_object_id(APP, SLOT, NUMBER, NOON.date())


def test_objects_of_other_records_and_slots_have_other_names() -> None:
    """Two objects with one name would be one, and the second would be taken for stored."""
    posted = batch(message())
    names = {
        objects(posted, slot=slot, number=number)[0].key.name
        for slot in (SLOT, SLOT.after, Slot.of(NOON_MS, 10))
        for number in (0, 1)
    }
    assert len(names) == 6


def test_the_key_does_not_depend_on_the_batches_but_for_their_newest_time() -> None:
    """A repeat writes the batches of the record, and no others: so it may be named by the record."""
    assert only(batch(message(b"one"))).key == only(batch(message(b"two"), frame_id="another")).key


def test_a_line_without_a_valid_time_goes_with_its_batchs_reference() -> None:
    wrong = message(time=NOON - timedelta(days=30))
    stored = only(batch(wrong, message(time=minutes_before_noon(1))), batch(b"no header", frame_id="b"))
    assert stored.key.epoch_ms == NOON_MS + 250  # the arrival of the batch that has no time at all
    kept, ordinary, quarantined = stored_lines(stored)
    assert kept.startswith(b"<190>1 2026-10-25T12:00:00")
    assert ordinary.startswith(b"<190>1 2026-11-24T11:59:00")
    assert quarantined == b"<43>1 2026-11-24T12:00:00.250000+00:00 host logdrain quarantine bad-header - no header"


# ---------------------------------------------------------------- days


def test_a_slot_that_spans_midnight_is_one_object_a_day_oldest_first() -> None:
    times = [
        MIDNIGHT + timedelta(seconds=2),
        MIDNIGHT - timedelta(seconds=9),
        MIDNIGHT,
        MIDNIGHT - timedelta(seconds=5),
    ]
    posted = batch(*(message(b"%d\n" % i, time) for i, time in enumerate(times)), arrival_ms=milliseconds(MIDNIGHT))
    old, new = objects(posted)
    assert (old.key.day, new.key.day) == (date(2026, 11, 23), date(2026, 11, 24))
    assert old.key.epoch_ms == milliseconds(MIDNIGHT - timedelta(seconds=5))
    assert new.key.epoch_ms == milliseconds(MIDNIGHT + timedelta(seconds=2))
    assert [stored.key.name for stored in (old, new)] == [
        slot_object_id(APP, SLOT, NUMBER, stored.key.day) for stored in (old, new)
    ]
    assert texts(old) == [b"- 1", b"- 3"]
    assert texts(new) == [b"- 2", b"- 0"]


def test_the_last_microsecond_of_a_day_is_of_that_day() -> None:
    assert only(batch(message(time=MIDNIGHT - timedelta(microseconds=1)))).key.day == date(2026, 11, 23)


def test_a_day_is_the_utc_day_of_the_instant() -> None:
    in_the_west = message(header="<190>1 2026-11-23T20:00:00-10:00 host app web.1 -")  # 06:00 UTC on the 24th
    assert only(batch(in_the_west)).key.day == date(2026, 11, 24)


def test_a_quarantine_line_goes_with_the_newest_day_of_its_batch() -> None:
    old, new = objects(batch(b"no header", message(time=NOON - timedelta(days=1)), message()))
    assert len(stored_lines(old)) == 1
    assert stored_lines(new)[0].endswith(b"quarantine bad-header - no header")


# ---------------------------------------------------------------- order


def test_lines_are_in_order_of_time_whichever_batch_they_came_in() -> None:
    one = batch(message(b"d", minutes_before_noon(1)), message(b"a", minutes_before_noon(4)), frame_id="a")
    other = batch(message(b"c", minutes_before_noon(2)), message(b"b", minutes_before_noon(3)), frame_id="b")
    assert texts(only(one, other)) == [b"- a", b"- b", b"- c", b"- d"]


def test_lines_of_one_time_are_in_order_of_arrival_then_as_they_came_and_numbered() -> None:
    """RFC 5424 section 7.3.1. Postgres logs whole seconds, and the lines of a traceback share a microsecond."""
    early = batch(message(b"1"), message(b"0", minutes_before_noon(1)), message(b"2"), frame_id="z", arrival_ms=NOON_MS)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))
    late = batch(message(b"3", elsewhere), message(b"4"), frame_id="a", arrival_ms=NOON_MS + 1)
    assert texts(only(late, early)) == [
        b"- 0", b"- 1", b'[meta sequenceId="2"] 2', b'[meta sequenceId="3"] 3', b'[meta sequenceId="4"] 4',
    ]  # fmt: skip


def test_quarantine_lines_stay_in_their_places_among_lines_of_the_reference_time() -> None:
    posted = batch(
        message(b"a\n", minutes_before_noon(2)),
        b"no header",
        message(header="<190>1 - host app web.1 -"),
        message(b"b\n"),
        tail=b"9 c",
    )
    start = b"<43>1 2026-11-24T12:00:00.000000+00:00 host logdrain quarantine "
    first, header, time, last, truncated = stored_lines(only(posted))
    assert first.endswith(b"web.1 - - a")
    assert header == start + b"bad-header - no header"
    assert time == start + b'bad-time [meta sequenceId="2"] <190>1 - host app web.1 - hi#012'
    assert last.endswith(b'web.1 - [meta sequenceId="3"] b')
    assert truncated == start + b'truncated [meta sequenceId="4"] 9 c'


def test_lines_are_numbered_anew_in_each_object() -> None:
    yesterday = NOON - timedelta(days=1)
    for stored in objects(batch(message(), message(time=yesterday), message(), message(time=yesterday))):
        assert [b"sequenceId" in line for line in stored_lines(stored)] == [False, True]


# ---------------------------------------------------------------- the same bytes


def test_the_bytes_are_the_same_whatever_the_order_in_which_batches_are_read() -> None:
    """The table gives them in order of their ids, and a second flusher may run another version of boto3."""
    batches = [
        batch(message(b"one"), message(b"old", minutes_before_noon(9)), frame_id="a"),
        batch(message(b"two"), frame_id="b", arrival_ms=NOON_MS),
        batch(message(b"three"), message(b"four"), frame_id=None),
        batch(message(b"same arrival"), frame_id="c", arrival_ms=NOON_MS),
    ]
    assert len({tuple(objects(*order)) for order in permutations(batches)}) == 1


def test_an_object_is_one_gzip_member_without_a_time_in_its_header() -> None:
    """Readers have lost rows of files of many members, and a time would give each try other bytes."""
    stored = only(batch(message(), message(b"\n", minutes_before_noon(1))))
    assert stored.data.count(b"\x1f\x8b\x08") == 1
    assert stored.data[4:8] == bytes(4)
    assert gzip.decompress(stored.data) == (
        b"<190>1 2026-11-24T11:59:00.000000+00:00 host app web.1 - - \n"
        b"<190>1 2026-11-24T12:00:00.000000+00:00 host app web.1 - - hi\n"
    )


def test_a_long_line_is_written_whole() -> None:
    """Lines are escaped and compressed in blocks."""
    text = b"x\xff\n" * 100_000
    [line] = texts(only(batch(message(text + b"\n"))))
    assert line == b"- " + rb"x\xff#012" * 100_000


# ---------------------------------------------------------------- what is in them


@pytest.mark.parametrize("posted", [b"", b"\r\n\n"], ids=["empty", "line-ends"])
def test_batches_without_lines_are_no_object(posted: bytes) -> None:
    assert objects(Batch(APP, "f", NOON_MS, posted)) == []
    assert objects() == []


def test_what_is_stored_is_counted() -> None:
    tally = Tally(APP)
    batches = [batch(message(), b"no header"), batch(message(time=NOON - timedelta(days=1)), frame_id="b")]
    slot_objects.objects(APP, SLOT, 0, batches, tally)
    assert (tally.batches, tally.lines, tally.bytes) == (2, 3, sum(len(each.body) for each in batches))


@pytest.mark.parametrize("post", field_bodies(), ids=lambda post: post.name)
def test_a_body_from_the_field_is_stored_line_by_line(post: FieldBody) -> None:
    """Good frames survive bad ones, and each frame and each fault is one line."""
    stored = objects(Batch(APP, post.headers.get("Logplex-Frame-Id"), NOON_MS + 250, post.body))
    found = [line for one in stored for line in stored_lines(one)]
    quarantined = [line for line in found if b" host logdrain quarantine " in line]
    assert len(quarantined) == bool(post.malformed_remainder)
    assert len(found) == len(quarantined) + len(post.frames)


@given(st.lists(st.binary(max_size=100), max_size=3), st.integers(0, 4_000_000_000_000))
def test_any_bodies_are_stored_in_lines_of_utf8(bodies: list[bytes], arrival_ms: int) -> None:
    for stored in objects(*(Batch(APP, None, arrival_ms, posted) for posted in bodies)):
        assert all(line.decode("utf-8", "strict").startswith("<") for line in stored_lines(stored))
        assert stored.key.app == APP
