"""Prints results: tables for people, CSV and JSON for programs. Colour only on a terminal; times in UTC."""

import csv
import json
import math
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

# A pipe has no width, and its reader wants whole values.
_PIPE_WIDTH = 4000


def console(*, stderr: bool = False) -> "Console":
    """A console on stdout, or on stderr for what is not the result: progress, questions, notes."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, width=None if terminal else _PIPE_WIDTH, legacy_windows=False)


@contextmanager
def status(text: str) -> Iterator[Callable[[str], None]]:
    """Show a status line on a terminal until the block ends; gives a function that updates it."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield lambda _: None
        return
    with out.status(text) as shown:
        yield shown.update


def note(text: str) -> None:
    """Print a note to stderr, dimmed."""
    from rich.text import Text

    console(stderr=True).print(Text(text, style="dim"), soft_wrap=True)


def show(renderable: "RenderableType") -> None:
    """Print a rich renderable to stdout; to a pipe without colour and without trailing spaces."""
    out = console()
    if out.is_terminal:
        out.print(renderable)
        return
    with out.capture() as captured:
        out.print(renderable)
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
    """Print rows as a table, numbers right-aligned; `(no rows)` if there are none."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    listed = [list(row) for row in rows]
    if not listed:
        show(Text("(no rows)", style="dim"))
        return
    shown = Table(box=SIMPLE_HEAD if console().is_terminal else None, header_style="bold", pad_edge=False)
    for number, name in enumerate(columns):
        numeric = all(is_number(row[number]) or row[number] is None for row in listed)
        shown.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        shown.add_row(*(Text("-", style="dim") if value is None else Text(text(value)) for value in row))
    show(shown)


def comma_separated(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print CSV with a header; NULL is an empty field."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if value is None else plain(value) for value in row] for row in rows)


def document(value: Mapping[str, Any]) -> None:
    """Print a JSON document; times as ISO 8601 in UTC, decimals as numbers."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=plain))


# ---------------------------------------------------------------- values


def text(value: object) -> str:
    """Format a value for people, without control characters, which could control the terminal."""
    match value:
        case datetime():
            return str(plain(value)).replace("T", " ").replace(".000Z", "Z")
        case int() if is_number(value):
            return f"{value:,}"
        case float() | Decimal() if is_number(value):
            return f"{value:,.6g}"
    return printable(str(plain(value)))


def printable(value: str) -> str:
    r"""Escape control characters except TAB, and invisible direction marks, as `\x1b`."""
    if value.isprintable():
        return value
    return "".join(
        char if char in "\t" or not unicodedata.category(char).startswith("C") else _escaped(char) for char in value
    )


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


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"
