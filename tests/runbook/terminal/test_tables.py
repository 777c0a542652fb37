"""Tables: at any width every value is whole, and no column disappears."""

import io
import sys
from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.terminal import printing, streams
from tests.support.terminal import terminal

REQUEST_ID = "0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77"
COLUMNS = ("app", "log_ts", "wait_ms", "request_id", "message")
ROWS: list[Sequence[object]] = [
    ("raxx-api-prod", datetime.fromisoformat("2026-11-24T03:00"), 30_000, REQUEST_ID, "timeout of the upstream"),
    ("raxx-api-prod", datetime.fromisoformat("2026-11-24T03:01"), 2953.7, None, "at=error code=H12"),
]

AT_120 = """\
app            log_ts                wait_ms  request_id                            message
───────────────────────────────────────────────────────────────────────────────────────────────────────────
raxx-api-prod  2026-11-24 03:00:00Z    30000  0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77  timeout of the upstream
raxx-api-prod  2026-11-24 03:01:00Z   2953.7  -                                     at=error code=H12
"""
AT_102 = """\
app            log_ts                wait_ms  request_id                            message
──────────────────────────────────────────────────────────────────────────────────────────────────────
raxx-api-prod  2026-11-24 03:00:00Z    30000  0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77  timeout of the
                                                                                    upstream
raxx-api-prod  2026-11-24 03:01:00Z   2953.7  -                                     at=error code=H12
"""
AT_60 = """\
row 1 of 2
app         raxx-api-prod
log_ts      2026-11-24 03:00:00Z
wait_ms     30000
request_id  0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77
message     timeout of the upstream

row 2 of 2
app         raxx-api-prod
log_ts      2026-11-24 03:01:00Z
wait_ms     2953.7
request_id  -
message     at=error code=H12
"""


def plain_lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize(("width", "expected"), [(120, AT_120), (102, AT_102), (80, AT_60), (60, AT_60)])
def test_a_table_that_does_not_fit_is_shown_row_by_row(
    monkeypatch: pytest.MonkeyPatch, width: int, expected: str
) -> None:
    shown = terminal(monkeypatch, width)
    printing.table(COLUMNS, ROWS)
    assert plain_lines(shown.text()) == expected.splitlines()


def test_a_single_row_has_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch, 30)
    printing.table(COLUMNS, ROWS[:1])
    assert shown.text().splitlines()[0] == "app         raxx-api-prod"


def test_a_terminal_gets_colour_and_long_values_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not broken by us: the terminal wraps it, and a copy of it has no line breaks."""
    shown = terminal(monkeypatch, 40)
    printing.table(["message"], [["x" * 100]])
    assert shown.getvalue() == f"\x1b[36mmessage  \x1b[0m{'x' * 100}\n"


def test_a_high_row_is_shown_as_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch, 40)
    message = " ".join(["word"] * 100)
    printing.table(["app", "message"], [["api", message]])
    assert shown.text() == f"app      api\nmessage  {message}\n"


WORDS = st.lists(st.text("abc日é\t\x1b[]", min_size=1, max_size=12), max_size=5).map(" ".join)
VALUES = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.booleans(), WORDS, st.datetimes())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), width=st.integers(1, 130))
def test_no_value_is_cut_and_no_column_lost(monkeypatch: pytest.MonkeyPatch, data: st.DataObject, width: int) -> None:
    columns = data.draw(st.lists(st.text("ab_ [", min_size=1, max_size=9), min_size=1, max_size=8))
    rows = data.draw(st.lists(st.tuples(*(VALUES for _ in columns)), min_size=1, max_size=4))
    with monkeypatch.context() as patch:
        shown = terminal(patch, width)
        printing.table(columns, rows)
    printed = shown.text().split()
    values = [printing.text(value) for row in rows for value in row if value is not None]
    missing = [word for text in [*columns, *values] for word in text.split() if word not in printed]
    assert not missing
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", piped := io.StringIO())
        printing.table(columns, rows)
    assert len(piped.getvalue().splitlines()) == 1 + len(rows)
    assert all(text.rstrip() in piped.getvalue() for text in values)


@pytest.mark.parametrize("text", ["  com.example.Handler at", "\tcom.example.Handler at"])
def test_indented_text_is_whole(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A space before a word does not make it break, whatever the width."""
    for width in range(10, 40):
        with monkeypatch.context() as patch:
            shown = terminal(patch, width)
            printing.table(["app", "message"], [["api", text]])
        assert text.split()[0] in shown.text()


def test_names_of_columns_do_not_control_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQL can name a column anything."""
    shown = terminal(monkeypatch, 80)
    printing.table(["\x1b[2J", "[red]a[/red]"], [[1, 2]])
    assert plain_lines(shown.text())[0] == r"\x1b[2J  [red]a[/red]"


def test_wide_characters_take_two_cells(capsys: pytest.CaptureFixture[str]) -> None:
    printing.table(["a", "b"], [["日本", 1], ["xyz", 2]])
    assert capsys.readouterr().out == "a     b\n日本  1\nxyz   2\n"


def test_a_table_is_drawn_in_ascii_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ascii(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    written = io.BytesIO()
    terminal(monkeypatch, 80)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stdout", Ascii(written, encoding="ascii"))
    streams.prepare()
    printing.table(["app", "n"], [["api", 1]])
    sys.stdout.flush()
    assert plain_lines(written.getvalue().decode("ascii")) == ["app  n", "------", "api  1"]
