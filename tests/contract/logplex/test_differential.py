"""The core of receiver and flusher against a second reader of the contract: same keys, lines and quarantine.

`make test-differential` runs it on 100,000 bodies.
"""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.logplex.batch import Batch, survey
from contract.object_keys import ObjectKey
from contract.slots import Slot
from receiver import large_batch
from receiver.flusher import slot_objects
from receiver.tally import Tally
from tests.support import naive_reader
from tests.support.drain_bodies import FRAGMENTS, Mutator
from tests.support.fakes import APP
from tests.support.logplex_frames import NOON_MS, body, message, stored_lines

SHARDS = 20
# Hundreds of times what such a body takes: what is still running then does not end.
LIMIT_S = 10


@contextmanager
def time_limit(posted: bytes) -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        pytest.fail(f"not read within {LIMIT_S} s: {posted!r}")

    previous = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def received(frame_id: str | None, arrival_ms: int, posted: bytes) -> naive_reader.Stored:
    batch, large, in_slot = Batch(APP, frame_id, arrival_ms, posted), Tally(APP), Tally(APP)
    with time_limit(posted):
        found = survey(batch)
        slot = Slot.of(found.reference_ms, 5)
        objects = large_batch.objects(batch, found, slot, large)
        objects_in_slot = slot_objects.objects(APP, slot, 0, [batch], in_slot)
    lines = {str(each.key): stored_lines(each) for each in objects}
    ordered = {str(each.key).removesuffix(f"-{each.key.name}.gz"): stored_lines(each) for each in objects_in_slot}
    assert large == in_slot
    assert large.lines == found.lines == sum(map(len, lines.values()))
    reasons = Counter({str(reason): count for reason, count in large.quarantined.items()})
    return naive_reader.Stored(lines, ordered, reasons)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_two_readers_agree_on_mutated_bodies(
    shard: int, bodies: int, record_property: Callable[[str, object], None]
) -> None:
    posts = Mutator(shard)
    totals: Counter[str] = Counter()
    for _ in range(bodies // SHARDS):
        post = posts.post()
        found = received(*post)
        assert found == naive_reader.read(APP, *post), post
        quarantined = sum(found.quarantined.values())
        lines = sum(map(len, found.lines.values()))
        totals.update(bodies=1, objects=len(found.lines), lines=lines - quarantined)
        totals["quarantine lines"] += quarantined
        totals["objects filed under the arrival"] += sum(
            ObjectKey.parse(key).epoch_ms % 300_000 == 0 for key in found.lines
        )
    record_property("totals of the differential test", dict(totals))


@given(st.lists(st.binary(max_size=60).map(message) | st.binary(max_size=90), max_size=8), st.binary(max_size=30))
def test_two_readers_agree_on_any_messages(messages: list[bytes], rest: bytes) -> None:
    posted = body(*messages) + rest
    assert received(None, NOON_MS, posted) == naive_reader.read(APP, None, NOON_MS, posted)


# Every kind of frame next to every other: valid and invalid headers, times at the limits, and each kind of line end.
TIMES = (
    "2026-11-24T12:00:00.123456+00:00", "2026-11-24T12:00:00.12+00:00", "2026-11-24T12:00:00+00:00",
    "2026-11-24T12:00:00Z", "2026-11-24T12:00:00.5Z", "2026-11-24T14:00:00.5+02:00", "2026-11-23T23:59:59.999999+00:00",
    "2026-11-22T12:00:00Z", "2026-11-22T11:59:59.999999Z", "2026-11-20T12:00:00Z", "2026-11-24T13:00:00+00:00",
    "2026-11-24T13:00:01+00:00", "2026-11-24T24:00:00Z", "2026-11-31T12:00:00Z", "2026-11-24T12:00:60Z",
    "0000-01-01T00:00:00Z", "now",
)  # fmt: skip
HEADERS = ("<190>1 {} host app web.1 -", "<0>1 {} h a p m", "<192>1 {} host app web.1 -", "<190>1 {} host app web.1")
IMITATION = b" a\n44 <190>1 2026-11-24T12:00:00Z h app web.1 - b\n"
TEXTS = st.sampled_from(
    [b"", b"\n", b"\r\n", b"x", b" x\n", b" x\r\n", b" x\r\r\n", b" a\nb\n", b" a\n\n", IMITATION]
) | st.binary(max_size=40)
FRAMES = st.builds(
    lambda header, time, text: header.format(time).encode() + text,
    st.sampled_from(HEADERS), st.sampled_from(TIMES), TEXTS,
)  # fmt: skip
HEADLESS = st.sampled_from([b"x", b"\n", b"\r\n", b"no header", b"a\nb\n", b"Error L10 (x): 3 messages ", b"\xff\x00"])
BETWEEN = st.sampled_from([b"", b"", b"", b"\n", b"\r\n\r\n"])


@given(st.lists(st.tuples(FRAMES | HEADLESS, BETWEEN), max_size=30), st.sampled_from([b"", b"\n", b"12", b"99 x"]))
def test_two_readers_agree_on_neighbours_of_every_kind(frames: list[tuple[bytes, bytes]], rest: bytes) -> None:
    posted = b"".join(body(frame) + between for frame, between in frames) + rest
    assert received(None, NOON_MS, posted) == naive_reader.read(APP, None, NOON_MS, posted)


@settings(max_examples=300)
@given(st.lists(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(b"".join), max_size=6), st.booleans())
def test_two_readers_agree_on_our_own_keywords_however_they_overlap(texts: list[bytes], framed: bool) -> None:
    """A reader that looks for a keyword again from where it found it before may never end."""
    headers = [
        "<172>1 {} host heroku logplex -",
        "<172>1 {} heroku token log-shuttle - -",
        "<190>1 {} host app web.1 -",
    ]
    posted = (
        body(*[message(text, header=headers[number % 3]) for number, text in enumerate(texts)])
        if framed
        else b"".join(texts)
    )
    assert received(None, NOON_MS, posted) == naive_reader.read(APP, None, NOON_MS, posted)


def test_a_loss_report_with_its_keyword_again_behind_it_is_read() -> None:
    """155 bytes that kept a receiver busy for ever."""
    report = (
        b"<172>1 2026-11-25T21:00:00+00:00 host heroku logplex - Error L10 (output buffer overflow): "
        b"7 messages dropped since 2026-11-25T20:59:00+00:00. Error L1"
    )
    arrival_ms = NOON_MS + 33 * 3_600_000
    [lines] = received(None, arrival_ms, body(report)).lines.values()
    assert lines == [report.replace(b" - ", b" - - ", 1)]
