"""What --last, --from and --to mean, and what is said of what they cannot mean."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.errors import RunbookError
from runbook.terminal import times

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        (" 5m ", timedelta(minutes=5)),
    ],
)
def test_a_span_is_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert times.duration(text) == span


@pytest.mark.parametrize("text", ["", "m", "0m", "-5m", "5", "5 m", "1.5h", "5M", "5y", "1h30m", "٣m", "9999999d"])
def test_anything_else_is_no_span_and_the_error_shows_one(text: str) -> None:
    with pytest.raises(RunbookError, match="write 90s, 30m, 24h, 7d or 2w"):
        times.duration(text)


@pytest.mark.parametrize(
    "text",
    ["2026-11-24T03:00", "2026-11-24 03:00", "2026-11-24T03:00:00Z", "2026-11-24T04:00+01:00", "20261124T030000"],
)
def test_a_time_without_an_offset_is_utc(text: str) -> None:
    """Whoever reads logs at 3 a.m. reads them in UTC, whatever the zone of the machine."""
    moment = times.instant(text)
    assert (moment, moment.utcoffset()) == (datetime(2026, 11, 24, 3, tzinfo=UTC), timedelta(0))


@pytest.mark.parametrize("text", ["", "yesterday", "24.11.2026", "03:00", "2026-13-01", "0001-01-01T00:00+14:00", "'"])
def test_anything_else_is_no_time_and_the_error_shows_one(text: str) -> None:
    with pytest.raises(RunbookError, match="write ISO 8601, such as 2026-11-24"):
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
        pytest.param(None, None, "2026-11-24", "--to alone is no window", id="only-an-end"),
        pytest.param("1h", "2026-11-24", None, "exclude each other", id="two-beginnings"),
        pytest.param(None, "2026-11-24", "2026-11-23", "must end after it begins", id="backwards"),
        pytest.param(None, "2026-11-25", None, "must end after it begins", id="from-the-future"),
        pytest.param("400d", None, None, "at most 366 days", id="too-long"),
        pytest.param("999999w", None, None, "at most 366 days|out of range", id="before-all-time"),
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
    with pytest.raises(RunbookError, match="minutes is 0"):
        times.around("2026-11-24T03:12", 0)
