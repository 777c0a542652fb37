"""A stored line is valid RFC 5424 on one physical line of UTF-8, and says all that its frame said."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.glue_table import COLUMNS, ROW_PATTERN
from contract.stored_line import Malformed, Reason, escape, from_frame, quarantine_line
from tests.support.logplex_frames import NOON, NOON_MS

HEADER = b"<190>1 2026-11-24T12:00:00.000000+00:00 host app web.1 -"
NOON_US = NOON_MS * 1000
# As Hive's SerDe compiles it: `.` is any character, \d and \S are ASCII's.
ROW = re.compile(ROW_PATTERN, re.DOTALL | re.ASCII)


# ---------------------------------------------------------------- escaping


# C0 controls but TAB, and DEL, become three octal digits; bytes that are not UTF-8 two hexadecimal ones; no more.
@pytest.mark.parametrize(
    ("data", "stored"),
    [
        *[pytest.param(bytes([c]), f"#{c:03o}", id=f"C0-{c:02x}") for c in range(32) if c != 9],
        pytest.param(b"\x7f", "#177", id="DEL"),
        pytest.param(b"a\tb", "a\tb", id="TAB-stays"),
        pytest.param(b"one\r\ntwo\n", "one#015#012two#012", id="each-of-several"),
        pytest.param(b"\x1b[31mred\x1b[0m", "#033[31mred#033[0m", id="colours"),
        pytest.param("Größe 漢字 🚀".encode(), "Größe 漢字 🚀", id="utf8-stays"),
        pytest.param("a\x85b\u2028c\u2029d\x9b".encode(), "a\x85b\u2028c\u2029d\x9b", id="unicode-line-ends-stay"),
        pytest.param("\ufeffa".encode(), "\ufeffa", id="byte-order-mark-stays"),
        pytest.param(b"caf\xe9", r"caf\xe9", id="latin-1"),
        pytest.param("€".encode()[:2], r"\xe2\x82", id="character-cut-at-the-end"),
        pytest.param("€".encode()[1:] + b"a", r"\x82\xaca", id="character-cut-at-the-beginning"),
        pytest.param(b"\xed\xa0\x80", r"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\xc0\x8a", r"\xc0\x8a", id="overlong-LF"),
        pytest.param(b"\xf4\x90\x80\x80", r"\xf4\x90\x80\x80", id="beyond-unicode"),
        pytest.param(b"\xff\n\xc3\xa9", r"\xff#012é", id="all-at-once"),
        pytest.param(rb"#012 \xff \n", r"#012 \xff \n", id="text-that-looks-like-an-escape-stays"),
    ],
)
def test_escaping(data: bytes, stored: str) -> None:
    assert escape(data) == stored.encode()


@given(st.binary(max_size=300))
def test_any_bytes_become_one_line_of_utf8(data: bytes) -> None:
    text = escape(data).decode("utf-8", "strict")
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text)


@given(st.binary(max_size=300).filter(lambda data: not {ord("#"), ord("\\")} & set(data)))
def test_what_is_escaped_can_be_told_apart_and_nothing_is_cut(data: bytes) -> None:
    """Without `#` and a backslash of the application's own, the bytes can be had back."""

    def unescape(escaped: re.Match[bytes]) -> bytes:
        return bytes([int(escaped[1], 8) if escaped[1] else int(escaped[2], 16)])

    assert re.sub(rb"#(\d{3})|\\x([0-9a-f]{2})", unescape, escape(data)) == data


# ---------------------------------------------------------------- the line


# STRUCTURED-DATA, which Logplex leaves out, is always `-`; MSG is what follows, whatever it begins with.
# One trailing LF or CRLF is the message's end and not part of it.
@pytest.mark.parametrize(
    ("msg", "stored"),
    [
        pytest.param(b"", b" -", id="absent"),
        pytest.param(b"\n", b" -", id="absent-with-LF"),
        pytest.param(b"\r\n", b" -", id="absent-with-CRLF"),
        pytest.param(b" ", b" - ", id="empty"),
        pytest.param(b" \n", b" - ", id="empty-with-LF"),
        pytest.param(b" hi", b" - hi", id="no-line-end"),
        pytest.param(b" hi\n", b" - hi", id="LF"),
        pytest.param(b" hi\r\n", b" - hi", id="CRLF"),
        pytest.param(b" hi\n\n", b" - hi#012", id="only-the-last-LF"),
        pytest.param(b" hi\r\n\r\n", b" - hi#015#012", id="only-the-last-CRLF"),
        pytest.param(b" hi\r", b" - hi#015", id="CR-is-no-line-end"),
        pytest.param(b" hi\n\r", b" - hi#012#015", id="LFCR-is-no-line-end"),
        pytest.param(b"  hi  \n", b" -  hi  ", id="spaces-stay"),
        pytest.param(b" - hi\n", b" - - hi", id="begins-with-a-dash"),
        pytest.param(b" - [info] hi\n", b" - - [info] hi", id="dash-and-bracket"),
        pytest.param(b' [a b="c"] hi\n', b' - [a b="c"] hi', id="looks-like-structured-data"),
        pytest.param(b" " + b"x" * 10_000, b" - " + b"x" * 10_000, id="ten-thousand-bytes"),
    ],
)
def test_msg_is_kept_behind_a_dash(msg: bytes, stored: bytes) -> None:
    assert from_frame(HEADER + msg).line == HEADER + stored


