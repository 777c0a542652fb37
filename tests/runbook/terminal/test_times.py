"""What --last, --from, --to and --tz mean, and what is said of what they cannot mean."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.errors import RunbookError
from runbook.terminal import times

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("1h30m", timedelta(minutes=90)),
        ("2w3d", timedelta(days=17)),
        (" 5m ", timedelta(minutes=5)),
    ],
)
def test_a_span_is_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert times.duration(text) == span


@pytest.mark.parametrize(
    "text", ["", "m", "0m", "0h0m", "-5m", "5", "5 m", "1.5h", "5M", "5y", "30m1h", "1h1h", "٣m", "9999999d"]
)
def test_anything_else_is_no_span_and_the_error_shows_one(text: str) -> None:
    with pytest.raises(RunbookError, match="write 90s, 30m, 1h30m, 24h, 7d or 2w"):
        times.duration(text)


@pytest.mark.parametrize(
    "text",
    ["2026-11-24T03:00", "2026-11-24 03:00", "2026-11-24T03:00:00Z", "2026-11-24T04:00+01:00", "20261124T030000"],
)
def test_a_time_without_an_offset_is_utc(text: str) -> None:
    """Whoever reads logs at 3 a.m. reads them in UTC, whatever the zone of the machine."""
    moment = times.instant(text)
    assert (moment, moment.utcoffset()) == (datetime(2026, 11, 24, 3, tzinfo=UTC), timedelta(0))


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "24.11.2026", "24:00", "3", "2026-13-01", "0001-01-01T00:00+14:00", "'"]
)
def test_anything_else_is_no_time_and_the_error_shows_one(text: str) -> None:
    with pytest.raises(RunbookError, match=r"invalid time .*: write 2026-11-24"):
        times.instant(text)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_clear_error(text: str) -> None:
    for read in (times.duration, times.instant):
        with suppress(RunbookError):
            read(text)


def test_no_option_is_no_window() -> None:
    """Each command has a default of its own."""
    assert times.window(None, None, None, NOW) is None


def test_last_goes_back_from_now_or_from_the_end_given() -> None:
    window = times.window("2h", None, None, NOW)
    assert window is not None
    assert (window.since, window.until) == (NOW - timedelta(hours=2), NOW)
    window = times.window("2h", None, "2026-11-20", NOW)
    assert window is not None
    assert (window.since, window.until) == (
        datetime(2026, 11, 19, 22, tzinfo=UTC),
        datetime(2026, 11, 20, tzinfo=UTC),
    )


def test_from_goes_up_to_now_or_to_the_end_given() -> None:
    window = times.window(None, "2026-11-24T03:00", None, NOW)
    assert window is not None
    assert (window.since, window.until) == (datetime(2026, 11, 24, 3, tzinfo=UTC), NOW)


@pytest.mark.parametrize(
    ("last", "since", "until", "message"),
    [
        pytest.param(None, None, "2026-11-24", "--to needs --from or --last", id="only-an-end"),
        pytest.param("1h", "2026-11-24", None, "mutually exclusive", id="two-beginnings"),
        pytest.param(None, "2026-11-24", "2026-11-23", "--to must be after --from", id="backwards"),
        pytest.param(None, "2026-11-25", None, "begins in the future", id="from-the-future"),
        pytest.param(None, "2026-11-25", "2026-11-26", "begins in the future", id="all-in-the-future"),
        pytest.param("400d", None, None, "at most 366 days", id="too-long"),
        pytest.param("999999w", None, None, "at most 366 days|out of range|the table has", id="before-all-time"),
    ],
)
def test_what_is_no_window_is_said(last: str | None, since: str | None, until: str | None, message: str) -> None:
    with pytest.raises(RunbookError, match=message):
        times.window(last, since, until, NOW)


def test_around_is_so_many_minutes_on_each_side() -> None:
    window = times.around("2026-11-24T03:12", 10)
    assert (window.since, window.until) == (
        datetime(2026, 11, 24, 3, 2, tzinfo=UTC),
        datetime(2026, 11, 24, 3, 22, tzinfo=UTC),
    )
    with pytest.raises(RunbookError, match="invalid minutes 0"):
        times.around("2026-11-24T03:12", 0)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("now", "2026-11-24T05:00"),
        ("today", "2026-11-23T23:00"),
        ("yesterday", "2026-11-22T23:00"),
        ("yesterday 03:00", "2026-11-23T02:00"),
        ("03:00", "2026-11-24T02:00"),
        ("6:00", "2026-11-24T05:00"),
        ("06:00:01", "2026-11-23T05:00:01"),
        ("23:00", "2026-11-23T22:00"),
        ("2026-11-24", "2026-11-23T23:00"),
        ("2026-07-01T03:00", "2026-07-01T01:00"),
        ("2026-11-24T03:00Z", "2026-11-24T03:00"),
    ],
)
def test_a_time_is_of_the_zone_and_a_clocks_time_is_the_last_that_is_past(text: str, utc: str) -> None:
    """In Berlin it is six."""
    assert times.instant(text, BERLIN, NOW) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_a_night_ends_on_the_day_after_it_began() -> None:
    window = times.window(None, "23:00", "03:00", NOW)
    assert window is not None
    assert (window.since, window.until) == (NOW - timedelta(hours=6), NOW - timedelta(hours=2))


def test_a_time_that_the_clock_skips_is_refused() -> None:
    with pytest.raises(RunbookError, match=r"2026-03-29 02:30 does not exist in Europe/Berlin.*Write 2026-03-29T03:30"):
        times.instant("2026-03-29T02:30", BERLIN, NOW)


def test_a_window_between_times_that_the_clock_shows_twice_has_both() -> None:
    window = times.window(None, "2026-10-25T02:00", "2026-10-25T02:30", NOW, BERLIN)
    assert window is not None
    assert (window.since, window.until) == (
        datetime(2026, 10, 25, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    )


def test_around_a_time_that_the_clock_shows_twice_needs_an_offset() -> None:
    write = r"write 2026-10-25T02:30\+02:00 or 2026-10-25T02:30\+01:00"
    with pytest.raises(RunbookError, match=write):
        times.around("2026-10-25T02:30", 5, BERLIN, NOW)


def test_around_the_future_is_refused() -> None:
    with pytest.raises(RunbookError, match="is in the future: now it is 2026-11-24 05:00:00 UTC"):
        times.around("2026-11-24T05:11", 10, present=NOW)
