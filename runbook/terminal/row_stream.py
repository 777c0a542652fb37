"""Writes rows to stdout as they come: in a JSON document, or as one JSON object per line."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from runbook.terminal import printing

_INDENT = 2


def document(
    before: Mapping[str, Any],
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    after: Callable[[], Mapping[str, Any]],
) -> None:
    """Print one JSON document with the list `rows` between two sets of keys; `after` is called behind the last row."""
    write = sys.stdout.write
    write(f"{_members(before)},\n" if before else "{\n")
    write(f'{" " * _INDENT}"rows": [')
    separator, margin = "", f"\n{' ' * 2 * _INDENT}"
    for row in rows:
        # A string in JSON has no line feed, so each is one of the layout.
        write(
            f"{separator}{margin}{printing.as_json(_as_object(columns, row), indent=_INDENT).replace(chr(10), margin)}"
        )
        separator = ","
    write(f"\n{' ' * _INDENT}]" if separator else "]")
    last = _members(after()).removeprefix("{")
    write(f",{last}\n}}\n" if last else "\n}\n")


def json_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print each row as a JSON object in one line."""
    for row in rows:
        sys.stdout.write(f"{printing.as_json(_as_object(columns, row))}\n")


def _members(value: Mapping[str, Any]) -> str:
    """An object without its end; empty for one without members."""
    return printing.as_json(value, indent=_INDENT).removesuffix("\n}") if value else ""


def _as_object(columns: Sequence[str], row: Sequence[object]) -> dict[str, object]:
    return dict(zip(columns, row, strict=True))
