"""Draws the dashboard: the body that CloudWatch gets, over a simulated day. `python -m tools.dashboard_picture`.

CloudWatch draws the same JSON in its own way; the picture shows what is on it, where, and what an incident looks like.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from contract import names
from contract.alarms import Alarm, Watched, named
from contract.metric_identity import resource_names
from contract.metrics import Metric
from contract.vended_metrics import Vended
from infra.dashboard import COLUMNS, DashboardArgs, body
from infra.settings import Settings
from tools.dashboard_day import FAULTS, NOW, Day, Series

PICTURE = Path(__file__).parent.parent / "docs" / "dashboard.png"
DIGEST = "body"

# Lengths are in units of a hundredth of an inch, of which each is so many pixels.
_PIXELS, _CELL_W, _CELL_H, _TOP, _GAP = 1.3, 80, 58, 52, 6
_COLORS = 200
_PAGE, _CARD, _EDGE, _INK, _SOFT, _GRID = "#eef0f2", "#ffffff", "#d3d8dd", "#16191f", "#5f6b7a", "#e6e9ec"
_LINK, _ALARM, _OK = "#0b63b6", "#b3380b", "#00744f"
_ACCOUNT = "123456789012"


def arguments() -> DashboardArgs:
    """Give what the dashboard of a stack with default settings shows."""
    settings = Settings()
    prefix = settings.name_prefix
    watched = Watched(prefix, settings.parameter_prefix, settings.silence_of_apps, settings.flush_minutes)
    resources = resource_names(prefix, "a1b2c3d4e5", settings.bucket_name)
    arns = [f"arn:aws:cloudwatch:{settings.region}:{_ACCOUNT}:alarm:{name}" for name in named(watched)]
    return DashboardArgs(watched, resources, arns, settings.region, settings.workgroup_name, settings.budget_usd)


def digest(args: DashboardArgs) -> str:
    """Give what tells whether a picture is of this body."""
    return hashlib.sha256(json.dumps(body(args), sort_keys=True).encode()).hexdigest()


def picture(args: DashboardArgs) -> bytes:
    """Draw the dashboard as PNG; its text `body` is the digest of the body."""
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 8.5, "axes.linewidth": 0.8}):
        drawn = BytesIO()
        _Picture(args).figure.savefig(drawn, format="png", dpi="figure")
    info = PngInfo()
    info.add_text(DIGEST, digest(args))
    small = BytesIO()
    Image.open(drawn).convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True, pnginfo=info
    )
    return small.getvalue()


@dataclass(frozen=True)
class _Drawn:
    """A line as it is drawn: its label and color, its values and their distance, and the axis."""

    label: str
    color: str
    series: Series
    period_s: int
    right: bool = False


class _Source:
    """Answers the body's questions from the simulated day."""

    def __init__(self, args: DashboardArgs) -> None:
        self._day = Day(list(args.watched.silence_hours))
        self._alarms = named(args.watched)
        namespace = names.receiver_function(args.watched.name_prefix)
        self._metrics: dict[tuple[str, str, frozenset[tuple[str, str]]], Vended] = {
            (each.namespace, each.title, frozenset(each.dimensions_in(args.resources).items())): each for each in Vended
        }
        self._ours = {(namespace, metric.title): metric for metric in Metric}

    def alarm(self, arn: str) -> tuple[str, bool | None]:
        """The name of an alarm, and whether it is in ALARM; None without data."""
        name = arn.rpartition(":")[2]
        alarm: Alarm = self._alarms[name]
        return name, self._day.in_alarm(alarm)

    def metric(self, item: Sequence[Any], begin: datetime) -> Series:
        """The values of an item of a widget's metrics."""
        *texts, options = item
        namespace, title, *rest = texts
        dimensions = dict(zip(rest[::2], rest[1::2], strict=True))
        metric = self._ours.get((namespace, title)) or self._metrics[namespace, title, frozenset(dimensions.items())]
        return self._day.series(metric, dimensions.get("app"), options["stat"], options["period"], begin)

    def log_series(self, query: str, begin: datetime) -> dict[str, Series]:
        """The columns of a query by time."""
        return {
            name.strip("`"): self._day.lag(name.strip("`"), begin) for name in re.findall(r" as (`?[\w-]+`?)", query)
        }


