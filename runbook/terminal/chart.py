"""Charts of results in the terminal: curves over time, else a bar a row."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from runbook.errors import RunbookError
from runbook.terminal import printing

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_BAR = 40
_WIDTH, _HEIGHT = 100, 20
_TICKS = 6
# More curves than these cannot be told apart; in a pipe there is no colour.
_MARKERS = (("•", "cyan"), ("x", "red"), ("o", "green"), ("+", "yellow"), ("#", "magenta"), ("=", "blue"))

Rows = Sequence[Sequence[object]]
Point = tuple[float, float]


def draw(columns: Sequence[str], rows: Rows) -> "Text | Table":
    """Draw the first number column over a time column, one curve a label; without a time, as bars.

    RunbookError for a result that is no series: one without a number column, or without anything beside it.
    """
    numbers = [index for index in range(len(columns)) if rows and all(printing.is_number(row[index]) for row in rows)]
    if len(numbers) == len(columns):
        # Such as requests by status: what is counted by comes first.
        del numbers[:1]
    if not numbers or len(columns) == 1:
        raise RunbookError(
            f"{len(rows)} rows of {', '.join(columns)} are no series: "
            "a chart takes a column of numbers beside one of times or labels"
        )
    number, others = numbers[0], [index for index in range(len(columns)) if index not in numbers]
    times = [index for index in others if all(isinstance(row[index], datetime) for row in rows)]
    labels = [index for index in others if index not in times[:1]]
    curves = {_label(row, labels) for row in rows}
    instants = {row[times[0]] for row in rows} if times else set()
    if len(instants) > 1 and len(curves) <= len(_MARKERS):
        return _curves(rows, times[0], labels, number, columns[number])
    return _bars(rows, others, number, columns[number])


def _bars(rows: Rows, labels: Sequence[int], number: int, title: str) -> "Table":
    from rich.table import Table
    from rich.text import Text

    most = max(float(str(row[number])) for row in rows)
    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    drawn.add_column("")
    drawn.add_column(title, justify="right")
    drawn.add_column("")
    for row in rows:
        share = float(str(row[number])) / most if most > 0 else 0
        length = max(0, round(share * _BAR))
        drawn.add_row(Text(_label(row, labels)), Text(printing.text(row[number])), Text("█" * length, style="cyan"))
    return drawn


def _curves(rows: Rows, time: int, labels: Sequence[int], number: int, title: str) -> "Text":
    import plotext
    from rich.text import Text

    # plotext takes its types from no stubs.
    figure: Any = plotext.figure
    figure.clear()
    figure.theme("simple")
    figure.plot_size(min(_WIDTH, get_terminal_size().columns), _HEIGHT)
    figure.title(title)
    curves: dict[str, list[Point]] = {}
    for row in rows:
        curves.setdefault(_label(row, labels), []).append((_seconds(row[time]), float(str(row[number]))))
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
    return Text.assemble(Text.from_ansi(figure.build().string().rstrip()), "\n", legend)


def _stretches(points: Sequence[Point], step: float) -> Iterator[list[Point]]:
    """Cut a curve where times are missing: there were no rows, so there is nothing to draw a line through."""
    stretch: list[Point] = []
    for point in points:
        if stretch and point[0] - stretch[-1][0] > 1.5 * step:
            yield stretch
            stretch = []
        stretch.append(point)
    yield stretch


def _label(row: Sequence[object], labels: Sequence[int]) -> str:
    return " ".join("-" if row[index] is None else printing.text(row[index]) for index in labels)


def _seconds(moment: object) -> float:
    # A time of Athena without a zone is UTC.
    if not isinstance(moment, datetime):
        raise TypeError(f"{moment!r} is no time")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
