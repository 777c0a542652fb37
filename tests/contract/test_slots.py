"""Slots divide each hour, and their text is in their order and reads back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.slots import DEFAULT_MINUTES, LENGTHS, Slot
from tests.support.logplex_frames import NOON_MS

MINUTE_MS = 60_000
END_OF_TIME_MS = 253_402_300_799_999  # the last millisecond of the year 9999
TIMES = st.integers(0, END_OF_TIME_MS)
MINUTES = st.sampled_from(LENGTHS)


def milliseconds(*time: int) -> int:
    return int(datetime(*time, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc,arg-type]


def test_lengths_divide_an_hour() -> None:
    """So that the slots of each hour, and of each day, begin at its first minute."""
    assert LENGTHS == (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
    assert DEFAULT_MINUTES in LENGTHS


@pytest.mark.parametrize(
    ("epoch_ms", "minutes", "text"),
    [
        pytest.param(NOON_MS, 5, "2026-11-24T12:00Z/05", id="its-first-millisecond"),
        pytest.param(NOON_MS + 5 * MINUTE_MS - 1, 5, "2026-11-24T12:00Z/05", id="its-last"),
        pytest.param(NOON_MS + 5 * MINUTE_MS, 5, "2026-11-24T12:05Z/05", id="the-next"),
        pytest.param(NOON_MS + 59 * MINUTE_MS, 60, "2026-11-24T12:00Z/60", id="an-hour"),
        pytest.param(NOON_MS + 59 * MINUTE_MS, 1, "2026-11-24T12:59Z/01", id="a-minute"),
        pytest.param(milliseconds(2027, 1, 1) - 1, 15, "2026-12-31T23:45Z/15", id="the-end-of-a-year"),
        pytest.param(0, 5, "1970-01-01T00:00Z/05", id="the-first"),
    ],
)
def test_a_slot_is_its_time_rounded_down_and_its_length(epoch_ms: int, minutes: int, text: str) -> None:
    """The text is a key of the buffer: another one would lose what is there across a deployment."""
    assert str(Slot.of(epoch_ms, minutes)) == text


@given(TIMES, MINUTES)
def test_a_time_is_in_its_slot_and_in_no_neighbour(epoch_ms: int, minutes: int) -> None:
    slot = Slot.of(epoch_ms, minutes)
    assert slot.begin_ms <= epoch_ms < slot.end_ms == slot.begin_ms + minutes * MINUTE_MS
    assert slot.after.begin_ms == slot.end_ms
    assert slot.before.end_ms == slot.begin_ms
    assert Slot.of(slot.end_ms, minutes) == slot.after == slot.after.after.before


@given(TIMES, MINUTES)
def test_a_slot_reads_back(epoch_ms: int, minutes: int) -> None:
    slot = Slot.of(epoch_ms, minutes)
    assert Slot.parse(str(slot)) == slot


@given(TIMES, TIMES, MINUTES)
def test_texts_of_one_length_are_in_the_order_of_their_slots(one_ms: int, other_ms: int, minutes: int) -> None:
    """The table compares texts: it moves on only to a later slot."""
    one, other = Slot.of(one_ms, minutes), Slot.of(other_ms, minutes)
    assert (str(one) < str(other)) == (one < other)


@pytest.mark.parametrize("text", ["", "2026-11-24T12:00Z", "2026-11-24T12:00Z/x", "2026-11-24/05", "yesterday/05"])
def test_a_text_that_is_no_slot_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Slot.parse(text)
