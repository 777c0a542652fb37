"""How answers look: tables for people, CSV and JSON for programs. Colour only on a terminal; times are UTC."""

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

# A pipe has no width: what reads it wants whole values.
_PIPE_WIDTH = 4000


def console(*, stderr: bool = False) -> "Console":
    """Where to print; `stderr` is for what is no part of the answer: progress, questions, notes."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, width=None if terminal else _PIPE_WIDTH, legacy_windows=False)


@contextmanager
def status(text: str) -> Iterator[Callable[[str], None]]:
    """Say on a terminal what is under way, until the block ends; gives what says how far it is."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield lambda _: None
        return
    with out.status(text) as shown:
        yield shown.update


def note(text: str) -> None:
    """Say something beside the answer, dim, on stderr."""
    from rich.text import Text

    console(stderr=True).print(Text(text, style="dim"), soft_wrap=True)


def show(renderable: "RenderableType") -> None:
    """Print something of rich's on stdout; in a pipe without colour and without spaces at the ends of lines."""
    out = console()
    if out.is_terminal:
        out.print(renderable)
        return
    with out.capture() as captured:
        out.print(renderable)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns' names, numbers to the right; `(no rows)` when there are none."""
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
    """Print CSV with a header line; NULL is an empty field."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if value is None else plain(value) for value in row] for row in rows)


def document(value: Mapping[str, Any]) -> None:
    """Print a JSON document; times are ISO 8601 in UTC, decimals numbers."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=plain))


# ---------------------------------------------------------------- values


def text(value: object) -> str:
    """A value for people to read: no control character, which could steer the terminal, gets through."""
    match value:
        case datetime():
            return str(plain(value)).replace("T", " ").replace(".000Z", "Z")
        case int() if is_number(value):
            return f"{value:,}"
        case float() | Decimal() if is_number(value):
            return f"{value:,.6g}"
    return printable(str(plain(value)))


def printable(value: str) -> str:
    r"""The text with control characters but TAB as `\x1b`, and invisible marks of direction likewise."""
    if value.isprintable():
        return value
    return "".join(
        char if char in "\t" or not unicodedata.category(char).startswith("C") else _escaped(char) for char in value
    )


def plain(value: object) -> str | int | float | bool | None:
    """A value as JSON and CSV have it."""
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
    """Bytes with a unit: `12.3 MB`, a thousand of one being one of the next."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 999.95 or (unit == "B" and amount < 1000):
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def dollars(usd: float) -> str:
    """An amount of money: to the cent, and what is less than half of one as less."""
    return f"${usd:,.2f}" if usd == 0 or usd >= 0.005 else "less than $0.01"


def rounded(usd: float) -> float:
    """An amount of money for a JSON document: to the millionth of a dollar."""
    return round(usd, 6)


def counted(number: int, one: str, many: str) -> str:
    """A number of things: `1 object`, `2,000 objects`."""
    return f"{number:,} {one if number == 1 else many}"


def is_number(value: object) -> bool:
    """Whether a value is a finite number, which True is not."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and math.isfinite(value)


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"