class _Picture:
    """Draws each widget at its place into `figure`."""

    def __init__(self, args: DashboardArgs) -> None:
        drawn = json.loads(json.dumps(body(args)))
        rows = max(each["y"] + each["height"] for each in drawn["widgets"])
        self._width, self._height = COLUMNS * _CELL_W + 2 * _GAP, rows * _CELL_H + _TOP + _GAP
        self.figure = Figure((self._width / 100, self._height / 100), dpi=100 * _PIXELS, facecolor=_PAGE)
        FigureCanvasAgg(self.figure)  # texts can be measured
        self._source = _Source(args)
        self._begin = NOW - _duration(drawn["start"])
        self._header(args)
        draw = {"alarm": self._alarms, "text": self._text, "metric": self._metric, "log": self._log}
        for widget in drawn["widgets"]:
            x, y = _GAP + widget["x"] * _CELL_W, _TOP + widget["y"] * _CELL_H
            box = _Box(x + 3, y + 3, widget["width"] * _CELL_W - 6, widget["height"] * _CELL_H - 6)
            self._card(box)
            draw[widget["type"]](widget["properties"], box)

    # ------------------------------------------------------------ parts

    def _axes(self, box: "_Box") -> Axes:
        """Axes over a box, which is measured from the upper left corner."""
        return self.figure.add_axes(
            (
                box.x / self._width,
                1 - (box.y + box.height) / self._height,
                box.width / self._width,
                box.height / self._height,
            )
        )

    def _canvas_of(self, box: "_Box") -> Axes:
        """Axes without anything on them, measured from the upper left corner."""
        axes = self._axes(box)
        axes.set_axis_off()
        axes.set_xlim(0, box.width)
        axes.set_ylim(box.height, 0)
        return axes

    def _header(self, args: DashboardArgs) -> None:
        axes = self._canvas_of(_Box(0, 0, self._width, _TOP))
        axes.add_patch(Rectangle((0, 0), self._width, _TOP - 4, color="#1b2532"))
        name = names.dashboard(args.watched.name_prefix)
        axes.text(18, 25, name, color="white", fontsize=14, weight="bold", va="center")
        axes.text(
            self._width - 18, 25, f"{self._begin:%d %b %Y  %H:%M} to {NOW:%H:%M} UTC   |   12 h   |   a simulated day",
            color="#c9d3de", fontsize=10, va="center", ha="right",
        )  # fmt: skip

    def _card(self, box: "_Box") -> None:
        axes = self._canvas_of(box)
        style = "round,pad=0,rounding_size=5"
        axes.add_patch(
            FancyBboxPatch(
                (0.5, 0.5), box.width - 1, box.height - 1, style, facecolor=_CARD, edgecolor=_EDGE, linewidth=1
            )
        )

    def _title(self, box: "_Box", title: str) -> None:
        self._canvas_of(box).text(12, 17, title, fontsize=10, weight="bold", color=_INK, va="center")

    # ------------------------------------------------------------ widgets

    def _alarms(self, properties: Mapping[str, Any], box: "_Box") -> None:
        states = [self._source.alarm(arn) for arn in properties["alarms"]]
        # As sortBy has it: what changed last is first.
        states.sort(key=lambda state: not state[1])
        firing = sum(bool(state) for _, state in states)
        self._title(box, f"{properties['title']}: {firing} of {len(states)} in ALARM")
        axes = self._canvas_of(box)
        columns = 5
        rows = -(-len(states) // columns)
        top, gap = 32, 6
        width, height = (
            (box.width - 20 - gap * (columns - 1)) / columns,
            (box.height - top - 8 - gap * (rows - 1)) / rows,
        )
        for number, (name, state) in enumerate(states):
            x, y = 10 + number % columns * (width + gap), top + number // columns * (height + gap)
            self._tile(axes, _Box(x, y, width, height), name, state)

    def _tile(self, axes: Axes, box: "_Box", name: str, state: bool | None) -> None:
        color, words = {
            True: (_ALARM, "\u25b2 ALARM"),
            False: (_OK, "\u2713 OK"),
            None: (_SOFT, "? INSUFFICIENT DATA"),
        }[state]
        face, ink, words_ink = (color, "white", "white") if state else ("#f5f7f8", _INK, color)
        axes.add_patch(Rectangle((box.x, box.y), box.width, box.height, facecolor=face, edgecolor=color, linewidth=1))
        axes.add_patch(Rectangle((box.x, box.y), 5, box.height, color=color))
        upper, lower = box.y + box.height * 0.32, box.y + box.height * 0.69
        axes.text(box.x + 13, upper, words, color=words_ink, fontsize=7.5, weight="bold", va="center")
        axes.text(box.x + 13, lower, name, color=ink, fontsize=8.3, va="center")

    def _text(self, properties: Mapping[str, Any], box: "_Box") -> None:
        axes = self._canvas_of(box)
        y = 12.0
        for paragraph in re.split(r"\n+", properties["markdown"]):
            heading = paragraph.startswith("#")
            size = 13.0 if heading else 9.4
            y = self._paragraph(axes, paragraph.lstrip("# "), (12, y), box.width - 24, size, bold=heading) + 5

    def _paragraph(
        self, axes: Axes, text: str, at: tuple[float, float], width: float, size: float, *, bold: bool
    ) -> float:
        """Write words in their styles, from a place on, broken at a width; gives where the next paragraph begins."""
        left, y = at
        x, line = left, size * 1.95
        for word, style in _styled(text):
            shown = axes.text(
                x, y + line / 2, word, fontsize=size, color=_INK, va="center", weight="bold" if bold else "normal"
            )
            shown.update(style)
            extent = shown.get_window_extent().width / _PIXELS
            if x > left and x + extent > left + width:
                x, y = left, y + line
                shown.set_position((x, y + line / 2))
            x += extent + size * 0.45
        return y + line

    def _log(self, properties: Mapping[str, Any], box: "_Box") -> None:
        self._title(box, properties["title"])
        if properties["view"] == "timeSeries":
            colors = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
            found = self._source.log_series(properties["query"], self._begin)
            lines = [
                _Drawn(name, color, series, 300) for (name, series), color in zip(found.items(), colors, strict=False)
            ]
            self._graph(box, lines, self._begin, {"left": {"label": "seconds"}})
        else:
            self._table(box, ("reason", "times", "newest"), FAULTS)

    def _table(self, box: "_Box", header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        axes = self._canvas_of(box)
        places = (12, box.width * 0.60, box.width - 12)
        for number, row in enumerate((header, *rows)):
            y = 44 + number * 26
            if number % 2:
                axes.add_patch(Rectangle((6, y - 13), box.width - 12, 26, color="#f5f7f8"))
            for place, value, align in zip(places, row, ("left", "right", "right"), strict=True):
                axes.text(place, y, f"{value:,}" if isinstance(value, int) else str(value), fontsize=8.6, va="center",
                          ha=align, color=_INK if number else _SOFT, weight="normal" if number else "bold")  # fmt: skip

    def _metric(self, properties: Mapping[str, Any], box: "_Box") -> None:
        self._title(box, properties["title"])
        begin = NOW - _duration(properties["start"]) if "start" in properties else self._begin
        self._graph(
            box,
            list(self._lines(properties["metrics"], begin)),
            begin,
            properties["yAxis"],
            properties["annotations"]["horizontal"],
            stacked=properties["stacked"],
        )

    def _lines(self, items: Iterable[Sequence[Any]], begin: datetime) -> Iterator[_Drawn]:
        by_id = {item[-1]["id"]: item for item in items}
        for item in items:
            options = item[-1]
            if options.get("visible") is False:
                continue
            series, period_s = (
                self._computed(options["expression"], by_id, begin)
                if "expression" in options
                else (self._source.metric(item, begin), options["period"])
            )
            yield _Drawn(options["label"], options["color"], series, period_s, options.get("yAxis") == "right")

    def _computed(self, expression: str, by_id: Mapping[str, Sequence[Any]], begin: datetime) -> tuple[Series, int]:
        """The values of a formula of one metric, and their distance in seconds."""
        key = re.findall(r"m\d+", expression)[0]
        period_s = by_id[key][-1]["period"]
        series = self._source.metric(by_id[key], begin)
        formula = expression.replace(f"PERIOD({key})", str(period_s))
        return Series(series.times, [_computed(formula, key, value) for value in series.values]), period_s

    # ------------------------------------------------------------ graphs

    def _graph(
        self,
        box: "_Box",
        lines: Sequence[_Drawn],
        begin: datetime,
        labels: Mapping[str, Mapping[str, Any]],
        levels: Sequence[Mapping[str, Any]] = (),
        *,
        stacked: bool = False,
    ) -> None:
        legend = self._legend(box, lines)
        inner = _Box(
            box.x + 52, box.y + 44, box.width - (106 if "right" in labels else 66), box.height - 44 - 26 - legend
        )
        left = self._axes(inner)
        _styled_axes(left, begin)
        axes = {False: left}
        if "right" in labels:
            axes[True] = self._axes(inner)
            _styled_axes(axes[True], begin, right=True)
        if stacked:
            left.stackplot(
                _hours(lines[0].series.times, begin), [each.series.values for each in lines],
                colors=[each.color for each in lines], linewidth=0.4, edgecolor="white",
            )  # fmt: skip
        else:
            for line in lines:
                _draw(axes[line.right], line, begin)
        for right, each in axes.items():
            mine = [level for level in levels if (level.get("yAxis") == "right") == right]
            values = [value for line in lines if line.right == right for value in line.series.values]
            if stacked:
                values = [sum(at) for at in zip(*(line.series.values for line in lines), strict=True)]
            most = max([*values, *(level["value"] for level in mine)], default=0)
            # Few faults are not a peak.
            each.set_ylim(0, most * 1.14 if most > 1 else 4.8)
            _draw_levels(each, mine, right=right)
        self._unit(box, labels)

    def _unit(self, box: "_Box", labels: Mapping[str, Mapping[str, Any]]) -> None:
        axes = self._canvas_of(box)
        axes.text(12, 35, labels["left"]["label"], fontsize=7.8, color=_SOFT, va="center")
        if "right" in labels:
            axes.text(box.width - 12, 35, labels["right"]["label"], fontsize=7.8, color=_SOFT, va="center", ha="right")

    def _legend(self, box: "_Box", lines: Sequence[_Drawn]) -> float:
        """Write the legend at the bottom, in as many rows as it takes; gives its height."""
        axes = self._canvas_of(box)
        rows: list[list[tuple[float, _Drawn]]] = [[]]
        x = 14.0
        for line in lines:
            label = axes.text(0, 0, self._label(line), fontsize=8)
            width = 18 + label.get_window_extent().width / _PIXELS + 14
            label.remove()
            if rows[-1] and x + width > box.width:
                rows.append([])
                x = 14.0
            rows[-1].append((x, line))
            x += width
        for number, row in enumerate(reversed(rows)):
            y = box.height - 13 - number * 17
            for x, line in row:
                axes.add_patch(Rectangle((x, y - 4), 11, 8, color=line.color))
                axes.text(x + 17, y, self._label(line), fontsize=8, color=_INK, va="center")
        return len(rows) * 17 + 2

    @staticmethod
    def _label(line: _Drawn) -> str:
        return f"{line.label} \u2192" if line.right else line.label


@dataclass(frozen=True)
class _Box:
    """A rectangle, measured from the upper left corner."""

    x: float
    y: float
    width: float
    height: float


def _duration(text: str) -> timedelta:
    """A relative time such as -PT12H or -P30D."""
    found = re.fullmatch(r"-P(?:T(\d+)H|(\d+)D)", text)
    if not found:
        raise ValueError(f"{text!r} is neither hours nor days")
    return timedelta(hours=int(found[1] or 0), days=int(found[2] or 0))


def _hours(times: Iterable[datetime], begin: datetime) -> list[float]:
    return [(time - begin) / timedelta(hours=1) for time in times]


def _computed(formula: str, key: str, value: float) -> float:
    """Compute a formula of factors, from left to right, such as `m0 / 300 * 60`."""
    first, *rest = formula.split()
    result = value if first == key else float(first)
    for operator, factor in zip(rest[::2], rest[1::2], strict=True):
        result = {"*": result * float(factor), "/": result / float(factor)}[operator]
    return result


def _styled(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the words of a line of Markdown with their styles: bold, code, and links without their addresses."""
    for bold, code, link, plain in re.findall(r"\*\*(.+?)\*\*|`(.+?)`|\[(.+?)\]\(.+?\)|([^*`\[]+)", text):
        style: dict[str, Any] = (
            {"weight": "bold"}
            if bold
            else {"family": "DejaVu Sans Mono", "color": "#7a2e0b"}
            if code
            else {"color": _LINK}
            if link
            else {}
        )
        for word in (bold or code or link or plain).split():
            yield word, style


def _styled_axes(axes: Axes, begin: datetime, *, right: bool = False) -> None:
    axes.set_facecolor("none")
    axes.set_xlim(0, (NOW - begin) / timedelta(hours=1))
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_EDGE)
    axes.tick_params(length=0, labelsize=7.8, labelcolor=_SOFT, pad=4)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    if right:
        axes.yaxis.tick_right()
        axes.tick_params(length=0)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        return
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    step, form = (timedelta(days=5), "%-d %b") if NOW - begin > timedelta(days=2) else (timedelta(hours=2), "%H:%M")
    times = [begin + step * number for number in range(int((NOW - begin) / step))]
    axes.set_xticks(_hours(times, begin), [f"{time:{form}}" for time in times])


def _short(value: float, _: int | None = None) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:,g}"


def _draw(axes: Axes, line: _Drawn, begin: datetime) -> None:
    """Draw a line between neighbours, and dots where values are few, as CloudWatch does."""
    hours, values = list[float](), list[float]()
    for (hour, value), (after, _) in itertools.pairwise(
        [*zip(_hours(line.series.times, begin), line.series.values, strict=True), (float("inf"), 0.0)]
    ):
        hours.append(hour)
        values.append(value)
        if after - hour > 1.5 * line.period_s / 3600:
            hours.append(hour)
            values.append(float("nan"))
    few = len(line.series.times) < 40
    axes.plot(
        hours, values, color=line.color, linewidth=1.35, marker="o" if few else None, markersize=3,
        solid_joinstyle="round", clip_on=False, zorder=2 if line.right else 3, alpha=0.8 if line.right else 1,
    )  # fmt: skip


def _draw_levels(axes: Axes, levels: Sequence[Mapping[str, Any]], *, right: bool) -> None:
    """Draw thresholds with their names; where two are near, their names are side by side."""
    top, width = axes.get_ylim()[1], axes.get_window_extent().width
    before, x = -1.0, 0.0
    for level in sorted(levels, key=lambda level: float(level["value"])):
        value = level["value"]
        axes.axhline(value, color=level["color"], linewidth=1.1, linestyle=(0, (5, 3)), zorder=4)
        x = x if (value - before) / top < 0.1 else 0.008
        before = value
        label = axes.text(
            1 - x if right else x, value + top * 0.012, level["label"], transform=axes.get_yaxis_transform(),
            fontsize=7.4, color=level["color"], va="bottom", ha="right" if right else "left", zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
        )  # fmt: skip
        x += label.get_window_extent().width / width + 0.03


if __name__ == "__main__":
    PICTURE.write_bytes(picture(arguments()))
