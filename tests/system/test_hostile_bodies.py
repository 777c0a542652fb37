"""Whatever a sender puts into a request: 200 or 401, every byte in some stored line, and memory within bounds."""

import gzip
import re
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.glue_table import ROW_PATTERN
from contract.logplex.batch import Batch
from contract.logplex.framing import frames
from contract.slots import DEFAULT_MINUTES, Slot
from contract.stored_line import Reason, escape, slices
from receiver.flusher.slot_objects import objects
from receiver.handler import Receiver
from receiver.intake import Intake
from receiver.tally import Tally
from tests.support.fakes import (
    APP,
    FRAME_ID,
    QUERY,
    FakeBuffer,
    FakeLogBucket,
    FakeQueue,
    accepted_tokens,
    drain_event,
    flush_due,
)
from tests.support.logplex_frames import NOON_MS, body, message, stored_lines, unnumbered
from tests.support.paths import PROJECT

ROW = re.compile(ROW_PATTERN, re.DOTALL | re.ASCII)
QUARANTINE = re.compile(rb"<43>1 \S+ host logdrain quarantine (\S+) - (.*)", re.DOTALL)
SYSLOG = re.compile(rb"(?P<header>(?:[!-~]+ ){5}[!-~]+)(?P<message>.*?)(?:\r?\n)?", re.DOTALL)


HOUR_MS = 3600 * 1000


def answered(event: dict[str, Any]) -> tuple[int, list[bytes]]:
    """The status of an answer, and the lines that were stored by the next flush."""
    buffer, bucket = FakeBuffer(), FakeLogBucket()
    intake = Intake(buffer, bucket, DEFAULT_MINUTES, clock=lambda: NOON_MS)
    answer = Receiver(accepted_tokens(), intake, FakeQueue()).receive(event)
    assert not flush_due(buffer, bucket, NOON_MS + HOUR_MS).failures
    texts = [gzip.decompress(data) for data in bucket.stored.values()]
    assert all(text.endswith(b"\n") for text in texts)
    return answer["statusCode"], [line for text in texts for line in text.split(b"\n")[:-1]]


def post(sent: bytes, **changes: Any) -> tuple[int, list[bytes]]:
    return answered(drain_event(sent) | changes)


def assert_accounted(sent: bytes, lines: list[bytes]) -> None:
    """Each frame, and the remainder, is one line that is one row of the table and holds all of its bytes."""
    found = [(data, fault) for data, fault, _ in frames(sent)]
    whole = b"".join(data if fault else body(data) for data, fault in found)
    assert re.sub(rb"[\r\n]", b"", whole) == re.sub(rb"[\r\n]", b"", sent)
    for (data, fault), numbered in zip(found, lines, strict=True):
        assert ROW.fullmatch(numbered.decode("utf-8", "strict"))
        line = unnumbered(numbered)
        if quarantined := QUARANTINE.fullmatch(line):
            reason = fault or Reason(quarantined[1].decode())
            assert quarantined.groups() == (reason.encode(), escape(data))
        else:
            assert not fault
            syslog = SYSLOG.fullmatch(data)
            assert syslog
            assert line == syslog["header"] + b" -" + escape(syslog["message"])


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"0 hi", id="count-0"),
        pytest.param(b"-5 hi", id="count-negative"),
        pytest.param(b"007 hi", id="count-leading-zeros"),
        pytest.param(b"9" * 400 + b" hi", id="count-of-400-digits"),
        pytest.param(b"100 hi", id="count-beyond-the-end"),
        pytest.param(b"1 hi", id="count-too-small"),
        pytest.param(b"<190>1 2026-11-24T12:00:00Z host app web.1 - no framing\n" * 3, id="no-framing"),
        pytest.param(body(message(body(message(b"inner\n")))), id="frames-inside-a-message"),
        pytest.param(bytes(range(256)), id="every-byte"),
        pytest.param(body(message(bytes(range(256)))), id="every-byte-in-a-message"),
        pytest.param(b"".join(body(bytes([byte])) for byte in range(256)), id="every-byte-as-a-message"),
        pytest.param(b"0 " * 1000, id="empty-frames"),
        pytest.param(body(message()) + b"\r\n\n" + body(message()) + b"rest", id="rest-behind-good-frames"),
        pytest.param(body(b"<190>1 9999-99-99T99:99:99Z h a p - hi", b"<999>1 - - - - -"), id="bad-frames"),
        pytest.param(body(message("€".encode() * 50_000), message("a€".encode() * 50_000)), id="long-and-not-ascii"),
        pytest.param(body(message(b"\x80" * 200_000)), id="long-and-no-utf8"),
    ],
)
def test_any_body_is_200_and_each_of_its_bytes_is_in_a_line(sent: bytes) -> None:
    status, lines = post(sent)
    assert status == 200
    assert_accounted(sent, lines)


@given(
    st.one_of(
        st.binary(max_size=300), st.lists(st.sampled_from([b"1 ", b"3 ", b"0", b"\r\n", b"a", b"\xff"])).map(b"".join)
    )
)
def test_of_any_body_each_byte_is_in_a_line(sent: bytes) -> None:
    status, lines = post(sent)
    assert status == 200
    assert_accounted(sent, lines)