# A header's fields are printable ASCII and as long as RFC 5424 section 6 lets them be; VERSION is 1.
@pytest.mark.parametrize(
    "header",
    [
        pytest.param("<0>1 {} h a p m", id="least-PRI"),
        pytest.param("<191>1 {} h a p m", id="greatest-PRI"),
        pytest.param(f"<190>1 {{}} {'h' * 255} a p m", id="HOSTNAME-255"),
        pytest.param(f"<190>1 {{}} h {'a' * 48} p m", id="APP-NAME-48"),
        pytest.param(f"<190>1 {{}} h a {'p' * 128} m", id="PROCID-128"),
        pytest.param(f"<190>1 {{}} h a p {'m' * 32}", id="MSGID-32"),
        pytest.param('<190>1 {} h [a] "p" ~', id="any-printable"),
    ],
)
def test_a_header_is_stored_as_it_came(header: str) -> None:
    full = header.format("2026-11-24T12:00:00Z").encode()
    assert from_frame(full + b" hi").line == full + b" - hi"


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("", id="empty"),
        pytest.param("hello", id="text"),
        pytest.param("<192>1 {} h a p m hi", id="PRI-192"),
        pytest.param("<01>1 {} h a p m hi", id="PRI-leading-zero"),
        pytest.param("<>1 {} h a p m hi", id="PRI-empty"),
        pytest.param("<-1>1 {} h a p m hi", id="PRI-negative"),
        pytest.param("<190> {} h a p m hi", id="no-VERSION"),
        pytest.param("<190>2 {} h a p m hi", id="another-VERSION"),
        pytest.param("<190>Nov 24 12:00:00 h a: hi", id="RFC-3164"),
        pytest.param(" <190>1 {} h a p m hi", id="leading-space"),
        pytest.param("<190>1  {} h a p m hi", id="two-spaces"),
        pytest.param("<190>1 {} h a p", id="no-MSGID"),
        pytest.param("<190>1 {} h a p \nhi", id="empty-MSGID"),
        pytest.param("<190>1 {} h a p m\nhi", id="LF-behind-the-header"),
        pytest.param("<190>1 {} h\ta p m hi", id="TAB-between"),
        pytest.param("<190>1 {} h ä p m hi", id="not-ASCII"),
        pytest.param("<190>1 {} h a\x01 p m hi", id="control"),
        pytest.param(f"<190>1 {{}} {'h' * 256} a p m hi", id="HOSTNAME-256"),
        pytest.param(f"<190>1 {{}} h {'a' * 49} p m hi", id="APP-NAME-49"),
        pytest.param(f"<190>1 {{}} h a {'p' * 129} m hi", id="PROCID-129"),
        pytest.param(f"<190>1 {{}} h a p {'m' * 33} hi", id="MSGID-33"),
    ],
)
def test_what_has_no_header_is_no_line(frame: str) -> None:
    with pytest.raises(Malformed) as malformed:
        from_frame(frame.format("2026-11-24T12:00:00Z").encode())
    assert malformed.value.reason is Reason.BAD_HEADER


# ---------------------------------------------------------------- times


# TIMESTAMP of RFC 5424 section 6.2.3, as far as Logplex's senders were seen to use it.
@pytest.mark.parametrize(
    ("text", "time"),
    [
        pytest.param("2026-11-24T12:00:00.123456+00:00", NOON + timedelta(microseconds=123456), id="microseconds"),
        pytest.param("2026-11-24T12:00:00.1+00:00", NOON + timedelta(milliseconds=100), id="trimmed-to-one-digit"),
        pytest.param("2026-11-24T12:00:00.1234Z", NOON + timedelta(microseconds=123400), id="trimmed-to-four-digits"),
        pytest.param("2026-11-24T12:00:00+00:00", NOON, id="seconds"),
        pytest.param("2026-11-24T12:00:00Z", NOON, id="Z"),
        pytest.param("2026-11-24T12:00:00-00:00", NOON, id="minus-zero"),
        pytest.param("2026-11-24T17:30:00+05:30", NOON, id="east"),
        pytest.param("2026-11-24T02:00:00-10:00", NOON, id="west"),
        pytest.param("2026-11-25T02:00:00+14:00", NOON, id="easternmost"),
        pytest.param("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC), id="leap-day"),
        pytest.param("0001-01-01T00:00:00+14:00", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), id="first"),
        pytest.param(
            "9999-12-31T23:59:59-14:00",
            datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-14))),
            id="last",
        ),
    ],
)
def test_a_time_is_read_to_the_microsecond_and_stored_as_it_came(text: str, time: datetime) -> None:
    record = from_frame(f"<190>1 {text} host app web.1 - hi".encode())
    assert record.time_us == (time - NOON) // timedelta(microseconds=1) + NOON_US
    assert record.line == f"<190>1 {text} host app web.1 - - hi".encode()


