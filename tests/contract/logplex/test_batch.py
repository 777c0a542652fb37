"""A batch has one id and one reference time, whichever of its tries arrives, and each frame and fault is one line."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.logplex.batch import Batch, Line, Survey, identity, leading_reports, lines, survey
from contract.object_keys import batch_id
from contract.stored_line import Reason
from local.logplex.field_bodies import FieldBody, field_bodies
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message, minutes_before_noon, split

APP = "raxx-api-prod"
FRAME_ID = "DA37BFA502AFA196A479F50990BA3E2C"
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
ARRIVAL_MS = NOON_MS + 250
ARRIVAL = NOON + timedelta(milliseconds=250)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def batch(*messages: bytes, arrival_ms: int = ARRIVAL_MS, tail: bytes = b"", frame_id: str | None = FRAME_ID) -> Batch:
    return Batch(APP, frame_id, arrival_ms, body(*messages) + tail)


def milliseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(milliseconds=1)


def texts(posted: Batch) -> list[bytes]:
    return [line.record.line for line in lines(posted)]


# ---------------------------------------------------------------- the reference time


# The reference is the newest valid time: two days before to one hour after the arrival, both ends included.
@pytest.mark.parametrize(
    ("times", "reference"),
    [
        pytest.param([NOON], NOON, id="one"),
        pytest.param(
            [minutes_before_noon(3), minutes_before_noon(1), minutes_before_noon(2)],
            minutes_before_noon(1),
            id="newest",
        ),
        pytest.param([NOON + timedelta(microseconds=1999)], NOON + timedelta(milliseconds=1), id="whole-milliseconds"),
        pytest.param([NOON, ARRIVAL + timedelta(hours=1)], ARRIVAL + timedelta(hours=1), id="an-hour-after"),
        pytest.param([NOON, ARRIVAL + timedelta(hours=1, microseconds=1)], NOON, id="more-than-an-hour-after"),
        pytest.param([ARRIVAL - timedelta(days=2)], ARRIVAL - timedelta(days=2), id="two-days-before"),
        pytest.param([ARRIVAL - timedelta(days=2, microseconds=1), NOON], NOON, id="more-than-two-days-before"),
    ],
)
def test_the_reference_is_the_newest_valid_time(times: list[datetime], reference: datetime) -> None:
    posted = batch(*(message(time=time) for time in times))
    assert survey(posted) == Survey(milliseconds(reference), dated=True, lines=len(times))


def test_an_offset_is_taken_off_before_times_are_compared() -> None:
    late = message(header="<190>1 2026-11-24T17:29:00+05:30 host app web.1 -")  # 11:59 UTC
    found = survey(batch(late, message(time=minutes_before_noon(2))))
    assert found.reference_ms == milliseconds(minutes_before_noon(1))


@pytest.mark.parametrize(
    "posted",
    [
        pytest.param(b"garbage", id="bad-count"),
        pytest.param(body(b"garbage"), id="bad-header"),
        pytest.param(body(message(header="<190>1 yesterday host app web.1 -")), id="bad-time"),
        pytest.param(body(l10(NOON)), id="nothing-but-a-loss-report"),
        pytest.param(body(message(time=datetime(1971, 1, 1, tzinfo=UTC))), id="long-ago"),
        pytest.param(body(message(time=datetime(2100, 1, 1, tzinfo=UTC))), id="in-the-future"),
    ],
)
@pytest.mark.parametrize("arrival_ms", [ARRIVAL_MS, milliseconds(MIDNIGHT), 1])
def test_a_batch_without_a_valid_time_has_its_arrivals_and_is_not_dated(posted: bytes, arrival_ms: int) -> None:
    arrived = Batch(APP, FRAME_ID, arrival_ms, posted)
    assert survey(arrived) == Survey(arrival_ms, dated=False, lines=1)
    [line] = lines(arrived)
    assert line.time == timedelta(milliseconds=arrival_ms)
    if line.reason:
        time = (EPOCH + line.time).isoformat(timespec="microseconds").encode()
        assert line.record.line.split(b" ")[1] == time


# ---------------------------------------------------------------- each try is the same


def test_a_retry_is_the_same_batch_though_its_loss_report_is_rendered_anew() -> None:
    messages = [message(b"one\n", minutes_before_noon(2)), message(b"two\n", minutes_before_noon(1))]
    first = batch(l10(NOON), *messages)
    second = batch(l10(NOON + timedelta(seconds=7)), *messages, arrival_ms=ARRIVAL_MS + 7000)
    assert identity(first) == identity(second)
    assert survey(first) == survey(second) == Survey(milliseconds(minutes_before_noon(1)), dated=True, lines=3)
    assert texts(first)[1:] == texts(second)[1:]
    assert texts(first)[0] != texts(second)[0]


def test_a_loss_report_rendered_beyond_midnight_stays_with_its_batch() -> None:
    before = MIDNIGHT - timedelta(milliseconds=5)
    posted = batch(l10(MIDNIGHT), message(time=before), arrival_ms=milliseconds(MIDNIGHT))
    assert survey(posted).reference_ms == milliseconds(before)
    assert [EPOCH + line.time for line in lines(posted)] == [before, before]


L12 = b"Error L12: 5 messages dropped since 2026-11-24T11:00:00.000000+00:00\n"
L13 = b"Error L13: 6 messages lost since 2026-11-24T11:00:00.000000+00:00\n"
SHUTTLE = "<172>1 {} heroku token log-shuttle - -"


@pytest.mark.parametrize("frame_id", [None, FRAME_ID])
def test_no_leading_loss_report_has_a_say_in_id_or_reference(frame_id: str | None) -> None:
    """Logplex and log-shuttle render theirs anew on each try, and log-shuttle sends up to two, without a frame id."""
    messages = [message(b"one\n", minutes_before_noon(2)), message(b"two\n", minutes_before_noon(1))]

    def tried(*reports: bytes) -> Batch:
        return batch(*reports, *messages, frame_id=frame_id)

    later = NOON + timedelta(seconds=7)
    tries = [
        tried(),
        tried(l10(NOON)),
        tried(message(L12, NOON, SHUTTLE), message(L13, NOON, SHUTTLE)),
        tried(message(L12, later, SHUTTLE), message(L13, later, SHUTTLE)),
        tried(message(L13, later, SHUTTLE)),
    ]
    assert len({identity(each) for each in tries}) == 1
    assert {survey(each).reference_ms for each in tries} == {milliseconds(minutes_before_noon(1))}
    assert [survey(each).lines for each in tries] == [2, 3, 4, 4, 3]


def test_two_batches_of_reports_only_are_two() -> None:
    """Without their reports nothing would tell them apart, and the second would be taken for a try of the first."""
    one, other = (batch(message(text, NOON, SHUTTLE), frame_id=None) for text in (L12, L13))
    assert identity(one) != identity(other)


def test_only_a_leading_loss_report_is_rendered_anew() -> None:
    """One that stands elsewhere is a message like others, the same in each try."""
    posted = batch(message(time=minutes_before_noon(5)), l10(minutes_before_noon(1)))
    assert survey(posted).reference_ms == milliseconds(minutes_before_noon(1))
    assert leading_reports(posted) == ([], 0)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("<190>1 {} host app web.1 -", id="application"),
        pytest.param("<190>1 {} host app logplex -", id="process-type-logplex"),
        pytest.param("<45>1 {} host heroku web.1 -", id="dyno"),
    ],
)
def test_a_line_that_only_quotes_a_loss_report_counts(header: str) -> None:
    quote = message(b"Error L10 (output buffer overflow): 1 messages dropped", minutes_before_noon(1), header)
    found = survey(batch(quote, message(time=minutes_before_noon(2))))
    assert found.reference_ms == milliseconds(minutes_before_noon(1))


def test_leading_reports_end_where_the_other_frames_begin() -> None:
    reports = [l10(NOON), l10(MIDNIGHT)]
    assert leading_reports(batch(*reports, message(), l10(NOON))) == (reports, len(body(*reports)))
    assert leading_reports(batch(l10(NOON), tail=b"garbage")) == ([l10(NOON)], len(body(l10(NOON))))


@given(st.integers(-3600_000, 24 * 3600_000), st.lists(st.integers(0, 300), min_size=1, max_size=5))
def test_for_any_arrival_that_believes_the_lines_a_try_is_the_same(late_ms: int, ages_min: list[int]) -> None:
    messages = [message(time=minutes_before_noon(age)) for age in ages_min]
    arrived, first = batch(*messages, arrival_ms=NOON_MS + late_ms), batch(*messages)
    assert (identity(arrived), survey(arrived)) == (identity(first), survey(first))
    assert list(lines(arrived)) == list(lines(first))


# ---------------------------------------------------------------- names


def test_a_batch_is_named_by_its_frame_id_whatever_its_body() -> None:
    assert {identity(batch(message(text))) for text in (b"one", b"two")} == {batch_id(APP, FRAME_ID)}


@pytest.mark.parametrize("frame_id", [None, ""])
def test_without_a_frame_id_a_batch_is_named_by_its_bodys_sha256(frame_id: str | None) -> None:
    posted = batch(message(), frame_id=frame_id)
    assert identity(posted) == batch_id(APP, hashlib.sha256(posted.body).hexdigest())


def test_a_body_that_cannot_be_decoded_is_named_by_its_whole_sha256() -> None:
    """It has no frames, so nothing in it is a leading loss report."""
    posted = batch(l10(NOON), message(), frame_id=None)._replace(fault=Reason.BAD_GZIP)
    assert identity(posted) == batch_id(APP, hashlib.sha256(posted.body).hexdigest())


def test_batches_of_two_apps_with_one_frame_id_are_two() -> None:
    mine, other = (identity(batch(message())._replace(app=app)) for app in (APP, "other-app"))
    assert mine != other


# ---------------------------------------------------------------- lines


def test_lines_come_as_they_stand_each_under_its_own_time() -> None:
    times = [MIDNIGHT, MIDNIGHT - timedelta(days=1), NOON, minutes_before_noon(3)]
    posted = batch(*(message(b"%d\n" % number, time) for number, time in enumerate(times)))
    assert [EPOCH + line.time for line in lines(posted)] == times
    assert [line.record.line[-1:] for line in lines(posted)] == [b"0", b"1", b"2", b"3"]


def test_the_time_of_a_line_is_the_instant_whatever_its_offset() -> None:
    in_the_west = message(header="<190>1 2026-11-23T20:00:00-10:00 host app web.1 -")
    [line] = lines(batch(in_the_west))
    assert EPOCH + line.time == MIDNIGHT + timedelta(hours=6)


@pytest.mark.parametrize(
    "wrong",
    [pytest.param(NOON - timedelta(days=30), id="long-ago"), pytest.param(NOON + timedelta(days=2), id="future")],
)
def test_a_line_whose_time_is_not_valid_lies_under_the_reference_and_keeps_its_time(wrong: datetime) -> None:
    """The reference of lines has microseconds: lines that belong together stay side by side."""
    newest = minutes_before_noon(1) + timedelta(microseconds=123)
    strange, ordinary = lines(batch(message(time=wrong), message(time=newest)))
    assert EPOCH + strange.time == EPOCH + ordinary.time == newest
    assert wrong.isoformat().encode()[:19] in strange.record.line
    assert strange.reason is None


def test_bad_frames_are_quarantined_in_their_places_at_the_reference_time() -> None:
    newest = NOON + timedelta(microseconds=7)
    posted = batch(
        message(b"a\n", minutes_before_noon(2)),
        b"no header",
        message(header="<190>1 - host app web.1 -"),
        message(b"b\n", newest),
        tail=b"9 c",
    )
    found = list(lines(posted))
    start = b"<43>1 2026-11-24T12:00:00.000007+00:00 host logdrain quarantine "
    first, header, time, last, truncated = (line.record.line for line in found)
    assert first.endswith(b"web.1 - - a")
    assert header == start + b"bad-header - no header"
    assert time == start + b"bad-time - <190>1 - host app web.1 - hi#012"
    assert last.endswith(b"web.1 - - b")
    assert truncated == start + b"truncated - 9 c"
    assert [line.reason for line in found] == [None, Reason.BAD_HEADER, Reason.BAD_TIME, None, Reason.TRUNCATED]
    assert [EPOCH + line.time for line in found] == [minutes_before_noon(2), *[newest] * 4]
    assert survey(posted) == Survey(NOON_MS, dated=True, lines=5)


@pytest.mark.parametrize(
    "fault", [Reason.BAD_BASE64, Reason.BAD_GZIP, Reason.GZIP_TOO_LARGE, Reason.UNKNOWN_CODING], ids=str
)
def test_a_body_that_cannot_be_decoded_is_one_quarantine_line(fault: Reason) -> None:
    posted = Batch(APP, FRAME_ID, ARRIVAL_MS, b"2 hi!!\n", fault)
    [line] = lines(posted)
    assert line.record.line == (
        b"<43>1 2026-11-24T12:00:00.250000+00:00 host logdrain quarantine %b - 2 hi!!#012" % fault.encode()
    )
    assert line.reason is fault
    assert survey(posted) == Survey(ARRIVAL_MS, dated=False, lines=1)


@pytest.mark.parametrize("posted", [b"", b"\r\n\n"], ids=["empty", "line-ends"])
def test_a_body_without_frames_has_no_lines(posted: bytes) -> None:
    arrived = Batch(APP, FRAME_ID, ARRIVAL_MS, posted)
    assert list(lines(arrived)) == []
    assert survey(arrived).lines == 0


class TimeIsUp(Exception):
    """What `proceed` raises."""


def all_lines(posted: Batch, proceed: Callable[[], None]) -> list[Line]:
    return list(lines(posted, proceed))


@pytest.mark.parametrize("read", [survey, all_lines])
@pytest.mark.parametrize(
    "posted",
    [
        pytest.param(b"1 x" * 100_000, id="tiny-frames"),
        pytest.param(body(*[message(b"an old one", NOON.replace(year=2020))] * 1000), id="no-valid-time"),
        pytest.param(body(*[message(b"a line\n")] * 1000), id="ordinary-lines"),
        pytest.param(body(*[l10(NOON)] * 1000), id="leading-reports"),
    ],
)
def test_the_deadline_is_checked_every_few_frames(
    posted: bytes, read: Callable[[Batch, Callable[[], None]], object]
) -> None:
    """A body of millions of tiny frames takes seconds."""
    frames, _ = split(posted)
    checks = 0

    def proceed() -> None:
        nonlocal checks
        checks += 1
        if checks > len(frames) // 256:
            raise TimeIsUp

    with pytest.raises(TimeIsUp):
        read(Batch(APP, FRAME_ID, ARRIVAL_MS, posted), proceed)


@pytest.mark.parametrize("post", field_bodies(), ids=lambda post: post.name)
def test_a_body_from_the_field_is_read_line_by_line(post: FieldBody) -> None:
    """Good frames survive bad ones, and each frame and each fault is one line."""
    posted = Batch(APP, post.headers.get("Logplex-Frame-Id"), ARRIVAL_MS, post.body)
    found = list(lines(posted))
    quarantined = [line for line in found if line.reason]
    assert len(quarantined) == bool(post.malformed_remainder)
    assert len(found) == survey(posted).lines == len(quarantined) + len(post.frames)


@given(st.binary(max_size=200), st.integers(0, 4_000_000_000_000))
def test_any_body_is_read_in_lines_of_utf8_and_the_survey_is_theirs(posted: bytes, arrival_ms: int) -> None:
    arrived = Batch(APP, None, arrival_ms, posted)
    found, surveyed = list(lines(arrived)), survey(arrived)
    assert all(line.record.line.decode("utf-8", "strict").startswith("<") for line in found)
    assert surveyed.lines == len(found)
    if found:
        assert surveyed.reference_ms == max(line.time for line in found) // timedelta(milliseconds=1)
