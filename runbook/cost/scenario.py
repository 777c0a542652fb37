"""The volume that the system before was estimated for, as a month of this one costs with a full archive. Pure."""

from runbook.cost import usage
from runbook.cost.usage import MONTH_DAYS, Day, Retention, Use

MEGABYTES_A_DAY = 500
OBJECTS_A_DAY = 10_000
_SCANNED_BYTES = 5 * 10**9  # a month


def day(objects: int, apps: int) -> Day:
    """What a day adds, of apps that log at every hour, in so many objects."""
    scanned = _SCANNED_BYTES / MONTH_DAYS
    return Day(
        objects=objects,
        bytes=MEGABYTES_A_DAY * 10**6,
        hours=24,
        app_hours=24 * apps,
        queries=1,
        scanned_bytes=scanned,
        charged_bytes=scanned,
    )


def month(objects: int, apps: int, retention: Retention) -> Use:
    """What a month uses when all kept days were like that."""
    return usage.steady(day(objects, apps), retention)