# A time that is none, or that SQL could not read, would hide its line from every query: it is quarantined instead.
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("-", id="NILVALUE"),
        pytest.param("now", id="text"),
        pytest.param("2026-11-24T12:00:00", id="no-offset"),
        pytest.param("2026-11-24", id="date"),
        pytest.param("2026-11-24t12:00:00z", id="lower-case"),
        pytest.param("20261124T120000Z", id="basic-format"),
        pytest.param("2026-W48-2T12:00:00Z", id="week-date"),
        pytest.param("2026-02-29T12:00:00Z", id="no-leap-year"),
        pytest.param("2026-02-30T12:00:00Z", id="30-February"),
        pytest.param("2026-13-01T12:00:00Z", id="month-13"),
        pytest.param("2026-00-01T12:00:00Z", id="month-0"),
        pytest.param("0000-01-01T12:00:00Z", id="year-0"),
        pytest.param("2026-11-24T24:00:00Z", id="hour-24"),
        pytest.param("2026-11-24T12:60:00Z", id="minute-60"),
        pytest.param("2026-12-31T23:59:60Z", id="leap-second"),
        pytest.param("2026-11-24T12:00:00.Z", id="empty-fraction"),
        pytest.param("2026-11-24T12:00:00.1234567Z", id="seven-digits"),
        pytest.param("2026-11-24T12:00:00,5Z", id="comma"),
        pytest.param("2026-11-24T12:00:00+14:01", id="offset-14:01"),
        pytest.param("2026-11-24T12:00:00+15:00", id="offset-15:00"),
        pytest.param("2026-11-24T12:00:00+00:60", id="offset-minute-60"),
        pytest.param("2026-11-24T12:00:00+0000", id="offset-without-colon"),
        pytest.param("2026-11-24T12:00:00+00", id="offset-hours"),
    ],
)
def test_a_time_that_is_none(text: str) -> None:
    with pytest.raises(Malformed) as malformed:
        from_frame(f"<190>1 {text} host app web.1 - hi".encode())
    assert malformed.value.reason is Reason.BAD_TIME


# ---------------------------------------------------------------- quarantine


@pytest.mark.parametrize("reason", Reason)
def test_a_quarantine_line_is_a_line_at_the_reference_time_that_keeps_every_byte(reason: Reason) -> None:
    line = quarantine_line(reason, NOON_US + 5, b"garbage\xff\n")
    assert line == (
        f"<43>1 2026-11-24T12:00:00.000005+00:00 host logdrain quarantine {reason.value} - ".encode()
        + rb"garbage\xff#012"
    )
    again = from_frame(line.replace(b" - ", b" ", 1))
    assert again.line == line
    assert again.time_us == NOON_US + 5


def test_the_reasons_are_a_closed_list_of_valid_msgids() -> None:
    """Queries and dashboards name them; a new one is a decision."""
    of_bodies = {"bad-base64", "bad-gzip", "gzip-too-large", "unknown-coding", "bad-count", "truncated"}
    assert set(Reason) == {*of_bodies, "bad-header", "bad-time"}
    assert all(re.fullmatch(r"[a-z0-9-]{1,32}", reason) for reason in Reason)


# ---------------------------------------------------------------- line and table


def printable(most: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=most)


times = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  Hypothesis adds it
    lambda time: time.isoformat(timespec="microseconds")
)
headers = st.tuples(st.integers(0, 191).map(str), times, printable(255), printable(48), printable(128), printable(32))


@given(headers, st.binary(max_size=300))
def test_any_message_is_one_row_whose_columns_are_the_frames(header: tuple[str, ...], msg: bytes) -> None:
    pri, *rest = header
    frame = f"<{pri}>1 {' '.join(rest)} ".encode() + msg
    line = from_frame(frame).line.decode("utf-8", "strict")
    row = ROW.fullmatch(line)
    assert row
    assert not {"\n", "\r"} & set(line)
    columns = dict(zip(COLUMNS, row.groups(), strict=True))
    assert tuple(columns[name] for name in ("pri", "log_ts", "host", "source", "proc_id", "msgid")) == header
    assert (
        columns["message"]
        == escape(msg.removesuffix(b"\n").removesuffix(b"\r") if msg.endswith(b"\n") else msg).decode()
    )
