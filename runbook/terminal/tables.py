"""Lays out rows as tables: aligned columns, or one record after the other. No value is cut or broken."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

# Spaces between two columns: two if they fit, so that texts beside each other stay apart.
_GAPS = (2, 1)
_PIPE_GAP = 2
# Above this height, a row is easier to read as a record.
_MOST_LINES = 4


class Cell(NamedTuple):
    """A formatted value. `wraps`: a line may end at its spaces."""

    text: str
    numeric: bool = False
    wraps: bool = False


# SQL's NULL; it does not keep a column of numbers from being right-aligned.
NULL = Cell("-", numeric=True)

Rows = Sequence[Sequence[Cell]]


class Layout(NamedTuple):
    """The widths of a table's columns, in terminal cells, and of the gaps between them."""

    widths: list[int]
    gap: int


def fit(columns: Sequence[str], rows: Rows, width: int) -> Layout | None:
    """Fit a table into a width; None if no word of it may be broken and it still does not fit."""
    cells = [[Cell(name, wraps=True), *(_expanded(row[index]) for row in rows)] for index, name in enumerate(columns)]
    natural = [max(cell_width(cell.text) for cell in column) for column in cells]
    least = [max(map(_least, column)) for column in cells]
    for gap in _GAPS:
        room = width - gap * (len(columns) - 1)
        if sum(natural) <= room:
            return Layout(natural, gap)
        if sum(least) <= room:
            widths = _shared(least, natural, room)
            lines = max(_lines(cell, most) for column, most in zip(cells, widths, strict=True) for cell in column)
            if lines <= _MOST_LINES:
                return Layout(widths, gap)
    return None


def boxed(columns: Sequence[str], rows: Rows, layout: Layout, *, ascii_only: bool) -> "Table":
    """A table for a terminal."""
    from rich.box import SIMPLE_HEAD, Box
    from rich.table import Table
    from rich.text import Text

    box = Box(str(SIMPLE_HEAD).replace("─", "-"), ascii=True) if ascii_only else SIMPLE_HEAD
    # The box itself separates columns by one space.
    padding = (0, layout.gap - 1, 0, 0)
    drawn = Table(box=box, show_edge=False, pad_edge=False, padding=padding, header_style="bold")
    for name, width, right in zip(columns, layout.widths, _right(columns, rows), strict=True):
        drawn.add_column(Text(name), width=width, justify="right" if right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*map(_styled, map(_expanded, row)))
    return drawn


def records(columns: Sequence[str], rows: Rows) -> "Iterator[Text]":
    """One line per value, with its column's name; long values are left to the terminal, so that they can be copied."""
    from rich.text import Text

    widest = max(map(cell_width, columns), default=0)
    for number, row in enumerate(rows, 1):
        if number > 1:
            yield Text()
        if len(rows) > 1:
            yield Text(f"row {number} of {len(rows)}", style="bold")
        for name, cell in zip(columns, row, strict=True):
            yield Text.assemble((f"{padded(name, widest)}  ", "cyan"), _styled(cell))


def aligned(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    """Lines for a pipe, which has no width: one line per row."""
    widths = [max(map(cell_width, [name, *(row[index].text for row in rows)])) for index, name in enumerate(columns)]
    right = _right(columns, rows)
    for line in (columns, *([cell.text for cell in row] for row in rows)):
        texts = (padded(text, width, right=to) for text, width, to in zip(line, widths, right, strict=True))
        yield (" " * _PIPE_GAP).join(texts).rstrip()


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text up with spaces to a width in terminal cells."""
    spaces = " " * (width - cell_width(text))
    return spaces + text if right else text + spaces


def cell_width(text: str) -> int:
    """The terminal cells of a text: East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _right(columns: Sequence[str], rows: Rows) -> list[bool]:
    return [all(row[index].numeric for row in rows) for index in range(len(columns))]


def _shared(least: Sequence[int], natural: Sequence[int], room: int) -> list[int]:
    """Share the room among columns: each further cell goes to the column that lacks most in proportion."""
    widths = list(least)
    for _ in range(room - sum(least)):
        lacking = max(range(len(widths)), key=lambda index: natural[index] / max(1, widths[index]))
        widths[lacking] += 1
    return widths


def _expanded(cell: Cell) -> Cell:
    """A cell with spaces for its tabs, as rich prints it."""
    return cell._replace(text=cell.text.expandtabs(8)) if "\t" in cell.text else cell


def _words(text: str) -> list[str]:
    """What rich does not break: words, the first with the spaces before it."""
    return re.findall(r"^\s*\S+|\S+", text)


def _least(cell: Cell) -> int:
    return max(map(cell_width, _words(cell.text)), default=0) if cell.wraps else cell_width(cell.text)


def _lines(cell: Cell, width: int) -> int:
    if not cell.wraps:
        return 1
    lines, used = 1, 0
    for word in _words(cell.text):
        length = cell_width(word)
        if used and used + 1 + length > width:
            lines, used = lines + 1, length
        else:
            used += length + bool(used)
    return lines


def _styled(cell: Cell) -> "Text":
    from rich.text import Text

    return Text(cell.text, style="dim" if cell is NULL else "")
