"""A log line is one line, to the second, in the reader's zone, and cannot control the terminal."""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.terminal import log_lines
from runbook.terminal.log_lines import Layout

THREE = datetime(2026, 11, 24, 3, tzinfo=UTC)
DAY = Layout(day=date(2026, 11, 24))


def shown(
    layout: Layout = DAY,
    time: datetime | str = THREE,
    *,
    app: str = "raxx-api-prod",
    source: str = "app",
    proc_id: str = "web.1",
    message: str = "hello",
) -> str:
    return log_lines.line(time, app, source, proc_id, message, layout).plain


def test_a_line_has_its_time_dyno_and_message() -> None:
    assert shown() == "03:00:00 web.1     hello"
    assert shown(time="2026-11-24T03:00:00.999999+00:00") == "03:00:00 web.1     hello"


def test_the_app_is_shown_if_there_are_several() -> None:
    apps = ("raxx-api-prod", "raxx-console-prod")
    one, two = (Layout.of(some, THREE, THREE) for some in (apps[:1], apps))
    assert shown(one) == "03:00:00 web.1     hello"
    assert shown(two) == "03:00:00 raxx-api-prod     web.1     hello"


def test_the_date_is_shown_of_several_days_in_the_readers_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    day = Layout.of((), THREE, THREE + timedelta(hours=20, minutes=59))
    assert shown(day) == "03:00:00 web.1     hello"
    assert shown(day, THREE + timedelta(days=1)) == "2026-11-25 03:00:00 web.1     hello"
    night = Layout.of((), THREE, THREE + timedelta(hours=20, minutes=59), berlin)
    assert shown(night) == "2026-11-24 04:00:00 web.1     hello"


def test_a_time_that_is_not_valid_is_shown_as_it_is() -> None:
    assert shown(time="") == " web.1     hello"
    assert shown(time="24:00\x1b") == "24:00\\x1b web.1     hello"


@pytest.mark.parametrize(
    ("source", "proc_id", "name"),
    [
        ("app", "web.1", "web.1"),
        ("heroku", "router", "router"),
        ("heroku", "web.1", "heroku/web.1"),
        ("app", "api", "api"),
        ("logdrain", "quarantine", "logdrain/quarantine"),
    ],
)
def test_the_source_is_named_where_it_tells_lines_apart(source: str, proc_id: str, name: str) -> None:
    assert log_lines.dyno(source, proc_id) == name


@given(st.text() | st.text(st.sampled_from("a\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029\x1b\x9b\u202e\t")))
def test_a_log_line_is_one_line_whatever_it_holds(text: str) -> None:
    for part in ("app", "source", "proc_id", "message", "time"):
        line = shown(**{part: text})  # type: ignore[arg-type]
        assert len(line.splitlines()) == 1
        assert not [char for char in line if unicodedata.category(char)[0] == "C" and char != "\t"]


def test_a_dyno_keeps_its_colour_and_another_has_another() -> None:
    def colour(proc_id: str) -> str:
        text = log_lines.line(THREE, "a", "app", proc_id, "", DAY)
        return str(text.spans[-1].style)

    assert colour("web.1") == colour("web.1") != colour("web.2")


def test_matches_are_highlighted_in_the_message_only() -> None:
    text = log_lines.line(THREE, "web", "app", "web.1", "web web", Layout(marked=(re.compile("web"),)))
    marked = [text.plain[span.start : span.end] for span in text.spans if span.style == "bold red"]
    assert marked == ["web", "web"]


@pytest.mark.parametrize(
    ("zone", "hours", "heading"),
    [
        ("UTC", 1, "2026-11-24 03:00:00 to 04:00:00 UTC"),
        ("UTC", 21, "2026-11-24 03:00:00 to 2026-11-25 00:00:00 UTC"),
        ("America/New_York", 1, "2026-11-23 22:00:00 to 23:00:00 America/New_York"),
    ],
)
def test_the_heading_names_window_and_zone(zone: str, hours: int, heading: str) -> None:
    assert log_lines.heading(THREE, THREE + timedelta(hours=hours), ZoneInfo(zone)) == heading
