"""A body is split by its octet counts, byte for byte; what is no frame is the remainder, and nothing is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.stored_line import Reason
from local.logplex.field_bodies import FieldBody, FieldFrame, field_bodies
from tests.support.logplex_frames import body, split


def syslog(frame: FieldFrame) -> bytes:
    header = f"<{frame.pri}>1 {frame.timestamp} {frame.hostname} {frame.appname} {frame.procid} {frame.msgid} "
    return header.encode() + frame.message


@pytest.mark.parametrize("post", field_bodies(), ids=lambda post: post.name)
def test_a_body_from_the_field_is_split_as_counted(post: FieldBody) -> None:
    frames, fault = split(post.body)
    assert frames == [syslog(frame) for frame in post.frames]
    assert (fault[1] if fault else b"") == post.malformed_remainder


# Counts are bytes, a message may hold anything, and the next frame begins where the one before ends.
@pytest.mark.parametrize(
    ("posted", "frames"),
    [
        pytest.param(b"", [], id="empty"),
        pytest.param(b"2 hi", [b"hi"], id="one"),
        pytest.param(b"3 hi\n2 ho", [b"hi\n", b"ho"], id="back-to-back"),
        pytest.param(b"2 hi2 ho", [b"hi", b"ho"], id="abutting"),
        pytest.param("4 Größ3 abc".encode("latin-1"), [b"Gr\xf6\xdf", b"abc"], id="bytes-that-are-no-utf8"),
        pytest.param("6 Größ3 abc".encode(), ["Größ".encode(), b"abc"], id="bytes-not-characters"),
        pytest.param(b"7 3 a\n2 b2 hi", [b"3 a\n2 b", b"hi"], id="a-message-that-looks-like-frames"),
        pytest.param(b"2 \r\n2 hi", [b"\r\n", b"hi"], id="line-end-as-message"),
        pytest.param(b"2 hi\n2 ho\r\n2 ha\n\n", [b"hi", b"ho", b"ha"], id="line-ends-between-and-after"),
        pytest.param(b"\r\n2 hi", [b"hi"], id="line-end-before"),
        pytest.param(b"\r\n\n", [], id="line-ends-only"),
        pytest.param(b"1  2 hi", [b" ", b"hi"], id="space-as-message"),
    ],
)
def test_frames_without_a_fault(posted: bytes, frames: list[bytes]) -> None:
    assert split(posted) == (frames, None)


# From the first fault on all is remainder, even where a good frame seems to follow: a message could imitate it.
@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        pytest.param(b"0 2 ho", Reason.BAD_COUNT, id="zero"),
        pytest.param(b"-2 ho2 ho", Reason.BAD_COUNT, id="negative"),
        pytest.param(b"+2 ho", Reason.BAD_COUNT, id="plus"),
        pytest.param(b"02 ho", Reason.BAD_COUNT, id="leading-zero"),
        pytest.param(b" 2 ho", Reason.BAD_COUNT, id="leading-space"),
        pytest.param(b"2.0 ho", Reason.BAD_COUNT, id="fraction"),
        pytest.param("٢ ho".encode(), Reason.BAD_COUNT, id="digit-of-another-script"),
        pytest.param(b"9" * 400 + b" ho", Reason.BAD_COUNT, id="400-digits"),
        pytest.param(b"2\tho", Reason.BAD_COUNT, id="tab"),
        pytest.param(b"2", Reason.BAD_COUNT, id="count-alone"),
        pytest.param(b"<190>1 - - - - - - ho", Reason.BAD_COUNT, id="no-count"),
        pytest.param(b"\x00", Reason.BAD_COUNT, id="NUL"),
        pytest.param(b"3 ho", Reason.TRUNCATED, id="one-byte-short"),
        pytest.param(b"2 ", Reason.TRUNCATED, id="no-message"),
        pytest.param(b"999999999 ho2 ho", Reason.TRUNCATED, id="beyond-the-end"),
    ],
)
@pytest.mark.parametrize("between", [b"", b"\r\n"], ids=["abutting", "line-end-between"])
def test_the_first_fault_ends_the_frames_and_keeps_the_rest(tail: bytes, reason: Reason, between: bytes) -> None:
    assert split(b"2 hi" + between + tail) == ([b"hi"], (reason, tail))


@given(st.lists(st.binary(min_size=1, max_size=60)), st.sampled_from([b"", b"\n", b"\r\n"]))
def test_any_messages_come_back_as_they_were(messages: list[bytes], between: bytes) -> None:
    posted = between.join(body(message) for message in messages)
    assert split(posted) == (messages, None)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from([b"1 ", b"2 ", b"10 ", b"0", b"\r", b"\n", b"a", b" ", b"\xff"])).map(b"".join),
    )
)
def test_of_any_body_each_byte_is_in_a_frame_or_in_the_remainder(posted: bytes) -> None:
    frames, fault = split(posted)
    rest = posted
    for frame in frames:
        rest = re.sub(rb"^[\r\n]*", b"", rest)
        assert rest.startswith(body(frame))
        rest = rest[len(body(frame)) :]
    assert rest.lstrip(b"\r\n") == (fault[1] if fault else b"")
    assert fault is None or fault[1]
