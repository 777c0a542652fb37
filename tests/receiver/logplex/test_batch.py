"""A batch becomes one object a UTC day, and each try of it becomes the same objects."""

import gzip
import hashlib
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.object_keys import batch_id
from contract.stored_line import Reason
from local.logplex.field_bodies import FieldBody, field_bodies
from receiver.deadline import DeadlineExceeded
from receiver.logplex.batch import Batch, StoredObject, objects
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message, minutes_before_noon, split, stored_lines

APP = "raxx-api-prod"
FRAME_ID = "DA37BFA502AFA196A479F50990BA3E2C"
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
ARRIVAL_MS = NOON_MS + 250
ARRIVAL = NOON + timedelta(milliseconds=250)


def store(*messages: bytes, arrival_ms: int = ARRIVAL_MS, tail: bytes = b"") -> list[StoredObject]:
    return objects(Batch(APP, FRAME_ID, arrival_ms, body(*messages) + tail))


def only(stored: list[StoredObject]) -> StoredObject:
    [one] = stored
    return one


def milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


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
        pytest.param([ARRIVAL - timedelta(days=2, microseconds=1)], NOON, id="more-than-two-days-before"),
        pytest.param([datetime(1971, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)], NOON, id="none-valid"),
    ],
)
def test_the_reference_is_the_newest_valid_time(times: list[datetime], reference: datetime) -> None:
    stored = only(store(*(message(time=time) for time in times)))
    assert stored.key.epoch_ms == milliseconds(reference)
    assert len(stored_lines(stored)) == len(times)


def test_an_offset_is_taken_off_before_times_are_compared() -> None:
    late = message(header="<190>1 2026-11-24T17:29:00+05:30 host app web.1 -")  # 11:59 UTC
    stored = only(store(late, message(time=minutes_before_noon(2))))
    assert stored.key.epoch_ms == milliseconds(minutes_before_noon(1))


@pytest.mark.parametrize(
    "posted",
    [
        pytest.param(b"garbage", id="bad-count"),
        pytest.param(body(b"garbage"), id="bad-header"),
        pytest.param(body(message(header="<190>1 yesterday host app web.1 -")), id="bad-time"),
        pytest.param(body(l10(NOON)), id="nothing-but-a-loss-report"),
    ],
)
def test_a_batch_without_a_valid_time_belongs_to_the_five_minutes_in_which_it_arrived(posted: bytes) -> None:
    """A query over the minutes in which a quarantine line arrived has to find it."""
    last = MIDNIGHT + timedelta(days=1, minutes=-5)
    for arrival, slot in [
        (MIDNIGHT, MIDNIGHT),
        (NOON, NOON),
        (NOON + timedelta(minutes=4, seconds=59.999), NOON),
        (NOON + timedelta(minutes=5), NOON + timedelta(minutes=5)),
        (MIDNIGHT + timedelta(days=1, milliseconds=-1), last),
    ]:
        stored = only(objects(Batch(APP, FRAME_ID, milliseconds(arrival), posted)))
        assert stored.key.epoch_ms == milliseconds(slot)
        [line] = stored_lines(stored)
        if b"quarantine" in line:
            assert line.split(b" ")[1] == arrival.isoformat(timespec="microseconds").encode()


def test_only_a_batch_without_a_valid_time_can_be_stored_under_an_earlier_key() -> None:
    """Its key follows from the arrival, so another try may have written it in the slot before or after."""
    untimed = only(store(b"garbage"))
    assert [(key.epoch_ms, key.batch) for key in untimed.earlier] == [
        (milliseconds(NOON + timedelta(minutes=minutes)), untimed.key.batch) for minutes in (-5, 5)
    ]
    assert only(store(b"garbage", message())).earlier == ()


# ---------------------------------------------------------------- each try is the same


def test_a_retry_writes_the_same_keys_though_its_loss_report_is_rendered_anew() -> None:
    lines = [message(b"one\n", minutes_before_noon(2)), message(b"two\n", minutes_before_noon(1))]
    first = only(store(l10(NOON), *lines))
    second = only(store(l10(NOON + timedelta(seconds=7)), *lines, arrival_ms=ARRIVAL_MS + 7000))
    assert first.key == second.key
    assert first.key.epoch_ms == milliseconds(minutes_before_noon(1))
    assert stored_lines(first)[1:] == stored_lines(second)[1:]
    assert stored_lines(first)[0] != stored_lines(second)[0]


