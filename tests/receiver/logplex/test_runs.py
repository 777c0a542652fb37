"""A run is read as its frames would be one by one: the same lines, the same keys, whatever lies between its frames."""

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.logplex import runs
from receiver.logplex.batch import Batch, StoredObject, objects
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message, stored_lines

TIMES = (
    "2026-11-24T12:00:00.123456+00:00", "2026-11-24T12:00:00.12+00:00", "2026-11-24T12:00:00+00:00",
    "2026-11-24T12:00:00Z", "2026-11-24T12:00:00.5Z", "2026-11-24T14:00:00.5+02:00", "2026-11-23T23:59:59.999999+00:00",
    "2026-11-22T12:00:00Z", "2026-11-20T12:00:00Z", "2026-11-24T13:00:01+00:00", "2026-11-24T24:00:00Z",
    "2026-11-31T12:00:00Z", "2026-11-24T12:00:60Z", "0000-01-01T00:00:00Z", "now",
)  # fmt: skip
HEADERS = ("<190>1 {} host app web.1 -", "<0>1 {} h a p m", "<192>1 {} host app web.1 -", "<190>1 {} host app web.1")
IMITATION = b" a\n44 <190>1 2026-11-24T12:00:00Z h app web.1 - b\n"
REPORT = b" Error L10 (x): 3 messages dropped since t.\n"
TEXTS = st.one_of(
    st.sampled_from(
        [b"", b"\n", b"\r\n", b"x", b" x\n", b" x\r\n", b" x\r\r\n", b" a\nb\n", b" a\n\n", IMITATION, REPORT]
    ),
    st.binary(max_size=40),
)
FRAMES = st.builds(
    lambda header, time, text: header.format(time).encode() + text,
    st.sampled_from(HEADERS), st.sampled_from(TIMES), TEXTS,
)  # fmt: skip
PARTS = [b"a", b"\n", b"\r", b"\r\n", "é".encode(), b"\xff", b"\x00", b" ", body(message())]
USUAL = st.lists(st.sampled_from(PARTS), max_size=8).map(lambda parts: message(b"".join(parts) + b"\n"))


def stored(sent: bytes) -> list[StoredObject]:
    return objects(Batch("raxx-api-prod", "frame", NOON_MS, sent))


@given(st.lists(st.one_of(USUAL, USUAL, FRAMES), max_size=40), st.sampled_from([b"", b"\n", b"12", b"99 x"]))
def test_a_body_is_stored_as_if_it_were_read_frame_by_frame(messages: list[bytes], tail: bytes) -> None:
    sent = body(*messages) + tail
    with mock.patch.object(runs, "read", return_value=None):
        singly = stored(sent)
    assert [each[2:] for each in stored(sent)] == [each[2:] for each in singly]
    assert [(each.key, stored_lines(each)) for each in stored(sent)] == [
        (each.key, stored_lines(each)) for each in singly
    ]


def test_a_run_goes_on_to_where_a_count_does_not_lead_to_the_next_usual_frame() -> None:
    usual, odd = body(message(), message(b"a\nb\n"), message(b"c\r\n")), body(message(b"d\n"), b"no header\n")
    run = runs.read(usual + odd + usual, 0, 1 << 15)
    assert run is not None
    assert (run.lines, run.end) == (3, len(usual))
    assert run.oldest_us == run.newest_us == NOON_MS * 1000
    assert run.text.count(b"\n") == 3


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(body(message(b"hi")), id="no line end"),
        pytest.param(body(message())[:-1] + b"x", id="a count that ends elsewhere"),
        pytest.param(b"\n" + body(message()), id="a line end in front"),
        pytest.param(body(b"no header\n"), id="no header"),
        pytest.param(body(message(time=NOON.replace(hour=0)), message(time=NOON.replace(day=23))), id="two days"),
    ],
)
def test_what_is_out_of_the_ordinary_is_no_run(sent: bytes) -> None:
    assert runs.read(sent, 0, 1 << 15) is None


def test_a_message_that_imitates_frames_stays_one_line() -> None:
    inner = body(message(b"inner\n"))
    for messages in ([message(b"x\n" + inner)], [message(b"x\n" + inner + inner), message()], [message(inner * 3)]):
        run = runs.read(body(*messages), 0, 1 << 15)
        assert run is None or run.lines == len(messages)


def test_most_of_an_ordinary_body_is_read_in_runs() -> None:
    sent = body(l10(NOON)[:-1], *[message(b"a line of the usual length, or so %d\n" % number) for number in range(999)])
    with mock.patch.object(runs, "read", wraps=runs.read) as read:
        [only] = stored(sent)
    assert only.lines == 1000
    assert read.call_count < 20
