"""Times as an operator gives them: --last 30m, --from and --to in ISO 8601."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from contract.window import Window
from runbook.errors import RunbookError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([1-9]\d{0,5})([smhdw])", re.ASCII)

# The options of a window, for every command that has one.
Last = Annotated[str | None, typer.Option(metavar="TIME", help="How far back: 30m, 24h, 7d.")]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Begin, ISO 8601, UTC without an offset.")]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="End, likewise; now, if left out.")]


def now() -> datetime:
    """The time it is, UTC: the one clock of all commands."""
    return datetime.now(UTC)


def duration(text: str) -> timedelta:
    """Read `30m`, `24h`, `7d`, `2w` or `90s`; RunbookError says so."""
    if not (found := _DURATION.fullmatch(text.strip())):
        raise RunbookError(f"{text!r} is no time span: write 90s, 30m, 24h, 7d or 2w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def instant(text: str) -> datetime:
    """Read an ISO 8601 time, UTC when it has no offset, as an aware UTC time; RunbookError says what is accepted."""
    try:
        time = datetime.fromisoformat(text.strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise RunbookError(
            f"{text!r} is no time: write ISO 8601, such as 2026-11-24, 2026-11-24T03:00 or 2026-11-24T03:00:00+01:00"
        ) from None


def window(last: str | None, since: str | None, until: str | None, now: datetime) -> Window | None:
    """Give the window that --last, --from and --to say; None when none of them is given.

    --last goes back from --to, or from now; --to is now unless given. RunbookError for what makes no window.
    """
    if last is None and since is None:
        if until is not None:
            raise RunbookError("--to alone is no window: add --from or --last")
        return None
    if last is not None and since is not None:
        raise RunbookError("--last and --from exclude each other: give one of them")
    end = instant(until) if until is not None else now
    try:
        return Window.last(duration(last), end) if last is not None else Window(instant(since or ""), end)
    except (ValueError, OverflowError) as error:
        raise RunbookError(str(error)) from None


def around(moment: str, minutes: int) -> Window:
    """Give the minutes before and after a moment; RunbookError when there is no such window."""
    try:
        return Window.around(instant(moment), minutes)
    except (ValueError, OverflowError) as error:
        raise RunbookError(str(error)) from None
