"""Lines of several batches are in one order, which depends on nothing but the batches."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from contract.logplex.batch import Batch, Line, identity, lines
from contract.slot_lines import Place, ordered
from tests.support.logplex_frames import NOON, NOON_MS, body, message, minutes_before_noon

APP = "raxx-api-prod"


def batch(*messages: bytes, frame_id: str, arrival_ms: int = NOON_MS) -> Batch:
    return Batch(APP, frame_id, arrival_ms, body(*messages))


def texts(found: Sequence[tuple[Place, Line]]) -> list[bytes]:
    return [line.record.message.strip() for _, line in found]


def test_lines_are_by_time_then_by_arrival_then_as_they_came() -> None:
    late = batch(message(b"e"), message(b"a", minutes_before_noon(1)), frame_id="a", arrival_ms=NOON_MS + 1)
    early = batch(message(b"b"), message(b"c"), message(b"f", NOON + timedelta(microseconds=1)), frame_id="z")
    same = batch(message(b"d"), frame_id="a")
    first, second = sorted([early, same], key=lambda each: identity(each).bytes)
    expected = {early: [b"b", b"c"], same: [b"d"]}
    assert texts(ordered([late, early, same])) == [b"a", *expected[first], *expected[second], b"e", b"f"]


def test_the_place_of_a_line_says_where_it_came_from() -> None:
    one = batch(message(b"first"), message(b"second"), frame_id="f")
    [(place, _), (other, _)] = ordered([one])
    time = timedelta(milliseconds=NOON_MS)
    assert (place, other) == (
        Place(time, NOON_MS, identity(one).bytes, 0),
        Place(time, NOON_MS, identity(one).bytes, 1),
    )


def test_lines_pass_through_what_counts_them() -> None:
    seen: list[Batch] = []

    def through(each: Batch, found: Iterator[Line]) -> Iterator[Line]:
        seen.append(each)
        return (line for line in found if b"secret" not in line.record.message)

    batches = [batch(message(b"a secret"), message(b"kept"), frame_id="a"), batch(frame_id="b")]
    assert texts(ordered(batches, through)) == [b"kept"]
    assert seen == batches


AGES = st.lists(st.integers(0, 3), max_size=4)


@given(st.lists(st.tuples(AGES, st.integers(0, 1)), max_size=4))
def test_the_order_of_the_batches_has_no_say(arrivals: list[tuple[list[int], int]]) -> None:
    """A query of the table and a flusher's list can have another order."""
    batches = [
        batch(
            *(message(b"%d" % age, minutes_before_noon(age)) for age in ages), frame_id=str(n), arrival_ms=NOON_MS + ms
        )
        for n, (ages, ms) in enumerate(arrivals)
    ]
    first, *others = (ordered(order) for order in permutations(batches))
    assert all(other == first for other in others)
    assert len(first) == sum(len(list(lines(each))) for each in batches)
    assert [place.time for place, _ in first] == sorted(place.time for place, _ in first)
