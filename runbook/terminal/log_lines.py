"""One log line for people: `03:00:00 raxx-api-prod web.1    GET /orders`, in colour on a terminal. Pure.

The time is to the second, in the zone that the reader chose. The date is in front unless the line is of the one day
that the answer is about.
"""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING

from runbook.terminal import printing

if TYPE_CHECKING:
    from rich.text import Text

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow", "bright_green")
_HIGHLIGHT = "bold red"
# `worker.1` and shorter ones stand in one column.
_DYNO_WIDTH = 8


@dataclass(frozen=True)
class Layout:
    """How the lines of one answer are shown.

    `day` is the day, in `zone`, whose lines have no date. `app_width` is the width of the app's column; 0 leaves it
    out. `marked` are patterns whose matches in the message are highlighted.
    """

    zone: tzinfo = UTC
    day: date | None = None
    app_width: int = 0
    marked: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def of(
        cls,
        apps: Iterable[str],
        since: datetime,
        until: datetime,
        zone: tzinfo = UTC,
        marked: Iterable[re.Pattern[str]] = (),
    ) -> "Layout":
        """Lay out the lines of apps and a window: the app is shown if there are several, the date if there are."""
        names = list(apps)
        first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
        width = max(map(len, names)) if len(names) > 1 else 0
        return cls(zone, first if first == last else None, width, tuple(marked))


def line(log_ts: datetime | str, app: str, source: str, proc_id: str, message: str, layout: Layout) -> "Text":
    """Give a line as text of one physical line. `log_ts` is aware, or the text of one that is not valid."""
    from rich.text import Text

    shown = Text(_time(log_ts, layout) + " ", style="dim")
    name = dyno(source, proc_id)
    # Not hash(), which differs between runs: a dyno keeps its colour.
    colour = _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]
    if layout.app_width:
        shown.append(f"{printing.printable(app):<{layout.app_width}} ", style="not dim")
    shown.append(f"{printing.printable(name):<{_DYNO_WIDTH}}", style=f"not dim {colour}")
    text = Text(printing.printable(message))
    for pattern in layout.marked:
        text.highlight_regex(pattern, _HIGHLIGHT)
    return shown.append("  ", style="not dim").append_text(text) if message else shown


def dyno(source: str, proc_id: str) -> str:
    """Name a line's process: `web.1`, `router`, or `heroku/web.1` for what the platform writes of a dyno."""
    return proc_id if source == "app" or proc_id == "router" else f"{source}/{proc_id}"


def heading(since: datetime, until: datetime, zone: tzinfo = UTC) -> str:
    """Say which window lines are of, and in which zone their times are: `2026-11-24 03:00:00 to 03:10:00 UTC`."""
    first, last = since.astimezone(zone), until.astimezone(zone)
    end = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S} to {end} {zone}"


def _time(log_ts: datetime | str, layout: Layout) -> str:
    try:
        moment = datetime.fromisoformat(log_ts) if isinstance(log_ts, str) else log_ts
    except ValueError:
        return printing.printable(str(log_ts))
    local = moment.astimezone(layout.zone)
    return f"{local:%H:%M:%S}" if local.date() == layout.day else f"{local:%Y-%m-%d %H:%M:%S}"
