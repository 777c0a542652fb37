"""The bodies from the field are told correctly: what a byte-exact reader finds is all that is in them."""

import pytest

from local.logplex.field_bodies import FieldBody, FieldFrame, field_bodies

BODIES = field_bodies()


def octets(frame: FieldFrame) -> bytes:
    header = f"<{frame.pri}>1 {frame.timestamp} {frame.hostname} {frame.appname} {frame.procid} {frame.msgid} "
    syslog = header.encode() + frame.message
    return b"%d %b" % (len(syslog), syslog)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_frames_and_the_remainder_are_the_whole_body(body: FieldBody) -> None:
    """Only CR and LF between and after frames, which a reader skips, belong to neither."""
    rest = body.body
    for frame in body.frames:
        rest = rest.lstrip(b"\r\n")
        assert rest.startswith(octets(frame))
        rest = rest.removeprefix(octets(frame))
    assert rest.lstrip(b"\r\n") == body.malformed_remainder


def test_bytes_that_are_not_utf8_are_kept() -> None:
    [body] = [body for body in BODIES if body.name == "syn-invalid-utf8"]
    [frame] = body.frames
    assert frame.message == b"caf\xe9 \xff\xfe end\n"