def test_a_loss_report_rendered_beyond_midnight_stays_with_its_batch() -> None:
    before = MIDNIGHT - timedelta(milliseconds=5)
    stored = only(store(l10(MIDNIGHT), message(time=before), arrival_ms=milliseconds(MIDNIGHT)))
    assert stored.key.epoch_ms == milliseconds(before)
    assert len(stored_lines(stored)) == 2


L12 = b"Error L12: 5 messages dropped since 2026-11-24T11:00:00.000000+00:00\n"
L13 = b"Error L13: 6 messages lost since 2026-11-24T11:00:00.000000+00:00\n"
SHUTTLE = "<172>1 {} heroku token log-shuttle - -"


@pytest.mark.parametrize("frame_id", [None, FRAME_ID])
def test_no_leading_loss_report_has_a_say_in_id_or_key(frame_id: str | None) -> None:
    """Logplex and log-shuttle render theirs anew on each try, and log-shuttle sends up to two, without a frame id."""
    lines = [message(b"one\n", minutes_before_noon(2)), message(b"two\n", minutes_before_noon(1))]

    def tried(*reports: bytes) -> StoredObject:
        return only(objects(Batch(APP, frame_id, ARRIVAL_MS, body(*reports, *lines))))

    later = NOON + timedelta(seconds=7)
    tries = [
        tried(),
        tried(l10(NOON)),
        tried(message(L12, NOON, SHUTTLE), message(L13, NOON, SHUTTLE)),
        tried(message(L12, later, SHUTTLE), message(L13, later, SHUTTLE)),
        tried(message(L13, later, SHUTTLE)),
    ]
    assert len({each.key for each in tries}) == 1
    assert {each.key.epoch_ms for each in tries} == {milliseconds(minutes_before_noon(1))}
    assert [each.lines for each in tries] == [2, 3, 4, 4, 3]


def test_two_batches_of_reports_only_are_two() -> None:
    """Without their reports nothing would tell them apart, and the second would overwrite the first."""
    one, other = (
        only(objects(Batch(APP, None, ARRIVAL_MS, body(message(text, NOON, SHUTTLE))))) for text in (L12, L13)
    )
    assert one.key != other.key


def test_only_a_leading_loss_report_is_rendered_anew() -> None:
    """One that stands elsewhere is a message like others, the same in each try."""
    stored = only(store(message(time=minutes_before_noon(5)), l10(minutes_before_noon(1))))
    assert stored.key.epoch_ms == milliseconds(minutes_before_noon(1))


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
    assert only(store(quote, message(time=minutes_before_noon(2)))).key.epoch_ms == milliseconds(minutes_before_noon(1))


@given(st.integers(-3600_000, 24 * 3600_000), st.lists(st.integers(0, 300), min_size=1, max_size=5))
def test_for_any_arrival_that_believes_the_lines_the_objects_are_the_same(late_ms: int, ages_min: list[int]) -> None:
    messages = [message(time=minutes_before_noon(age)) for age in ages_min]
    assert store(*messages, arrival_ms=NOON_MS + late_ms) == store(*messages)


def test_the_bytes_are_the_same_each_time() -> None:
    """One gzip member without a time in its header: readers have lost rows of many-member files."""
    [first], [second] = (store(message(), message(b"\n", minutes_before_noon(1))) for _ in range(2))
    assert first.data == second.data
    assert first.data.count(b"\x1f\x8b\x08") == 1
    assert first.data[4:8] == bytes(4)
    assert gzip.decompress(first.data).endswith(b" - hi\n<190>1 2026-11-24T11:59:00.000000+00:00 host app web.1 - - \n")


# ---------------------------------------------------------------- names


def test_a_batch_is_named_by_its_frame_id_whatever_its_body() -> None:
    keys = {only(objects(Batch(APP, FRAME_ID, ARRIVAL_MS, body(message(text))))).key for text in (b"one", b"two")}
    assert {key.batch for key in keys} == {batch_id(APP, FRAME_ID)}


