"""What is counted of the lines of an object: each batch once, and nothing that is set aside goes uncounted."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.logplex.batch import Batch, lines
from contract.stored_line import Reason
from local.logplex.field_bodies import FieldBody, field_bodies
from receiver.tally import Tally
from tests.support.fakes import APP
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message

HI = message()


def counted(posted: bytes, announced: int | None = None, **changes: Any) -> Tally:
    """The tally of one batch."""
    tally, batch = Tally(APP), Batch(APP, "f", NOON_MS, posted, announced=announced, **changes)
    assert list(tally.counted(batch, lines(batch))) == list(lines(batch))
    return tally


# ---------------------------------------------------------------- a batch


def test_a_batch_is_counted() -> None:
    later = message(time=NOON - timedelta(seconds=2))
    posted = body(later, message(b"older", NOON - timedelta(days=1)))
    assert counted(posted, 2) == Tally(APP, batches=1, lines=2, bytes=len(posted), lag_ms=2000)


def test_batches_are_summed_and_the_longest_lag_counts() -> None:
    tally = Tally(APP)
    posts = [body(message(time=NOON - timedelta(seconds=seconds)), b"no header") for seconds in (1, 3, 2)]
    for number, posted in enumerate(posts):
        batch = Batch(APP, str(number), NOON_MS, posted, announced=7)
        list(tally.counted(batch, lines(batch)))
    assert (tally.batches, tally.lines, tally.bytes) == (3, 6, sum(map(len, posts)))
    assert (tally.quarantined, tally.mismatches, tally.lag_ms) == ({Reason.BAD_HEADER: 3}, 3, 3000)


@pytest.mark.parametrize(
    ("posted", "fault", "reason"),
    [
        *[
            pytest.param(b"!", fault, fault, id=fault)
            for fault in (Reason.BAD_BASE64, Reason.BAD_GZIP, Reason.GZIP_TOO_LARGE, Reason.UNKNOWN_CODING)
        ],
        pytest.param(body(HI) + b"garbage", None, Reason.BAD_COUNT, id="bad-count"),
        pytest.param(body(HI) + b"99 <190>1", None, Reason.TRUNCATED, id="truncated"),
        pytest.param(body(HI, b"no header"), None, Reason.BAD_HEADER, id="bad-header"),
        pytest.param(body(HI, HI.replace(b"2026", b"9926-")), None, Reason.BAD_TIME, id="bad-time"),
    ],
)
def test_each_reason_of_quarantine_is_counted(posted: bytes, fault: Reason | None, reason: Reason) -> None:
    """Nothing is dropped, and nothing is set aside uncounted."""
    assert counted(posted, fault=fault).quarantined == {reason: 1}


def test_many_lines_are_counted_each_once() -> None:
    tally = counted(body(*[b"x"] * 3_000, HI), 3_001)
    assert (tally.lines, tally.quarantined, tally.mismatches) == (3_001, {Reason.BAD_HEADER: 3_000}, 0)


def test_text_about_quarantine_is_no_quarantine() -> None:
    """An application can write the very words."""
    told = message(b"x\n<43>1 2026-11-24T12:00:00Z host logdrain quarantine bad-count - x")
    assert not counted(body(told)).quarantined


@pytest.mark.parametrize(
    ("posted", "lag_ms"),
    [
        pytest.param(body(message(time=NOON + timedelta(minutes=1))), 0, id="clock ahead"),
        pytest.param(body(message(time=NOON), message(time=NOON - timedelta(hours=1))), 0, id="newest counts"),
        pytest.param(body(l10(NOON), message(time=NOON - timedelta(seconds=9))), 9000, id="L10 does not"),
        pytest.param(
            body(b"no header", message(time=NOON - timedelta(seconds=9))), 9000, id="a quarantine line has none"
        ),
        pytest.param(body(b"no header"), 0, id="no time"),
        pytest.param(body(message(time=NOON - timedelta(days=30))), 0, id="no valid time"),
        pytest.param(b"", 0, id="empty"),
    ],
)
def test_lag_is_that_of_the_newest_line_with_a_time(posted: bytes, lag_ms: int) -> None:
    assert counted(posted).lag_ms == lag_ms


# ---------------------------------------------------------------- what was lost before

SINCE = b"since 2026-11-24T11:00:00.000000+00:00"
L10_OLD = b"Error L10 (output buffer overflow): 3 messages dropped %b." % SINCE
L10_NEW = (
    b"Error L10 (output buffer overflow): drain 'd.00000000-0000-0000-0000-000000000000' dropped 4 messages since x."
)
L12 = b"Error L12: 5 messages dropped %b\n" % SINCE
L13 = b"Error L13: 6 messages lost %b\n" % SINCE
LOGPLEX = "<172>1 {} host heroku logplex -"
SHUTTLE = "<172>1 {} heroku token log-shuttle - -"


@pytest.mark.parametrize(
    ("frame", "messages"),
    [
        pytest.param(message(L10_OLD, header=LOGPLEX), 3, id="L10, old wording"),
        pytest.param(message(L10_NEW, header=LOGPLEX), 4, id="L10, new wording"),
        pytest.param(message(L12, header=SHUTTLE), 5, id="L12"),
        pytest.param(message(L13, header=SHUTTLE), 6, id="L13"),
        pytest.param(message(L12, header="<172>1 {} host app log-shuttle -"), 5, id="L12, passed on by Logplex"),
        pytest.param(message(L10_OLD), 0, id="written by an application"),
        pytest.param(message(b"x <172>1 t host heroku logplex - " + L10_OLD), 0, id="quoted by an application"),
        pytest.param(message(b"x\n<172>1 t host heroku logplex - " + L10_OLD), 0, id="quoted on a line of its own"),
        pytest.param(message(L10_OLD.replace(b"L10", b"L11"), header=LOGPLEX), 0, id="another code"),
        pytest.param(message(L10_OLD.replace(b"3", b"3" * 50), header=LOGPLEX), 0, id="no count that can be"),
        pytest.param(message(L10_OLD + b" Error L1", header=LOGPLEX), 3, id="with the keyword again behind it"),
        pytest.param(message(L10_OLD + b" " + L10_OLD, header=LOGPLEX), 3, id="one report per line"),
    ],
)
def test_loss_reports_are_read_in_every_wording_and_from_nobody_else(frame: bytes, messages: int) -> None:
    assert counted(body(HI, frame)).lost == messages


OURS, OTHERS = "d.00000000-0000-0000-0000-000000000000", "d.11111111-0000-0000-0000-000000000000"
OF_OTHERS = L10_NEW.replace(OURS.encode(), OTHERS.encode()).replace(b" 4 ", b" 5000 ")


@pytest.mark.parametrize(
    ("sent_by", "reports", "ours", "others"),
    [
        pytest.param(OURS, [OF_OTHERS], 0, 5000, id="another drain's"),
        pytest.param(OURS, [L10_NEW], 4, 0, id="the sender's own"),
        pytest.param(OURS, [L10_NEW, OF_OTHERS, OF_OTHERS, L10_OLD], 7, 10_000, id="both, and one that names none"),
        pytest.param(None, [L10_NEW, OF_OTHERS], 5004, 0, id="from a sender that does not name its drain"),
    ],
)
def test_a_loss_of_another_drain_is_counted_apart(
    sent_by: str | None, reports: list[bytes], ours: int, others: int
) -> None:
    """Every drain of an app receives its L10 lines (DataDog/heroku-buildpack-datadog #298)."""
    found = counted(body(HI, *(message(each, header=LOGPLEX) for each in reports)), drain=sent_by)
    assert (found.lost, found.lost_elsewhere) == (ours, others)


def test_losses_of_a_body_are_summed() -> None:
    frames = [message(L10_OLD, header=LOGPLEX), HI, message(L12, header=SHUTTLE), message(L13, header=SHUTTLE)]
    assert counted(body(*frames)).lost == 14


@pytest.mark.parametrize(
    ("posted", "announced", "mismatch"),
    [
        pytest.param(body(HI, HI), 2, False, id="equal"),
        pytest.param(body(HI, HI), None, False, id="not announced"),
        pytest.param(body(HI), 2, True, id="one less"),
        pytest.param(body(HI, HI), 1, True, id="one more"),
        pytest.param(body(l10(NOON), HI), 1, False, id="L10 not counted in"),
        pytest.param(body(l10(NOON), HI), 2, False, id="L10 counted in"),
        pytest.param(body(l10(NOON), HI, HI), 1, True, id="L10 and one more"),
        pytest.param(body(l10(NOON)), 2, True, id="L10 and one less"),
        pytest.param(body(HI, l10(NOON)), 1, True, id="L10, but not leading"),
        pytest.param(body(HI, message(L12, header=SHUTTLE)), 1, True, id="L12, but not leading"),
        pytest.param(body(message(L10_OLD), HI), 1, True, id="leading, but written by an application"),
        pytest.param(body(HI, b"no header"), 2, False, id="a quarantined frame is a frame"),
        pytest.param(body(HI) + b"garbage", 1, False, id="a remainder is none"),
        pytest.param(body(HI, HI)[:-1], 2, True, id="cut off"),
        pytest.param(b"", 0, False, id="empty"),
        pytest.param(b"", 1, True, id="emptied"),
    ],
)
def test_frames_that_do_not_add_up_are_counted(posted: bytes, announced: int | None, mismatch: bool) -> None:
    assert counted(posted, announced).mismatches == mismatch


@pytest.mark.parametrize("sent", field_bodies(), ids=lambda sent: sent.name)
def test_bodies_from_the_field_are_counted(sent: FieldBody) -> None:
    tally = counted(sent.body)
    assert (tally.batches, tally.bytes) == (1, len(sent.body))
    assert tally.lines == len(sent.frames) + bool(sent.malformed_remainder)


@given(st.binary(), st.integers(0, 9) | st.none())
def test_no_body_fails_the_count(noise: bytes, announced: int | None) -> None:
    """A batch that cannot be counted would keep its slot from being flushed, for ever."""
    for posted in (noise, body(noise or b"x"), body(l10(NOON), HI) + noise, b"Error L1" + noise):
        assert counted(posted, announced).batches == 1
