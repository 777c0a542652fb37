"""How answers look, on a terminal and in a pipe."""

import csv
import io
import json
import re
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.terminal import printing, streams

COLUMNS = ("app", "hour", "errors")
HOUR = datetime.fromisoformat("2026-11-24T03:00")
ROWS = [("raxx-api-prod", HOUR, 1200), ("raxx-console-prod", HOUR + timedelta(hours=1), None)]


def test_a_table_in_a_pipe_is_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers to the right, NULL as -, times in UTC, no colour, no spaces at the ends of lines."""
    printing.table(COLUMNS, ROWS)
    assert capsys.readouterr().out == (
        "app                hour                  errors\n"
        "raxx-api-prod      2026-11-24 03:00:00Z    1200\n"
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


@given(st.text())
def test_a_value_never_ends_its_line(text: str) -> None:
    """In a pipe one row is one line: programs split at U+2028 too."""
    assert len(printing.printable(f"a{text}b").splitlines()) == 1
    assert printing.printable("a\u2028b\u2029c") == "a\\u2028b\\u2029c"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1621, "1621"),
        (2953.7, "2953.7"),
        (187_654_321.0, "187654321"),
        (187_654_321.25, "187654321"),
        (1e22, "1" + "0" * 22),
        (1e300, "1" + "0" * 300),
        (33.333333333333336, "33.3333"),
        (99_999.96, "100000"),
        (0.0000483, "0.0000483"),
        (-2.5, "-2.5"),
        (Decimal("40.00"), "40.00"),
        (Decimal("1E+5"), "100000"),
        (Decimal("12345678901234567890.12"), "12345678901234567890.12"),
    ],
)
def test_numbers_have_no_exponent_no_separators_and_no_needless_digits(
    number: int | float | Decimal, text: str
) -> None:
    """`1.88e+08` and `187,654,321` can be neither compared with an id nor pasted into SQL."""
    assert printing.text(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value_to_six_digits(number: float) -> None:
    shown = printing.number(number)
    assert re.fullmatch(r"-?\d+(\.\d*[1-9])?", shown)
    assert float(shown) == pytest.approx(number, rel=5.1e-6)


def test_numbers_in_csv_have_all_their_digits(capsys: pytest.CaptureFixture[str]) -> None:
    printing.comma_separated(["n"], [[1e22], [Decimal("1E-7")], [0.1234567891], [True]])
    assert capsys.readouterr().out.split() == ["n", "1" + "0" * 22, "0.0000001", "0.1234567891", "true"]


@given(st.text())
def test_json_is_one_line_that_does_not_control_the_terminal(text: str) -> None:
    shown = printing.as_json({"message": text})
    assert json.loads(shown) == {"message": text}
    assert len(shown.splitlines()) == 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_valid_in_any_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Escapes of Python, such as `\\U0001f600`, are not JSON."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding=encoding))
    streams.prepare()
    printing.document({"message": "\U0001f600 \u20ac \xe9"})
    sys.stdout.flush()
    assert json.loads(written.getvalue()) == {"message": "\U0001f600 \u20ac \xe9"}


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


def test_dates_of_utc_are_not_moved() -> None:
    assert printing.plain(datetime(2026, 11, 24, 3, tzinfo=UTC)) == "2026-11-24T03:00:00.000Z"
