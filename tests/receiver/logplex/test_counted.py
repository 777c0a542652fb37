"""Frames that are no run of lines are stored as if each were read by itself, and most of them are not."""

from datetime import timedelta
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.deadline import DeadlineExceeded
from receiver.logplex import counted, framing, runs
from receiver.logplex.batch import Batch, StoredObject, objects
from receiver.logplex.counted import Headless
from receiver.logplex.runs import Run
from tests.receiver.logplex.test_runs import FRAMES, USUAL
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message

HEADLESS = st.sampled_from([b"x", b"\n", b"\r\n", b"no header", b"a\nb\n", b"Error L10 (x): 3 messages ", b"\xff\x00"])
BETWEEN = st.sampled_from([b"", b"", b"", b"\n", b"\r\n\r\n"])
# Neighbours of one kind, as a body without any run of them would not try what they are for.
SEVERAL = st.one_of(*(st.lists(kind, min_size=1, max_size=20) for kind in (USUAL, FRAMES, HEADLESS)))


def stored(sent: bytes) -> list[StoredObject]:
    return objects(Batch("raxx-api-prod", "frame", NOON_MS, sent))


def singly(sent: bytes) -> list[StoredObject]:
    with (
        mock.patch.object(runs, "read", return_value=None),
        mock.patch.object(counted, "read", return_value=iter(())),
    ):
        return stored(sent)


@given(st.lists(st.tuples(SEVERAL, BETWEEN), max_size=6), st.booleans(), st.sampled_from([b"", b"\n", b"12", b"99 x"]))
def test_a_body_of_any_frames_gives_the_objects_of_each_read_by_itself(
    groups: list[tuple[list[bytes], bytes]], chomped: bool, tail: bytes
) -> None:
    sent = tail
    for messages, between in reversed(groups):
        sent = body(*[each.removesuffix(b"\n") if chomped else each for each in messages]) + between + sent
    assert stored(sent) == singly(sent)


@pytest.mark.parametrize("hour", [pytest.param(-48, id="two-days-before"), pytest.param(1, id="an-hour-after")])
@pytest.mark.parametrize("text", [b"a line\n", b"no line end"])
def test_of_neighbours_only_those_whose_times_are_believed_are(hour: int, text: bytes) -> None:
    edge = NOON + timedelta(hours=hour)
    times = [NOON, *[edge + timedelta(seconds=second) for second in (-1, 1, -2, 2)]]
    sent = body(*[message(text, time) for time in times])
    assert stored(sent) == singly(sent)


def read(*messages: bytes) -> list[Run | Headless | bytes]:
    return [entry for entry, _ in counted.read(body(*messages), 0, 1 << 15)]


def test_neighbours_are_read_together() -> None:
    early = message(b"early", NOON.replace(day=23))
    found = read(message(b"a"), message(b"b\nc\r\n"), early, b"x", b"y\n", b"<190>x", message(b"d\r"))
    two, one, headless, odd, last = found
    assert isinstance(two, Run)
    assert two.text.splitlines()[1].endswith(b" - - b#012c")
    assert isinstance(one, Run)
    assert one.newest_us == (NOON_MS - 24 * 3600 * 1000) * 1000
    assert (headless, odd) == (Headless([b"x", b"y\n"]), b"<190>x")
    assert isinstance(last, Run)
    assert last.text.endswith(b" - - d\r\n")


@pytest.mark.parametrize("time", ["2026-11-31T12:00:00Z", "2026-11-24T14:00:00+02:00"])
def test_a_time_that_is_none_or_not_in_utc_is_read_by_itself(time: str) -> None:
    odd = f"<190>1 {time} host app web.1 - hi".encode()
    assert read(odd, odd) == [odd, odd]


def test_what_ends_beyond_the_window_is_left() -> None:
    sent = body(message(b"a"), message(b"b"))
    assert [end for _, end in counted.read(sent, 0, len(sent) - 1)] == [len(sent) // 2]
    assert list(counted.read(sent, 0, 10)) == []


@pytest.mark.parametrize("kind", [message(b"no line end"), b"tiny"])
def test_most_of_a_body_that_is_no_run_is_not_read_frame_by_frame(kind: bytes) -> None:
    with mock.patch("receiver.logplex.batch.next_frame", wraps=framing.next_frame) as next_frame:
        [only] = stored(body(l10(NOON), *[kind] * 999))
    assert only.lines == 1000
    assert next_frame.call_count < 20


@pytest.mark.parametrize("sent", [b"1 x" * 100_000, body(*[message(b"an old one", NOON.replace(year=2020))] * 1000)])
def test_the_time_that_is_left_is_asked_for_while_the_reference_is_looked_for(sent: bytes) -> None:
    """Such a body is read a first time before any line of it is made, which can take seconds."""
    made = mock.Mock(side_effect=DeadlineExceeded)
    with mock.patch("receiver.logplex.batch.quarantine") as quarantined, pytest.raises(DeadlineExceeded):
        objects(Batch("raxx-api-prod", "frame", NOON_MS, b"1 x" + sent), made)
    assert made.call_count == 1
    assert not quarantined.called
