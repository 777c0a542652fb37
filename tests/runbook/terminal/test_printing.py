"""How answers look, on a terminal and in a pipe."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.errors import RunbookError
from runbook.terminal import chart, printing

COLUMNS = ("app", "hour", "errors")
HOUR = datetime.fromisoformat("2026-11-24T03:00")
ROWS = [("raxx-api-prod", HOUR, 1200), ("raxx-console-prod", HOUR + timedelta(hours=1), None)]


def test_a_table_in_a_pipe_is_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers to the right, NULL as -, times in UTC, no colour, no spaces at the ends of lines."""
    printing.table(COLUMNS, ROWS)
    assert capsys.readouterr().out == (
        "app                hour                  errors\n"
        "raxx-api-prod      2026-11-24 03:00:00Z   1,200\n"
        "raxx-console-prod  2026-11-24 04:00:00Z       -\n"
    )


def test_a_pipe_gets_no_colour_and_whole_values(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 3000
    printing.table(["message"], [[long]])
    printing.note("a note")
    printed = capsys.readouterr()
    assert long in printed.out
    assert "\x1b" not in printed.out + printed.err


def test_no_rows_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    printing.table(COLUMNS, [])
    assert capsys.readouterr().out == "(no rows)\n"


def test_csv_is_read_back_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    printing.comma_separated(["a", "b"], [['quote " comma , line \n', None], [Decimal("1.5"), HOUR]])
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        ["a", "b"],
        ['quote " comma , line \n', ""],
        ["1.5", "2026-11-24T03:00:00.000Z"],
    ]


def test_json_is_one_document_with_times_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    east = datetime(2026, 11, 24, 4, tzinfo=timezone(timedelta(hours=1)))
    printing.document({"east": east, "none": None, "decimal": Decimal("1.5"), "day": date(2026, 11, 24), "text": "é"})
    assert json.loads(capsys.readouterr().out) == {
        "east": "2026-11-24T03:00:00.000Z",
        "none": None,
        "decimal": 1.5,
        "day": "2026-11-24",
        "text": "é",
    }


@given(st.text())
def test_nothing_that_is_printed_steers_the_terminal(text: str) -> None:
    """A line of a log can hold an escape sequence, in C1 too; what is printable stays."""
    shown = printing.printable(text)
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert shown == text or not text.isprintable()


def test_a_control_character_is_shown_as_its_code() -> None:
    assert printing.printable("a\x1b[31m\x9b\tb\u202e") == "a\\x1b[31m\\x9b\tb\\u202e"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (999_949, "999.9 KB"), (999_950, "1.0 MB"), (5 * 10**12, "5.0 TB")],
)
def test_sizes_have_a_unit_of_a_thousand(count: int, text: str) -> None:
    assert printing.size(count) == text


@pytest.mark.parametrize(
    ("usd", "text"), [(0, "$0.00"), (0.0001, "less than $0.01"), (0.005, "$0.01"), (1234.5, "$1,234.50")]
)
def test_money_is_to_the_cent_and_little_is_not_nothing(usd: float, text: str) -> None:
    assert printing.dollars(usd) == text


# ---------------------------------------------------------------- charts


def test_a_series_over_time_is_drawn_as_curves_with_their_labels(capsys: pytest.CaptureFixture[str]) -> None:
    hours = [HOUR + timedelta(hours=number) for number in range(6)]
    rows = [(app, hour, number) for app in ("api", "console") for number, hour in enumerate(hours)]
    printing.show(chart.draw(COLUMNS, rows))
    drawn = capsys.readouterr().out
    assert all(text in drawn for text in ("errors", "api", "console", "11-24 03:00"))
    assert "\x1b" not in drawn


def test_a_curve_is_cut_where_times_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """An hour without errors has no row: a line through it would show errors that were not."""
    rows = [("api", HOUR + timedelta(hours=number), 5) for number in (0, 1, 6, 7)]
    printing.show(chart.draw(COLUMNS, rows))
    [drawn] = [row for row in capsys.readouterr().out.splitlines() if "••" in row]
    assert len(re.findall("•+", drawn)) == 2


def test_what_has_no_time_is_drawn_as_bars_in_proportion(capsys: pytest.CaptureFixture[str]) -> None:
    printing.show(chart.draw(["path", "hits"], [("/a", 40), ("/b", 10), (None, 0)]))
    _, first, second, third = capsys.readouterr().out.splitlines()
    assert re.findall("█+", first + " " + second) == ["█" * 40, "█" * 10]
    assert third.split() == ["-", "0"]


def test_numbers_by_a_number_take_the_first_as_the_label(capsys: pytest.CaptureFixture[str]) -> None:
    """Requests by status."""
    printing.show(chart.draw(["status", "requests"], [(200, 8), (503, 2)]))
    assert "200" in capsys.readouterr().out.splitlines()[1]


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        pytest.param(["app"], [("a",)], id="no number"),
        pytest.param(["n"], [(1,)], id="nothing beside it"),
        pytest.param(["app", "n"], [], id="no rows"),
        pytest.param(["app", "n"], [("a", None)], id="not all numbers"),
        pytest.param(["app", "n"], [("a", 1.5), ("b", float("nan"))], id="not a number"),
        pytest.param(["hour", "n"], [(HOUR, 1.5), (HOUR + timedelta(hours=1), float("inf"))], id="infinite"),
    ],
)
def test_what_is_no_series_is_said(columns: list[str], rows: list[tuple[object, ...]]) -> None:
    with pytest.raises(RunbookError, match="are no series: a chart takes a column of numbers beside one of times"):
        chart.draw(columns, rows)


def test_a_terminal_gets_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pipe goes without."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    printing.table(["message"], [["x" * 100]])
    assert "\x1b[1m" in terminal.getvalue()
    assert terminal.getvalue().count("x") == 100, "a long value is folded, not cut"


def test_dates_of_utc_are_not_moved() -> None:
    assert printing.plain(datetime(2026, 11, 24, 3, tzinfo=UTC)) == "2026-11-24T03:00:00.000Z"
