"""Every acknowledged line is shown once, whatever the flusher does while the buffer and Athena are read."""

import gzip
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from contract import buffer_table, canary, glue_table
from contract.buffer_table import Record as ObjectRecord
from contract.logplex.batch import Batch, Line
from contract.object_keys import EPOCH_DAY, ObjectKey
from contract.slots import Slot
from contract.stored_line import Record
from contract.window import Window
from receiver.deadline import Deadline
from receiver.flusher.slot_objects import objects
from receiver.intake import Intake
from receiver.tally import Tally
from runbook.search import unflushed
from runbook.search.line_rows import Row
from runbook.search.selection import Selection
from runbook.search.text_filters import TextFilter
from runbook.search.unflushed import Unflushed
from tests.support.buffer_reader import MINUTES, OTHER, Reader
from tests.support.fakes import APP, FakeBuffer, FakeLogBucket, flush_due
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message, minutes_before_noon

HOUR = Window(NOON - timedelta(hours=1), NOON + timedelta(minutes=30))
EVERYTHING = Selection(HOUR)
ANY = Record(b"", b"", timedelta(0))
ROW = re.compile(glue_table.ROW_PATTERN, re.ASCII | re.DOTALL)


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unflushed, "READERS", 1)


def keep(buffer: FakeBuffer, batch: Batch, now_ms: int) -> None:
    Intake(buffer, FakeLogBucket(), MINUTES, clock=lambda: now_ms).keep(batch, Deadline(60))


def batch(*messages: bytes, app: str = APP, frame_id: str = "f", arrival_ms: int = NOON_MS) -> Batch:
    return Batch(app, frame_id, arrival_ms, body(*messages))


def asked(bucket: FakeLogBucket, selection: Selection, limit: int) -> tuple[list[Row], set[UUID]]:
    """What Athena answers: the newest rows of the objects that are there, and the names of their objects."""
    found: list[tuple[Row, UUID]] = []
    for text, data in bucket.stored.items():
        key = ObjectKey.parse(text)
        for line in gzip.decompress(data).decode().removesuffix("\n").split("\n"):
            columns = dict(zip(glue_table.COLUMNS, ROW.fullmatch(line).groups(""), strict=True))  # type: ignore[union-attr]
            row = Row(*({**columns, "app": key.app}[name] for name in Row._fields))
            # The SQL selects by the partition's day and by the row.
            in_partition = Line(ANY, timedelta(days=(key.day - EPOCH_DAY).days), None)
            if selection.admits(in_partition, row):
                found.append((row, key.name))
    newest = sorted(found, key=lambda each: each[0].position)[-limit - 1 :][-limit:]
    return [row for row, _ in newest], {name for _, name in newest}


def shown(
    reader: Reader, bucket: FakeLogBucket, now: datetime, selection: Selection = EVERYTHING, limit: int = 1000
) -> list[Row]:
    """What `lines` shows."""
    waiting = Unflushed(reader, [APP, OTHER], MINUTES, HOUR, now)
    reader.meanwhile()
    in_s3, names = asked(bucket, selection, limit)
    rows = waiting.rows(selection, names)
    return sorted([*in_s3, *rows], key=lambda row: row.position)[-limit:]


# ---------------------------------------------------------------- a flusher at the same time


class Steps:
    """A flusher whose steps can be taken one at a time."""

    def __init__(self, buffer: FakeBuffer, bucket: FakeLogBucket, random: Random) -> None:
        self._buffer, self._bucket, self._random = buffer, bucket, random
        self._steps = self._all()

    def take(self) -> None:
        for _ in range(self._random.choice([0, 0, 0, 1, 1, 2, 5])):
            next(self._steps, None)

    def _all(self) -> Iterator[None]:
        while slots := self._unrecorded():
            app, slot = self._random.choice(slots)
            contents = self._buffer.contents(app, slot)
            taken = {each for record in contents.records for each in record.batch_ids}
            free = [heading.batch_id for heading in contents.headings if heading.batch_id not in taken]
            some = tuple(self._random.sample(free, self._random.randint(1, len(free))))
            number = len(contents.records)
            self._buffer.create_record(app, slot, number, some, NOON_MS)
            yield
            earlier = self._buffer.batches(app, slot, list(taken))
            batches = self._buffer.batches(app, slot, some)
            self._bucket.put(objects(app, slot, number, batches, Tally(app), earlier))
            yield
            self._buffer.mark_stored(app, slot, number)
            yield
            if not [one for one in self._unrecorded() if one == (app, slot)] and self._random.random() < 0.5:
                # As if all slots before had nothing: a late batch has a marker.
                self._buffer.advance(app, slot.after)
                for key in self._buffer.marker_keys():
                    if buffer_table.slot_of_marker(key.sort) == slot:
                        self._buffer.delete([key])
                yield

    def _unrecorded(self) -> list[tuple[str, Slot]]:
        records = [ObjectRecord.of(item) for item in self._buffer.items.values() if "ids" in item]
        recorded = {batch_id for record in records for batch_id in record.batch_ids}
        return sorted(
            {
                (key.partition.partition("/")[0], Slot.parse(key.partition.partition("/")[2]))
                for key in self._buffer.items
                if key.sort.startswith("batch/") and UUID(key.sort.removeprefix("batch/")) not in recorded
            }
        )


