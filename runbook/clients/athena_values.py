"""Athena's values: the text of a result as Python values of its columns' types. Pure."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

# A value of a result: a Python value of its type, or Athena's text if it cannot be parsed.
Value = str | int | float | bool | Decimal | date | datetime | None

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_PRECISION = re.compile(r"\(\d+(?:, ?\d+)?\)")


def read_value(text: str, type_: str) -> Value:
    """Parse a value in Athena's format, with zoned times as UTC; the text itself for other types."""
    reader = _READERS.get(_PRECISION.sub("", type_))
    if reader is None:
        return text
    try:
        return reader(text)
    except (ValueError, ArithmeticError, KeyError):
        return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        # NaN and Infinity stay text, because neither JSON nor a chart can show them.
        raise ValueError(text)
    return number


def _zoned(text: str) -> datetime:
    """Parse `2026-11-24 01:00:00.000 UTC`, also with another zone or an offset."""
    time_, _, zone = text.rpartition(" ")
    return datetime.fromisoformat(time_).replace(tzinfo=_zone(zone)).astimezone(UTC)


def _zone(name: str) -> timezone | ZoneInfo:
    if found := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    return UTC if name == "UTC" else ZoneInfo(name)


_READERS: dict[str, Callable[[str], Value]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint"), int),
    **dict.fromkeys(("real", "float", "double"), _finite),
    "decimal": Decimal,
    "boolean": {"true": True, "false": False}.__getitem__,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "timestamp with time zone": _zoned,
}
