"""Where a batch is durable: in the slot of its newest line, with a late marker of its own when that may be flushed."""

import gzip
import random
from datetime import UTC, datetime, timedelta

import pytest

from contract import buffer_table
from contract.buffer_table import BODY_BYTES, EXPIRES, GRACE_MS, MARGIN_MS, Key, batch_key, marker_key
from contract.logplex.batch import Batch, Survey, identity
from contract.slots import Slot
from receiver.aws import Unavailable
from receiver.deadline import Deadline, DeadlineExceeded
from receiver.intake import Intake
from receiver.tally import Tally
from tests.support.fakes import APP, FRAME_ID, FakeBuffer, FakeLogBucket
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message

AMPLE_S = 10.0
SLOT = Slot.of(NOON_MS, 5)
LATE_MS = SLOT.end_ms + GRACE_MS - MARGIN_MS + 1
DATED = Batch(APP, FRAME_ID, NOON_MS, body(message()))
UNDATED = Batch(APP, FRAME_ID, NOON_MS + 1000, body(b"no header"))
ARRIVES_LATER = UNDATED._replace(arrival_ms=SLOT.end_ms)
DOWN = Unavailable("dynamodb-InternalServerError", "refused")


class World:
    """An intake with its buffer and bucket, at a time that only the test changes."""

    def __init__(self, minutes: int = 5) -> None:
        self.now_ms = NOON_MS + 2000
        self.buffer, self.bucket = FakeBuffer(), FakeLogBucket()
        self.reported: list[tuple[Tally, int]] = []
        self._intake = Intake(self.buffer, self.bucket, minutes, self._report, self._clock)

    def _report(self, tally: Tally, size: int) -> None:
        self.reported.append((tally, size))

    def _clock(self) -> int:
        return self.now_ms

    def keep(self, batch: Batch, seconds: float = AMPLE_S) -> Survey:
        return self._intake.keep(batch, Deadline(seconds))


@pytest.fixture
def world() -> World:
    return World()


def key(batch: Batch, slot: Slot = SLOT) -> Key:
    return batch_key(APP, slot, identity(batch))


def marker(batch: Batch, slot: Slot = SLOT) -> Key:
    return marker_key(APP, slot, identity(batch))


# ---------------------------------------------------------------- batches


def test_a_batch_is_put_into_the_slot_of_its_newest_line(world: World) -> None:
    """Not of its arrival: each try of it has to go into the same slot."""
    arrived = DATED._replace(arrival_ms=NOON_MS + 600_000)
    assert world.keep(arrived) == Survey(NOON_MS, dated=True, lines=1)
    assert world.buffer.items.keys() == {key(DATED)}
    assert world.buffer.calls == ["put_batch"]


@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_the_length_of_slots_is_a_setting(minutes: int) -> None:
    world = World(minutes)
    world.keep(DATED)
    assert world.buffer.items.keys() == {key(DATED, Slot.of(NOON_MS, minutes))}


def test_the_first_try_wins(world: World) -> None:
    """A batch that is recorded must not change."""
    world.keep(DATED)
    before = dict(world.buffer.items)
    world.keep(DATED._replace(arrival_ms=NOON_MS + 5000, body=body(l10(NOON), message())))
    assert world.buffer.items == before


@pytest.mark.parametrize("posted", [b"", b"\r\n"], ids=["empty", "line-ends"])
def test_a_batch_without_lines_is_not_put(world: World, posted: bytes) -> None:
    assert world.keep(DATED._replace(body=posted)).lines == 0
    assert world.buffer.calls == []