@pytest.mark.parametrize("frame_id", [None, ""])
def test_without_a_frame_id_a_batch_is_named_by_its_bodys_sha256(frame_id: str | None) -> None:
    posted = body(message())
    stored = only(objects(Batch(APP, frame_id, ARRIVAL_MS, posted)))
    assert stored.key.batch == batch_id(APP, hashlib.sha256(posted).hexdigest())


def test_a_body_that_cannot_be_decoded_is_named_by_its_whole_sha256() -> None:
    """It has no frames, so nothing in it is a leading loss report."""
    posted = body(l10(NOON), message())
    stored = only(objects(Batch(APP, None, ARRIVAL_MS, posted, Reason.BAD_GZIP)))
    assert stored.key.batch == batch_id(APP, hashlib.sha256(posted).hexdigest())


def test_batches_of_two_apps_with_one_frame_id_are_two() -> None:
    mine, other = (only(objects(Batch(app, FRAME_ID, ARRIVAL_MS, body(message())))).key for app in (APP, "other-app"))
    assert mine.batch != other.batch
    assert (mine.app, other.app) == (APP, "other-app")


# ---------------------------------------------------------------- days


def test_a_batch_that_spans_days_is_one_object_a_day_oldest_first_all_with_one_uuid() -> None:
    times = [
        MIDNIGHT + timedelta(seconds=2),
        MIDNIGHT - timedelta(seconds=9),
        MIDNIGHT,
        MIDNIGHT - timedelta(seconds=5),
    ]
    old, new = store(*(message(b"%d\n" % i, time) for i, time in enumerate(times)), arrival_ms=milliseconds(MIDNIGHT))
    assert (old.key.day, new.key.day) == (date(2026, 11, 23), date(2026, 11, 24))
    assert old.key.epoch_ms == milliseconds(MIDNIGHT - timedelta(seconds=5))
    assert new.key.epoch_ms == milliseconds(MIDNIGHT + timedelta(seconds=2))
    assert old.key.batch == new.key.batch
    assert [line[-1:] for line in stored_lines(old)] == [b"1", b"3"]
    assert [line[-1:] for line in stored_lines(new)] == [b"0", b"2"]


def test_the_last_microsecond_of_a_day_is_of_that_day() -> None:
    assert only(store(message(time=MIDNIGHT - timedelta(microseconds=1)))).key.day == date(2026, 11, 23)


def test_a_day_is_the_utc_day_of_the_instant() -> None:
    in_the_west = message(header="<190>1 2026-11-23T20:00:00-10:00 host app web.1 -")  # 06:00 UTC on the 24th
    assert only(store(in_the_west)).key.day == date(2026, 11, 24)


@pytest.mark.parametrize(
    "wrong",
    [pytest.param(NOON - timedelta(days=30), id="long-ago"), pytest.param(NOON + timedelta(days=2), id="future")],
)
def test_a_line_whose_time_is_not_valid_goes_with_the_reference_and_keeps_its_time(wrong: datetime) -> None:
    stored = only(store(message(time=wrong), message(time=minutes_before_noon(1))))
    assert stored.key.epoch_ms == milliseconds(minutes_before_noon(1))
    assert wrong.isoformat().encode()[:19] in stored_lines(stored)[0]


# ---------------------------------------------------------------- quarantine


def test_bad_frames_are_quarantined_in_their_places_at_the_reference_time() -> None:
    stored = only(
        store(
            message(b"a\n", minutes_before_noon(2)),
            b"no header",
            message(header="<190>1 - host app web.1 -"),
            message(b"b\n"),
            tail=b"9 c",
        )
    )
    start = b"<43>1 2026-11-24T12:00:00.000000+00:00 host logdrain quarantine "
    first, header, time, last, truncated = stored_lines(stored)
    assert first.endswith(b"web.1 - - a")
    assert header == start + b"bad-header - no header"
    assert time == start + b'bad-time [meta sequenceId="2"] <190>1 - host app web.1 - hi#012'
    assert last.endswith(b'web.1 - [meta sequenceId="3"] b')
    assert truncated == start + b'truncated [meta sequenceId="4"] 9 c'


