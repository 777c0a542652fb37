"""What small objects cost: by themselves, and in Glacier, where moving them has to pay. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from runbook import prices
from runbook.cost import bill
from runbook.cost.usage import MONTH_DAYS, Day, Retention

LARGE_BYTES = prices.MILLION
# S3 user guide, "Transitioning objects using Amazon S3 Lifecycle": nothing smaller moves unless one says so.
S3_LEAST_BYTES = 128 * 1024


@dataclass(frozen=True)
class Move:
    """What it costs and saves to move one object to Glacier for the rest of its life, in US dollars."""

    fee: float
    saving: float


def move(size: float, retention: Retention) -> Move:
    """Weigh moving an object of so many bytes. `saving` is of storage, the overhead taken off; it may be negative."""
    free, per_byte = _saving(retention)
    return Move(prices.S3_TO_GLACIER.cost(1), size * per_byte - free)


def break_even(retention: Retention) -> float | None:
    """Give the size in bytes from which it pays to move an object; None when it never does."""
    overhead, per_byte = _saving(retention)
    return (prices.S3_TO_GLACIER.cost(1) + overhead) / per_byte if per_byte > 0 else None


def _saving(retention: Retention) -> tuple[float, float]:
    """The overhead of one object in Glacier, and what each of its bytes saves there, in US dollars."""
    kept = retention.expire_days - retention.archive_days
    standard = prices.S3_STANDARD.cost(1) * kept / MONTH_DAYS
    glacier = prices.S3_GLACIER.cost(1) * max(kept, prices.GLACIER_LEAST_DAYS) / MONTH_DAYS
    overhead = prices.GLACIER_STANDARD_OVERHEAD_BYTES * standard + prices.GLACIER_OVERHEAD_BYTES * glacier
    return overhead, standard - glacier


def per_million(size: float, retention: Retention) -> Iterator[tuple[str, float, float]]:
    """Give what a million objects of a size cost in their lives, and what their bytes cost in objects of 1 MB.

    Each is what, and both amounts in US dollars: all that is charged by the object. The bytes themselves cost the same
    in both.
    """
    large = size / LARGE_BYTES
    for what, a_object in _by_object(retention):
        yield what, a_object * prices.MILLION, a_object * prices.MILLION * large


def _by_object(retention: Retention) -> Iterator[tuple[str, float]]:
    overhead, _ = _saving(retention)
    seconds = bill.BATCH_SECONDS * bill.RECEIVER_MB / 1024
    yield "PUT", prices.S3_PUT.cost(1)
    yield "HTTP API", prices.HTTP_API.cost(1)
    yield "Lambda", prices.LAMBDA_REQUEST.cost(1) + prices.LAMBDA_GB_SECOND.cost(seconds)
    yield "logs", prices.CLOUDWATCH_LOGS.cost(bill.BATCH_LOG_BYTES)
    yield "move to Glacier", prices.S3_TO_GLACIER.cost(1)
    yield "40 KB more in Glacier", overhead
    yield "GETs of one query over all", prices.S3_GET.cost(1)


def verdict(a_day: Day, retention: Retention) -> Iterator[str]:
    """Say whether moving objects of today's size to Glacier pays, and what to do if not; nothing without objects."""
    if not a_day.batches:
        return
    least, size = break_even(retention), a_day.mean_bytes
    each, objects = move(size, retention), a_day.batches * MONTH_DAYS
    pays = f"it pays from {least / 1000:,.0f} KB on" if least else "it never pays, with so few days to be there"
    yield (
        f"objects have {size / 1000:,.1f} KB on average: to move a million of them to Glacier costs "
        f"{_dollars(each.fee * prices.MILLION)} and saves {_dollars(each.saving * prices.MILLION)}, here "
        f"{_dollars(each.fee * objects)} and {_dollars(each.saving * objects)} a month; {pays}"
    )
    if each.fee > each.saving and size < S3_LEAST_BYTES:
        yield (
            "no archiveAfterDays mends that, as each object moves once: leave transition_default_minimum_object_size "
            "out of infra/archive.py, and S3 keeps what is under 128 KB in Standard until it is deleted"
        )


def _dollars(usd: float) -> str:
    return f"-${-usd:,.2f}" if usd < 0 else f"${usd:,.2f}"
