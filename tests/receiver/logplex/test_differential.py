"""The receiver's core against a second reader of the same contract: same keys, same lines, same quarantine.

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

from contract.object_keys import ObjectKey
from receiver.logplex.batch import Batch, objects
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
    with time_limit(posted):
        stored = objects(Batch(APP, frame_id, arrival_ms, posted))
    lines = {str(one.key): stored_lines(one) for one in stored}
    assert [one.lines for one in stored] == list(map(len, lines.values()))
    reasons = sum((one.quarantined for one in stored), Counter())
    return naive_reader.Stored(lines, Counter({str(reason): count for reason, count in reasons.items()}))


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
