"""What docs/cost.md says, from the model of `python -m runbook cost`: its amounts are those of the price table."""

from collections.abc import Mapping
from typing import Any

from infra.settings import Settings
from runbook import prices
from runbook.cost import bill, scenario, small_objects
from runbook.cost.bill import LINES
from runbook.cost.usage import MONTH_DAYS, RATE_DAYS, Retention

_MANY, _FEW = scenario.OBJECTS_A_DAY, scenario.OBJECTS_A_DAY // 10
_STORAGE = ("standard", "glacier", "glacier-overhead", "standard-overhead", "transitions")


def facts() -> Mapping[str, Any]:
    """Give what the page's template names."""
    settings = Settings()
    kept = Retention(settings.archive_after_days, settings.expire_after_days, settings.results_expire_after_days)
    apps = len(settings.apps)
    many, few = (scenario.month(objects, apps, kept) for objects in (_MANY, _FEW))
    usd = {line.name: line.usd(many) for line in LINES}
    move = small_objects.move(50_000, kept)
    return {
        "region": prices.REGION,
        "as_of": prices.AS_OF,
        "apps": apps,
        "lines": LINES,
        "many": _MANY,
        "few": _FEW,
        "month_of_many": many,
        "month_of_few": few,
        "many_total": bill.total(many),
        "few_total": bill.total(few),
        "megabytes": scenario.MEGABYTES_A_DAY,
        "moves": usd["transitions"],
        "puts": _MANY * MONTH_DAYS,
        "put_usd": usd["puts"],
        "overhead_kb": (prices.GLACIER_OVERHEAD_BYTES + prices.GLACIER_STANDARD_OVERHEAD_BYTES) // 1024,
        "glacier_kb": prices.GLACIER_OVERHEAD_BYTES // 1024,
        "standard_kb": prices.GLACIER_STANDARD_OVERHEAD_BYTES // 1024,
        "overhead": usd["glacier-overhead"] + usd["standard-overhead"],
        "archived": many.archived,
        "scans": usd["scans"],
        "app_metrics": prices.CLOUDWATCH_METRIC.cost(bill.SERIES_OF_APP),
        "per_million": list(small_objects.per_million(50_000, kept)),
        "expire": kept.expire_days,
        "kept": kept.expire_days - kept.archive_days,
        "least": prices.GLACIER_LEAST_DAYS,
        "month": MONTH_DAYS,
        "break_even": (small_objects.break_even(kept) or 0.0) / 1000,
        "fee": move.fee,
        "million_fee": move.fee * prices.MILLION,
        "million_saving": move.saving * prices.MILLION,
        "kept_glacier": sum(usd[name] for name in _STORAGE),
        "kept_standard": _never_moved(apps, kept),
        "batches": {count: _batches(count) for count in (10_000, 100_000, 10_000_000)},
        "ms": bill.BATCH_SECONDS * 1000,
        "memory": bill.RECEIVER_MB,
        "ten_ms": prices.LAMBDA_GB_SECOND.cost(10 * prices.MILLION * 0.01 * bill.RECEIVER_MB / 1024),
        "history": bill.HISTORY_DAYS,
        "gb_bytes": prices.GB,
        "log_bytes": bill.BATCH_LOG_BYTES,
        "of_app": bill.SERIES_OF_APP,
        "of_all": bill.SERIES_OF_ALL,
        "rare": bill.rare_series(apps),
        "rate": RATE_DAYS,
        "prices": prices.ALL,
    }


def _never_moved(apps: int, kept: Retention) -> float:
    use = scenario.month(_MANY, apps, Retention(kept.expire_days, kept.expire_days, kept.results_days))
    return sum(line.usd(use) for line in LINES if line.name in _STORAGE)


def _batches(count: int) -> tuple[float, float, float]:
    """What so many batches cost, in US dollars: Lambda, the HTTP API, PUTs."""
    seconds = count * bill.BATCH_SECONDS * bill.RECEIVER_MB / 1024
    run = prices.LAMBDA_GB_SECOND.cost(seconds) + prices.LAMBDA_REQUEST.cost(count)
    return run, prices.HTTP_API.cost(count), prices.S3_PUT.cost(count)
