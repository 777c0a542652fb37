"""Whether moving small objects to Glacier pays. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from runbook import prices
from runbook.cost.usage import MONTH_DAYS, Day, Retention

# S3 user guide, "Transitioning objects using Amazon S3 Lifecycle": by default S3 moves no smaller objects.
S3_LEAST_BYTES = 128 * 1024


@dataclass(frozen=True)
class Move:
    """What moving one object to Glacier until it expires costs and saves, in US dollars."""

    fee: float
    saving: float


def move(size: float, retention: Retention) -> Move:
    """Cost and saving of moving an object of so many bytes. `saving` is net of the overhead and may be negative."""
    free, per_byte = _saving(retention)
    return Move(prices.S3_TO_GLACIER.cost(1), size * per_byte - free)


def break_even(retention: Retention) -> float | None:
    """The smallest size in bytes at which moving an object pays; None when it never does."""
    overhead, per_byte = _saving(retention)
    return (prices.S3_TO_GLACIER.cost(1) + overhead) / per_byte if per_byte > 0 else None


def _saving(retention: Retention) -> tuple[float, float]:
    """The overhead of one object in Glacier, and the saving per byte, in US dollars."""
    kept = retention.expire_days - retention.archive_days
    standard = prices.S3_STANDARD.cost(1) * kept / MONTH_DAYS
    glacier = prices.S3_GLACIER.cost(1) * max(kept, prices.GLACIER_LEAST_DAYS) / MONTH_DAYS
    overhead = prices.GLACIER_STANDARD_OVERHEAD_BYTES * standard + prices.GLACIER_OVERHEAD_BYTES * glacier
    return overhead, standard - glacier


def advice(per_day: Day, retention: Retention) -> Iterator[str]:
    """Say whether moving objects of today's size to Glacier pays, and what to do if not."""
    if not per_day.all_objects:
        return
    least, size = break_even(retention), per_day.mean_bytes
    each, objects = move(size, retention), per_day.all_objects * MONTH_DAYS
    pays = f"it pays from {least / 1000:,.0f} KB up" if least else "with so few days in Glacier it never pays"
    yield (
        f"the mean object size is {size / 1000:,.1f} KB: moving a million objects to Glacier costs "
        f"{_dollars(each.fee * prices.MILLION)} and saves {_dollars(each.saving * prices.MILLION)}; here "
        f"{_dollars(each.fee * objects)} and {_dollars(each.saving * objects)} per month; {pays}"
    )
    if each.fee > each.saving and size < S3_LEAST_BYTES:
        yield (
            "another archiveAfterDays does not change that, because each object moves once: remove "
            "transition_default_minimum_object_size from infra/archive.py, so that S3 keeps objects under 128 KB in "
            "Standard"
        )


def _dollars(usd: float) -> str:
    return f"-${-usd:,.2f}" if usd < 0 else f"${usd:,.2f}"
