"""Prints results: tables for people, CSV and JSON for programs. Colour only on a terminal; times in UTC."""

import csv
import json
import math
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runbook.terminal import streams, tables

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

# A pipe has no width, and its reader wants whole values.
_PIPE_WIDTH = 4000
NO_ROWS = "(no rows)"
# JSON allows them in strings, but they end lines or control the terminal: C1, line separators, direction marks.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def console(*, stderr: bool = False) -> "Console":
    """A console on stdout, or on stderr for what is not the result: progress, questions, notes."""
    from runbook.terminal.rich_console import PipeConsole

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return PipeConsole(stderr=stderr, highlight=False, width=None if terminal else _PIPE_WIDTH, legacy_windows=False)


@contextmanager
def status(text: str) -> Iterator[Callable[[str], None]]:
    """Show a status line on a terminal until the block ends; gives a function that updates it."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield lambda _: None
        return
    with out.status(text, spinner="dots" if streams.is_unicode(stderr=True) else "line") as shown:
        yield shown.update


def note(text: str) -> None:
    """Print a note to stderr, dimmed."""
    from rich.text import Text

    console(stderr=True).print(Text(text, style="dim"), soft_wrap=True)


def show(renderable: "RenderableType") -> None:
    """Print a rich renderable to stdout; to a pipe without colour and without trailing spaces.

    A Text with `no_wrap` is left to the terminal to wrap.
    """
    from rich.text import Text

    out = console()
    # Rich joins texts before it prints them, which loses this.
    unwrapped = isinstance(renderable, Text) and bool(renderable.no_wrap)
    if out.is_terminal:
        out.print(renderable, soft_wrap=unwrapped)
        return
    with out.capture() as captured:
        out.print(renderable, soft_wrap=unwrapped)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def lines(texts: "Iterable[Text]") -> None:
    """Print lines to stdout without wrapping, so that people can copy them; to a pipe without colour."""
    out = console()
    for text in texts:
        if out.is_terminal:
            out.print(text, soft_wrap=True)
        else:
            print(text.plain)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as a table, numbers right-aligned; `(no rows)` if there are none.

    On a terminal that is too narrow, the rows are printed one after the other, one line per value. In a pipe one row is
    one line.
    """
    from rich.text import Text

    names = [printable(name) for name in columns]
    cells = [list(map(_cell, row)) for row in rows]
    if not cells:
        show(Text(NO_ROWS, style="dim"))
        return
    if not sys.stdout.isatty():
        sys.stdout.writelines(f"{line}\n" for line in tables.aligned(names, cells))
        return
    layout = tables.fit(names, cells, console().width)
    if layout:
        show(tables.boxed(names, cells, layout, ascii_only=not streams.is_unicode()))
    else:
        lines(tables.records(names, cells))


def comma_separated(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print CSV with a header; NULL is an empty field, numbers have all their digits and no exponent."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_field, row) for row in rows)


def document(value: Mapping[str, Any]) -> None:
    """Print a JSON document; times as ISO 8601 in UTC, decimals as numbers."""
    print(as_json(value, indent=2))


def as_json(value: Mapping[str, Any], *, indent: int | None = None) -> str:
    r"""Format JSON for stdout: in one line without `indent`, and valid in any encoding.

    What stdout cannot write, ends a line or controls the terminal is escaped as `\u2028`.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=not streams.is_unicode(), default=plain)
    return _UNSAFE_IN_JSON.sub(lambda char: f"\\u{ord(char[0]):04x}", text)


# ---------------------------------------------------------------- values


def text(value: object) -> str:
    """Format a value for people, without control characters, which could control the terminal."""
    match value:
        case datetime():
            return str(plain(value)).replace("T", " ").replace(".000Z", "Z")
        case bool():
            return str(value).lower()
        case int() | float() | Decimal() if is_number(value):
            return number(value)
    return printable(str(plain(value)))


def number(value: int | float | Decimal) -> str:
    """Format a finite number without exponent or separators, so that it can be compared and pasted.

    A float has all digits before its point, and six significant ones if there are fewer. A decimal is exact.
    """
    if not isinstance(value, float):
        return f"{value:d}" if isinstance(value, int) else f"{value:f}"
    exact = Decimal(repr(value))
    shown = f"{exact if value.is_integer() else round(exact, max(0, 5 - exact.adjusted())):f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) if value else "0"


def printable(value: str) -> str:
    r"""Escape control characters except TAB, line separators and invisible direction marks, as `\x1b`.

    So no value has a character at which str.splitlines() splits.
    """
    if value.isprintable():
        return value
    return "".join(char if char == "\t" or not _is_unsafe(char) else _escaped(char) for char in value)


def plain(value: object) -> str | int | float | bool | None:
    """Convert a value for JSON and CSV."""
    match value:
        case datetime():
            utc = value.astimezone(UTC) if value.tzinfo else value
            return f"{utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case None | str() | int() | float():
            return value
    return str(value)


def size(count: int) -> str:
    """Format bytes with a decimal unit: `12.3 MB`."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 999.95 or (unit == "B" and amount < 1000):
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def dollars(usd: float) -> str:
    """Format US dollars to the cent; less than half a cent as `less than $0.01`."""
    return f"${usd:,.2f}" if usd == 0 or usd >= 0.005 else "less than $0.01"


def rounded(number: float) -> float:
    """Round a number for a JSON document, to six decimals: US dollars, or a sum of fractions in any order."""
    return round(number, 6)


def counted(number: int, one: str, many: str) -> str:
    """Format a number with its noun: `1 object`, `2,000 objects`."""
    return f"{number:,} {one if number == 1 else many}"


def is_number(value: object) -> bool:
    """Whether a value is a finite number. True is not a number."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and math.isfinite(value)


def _is_unsafe(char: str) -> bool:
    # Zl and Zp are U+2028 and U+2029, which end a line without being control characters.
    category = unicodedata.category(char)
    return category.startswith("C") or category in {"Zl", "Zp"}


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def _cell(value: object) -> tables.Cell:
    if value is None:
        return tables.NULL
    return tables.Cell(text(value), numeric=is_number(value), wraps=isinstance(value, str))


def _field(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return text(value)
        case float() | Decimal() if is_number(value):
            return f"{Decimal(str(value)):f}"
    return plain(value)
