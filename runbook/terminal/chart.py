"""Draws results as charts in the terminal: curves over time, otherwise one bar per row."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from runbook.errors import RunbookError
from runbook.terminal import printing
from runbook.terminal.tables import cell_width, padded

if TYPE_CHECKING:
    from rich.text import Text

# The longest bar, and the shortest that the longest may be beside its label.
_BAR, _LEAST_BAR = 40, 10
_WIDTH, _HEIGHT = 100, 20
_TICKS = 6
# More curves could not be told apart without colour, as in a pipe.
_MARKERS = (("•", "cyan"), ("x", "red"), ("o", "green"), ("+", "yellow"), ("#", "magenta"), ("=", "blue"))

Rows = Sequence[Sequence[object]]
Point = tuple[float, float]


def draw(columns: Sequence[str], rows: Rows, column: str | None = None) -> "Text":
    """Draw a column over a time column, with one curve per label; without times, draw bars. `(no rows)` if empty.

    Without `column`, the first numeric one is drawn. A NULL is not drawn. RunbookError for a result without such a
    numeric column, or with only that column.
    """
    from rich.text import Text

    if not rows:
        return Text(printing.NO_ROWS, style="dim")
    names = list(map(printing.printable, columns))
    number, others = _chosen(names, rows, column)
    times = [index for index in others if all(isinstance(row[index], datetime) for row in rows)]
    labels = [index for index in others if index not in times[:1]]
    curves = {_label(row, labels) for row in rows}
    instants = {row[times[0]] for row in rows if row[number] is not None} if times else set()
    if len(instants) > 1 and len(curves) <= len(_MARKERS):
        return _curves([row for row in rows if row[number] is not None], times[0], labels, number, names[number])
    return _bars(rows, others, number, names[number])


def _chosen(names: Sequence[str], rows: Rows, column: str | None) -> tuple[int, list[int]]:
    """The column to draw, and those of times and labels."""
    filled = [index for index in range(len(names)) if any(row[index] is not None for row in rows)]
    numbers = [index for index in filled if all(row[index] is None or printing.is_number(row[index]) for row in rows)]
    if len(numbers) == len(filled):
        # Such as requests by status: the first column is the label.
        numbers.remove(next((index for index in filled if names[index] != column), filled[0]))
    drawn = [index for index in numbers if column in {None, names[index]}]
    if not drawn:
        raise RunbookError(
            f"cannot draw {printing.counted(len(rows), 'row', 'rows')} of {', '.join(names)}: "
            f"a chart needs {'a column of numbers' if column is None else f'numbers in {column}'}, "
            f"and {'one' if column is None else 'a column'} of times or labels"
        )
    return drawn[0], [index for index in filled if index not in numbers]


def _bars(rows: Rows, labels: Sequence[int], number: int, title: str) -> "Text":
    from rich.text import Text

    texts = [(_label(row, labels), _shown(row[number])) for row in rows]
    label_width = max(cell_width(label) for label, _ in texts)
    number_width = max(cell_width(title), *(cell_width(text) for _, text in texts))
    room = printing.console().width - label_width - number_width - 4
    # Too long a label gets a line of its own.
    own_line = room < _LEAST_BAR
    most = max((_float(row[number]) for row in rows if row[number] is not None), default=0)
    longest = max(1, min(_BAR, room + label_width + 2 if own_line else room))
    lines = [Text("" if own_line else " " * (label_width + 2)).append(title.rjust(number_width), style="bold")]
    for row, (label, text) in zip(rows, texts, strict=True):
        share = 0 if row[number] is None or most <= 0 else _float(row[number]) / most
        drawn = Text(f"{label}\n" if own_line else f"{padded(label, label_width)}  ")
        lines.append(drawn.append(f"{text.rjust(number_width)}  ").append("█" * round(max(0, share) * longest), "cyan"))
    return _unwrapped(lines)


def _curves(rows: Rows, time: int, labels: Sequence[int], number: int, title: str) -> "Text":
    import plotext
    from rich.text import Text

    # plotext has no types.
    figure: Any = plotext.figure
    figure.clear()
    figure.theme("simple")
    figure.plot_size(min(_WIDTH, get_terminal_size().columns), _HEIGHT)
    figure.title(title)
    curves: dict[str, list[Point]] = {}
    for row in rows:
        curves.setdefault(_label(row, labels), []).append((_seconds(row[time]), _float(row[number])))
    moments = sorted({x for points in curves.values() for x, _ in points})
    step = min(later - earlier for earlier, later in pairwise(moments))
    legend = Text()
    for (label, points), (symbol, colour) in zip(sorted(curves.items()), _MARKERS, strict=False):
        for stretch in _stretches(sorted(points), step):
            signal = figure.signal(*map(list, zip(*stretch, strict=True)), marker=plotext.marker(symbol, colour))
            signal.lines(len(stretch) > 1)
            figure.draw(signal)
        if label:
            legend.append(f"{symbol} {label}  ", style=colour)
    lowest, highest = (edge(y for points in curves.values() for _, y in points) for edge in (min, max))
    figure.ruler("y").lim(min(0.0, lowest), highest if highest > lowest else lowest + 1)
    ticks = sorted({moments[round(index * (len(moments) - 1) / (_TICKS - 1))] for index in range(_TICKS)})
    figure.ruler("x").ticks(ticks, [f"{datetime.fromtimestamp(tick, UTC):%m-%d %H:%M}" for tick in ticks])
    return _unwrapped([Text.from_ansi(figure.build().string().rstrip()), legend])


def _stretches(points: Sequence[Point], step: float) -> Iterator[list[Point]]:
    """Cut a curve where times are missing: a line would suggest values where there are none."""
    stretch: list[Point] = []
    for point in points:
        if stretch and point[0] - stretch[-1][0] > 1.5 * step:
            yield stretch
            stretch = []
        stretch.append(point)
    yield stretch


def _label(row: Sequence[object], labels: Sequence[int]) -> str:
    return " ".join(_shown(row[index]) for index in labels)


def _shown(value: object) -> str:
    return "-" if value is None else printing.text(value)


def _float(number: object) -> float:
    return float(str(number))


def _unwrapped(lines: "Sequence[Text]") -> "Text":
    """Lines that the terminal wraps, not rich, which would break a label."""
    from rich.text import Text

    joined = Text("\n").join(lines)
    joined.no_wrap = True
    return joined


def _seconds(moment: object) -> float:
    # Athena's times without a zone are UTC.
    if not isinstance(moment, datetime):
        raise TypeError(f"{moment!r} is not a time")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