def test_it_expires_by_the_clock_of_the_put(world: World) -> None:
    world.now_ms = NOON_MS + 10 * 86_400_000
    world.keep(DATED)
    assert {item[EXPIRES]["N"] for item in world.buffer.items.values()} == {str(NOON_MS // 1000 + 24 * 86_400)}


def test_what_the_buffer_does_not_take_is_not_kept(world: World) -> None:
    world.buffer.trouble = DOWN
    with pytest.raises(Unavailable):
        world.keep(DATED)


def test_a_batch_that_takes_too_long_to_read_is_not_kept(world: World) -> None:
    with pytest.raises(DeadlineExceeded):
        world.keep(DATED, seconds=0)
    assert world.buffer.calls == []


# ---------------------------------------------------------------- late markers


@pytest.mark.parametrize(("now_ms", "late"), [(LATE_MS - 1, False), (LATE_MS, True)])
def test_a_late_batch_leaves_a_marker(world: World, now_ms: int, late: bool) -> None:
    world.now_ms = now_ms
    world.keep(DATED)
    assert world.buffer.marker_keys() == [marker(DATED)] * late


def test_the_marker_is_put_after_the_batch(world: World) -> None:
    """A flusher that saw the marker alone would delete it, and nobody would look for the batch."""
    world.now_ms = LATE_MS
    world.keep(DATED)
    assert world.buffer.calls == ["put_batch", "put_marker"]


def test_the_end_of_the_put_decides(world: World) -> None:
    """A put that takes long can begin before the flush and end after it."""

    class Slow(FakeBuffer):
        def put_batch(self, *args: object) -> None:
            super().put_batch(*args)  # type: ignore[arg-type]
            world.now_ms = LATE_MS

    buffer = Slow()
    Intake(buffer, FakeLogBucket(), 5, clock=lambda: world.now_ms).keep(DATED, Deadline(AMPLE_S))
    assert buffer.marker_keys() == [marker(DATED)]


def test_each_batch_leaves_a_marker_of_its_own(world: World) -> None:
    """A flusher deletes those that it listed: one for the slot could be deleted for another batch's."""
    world.now_ms = LATE_MS
    other = DATED._replace(frame_id="another")
    world.keep(DATED)
    world.keep(other)
    assert world.buffer.marker_keys() == sorted([marker(DATED), marker(other)])


def test_a_late_try_leaves_a_marker_though_the_batch_is_there(world: World) -> None:
    """The other try may have ended before it could leave one."""
    world.keep(DATED)
    world.now_ms = LATE_MS
    world.keep(DATED)
    assert world.buffer.marker_keys() == [marker(DATED)]


def test_without_its_marker_a_late_batch_is_not_kept(world: World) -> None:
    class NoMarkers(FakeBuffer):
        def put_marker(self, *args: object) -> None:
            raise DOWN

    world.now_ms = LATE_MS
    with pytest.raises(Unavailable):
        Intake(NoMarkers(), FakeLogBucket(), 5, clock=lambda: LATE_MS).keep(DATED, Deadline(AMPLE_S))


# ---------------------------------------------------------------- without a valid time


def test_a_batch_without_a_valid_time_is_put_into_the_slot_of_its_arrival(world: World) -> None:
    world.keep(UNDATED)
    assert world.buffer.items.keys() == {key(UNDATED)}
    assert world.buffer.calls == ["holds", "holds", "put_batch"]


@pytest.mark.parametrize(("first", "second"), [(UNDATED, ARRIVES_LATER), (ARRIVES_LATER, UNDATED)])
def test_another_try_of_it_is_found_in_the_slot_before_and_after(world: World, first: Batch, second: Batch) -> None:
    """A try that was spilled can be put after a later one."""
    world.keep(first)
    before = dict(world.buffer.items)
    world.keep(second)
    assert world.buffer.items == before


def test_a_late_try_leaves_a_marker_where_the_other_one_is(world: World) -> None:
    world.keep(UNDATED)
    world.now_ms = SLOT.after.end_ms + GRACE_MS
    world.keep(ARRIVES_LATER)
    assert world.buffer.marker_keys() == [marker(UNDATED)]


def test_whether_there_is_another_try_is_never_guessed(world: World) -> None:
    class Blind(FakeBuffer):
        def holds(self, *args: object) -> bool:
            raise DOWN

    buffer = Blind()
    with pytest.raises(Unavailable):
        Intake(buffer, FakeLogBucket(), 5).keep(UNDATED, Deadline(AMPLE_S))
    assert buffer.items == {}


# ---------------------------------------------------------------- large batches


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


def frame(size: int) -> bytes:
    """A frame of so many bytes, with its count, whose message cannot be compressed."""
    empty = len(message(b""))
    digits = next(digits for digits in range(1, 9) if len(str(size - digits - 1)) == digits)
    return body(message(noise(size - digits - 1 - empty)))


LARGE = Batch(APP, FRAME_ID, NOON_MS, frame(BODY_BYTES + 1))


def test_a_large_batch_is_stored_at_once_and_reported(world: World) -> None:
    world.keep(LARGE)
    assert world.buffer.calls == []
    [(stored, data)] = world.bucket.stored.items()
    assert stored.endswith(f"/{NOON_MS}-{identity(LARGE)}.gz")
    assert gzip.decompress(data).count(b"\n") == 1
    [(tally, size)] = world.reported
    assert (tally.app, tally.batches, tally.lines, tally.bytes, size) == (APP, 1, 1, len(LARGE.body), len(data))


def test_a_batch_that_is_stored_is_reported_once_it_is(world: World) -> None:
    world.bucket.trouble = Unavailable("s3-SlowDown", "please")
    with pytest.raises(Unavailable):
        world.keep(LARGE)
    assert world.reported == []


def test_a_batch_that_just_fits_is_put(world: World) -> None:
    world.keep(LARGE._replace(body=frame(BODY_BYTES)))
    assert world.buffer.calls == ["put_batch"]
    assert world.bucket.stored == {}


def test_a_large_body_that_can_be_compressed_is_put(world: World) -> None:
    world.keep(LARGE._replace(body=body(message(b"x" * 10 * BODY_BYTES))))
    assert world.buffer.calls == ["put_batch"]


SHUTTLE = "<172>1 {} heroku token log-shuttle - -"
L12 = message(b"Error L12: 5 messages dropped since 2026-11-24T11:00:00.000000+00:00\n", header=SHUTTLE)
LINES = 1000
REPORTS: dict[str, list[bytes]] = {"none": [], "L10": [l10(NOON)], "two": [L12, L12]}


@pytest.mark.parametrize("reports", REPORTS.values(), ids=REPORTS)
@pytest.mark.parametrize(
    ("rest", "large"),
    [
        pytest.param(frame(BODY_BYTES), False, id="bytes that fit"),
        pytest.param(frame(BODY_BYTES + 1), True, id="a byte too many"),
        pytest.param(body(message()) + b"1 x" * (LINES - 1), False, id="lines that fit"),
        pytest.param(body(message()) + b"1 x" * LINES, True, id="a line too many"),
    ],
)
def test_no_leading_report_has_a_say_in_whether_a_batch_is_large(
    monkeypatch: pytest.MonkeyPatch, world: World, reports: list[bytes], rest: bytes, large: bool
) -> None:
    """They are rendered anew on each try. One try in the buffer and one in S3 would be stored twice."""
    monkeypatch.setattr(buffer_table, "BATCH_LINES", LINES)
    world.keep(Batch(APP, FRAME_ID, NOON_MS, body(*reports) + rest))
    assert (len(world.bucket.stored), len(world.buffer.items)) == ((1, 0) if large else (0, 1))


def test_reports_that_no_sender_writes_count(world: World) -> None:
    """An item would be too large for DynamoDB, and the batch would have nowhere to go."""
    report = message(b"Error L10 " + noise(BODY_BYTES), header="<172>1 {} host heroku logplex -")
    world.keep(Batch(APP, FRAME_ID, NOON_MS, body(report) + frame(BODY_BYTES)))
    assert len(world.bucket.stored) == 1


LARGE_UNDATED = LARGE._replace(body=frame(BODY_BYTES + 1).replace(b"2026-11-24", b"1971-01-01"))


@pytest.mark.parametrize("minutes", [-5, 5])
def test_another_try_of_a_large_batch_without_a_valid_time_is_found(world: World, minutes: int) -> None:
    world.keep(LARGE_UNDATED)
    assert len(world.bucket.stored) == 1
    world.keep(LARGE_UNDATED._replace(arrival_ms=NOON_MS + minutes * 60_000))
    assert len(world.bucket.stored) == len(world.reported) == 1


def test_a_large_batch_that_takes_too_long_is_not_stored(world: World) -> None:
    with pytest.raises(DeadlineExceeded):
        world.keep(LARGE, seconds=0)
    assert world.bucket.stored == {}


def test_the_clock_is_the_time_of_day_and_nothing_is_reported_by_default() -> None:
    """As in Lambda: in a slot of today."""
    buffer, bucket = FakeBuffer(), FakeLogBucket()
    now = datetime.now(UTC)
    for posted in (body(message(time=now)), body(message(b"x" + noise(BODY_BYTES), now))):
        batch = Batch(APP, FRAME_ID, int(now.timestamp() * 1000), posted)
        Intake(buffer, bucket, 60).keep(batch, Deadline(AMPLE_S))
    [item] = buffer.batch_items()
    expires = datetime.fromtimestamp(int(item[EXPIRES]["N"]), UTC)
    assert timedelta(days=14) <= expires - now <= timedelta(days=14, hours=2)
    assert len(bucket.stored) == 1
