"""A batch that is too large for the buffer is objects of its own, and each try of it the same ones."""

import gzip
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.logplex.batch import Batch, identity, survey
from contract.object_keys import ObjectKey
from contract.slots import Slot
from receiver import large_batch
from receiver.deadline import DeadlineExceeded
from receiver.stored_object import StoredObject
from receiver.tally import Tally
from tests.support.fakes import APP, FRAME_ID
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message, minutes_before_noon, split, stored_lines

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
ARRIVAL_MS = NOON_MS + 250


def objects(batch: Batch, proceed: Callable[[], None] = lambda: None) -> list[StoredObject]:
    found = survey(batch)
    return large_batch.objects(batch, found, Slot.of(found.reference_ms, 5), Tally(APP), proceed)


def store(*messages: bytes, arrival_ms: int = ARRIVAL_MS, tail: bytes = b"") -> list[StoredObject]:
    return objects(Batch(APP, FRAME_ID, arrival_ms, body(*messages) + tail))


def only(stored: list[StoredObject]) -> StoredObject:
    [one] = stored
    return one


def earlier(batch: Batch) -> list[ObjectKey]:
    found = survey(batch)
    return large_batch.earlier_keys(batch, found, Slot.of(found.reference_ms, 5))


def milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


# ---------------------------------------------------------------- keys


def test_the_key_is_of_the_newest_line_and_the_batchs_id() -> None:
    stored = only(store(message(time=minutes_before_noon(2)), message(time=minutes_before_noon(1))))
    assert stored.key == ObjectKey(APP, milliseconds(minutes_before_noon(1)), identity(Batch(APP, FRAME_ID, 0, b"")))


@pytest.mark.parametrize(
    "posted",
    [
        pytest.param(b"garbage", id="bad-count"),
        pytest.param(body(b"garbage"), id="bad-header"),
        pytest.param(body(message(header="<190>1 yesterday host app web.1 -")), id="bad-time"),
        pytest.param(body(l10(NOON)), id="nothing-but-a-loss-report"),
    ],
)
def test_without_a_valid_time_the_key_is_of_the_slot_in_which_the_batch_arrived(posted: bytes) -> None:
    """A query over the minutes in which a quarantine line arrived has to find it."""
    last = MIDNIGHT + timedelta(days=1, minutes=-5)
    for arrival, slot in [
        (MIDNIGHT, MIDNIGHT),
        (NOON, NOON),
        (NOON + timedelta(minutes=4, seconds=59.999), NOON),
        (NOON + timedelta(minutes=5), NOON + timedelta(minutes=5)),
        (MIDNIGHT + timedelta(days=1, milliseconds=-1), last),
    ]:
        stored = only(objects(Batch(APP, FRAME_ID, milliseconds(arrival), posted)))
        assert stored.key.epoch_ms == milliseconds(slot)


def test_only_a_batch_without_a_valid_time_can_be_stored_under_an_earlier_key() -> None:
    """Its key follows from the arrival, so another try may have written it in the slot before or after."""
    untimed = Batch(APP, FRAME_ID, ARRIVAL_MS, b"garbage")
    assert earlier(untimed) == [
        ObjectKey(APP, milliseconds(NOON + timedelta(minutes=minutes)), identity(untimed)) for minutes in (-5, 5)
    ]
    assert earlier(Batch(APP, FRAME_ID, ARRIVAL_MS, body(message()))) == []


def test_there_is_no_slot_before_1970() -> None:
    assert [key.epoch_ms for key in earlier(Batch(APP, FRAME_ID, 1, b"garbage"))] == [300_000]


def test_a_batch_that_spans_days_is_one_object_a_day_oldest_first_all_with_one_name() -> None:
    times = [
        MIDNIGHT + timedelta(seconds=2),
        MIDNIGHT - timedelta(seconds=9),
        MIDNIGHT,
        MIDNIGHT - timedelta(seconds=5),
    ]
    old, new = store(*(message(b"%d\n" % i, time) for i, time in enumerate(times)), arrival_ms=milliseconds(MIDNIGHT))
    assert (old.key.day, new.key.day) == (date(2026, 11, 23), date(2026, 11, 24))
    assert old.key.epoch_ms == milliseconds(MIDNIGHT - timedelta(seconds=5))
    assert new.key.epoch_ms == milliseconds(MIDNIGHT + timedelta(seconds=2))
    assert old.key.name == new.key.name
    assert [line[-1:] for line in stored_lines(old)] == [b"1", b"3"]
    assert [line[-1:] for line in stored_lines(new)] == [b"0", b"2"]


