"""Rows in JSON: the same documents as those of `printing`, and lines that no program splits."""

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import Any

import pytest

from runbook.terminal import printing, row_stream

COLUMNS = ("text", "n")
ROWS = [("a\nb\u2028\u2029\x85c", 1), (None, 2.5), (datetime(2026, 11, 24, tzinfo=UTC), True)]


@pytest.mark.parametrize("rows", [[], [("a", 1)], [("a", 1), (None, 2.5), ({"b": ["c"]}, True)]])
@pytest.mark.parametrize("before", [{}, {"sql": "SELECT\n1", "columns": [{"name": "text"}]}])
@pytest.mark.parametrize("after", [{}, {"complete": True, "cost_usd": 0.1}])
def test_a_document_is_the_one_that_is_printed_at_once(
    rows: list[tuple[object, ...]], before: dict[str, Any], after: dict[str, Any]
) -> None:
    streamed, at_once = io.StringIO(), io.StringIO()
    with redirect_stdout(streamed):
        row_stream.document(before, COLUMNS, iter(rows), lambda: after)
    with redirect_stdout(at_once):
        printing.document({**before, "rows": [dict(zip(COLUMNS, row, strict=True)) for row in rows], **after})
    assert streamed.getvalue() == at_once.getvalue()


def csv_or_json(name: str, rows: Iterator[tuple[object, ...]]) -> None:
    match name:
        case "csv":
            printing.comma_separated(COLUMNS, rows)
        case "json":
            row_stream.document({}, COLUMNS, rows, dict)
        case _:
            row_stream.json_lines(COLUMNS, rows)


@pytest.mark.parametrize("name", ["csv", "json", "jsonl"])
def test_a_row_is_written_before_the_next_one_is_read(name: str) -> None:
    """Otherwise a result has to fit into memory."""
    out = io.StringIO()

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(5):
            assert number == 0 or f"row-{number - 1}" in out.getvalue()
            yield f"row-{number}", number

    with redirect_stdout(out):
        csv_or_json(name, rows())
    assert "row-4" in out.getvalue()


def test_each_row_is_one_line_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    row_stream.json_lines(COLUMNS, ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == r'{"text": "a\nb\u2028\u2029\u0085c", "n": 1}'
    assert [json.loads(line)["text"] for line in lines] == [ROWS[0][0], None, "2026-11-24T00:00:00.000Z"]


def test_statistics_are_asked_for_behind_the_last_row(capsys: pytest.CaptureFixture[str]) -> None:
    left = list(ROWS)
    rows = (left.pop() for _ in ROWS)
    row_stream.document({}, COLUMNS, rows, lambda: {"left": len(left)})
    assert json.loads(capsys.readouterr().out)["left"] == 0