@pytest.mark.parametrize("seed", range(150))
def test_each_line_is_shown_once_whatever_the_flusher_does_meanwhile(seed: int) -> None:
    random = Random(seed)
    buffer, bucket = FakeBuffer(born=NOON_MS - 40 * 60_000), FakeLogBucket()
    written = set()
    for number in range(random.randint(1, 25)):
        ages = [random.choice([0, 0, 1, 4, 6, 11, 20]) + random.random() for _ in range(random.randint(1, 4))]
        texts = [f"line {number} {place}" for place in range(len(ages))]
        sent = batch(
            *(message(f"{text}\n".encode(), minutes_before_noon(age)) for text, age in zip(texts, ages, strict=True)),
            app=random.choice([APP, OTHER]),
            frame_id=str(number),
        )
        # Late ones have markers, which keep their slots in sight.
        keep(buffer, sent, NOON_MS)
        written |= {(sent.app, text) for text in texts}
    steps, reader = Steps(buffer, bucket, random), Reader(buffer)
    for _ in range(random.randint(0, 12)):
        steps.take()
    reader.meanwhile = steps.take
    rows = shown(reader, bucket, NOON)
    assert len(rows) == len(written)
    assert {(row.app, row.message) for row in rows} == written
    assert [row.position[:3] for row in rows] == sorted(row.position[:3] for row in rows)


@pytest.mark.parametrize("seed", range(60))
def test_the_newest_are_shown_when_there_are_too_many(seed: int) -> None:
    random = Random(seed)
    buffer, bucket = FakeBuffer(born=NOON_MS - 40 * 60_000), FakeLogBucket()
    for number in range(20):
        keep(buffer, batch(message(b"%02d\n" % number, minutes_before_noon(number)), frame_id=str(number)), NOON_MS)
    steps, reader = Steps(buffer, bucket, random), Reader(buffer)
    reader.meanwhile = steps.take
    assert [row.message for row in shown(reader, bucket, NOON, limit=7)] == [f"{number:02}" for number in range(7)][
        ::-1
    ]


# ---------------------------------------------------------------- which slots are read


def test_a_line_that_is_not_flushed_is_shown_at_once() -> None:
    buffer = FakeBuffer()
    keep(buffer, batch(message(b"hi\n")), NOON_MS)
    assert [row.message for row in shown(Reader(buffer), FakeLogBucket(), NOON)] == ["hi"]


def test_a_late_batch_of_a_flushed_slot_is_shown() -> None:
    buffer, bucket = FakeBuffer(), FakeLogBucket()
    flush_due(buffer, bucket, NOON_MS + 20 * 60_000)
    keep(buffer, batch(message(b"late\n")), NOON_MS + 20 * 60_000)
    assert [row.message for row in shown(Reader(buffer), bucket, NOON + timedelta(minutes=20))] == ["late"]


def test_a_batch_of_a_clock_that_is_ahead_is_shown() -> None:
    buffer = FakeBuffer()
    keep(buffer, batch(message(b"ahead\n", NOON + timedelta(minutes=29))), NOON_MS)
    assert [row.message for row in shown(Reader(buffer), FakeLogBucket(), NOON)] == ["ahead"]


def test_slots_of_another_length_are_read_too() -> None:
    buffer = FakeBuffer()
    flush_due(buffer, FakeLogBucket(), NOON_MS, minutes=10)
    Intake(buffer, FakeLogBucket(), 10, clock=lambda: NOON_MS).keep(batch(message(b"of ten\n")), Deadline(60))
    assert [row.message for row in shown(Reader(buffer), FakeLogBucket(), NOON)] == ["of ten"]


def test_what_is_flushed_long_ago_costs_no_reads() -> None:
    """Only the slots from the first that is not flushed on, and those of the next hour, are queried."""
    buffer = FakeBuffer(born=NOON_MS - 10 * 24 * 3600_000)
    flush_due(buffer, FakeLogBucket(), NOON_MS)
    reader = Reader(buffer)
    Unflushed(reader, [APP], MINUTES, Window(NOON - timedelta(days=7), NOON), NOON)
    assert reader.queries < 20


@pytest.mark.parametrize("second_is_recorded", [False, True])
def test_a_batch_without_a_valid_time_that_is_in_two_slots_is_shown_once(second_is_recorded: bool) -> None:
    buffer = FakeBuffer()
    for arrival_ms in (NOON_MS - 1000, NOON_MS + 1000):
        other = FakeBuffer()
        keep(other, batch(b"no header", arrival_ms=arrival_ms), arrival_ms)
        buffer.items |= other.items
    if second_is_recorded:
        [_, second] = buffer.batch_items()
        batch_id = UUID(second["sk"]["S"].removeprefix("batch/"))
        buffer.create_record(APP, Slot.of(NOON_MS, MINUTES), 0, [batch_id], NOON_MS)
    [row] = shown(Reader(buffer), FakeLogBucket(), NOON)
    assert row.log_ts.startswith("2026-11-24T12:00:01" if second_is_recorded else "2026-11-24T11:59:59")


