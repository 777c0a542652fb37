"""The clock, ages, and the time options: --last 1h30m, --from yesterday, --to 03:00, --around in ISO 8601, --tz."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated

import typer

from contract.window import Window
from runbook.errors import RunbookError
from runbook.terminal import zones

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile("".join(rf"(?:(?P<{name}>\d{{1,6}}){unit})?" for unit, name in _UNITS.items()), re.ASCII)
_CLOCK = re.compile(r"(?:(today|yesterday)[ T]?)?(?:([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?)?", re.ASCII)
_DAY = timedelta(days=1)
# On each side of --around, if --minutes does not say otherwise.
AROUND_MINUTES = 5

# The options of a window.
Last = Annotated[str | None, typer.Option(metavar="TIME", help="Length of the window, such as 30m, 1h30m or 7d.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Start of the window: 2026-11-24T03:00, 03:00, yesterday, ..."),
]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="End of the window; default: now.")]
Zone = Annotated[
    str | None,
    typer.Option("--tz", metavar="ZONE", help="Zone of times, such as Europe/Berlin, or local; default: UTC."),
]


def now() -> datetime:
    """The current time in UTC: the only clock of all commands."""
    return datetime.now(UTC)


def duration(text: str) -> timedelta:
    """Parse `30m`, `1h30m`, `24h`, `7d`, `2w` or `90s`. RunbookError if invalid."""
    found = _DURATION.fullmatch(text.strip())
    given = {name: int(number) for name, number in (found.groupdict() if found else {}).items() if number is not None}
    if not any(given.values()):
        raise RunbookError(f"invalid duration {text!r}: write 90s, 30m, 1h30m, 24h, 7d or 2w")
    return timedelta(**given)


def age(passed: timedelta) -> str:
    """Format how long ago something was: `119 min`, `47 h`, `2 d`."""
    minutes = max(0, int(passed.total_seconds())) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def instant(text: str, zone: tzinfo = UTC, present: datetime | None = None, *, latest: bool | None = None) -> datetime:
    """Parse a time to an aware UTC time; without an offset it is of `zone`. RunbookError if invalid.

    It is ISO 8601, `now`, `today` or `yesterday` (00:00 of that day, or with a time behind it), or `03:00`, the last
    one that is past. `present` is the current time; `latest` is that of zones.to_utc.
    """
    words, present = text.strip(), present or now()
    if words == "now":
        return present
    try:
        if words and (found := _CLOCK.fullmatch(words)):
            hour, minute, second = (int(each or 0) for each in found.groups()[1:])
            return _by_the_clock(found[1], time(hour, minute, second), zone, present, latest)
        moment = datetime.fromisoformat(words)
        return moment.astimezone(UTC) if moment.tzinfo else zones.to_utc(moment, zone, latest=latest)
    except (ValueError, OverflowError):
        raise RunbookError(
            f"invalid time {text!r}: write 2026-11-24, 2026-11-24T03:00, 2026-11-24T03:00:00+01:00, 03:00, today, "
            "yesterday or now"
        ) from None


def window(last: str | None, since: str | None, until: str | None, now: datetime, zone: tzinfo = UTC) -> Window | None:
    """Give the window of --last, --from and --to; None if none of them is given.

    The window ends at --to, or now. RunbookError if the options do not make a window.
    """
    if last is None and since is None:
        if until is not None:
            raise RunbookError("--to needs --from or --last")
        return None
    if last is not None and since is not None:
        raise RunbookError("--last and --from are mutually exclusive: give only one")
    end = instant(until, zone, now, latest=True) if until is not None else now
    try:
        begin = end - duration(last) if last is not None else instant(since or "", zone, now, latest=False)
    except OverflowError as error:
        raise RunbookError(str(error)) from None
    if begin >= now:
        raise RunbookError(f"the window begins in the future, at {_shown(begin, zone)}: now it is {_shown(now, zone)}")
    if begin >= end:
        raise RunbookError(f"--to must be after --from: {_shown(end, zone)} is not after {_shown(begin, zone)}")
    try:
        return Window(begin, end)
    except (ValueError, OverflowError) as error:
        raise RunbookError(str(error)) from None


def around(moment: str, minutes: int | None, zone: tzinfo = UTC, present: datetime | None = None) -> Window:
    """Give the window of minutes before and after a time, AROUND_MINUTES if None. RunbookError if invalid."""
    present = present or now()
    middle = instant(moment, zone, present)
    try:
        found = Window.around(middle, AROUND_MINUTES if minutes is None else minutes)
    except (ValueError, OverflowError) as error:
        raise RunbookError(str(error)) from None
    if found.since >= present:
        raise RunbookError(f"{_shown(middle, zone)} is in the future: now it is {_shown(present, zone)}")
    return found


def _by_the_clock(day: str | None, clock: time, zone: tzinfo, present: datetime, latest: bool | None) -> datetime:
    today = present.astimezone(zone).date()
    if day:
        return zones.to_utc(datetime.combine(today - _DAY * (day == "yesterday"), clock), zone, latest=latest)
    moment = datetime.combine(today, clock)
    if moment > present.astimezone(zone).replace(tzinfo=None):
        moment -= _DAY
    return zones.to_utc(moment, zone, latest=latest)


def _shown(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S} {zone}"
