"""The zone of `--tz`: a name of the IANA database, or `local`. Times that clocks skip or repeat."""

import difflib
import os
import zoneinfo
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from runbook.errors import RunbookError

_LOCALTIME = Path("/etc/localtime")


def zone(name: str | None) -> tzinfo:
    """Find a zone by name, `local` for this machine's; UTC for None. RunbookError if there is none."""
    if name is None or name.upper() in {"UTC", "Z"}:
        return UTC
    if name == "local":
        return _local()
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        near = difflib.get_close_matches(name, zoneinfo.available_timezones(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? " if near else ""
        raise RunbookError(
            f"unknown time zone {name!r}: {hint}Write an IANA name such as Europe/Berlin, or local"
        ) from None


def to_utc(naive: datetime, in_zone: tzinfo, *, latest: bool | None = None) -> datetime:
    """Convert what a clock in a zone shows to UTC.

    A time that the clock shows twice is the first, with `latest` the second; RunbookError if `latest` is None, and for
    a time that the clock skips.
    """
    first, second = (naive.replace(tzinfo=in_zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(in_zone).replace(tzinfo=None, fold=0) != naive:
        after = first.astimezone(in_zone)
        raise RunbookError(
            f"{naive:%Y-%m-%d %H:%M} does not exist in {in_zone}: the clocks go forward then. "
            f"Write {after:%Y-%m-%dT%H:%M}, or a time with an offset"
        )
    if first != second and latest is None:
        offsets = " or ".join(naive.replace(tzinfo=in_zone, fold=fold).isoformat(timespec="minutes") for fold in (0, 1))
        raise RunbookError(f"{naive:%Y-%m-%d %H:%M} is twice in {in_zone}, as the clocks go back: write {offsets}")
    return second if latest else first


def _local() -> tzinfo:
    name = os.environ.get("TZ", "").removeprefix(":")
    if name and name != "local":
        return zone(name)
    try:
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key=_local_name())
    except (OSError, ValueError):
        raise RunbookError("cannot tell the local time zone: write an IANA name, such as Europe/Berlin") from None


def _local_name() -> str:
    _, found, name = str(_LOCALTIME.resolve()).partition("/zoneinfo/")
    return name if found else "local time"
