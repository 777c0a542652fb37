"""The clock, ages, and the time options: --last 30m, --from and --to in ISO 8601."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from contract.window import Window
from runbook.errors import RunbookError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([1-9]\d{0,5})([smhdw])", re.ASCII)

# The options of a window.
Last = Annotated[str | None, typer.Option(metavar="TIME", help="Length of the window, such as 30m, 24h or 7d.")]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Start of the window, ISO 8601, default UTC.")]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="End of the window; default: now.")]


def now() -> datetime:
    """The current time in UTC: the only clock of all commands."""
    return datetime.now(UTC)


def duration(text: str) -> timedelta:
    """Parse `30m`, `24h`, `7d`, `2w` or `90s`. RunbookError if invalid."""
    if not (found := _DURATION.fullmatch(text.strip())):
        raise RunbookError(f"invalid duration {text!r}: write 90s, 30m, 24h, 7d or 2w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def age(passed: timedelta) -> str:
    """Format how long ago something was: `119 min`, `47 h`, `2 d`."""
    minutes = max(0, int(passed.total_seconds())) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def instant(text: str) -> datetime:
    """Parse an ISO 8601 time, in UTC unless it has an offset, to an aware UTC time. RunbookError if invalid."""
    try:
        time = datetime.fromisoformat(text.strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise RunbookError(
            f"invalid time {text!r}: write 2026-11-24, 2026-11-24T03:00 or 2026-11-24T03:00:00+01:00"
        ) from None


def window(last: str | None, since: str | None, until: str | None, now: datetime) -> Window | None:
    """Give the window of --last, --from and --to; None if none of them is given.

    The window ends at --to, or now. RunbookError if the options do not make a window.
    """
    if last is None and since is None:
        if until is not None:
            raise RunbookError("--to needs --from or --last")
        return None
    if last is not None and since is not None:
        raise RunbookError("--last and --from are mutually exclusive: give only one")
    end = instant(until) if until is not None else now
    try:
        return Window.last(duration(last), end) if last is not None else Window(instant(since or ""), end)
    except (ValueError, OverflowError) as error:
        raise RunbookError(str(error)) from None


def around(moment: str, minutes: int) -> Window:
    """Give the window of minutes before and after a time. RunbookError if invalid."""
    try:
        return Window.around(instant(moment), minutes)
    except (ValueError, OverflowError) as error:
        raise RunbookError(str(error)) from None