# ---------------------------------------------------------------- each try is the same


def test_a_retry_writes_the_same_keys_though_its_loss_report_is_rendered_anew() -> None:
    lines = [message(b"one\n", minutes_before_noon(2)), message(b"two\n", minutes_before_noon(1))]
    first = only(store(l10(NOON), *lines))
    second = only(store(l10(NOON + timedelta(seconds=7)), *lines, arrival_ms=ARRIVAL_MS + 7000))
    assert first.key == second.key
    assert stored_lines(first)[1:] == stored_lines(second)[1:]


@given(st.integers(-3600_000, 24 * 3600_000), st.lists(st.integers(0, 300), min_size=1, max_size=5))
def test_for_any_arrival_that_believes_the_lines_the_objects_are_the_same(late_ms: int, ages_min: list[int]) -> None:
    messages = [message(time=minutes_before_noon(age)) for age in ages_min]
    assert store(*messages, arrival_ms=NOON_MS + late_ms) == store(*messages)


def test_the_bytes_are_the_same_each_time() -> None:
    """One gzip member without a time in its header: readers have lost rows of many-member files."""
    [first], [second] = (store(message(), message(b"\n", minutes_before_noon(1))) for _ in range(2))
    assert first.data == second.data
    assert first.data.count(b"\x1f\x8b\x08") == 1
    assert first.data[4:8] == bytes(4)
    assert gzip.decompress(first.data).endswith(b" - hi\n<190>1 2026-11-24T11:59:00.000000+00:00 host app web.1 - - \n")


# ---------------------------------------------------------------- lines


def test_lines_are_in_the_order_in_which_they_came_and_numbered() -> None:
    times = [NOON, NOON, minutes_before_noon(1), NOON]
    lines = stored_lines(only(store(*(message(b"%d\n" % number, time) for number, time in enumerate(times)))))
    assert [line.partition(b" host app web.1 - ")[2] for line in lines] == [
        b"- 0", b'[meta sequenceId="2"] 1', b"- 2", b'[meta sequenceId="3"] 3',
    ]  # fmt: skip


@pytest.mark.parametrize("posted", [b"", b"\r\n\n"], ids=["empty", "line-ends"])
def test_a_body_without_frames_is_no_object(posted: bytes) -> None:
    assert objects(Batch(APP, FRAME_ID, ARRIVAL_MS, posted)) == []


def test_a_large_batch_is_counted() -> None:
    batch = Batch(APP, FRAME_ID, ARRIVAL_MS, body(message(), b"no header"))
    tally, found = Tally(APP), survey(batch)
    large_batch.objects(batch, found, Slot.of(found.reference_ms, 5), tally)
    assert (tally.batches, tally.lines, tally.bytes) == (1, 2, len(batch.body))


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    "posted",
    [
        pytest.param(b"1 x" * 100_000, id="tiny-frames"),
        pytest.param(body(*[message(b"an old one", NOON.replace(year=2020))] * 1000), id="no-valid-time"),
        pytest.param(body(*[message(b"a line\n")] * 1000), id="ordinary-lines"),
        pytest.param(body(*[l10(NOON)] * 1000), id="leading-reports"),
    ],
)
def test_the_deadline_is_checked_every_few_frames(posted: bytes) -> None:
    """A body without a valid time is read once before any line of it is made, and that can take seconds."""
    frames, _ = split(posted)
    checks = 0

    def proceed() -> None:
        nonlocal checks
        checks += 1
        if checks > len(frames) // 256:
            raise DeadlineExceeded

    with pytest.raises(DeadlineExceeded):
        objects(Batch(APP, FRAME_ID, ARRIVAL_MS, posted), proceed)


def test_memory_is_a_small_part_of_what_the_lines_would_take() -> None:
    """A frame of one byte is a line of eighty: 10 MB of them have to fit into the function's memory."""
    frames = 50_000
    batch = Batch(APP, FRAME_ID, ARRIVAL_MS, body(*[b"x"] * frames))
    found = survey(batch)
    tracemalloc.start()
    [stored] = large_batch.objects(batch, found, Slot.of(found.reference_ms, 5), Tally(APP))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    lines = gzip.decompress(stored.data)
    assert lines.count(b"\n") == frames
    assert peak < len(lines) / 5
