"""`lines --follow` shows each line once, within two polls, in order."""

from datetime import timedelta

import pytest

from contract import canary
from contract.logplex.batch import Batch
from contract.window import Window
from receiver.deadline import Deadline
from receiver.intake import Intake
from runbook.search import tail, unflushed
from runbook.search.selection import Selection
from runbook.search.tail import Tail
from runbook.search.text_filters import TextFilter
from runbook.search.unflushed import Unflushed
from tests.support.buffer_reader import MINUTES, OTHER, Reader
from tests.support.fakes import APP, FakeBuffer, FakeLogBucket, flush_due
from tests.support.logplex_frames import NOON, NOON_MS, body, message

ALL = Selection(None)


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "READERS", 1)
    monkeypatch.setattr(unflushed, "READERS", 1)


class Live:
    """A buffer that fills, and a tail of it. Times are seconds since noon."""

    def __init__(self, selection: Selection = ALL, minutes: int = MINUTES) -> None:
        self.buffer, self.bucket = FakeBuffer(), FakeLogBucket()
        self.reader = Reader(self.buffer)
        self.tail = Tail([APP, OTHER], [minutes], selection, NOON)
        self._batches = 0

    def post(self, text: str, written: float, arrived: float | None = None, kept: float | None = None) -> None:
        """A line was written, has arrived, and is in the buffer."""
        self._batches += 1
        arrived = written if arrived is None else arrived
        kept = arrived if kept is None else kept
        sent = Batch(
            APP,
            str(self._batches),
            NOON_MS + round(arrived * 1000),
            body(message(text.encode() + b"\n", NOON + timedelta(seconds=written))),
        )
        clock = NOON_MS + round(kept * 1000)
        Intake(self.buffer, self.bucket, MINUTES, clock=lambda: clock).keep(sent, Deadline(60))

    def poll(self, at: float) -> list[str]:
        return [row.message for row in self.tail.poll(self.reader, NOON + timedelta(seconds=at))]


def test_a_line_is_shown_by_the_second_poll_and_once() -> None:
    live = Live()
    live.post("hi", 1.0)
    assert [live.poll(at) for at in (1.1, 1.8, 2.5, 30)] == [[], ["hi"], [], []]


def test_an_older_line_that_comes_a_little_later_is_shown_first() -> None:
    """POSTs of several Logplex nodes overlap."""
    live = Live()
    live.post("second", 1.0)
    assert live.poll(1.1) == []
    live.post("first", 0.9, 1.2)
    live.post("third", 1.3)
    assert live.poll(1.8) == ["first", "second"]
    assert live.poll(2.5) == ["third"]


def test_lines_of_one_batch_and_time_keep_their_order() -> None:
    live = Live()
    frames = [message(b"%d\n" % number, NOON) for number in range(12)]
    Intake(live.buffer, live.bucket, MINUTES, clock=lambda: NOON_MS).keep(
        Batch(APP, "f", NOON_MS, body(*frames)), Deadline(60)
    )
    live.poll(0.1)
    assert live.poll(0.8) == [str(number) for number in range(12)]


def test_a_flush_hides_nothing_and_shows_nothing_twice() -> None:
    live = Live()
    live.post("before", 298)
    live.poll(298.5)
    flush_due(live.buffer, live.bucket, NOON_MS + 330_000)
    live.post("late", 299, 330, 330)
    live.post("next slot", 330)
    assert live.poll(330.1) == ["before"]
    assert live.poll(330.8) == ["late", "next slot"]
    assert live.poll(331.5) == []


@pytest.mark.parametrize(
    ("arrived", "written"),
    [pytest.param(-400, -400, id="spilled"), pytest.param(0, 1200, id="clock-ahead")],
)
def test_what_comes_another_way_is_shown_within_some_seconds(arrived: float, written: float) -> None:
    live = Live()
    live.poll(0)
    live.post("odd", written, arrived, 0.5)
    shown = [text for at in range(1, 20) for text in live.poll(at)]
    assert shown == ["odd"]


def test_what_was_shown_before_is_not_shown_again() -> None:
    live = Live()
    live.post("old", 1)
    seen = Unflushed(
        live.reader, [APP], MINUTES, Window(NOON - timedelta(minutes=1), NOON), NOON + timedelta(seconds=2)
    )
    following = Tail([APP], [MINUTES], ALL, NOON + timedelta(seconds=2), seen.contents)
    live.post("new", 2)
    rows = [row.message for at in (3, 4, 5) for row in following.poll(live.reader, NOON + timedelta(seconds=at))]
    assert rows == ["new"]


def test_what_arrived_before_it_began_is_not_shown() -> None:
    """It reads the slot before too, and slots of late batches."""
    live = Live()
    for seconds in (-290, -100, -20):
        live.post("before", seconds)
    live.post("late, before", -4000, -30, -30)
    live.post("since", 0.5)
    assert live.poll(1) + live.poll(2) == ["since"]


def test_the_rest_is_shown_at_the_end() -> None:
    live = Live()
    live.post("last", 1)
    live.poll(1.1)
    assert [row.message for row in live.tail.rest()] == ["last"]
    assert live.tail.rest() == []


def test_only_selected_lines_are_shown() -> None:
    live = Live(Selection(None, matches=[TextFilter("yes")]))
    live.post("yes", 1)
    live.post("no", 1)
    assert live.poll(2) + live.poll(3) == ["yes"]


@pytest.mark.parametrize(("selection", "shown"), [(ALL, 0), (Selection(None, ["canary"]), 1)])
def test_canaries_are_shown_only_to_who_asks_for_them(selection: Selection, shown: int) -> None:
    live = Live(selection)
    sent = Batch(APP, canary.frame_id(NOON_MS + 1000), NOON_MS + 1000, body(canary.message(NOON_MS + 1000)))
    Intake(live.buffer, live.bucket, MINUTES, clock=lambda: NOON_MS + 1000).keep(sent, Deadline(60))
    assert len(live.poll(2) + live.poll(3)) == shown


def test_what_was_seen_is_forgotten_when_nothing_can_bring_it_back() -> None:
    """It follows for days, and must not grow."""
    live = Live()
    live.post("hi", 1)
    live.poll(2)
    live.poll(10_000)
    assert live.tail.remembered == 0


def test_each_poll_reads_few_slots() -> None:
    """One query for the late markers of each app, one for its present slot and one for the slot before."""
    live = Live()
    live.poll(0)
    before = live.reader.queries
    live.poll(1)
    assert live.reader.queries - before == 2 * 3