@given(st.lists(st.binary(max_size=200)))
def test_any_messages_come_back_escaped(messages: list[bytes]) -> None:
    batch = Batch(APP, FRAME_ID, NOON_MS, body(*map(message, messages)))
    stored = objects(APP, Slot.of(NOON_MS, DEFAULT_MINUTES), 0, [batch], Tally(APP))
    lines = [unnumbered(line) for one in stored for line in stored_lines(one)]
    ends = [re.sub(rb"\r?\n\Z", b"", text) for text in messages]
    assert [line.split(b" ", 7)[7] for line in lines] == [escape(text) for text in ends]


@given(
    st.lists(st.sampled_from(["€".encode(), b"\x80", b"\xf0\x9f", "🚀".encode(), b"a", b"\n", b"\x1b"])).map(b"".join)
)
def test_slices_are_cut_where_escaping_does_not_notice(data: bytes) -> None:
    long = data + b"\xe2" * 7 + "🚀".encode() * 40_000 + data
    assert b"".join(map(escape, slices(long))) == escape(long)
    assert b"".join(slices(long)) == long


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"body": "%%%", "isBase64Encoded": True}, 200, id="wrong-base64"),
        pytest.param({"body": "YWJj\n", "isBase64Encoded": True}, 200, id="base64-with-a-line-end"),
        pytest.param({"body": "\ud800", "isBase64Encoded": True}, 200, id="base64-that-is-no-character"),
        pytest.param({"headers": None}, 200, id="no-headers"),
        pytest.param({"headers": {"logplex-frame-id": "\ud800\n"}}, 200, id="strange-frame-id"),
        pytest.param({"headers": {"logplex-frame-id": "x" * 100_000}}, 200, id="long-frame-id"),
        pytest.param({"headers": {"logplex-frame-id": 7, "content-length": "-1"}}, 200, id="strange-types"),
        pytest.param({"rawQueryString": f"{QUERY}&other=1"}, 200, id="one-more-parameter"),
        pytest.param({"rawQueryString": QUERY.replace("raxx", "%72axx")}, 200, id="percent-encoded"),
        pytest.param({"rawQueryString": quote(QUERY)}, 401, id="all-percent-encoded"),
        pytest.param({"rawQueryString": QUERY + "&" + QUERY}, 401, id="all-twice"),
        pytest.param({"rawQueryString": "app=%00&token=%ff"}, 401, id="encoded-NUL"),
        pytest.param({"rawQueryString": "app=%&token=%zz"}, 401, id="broken-encoding"),
        pytest.param({"rawQueryString": "&" * 100_000}, 401, id="ampersands"),
        pytest.param({"rawQueryString": "a=1&" * 100_000}, 401, id="many-parameters"),
    ],
)
def test_a_strange_request_is_200_or_401_and_stored_only_with_200(changes: dict[str, Any], status: int) -> None:
    answer, lines = post(b"not framed", **changes)
    assert answer == status
    assert len(lines) == (status == 200)


# ---------------------------------------------------------------- memory

MEASURE = """
import os, resource, sys
from receiver.handler import Budget, Receiver
from receiver.intake import Intake
from tests.support.paths import PROJECT
from tests.support.fakes import FakeBuffer, FakeLogBucket, FakeQueue, accepted_tokens, drain_event
from tests.support.logplex_frames import NOON_MS

def peak_bytes():
    # Linux counts in KB, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

# Linux hands the peak of the process that starts a program on to the program; a fork of its own begins anew.
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
before = peak_bytes()

shape, size = sys.argv[1], 6_000_000
body = {
    "frames-between-line-ends": lambda: b"1 x\\n" * (size // 4),
    "frames-of-one-byte": lambda: b"1 x" * (size // 3),
    "NUL": lambda: b"5999992 " + bytes(size - 8),
    "0xFF": lambda: b"5999992 " + b"\\xff" * (size - 8),
    "LF": lambda: b"5999992 " + b"\\n" * (size - 8),
    "no-framing": lambda: b"\\xff" * size,
    "one-line": lambda: b"4000036 <190>1 2026-11-24T12:00:00Z h a p - " + b"x" * 4_000_000,
    "counts-of-zero": lambda: b"0 " * 1_000_000,
    "no-line-ends": lambda: b"45 <190>1 2026-11-24T12:00:00Z h app web.1 - a b" * (size // 48),
    "headers": lambda: b"32 <0>1 2026-11-24T12:00:00Z a b c d" * (size // 35),
}[shape]()
size = len(body)
event = drain_event(body)
del body
buffer, bucket, queue = FakeBuffer(), FakeLogBucket(), FakeQueue()
budget = Budget(response=60)  # what takes too long would be spilled instead
intake = Intake(buffer, bucket, 5, clock=lambda: NOON_MS)
receiver = Receiver(accepted_tokens(), intake, queue, budget=budget)
assert receiver.receive(event)["statusCode"] == 200
assert (bucket.stored or buffer.items) and not queue.sent
print((peak_bytes() - before) / size)
"""


# A body of 6 MB is what Lambda takes; of its lines, up to 127 MB, no more than a block may be held at a time.
@pytest.mark.parametrize(
    "shape",
    [
        "frames-between-line-ends",
        "frames-of-one-byte",
        "NUL",
        "0xFF",
        "LF",
        "no-framing",
        "one-line",
        "counts-of-zero",
        "no-line-ends",
        "headers",
    ],
)
def test_the_largest_body_needs_less_than_eight_times_its_size(shape: str) -> None:
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, shape], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert float(measured.stdout) < 8
