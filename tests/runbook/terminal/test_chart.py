"""Charts of results."""

import io
import re
import sys
from datetime import datetime, timedelta

import pytest

from runbook.errors import RunbookError
from runbook.terminal import chart, printing, streams
from tests.support.terminal import terminal

COLUMNS = ("app", "hour", "errors")
HOUR = datetime.fromisoformat("2026-11-24T03:00")


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
        pytest.param(["app", "n"], [("a", None)], id="not all numbers"),
        pytest.param(["app", "n"], [("a", 1.5), ("b", float("nan"))], id="not a number"),
        pytest.param(["hour", "n"], [(HOUR, 1.5), (HOUR + timedelta(hours=1), float("inf"))], id="infinite"),
    ],
)
def test_what_is_no_series_is_said(columns: list[str], rows: list[tuple[object, ...]]) -> None:
    with pytest.raises(RunbookError, match="a chart needs a column of numbers, and one of times"):
        chart.draw(columns, rows)


def test_the_named_column_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    """Other numbers are no labels, whatever they are."""
    printing.show(
        chart.draw(["app", "requests", "errors", "p95"], [("api", 90, 3, None), ("web", 80, 6, 1.5)], "errors")
    )
    assert capsys.readouterr().out.splitlines() == [
        "     errors",
        f"api       3  {'█' * 20}",
        f"web       6  {'█' * 40}",
    ]


def test_the_named_column_can_be_the_first_of_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    printing.show(chart.draw(["requests", "status"], [(8, 200)], "requests"))
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["200", "8"]


def test_a_named_column_without_numbers_is_said() -> None:
    with pytest.raises(RunbookError, match="a chart needs numbers in errors, and a column of times or labels"):
        chart.draw(["app", "n", "errors"], [("a", 1, "x")], "errors")


def test_a_null_is_not_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    printing.show(chart.draw(["app", "p95"], [("api", None), ("web", 1.5)]))
    assert capsys.readouterr().out.splitlines()[1:] == ["api    -", f"web  1.5  {'█' * 40}"]
    times = [HOUR + timedelta(hours=number) for number in range(3)]
    printing.show(chart.draw(["hour", "p95"], list(zip(times, (1.5, None, 2.5), strict=True))))
    assert "11-24 05:00" in capsys.readouterr().out


def test_no_rows_are_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    printing.show(chart.draw(COLUMNS, [], "errors"))
    assert capsys.readouterr().out == "(no rows)\n"


@pytest.mark.parametrize("width", [20, 40, 60, 120])
def test_bars_keep_long_labels_whole(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    shown = terminal(monkeypatch, width)
    path = "/api/v1/orders/0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77"
    printing.show(chart.draw(["path", "hits"], [(path, 40), ("/b", 10)]))
    assert path in shown.text()
    bars = re.findall("█+", shown.text())
    assert len(bars[0]) == pytest.approx(4 * len(bars[1]), abs=2)
    assert all(len(line.rstrip()) <= max(width, len(path)) for line in shown.text().splitlines())


def test_charts_are_drawn_in_ascii_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    streams.prepare()
    printing.show(chart.draw(["path", "hits"], [("/a", 40)]))
    printing.show(chart.draw(["hour", "hits"], [(HOUR, 40), (HOUR + timedelta(hours=1), 50)]))
    sys.stdout.flush()
    shown = written.getvalue().decode("ascii")
    assert "#" * 40 in shown
    assert "**" in shown
    assert "\\" not in shown