# RFC 5424 section 7.3.1. Postgres logs whole seconds, and the lines of a traceback share a microsecond.
def test_later_lines_of_one_time_are_numbered_in_the_order_they_came() -> None:
    times = [NOON, NOON, minutes_before_noon(1), NOON, NOON.astimezone(timezone(timedelta(hours=2)))]
    lines = stored_lines(only(store(*(message(b"%d\n" % number, time) for number, time in enumerate(times)))))
    assert [line.partition(b" host app web.1 - ")[2] for line in lines] == [
        b"- 0", b'[meta sequenceId="2"] 1', b"- 2", b'[meta sequenceId="3"] 3', b'[meta sequenceId="4"] 4',
    ]  # fmt: skip


def test_lines_are_numbered_anew_in_each_object() -> None:
    yesterday = NOON - timedelta(days=1)
    for stored in store(message(), message(time=yesterday), message(), message(time=yesterday)):
        assert [b"sequenceId" in line for line in stored_lines(stored)] == [False, True]


def test_a_quarantine_line_goes_with_the_newest_day() -> None:
    old, new = store(b"no header", message(time=NOON - timedelta(days=1)), message())
    assert len(stored_lines(old)) == 1
    assert stored_lines(new)[0].endswith(b"quarantine bad-header - no header")


@pytest.mark.parametrize(
    "fault", [Reason.BAD_BASE64, Reason.BAD_GZIP, Reason.GZIP_TOO_LARGE, Reason.UNKNOWN_CODING], ids=str
)
def test_a_body_that_cannot_be_decoded_is_one_quarantine_line(fault: Reason) -> None:
    stored = only(objects(Batch(APP, FRAME_ID, ARRIVAL_MS, b"2 hi!!\n", fault)))
    assert stored_lines(stored) == [
        b"<43>1 2026-11-24T12:00:00.250000+00:00 host logdrain quarantine %b - 2 hi!!#012" % fault.encode()
    ]


@pytest.mark.parametrize("posted", [b"", b"\r\n\n"], ids=["empty", "line-ends"])
def test_a_body_without_frames_is_no_object(posted: bytes) -> None:
    assert objects(Batch(APP, FRAME_ID, ARRIVAL_MS, posted)) == []


@pytest.mark.parametrize(
    "posted",
    [
        pytest.param(b"1 x" * 100_000, id="tiny-frames"),
        pytest.param(body(*[message(b"an old one", NOON.replace(year=2020))] * 1000), id="no-valid-time"),
        pytest.param(body(*[message(b"a line\n")] * 1000), id="ordinary-lines"),
        pytest.param(body(*[l10(NOON)] * 1000), id="leading-reports"),
    ],
)
def test_the_deadline_is_checked_every_few_frames(posted: bytes) -> None:
    """A body without a valid time is read once before any line of it is made, and that can take seconds."""
    read = split(posted)[0]
    checks = 0

    def proceed() -> None:
        nonlocal checks
        checks += 1
        if checks > len(read) // 256:
            raise DeadlineExceeded

    with pytest.raises(DeadlineExceeded):
        objects(Batch(APP, FRAME_ID, ARRIVAL_MS, posted), proceed)


@pytest.mark.parametrize("post", field_bodies(), ids=lambda post: post.name)
def test_a_body_from_the_field_is_stored_line_by_line(post: FieldBody) -> None:
    """Good frames survive bad ones, and each frame and each fault is one line."""
    stored = objects(Batch(APP, post.headers.get("Logplex-Frame-Id"), ARRIVAL_MS, post.body))
    lines = [line for one in stored for line in stored_lines(one)]
    quarantined = [line for line in lines if b" host logdrain quarantine " in line]
    assert len(quarantined) == bool(post.malformed_remainder)
    assert len(lines) == len(quarantined) + len(post.frames)


@given(st.binary(max_size=200), st.integers(0, 4_000_000_000_000))
def test_any_body_is_stored_in_lines_of_utf8(posted: bytes, arrival_ms: int) -> None:
    for stored in objects(Batch(APP, None, arrival_ms, posted)):
        assert all(line.decode("utf-8", "strict").startswith("<") for line in stored_lines(stored))
        assert stored.key.app == APP
