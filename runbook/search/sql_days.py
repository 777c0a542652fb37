"""Which days a query reads, as far as its text says it: by the literals that year, month and day equal. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

from contract.object_keys import PROJECTED_YEARS
from contract.window import Window
from runbook.search import partition_values, sql_tokens

_KEYS = ("year", "month", "day")
_ALL = {
    "year": [str(year) for year in PROJECTED_YEARS],
    "month": [f"{month:02}" for month in range(1, 13)],
    "day": [f"{day:02}" for day in range(1, 32)],
}
_LONGEST_DAYS = 31


def has_only_expressions(sql: str) -> bool:
    """Whether the query chooses days, but by no literal: by `date_format(now(), '%d')`, or by another table."""
    names = {name for kind, name in sql_tokens.tokens(sql) if kind == "name"}
    return "day" in names and not any(key in _KEYS for key, _, _ in partition_values.comparisons(sql))


def days(sql: str, today: date) -> tuple[date, ...]:
    """Give the days up to today that the query can read, in order; none if its text does not tell a month or less."""
    values: dict[str, set[str]] = defaultdict(set)
    for key, value, is_range in partition_values.comparisons(sql):
        if key in _KEYS and is_range:
            return ()
        values[key].add(value)
    if not (values["year"] and values["month"]):
        return ()
    chosen = (sorted(values[key]) if values[key] else _ALL[key] for key in _KEYS)
    found = [day for parts in product(*chosen) if (day := _day(parts)) and day <= today]
    return tuple(found) if len(found) <= _LONGEST_DAYS else ()


def apps(sql: str) -> frozenset[str]:
    """Give the apps that the query names; none if it does not name any."""
    return frozenset(value for key, value, _ in partition_values.comparisons(sql) if key == "app")


def windows(found: Sequence[date]) -> tuple[Window, ...]:
    """Give a window for each stretch of consecutive days."""
    stretches: list[list[date]] = []
    for day in found:
        if stretches and day - stretches[-1][-1] == timedelta(days=1):
            stretches[-1].append(day)
        else:
            stretches.append([day])
    return tuple(Window(_at(days[0], time.min), _at(days[-1], time(23, 59))) for days in stretches)


def _day(parts: Sequence[str]) -> date | None:
    try:
        return date.fromisoformat("-".join(parts))
    except ValueError:
        return None


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, UTC)
