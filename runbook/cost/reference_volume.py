"""The reference volume: the cost estimate of the previous system assumed it, so bills can be compared. Pure."""

from runbook.cost import usage
from runbook.cost.usage import MONTH_DAYS, Day, Retention, Usage

MEGABYTES_PER_DAY = 500
OBJECTS_PER_DAY = 10_000
_SCANNED_BYTES = 5 * 10**9  # per month


def day(objects: int, apps: int) -> Day:
    """What a day adds, in so many objects, when all apps log in every hour."""
    scanned = _SCANNED_BYTES / MONTH_DAYS
    return Day(
        objects=objects,
        bytes=MEGABYTES_PER_DAY * 10**6,
        hours=24,
        app_hours=24 * apps,
        queries=1,
        scanned_bytes=scanned,
        charged_bytes=scanned,
    )


def month(objects: int, apps: int, retention: Retention) -> Usage:
    """What a month uses with a full archive at this volume."""
    return usage.steady(day(objects, apps), retention)