@pytest.mark.parametrize("steps", range(4))
def test_a_batch_without_a_valid_time_is_shown_once_after_one_of_its_slots_is_flushed(steps: int) -> None:
    """Its other copy stays in the buffer, in no record."""
    buffer, bucket = FakeBuffer(), FakeLogBucket()
    for arrival_ms in (NOON_MS - 1000, NOON_MS + 1000):
        other = FakeBuffer()
        keep(other, batch(b"no header", arrival_ms=arrival_ms), arrival_ms)
        buffer.items |= other.items
    flush_due(buffer, bucket, NOON_MS + 21_000 + steps * 300_000)
    assert len(shown(Reader(buffer), bucket, NOON + timedelta(seconds=21 + steps * 300))) == 1


def test_a_loss_report_with_a_time_after_its_batchs_slot_is_shown() -> None:
    """Logplex renders it at the time of the POST."""
    buffer = FakeBuffer()
    old = message(b"old\n", minutes_before_noon(40))
    keep(buffer, batch(l10(NOON), old), NOON_MS)
    window = Window(NOON - timedelta(minutes=1), NOON + timedelta(minutes=1))
    waiting = Unflushed(Reader(buffer), [APP], MINUTES, window, NOON)
    assert ["Error L10" in row.message for row in waiting.rows(Selection(window), ())] == [True]


def test_a_line_with_an_invalid_time_is_shown_only_where_the_table_has_it() -> None:
    """It lies under the day of its batch, and the SQL reads the days of the window."""
    buffer = FakeBuffer()
    keep(buffer, batch(message(b"3 days ago\n", NOON - timedelta(days=3)), message(b"now\n")), NOON_MS)
    window = Window(NOON - timedelta(days=3, minutes=1), NOON - timedelta(days=3) + timedelta(minutes=1))
    waiting = Unflushed(Reader(buffer), [APP], MINUTES, window, NOON)
    assert waiting.rows(Selection(window), ()) == []


def test_lines_of_one_time_are_in_the_order_they_came() -> None:
    buffer = FakeBuffer()
    for number in range(12):
        keep(buffer, batch(message(b"%d\n" % number), frame_id=str(number), arrival_ms=NOON_MS + number), NOON_MS)
    assert [row.message for row in shown(Reader(buffer), FakeLogBucket(), NOON)] == [
        str(number) for number in range(12)
    ]


# ---------------------------------------------------------------- rows


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(HOUR, dynos=["web"]), ["one", "TWO"]),
        (Selection(HOUR, dynos=["web.1"]), ["one"]),
        (Selection(HOUR), ["one", "TWO", "three"]),
        (Selection(HOUR, dynos=["canary"]), ["canary of 2026-11-24T12:00:00.000000+00:00"]),
        (Selection(HOUR, matches=[TextFilter("o")]), ["one", "three"][:1]),
        (Selection(HOUR, matches=[TextFilter("o", ignore_case=True)]), ["one", "TWO"]),
        (Selection(HOUR, matches=[TextFilter("O", ignore_case=True)]), ["one", "TWO"]),
        (Selection(Window(NOON - timedelta(minutes=1), NOON)), ["one", "TWO", "three"]),
        (Selection(Window(NOON - timedelta(minutes=9), NOON - timedelta(minutes=1))), []),
    ],
)
def test_rows_are_selected_as_the_sql_does(selection: Selection, expected: list[str]) -> None:
    buffer = FakeBuffer()
    frames = [
        message(b"one\n", header="<190>1 {} host app web.1 -"),
        message(b"TWO\n", header="<190>1 {} host app web.12 -"),
        message(b"three\n", header="<190>1 {} host app webber.1 -"),
        canary.message(NOON_MS),
    ]
    keep(buffer, batch(*frames), NOON_MS)
    assert [row.message for row in shown(Reader(buffer), FakeLogBucket(), NOON, selection)] == expected


def test_a_row_of_the_buffer_is_the_row_of_the_table() -> None:
    """Also of hostile lines: what is shown now must be what is found later."""
    frames = [
        message(b"\x1b[31mred\x00\r\n"), message(b"[not sd] - x\n"), message(b"caf\xe9 \xe2\x80\xa8 \xc2\x85\n"),
        message(b"at=info method=GET path=\"/\" status=200\n", header="<158>1 {} host heroku router -"),
        message(b"", header="<45>1 {} host heroku web.1 -"), b"no header \xff", message(header="<190>1 - host a b -"),
    ]  # fmt: skip
    buffer, bucket = FakeBuffer(), FakeLogBucket()
    keep(buffer, batch(*frames), NOON_MS)
    before = shown(Reader(buffer), bucket, NOON)
    flush_due(buffer, bucket, NOON_MS + 20 * 60_000)
    after, _ = asked(bucket, EVERYTHING, 1000)
    assert len(before) == len(frames)
    assert before == after
