"""What docs/cost.md says, from the model of `hla cost`: its amounts are those of the price table."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from contract import names
from contract.buffer_table import KEPT_DAYS
from contract.canary import EVERY_MINUTES
from contract.metrics import Metric
from infra.settings import Settings
from receiver import metrics
from receiver.metrics import Entry, Point
from receiver.pace import FEW_LINES
from runbook import prices
from runbook.cost import bill, sizes, small_objects, traffic, usage
from runbook.cost.bill import ITEMS, Item
from runbook.cost.usage import MONTH_DAYS, NO_WATCH, RATE_DAYS, Day, Retention, Usage
from runbook.cost.volume import PRE_LAUNCH, REFERENCE, Volume
from tools import paced_answers

_LINES_PER_POST = (1, 5, 20, 100)
_PROMISED_USD = 50

# ---------------------------------------------------------------- before the buffer

# What it was without a buffer: 50 ms at 512 MB, 1,400 bytes of logs for each POST, five polls of 20 s at a time, and
# five metrics for each of three apps and two more.
_WITHOUT_BUFFER: Mapping[str, Callable[[Usage], float]] = {
    "compute": lambda use: use.added.posts * 0.05 * 0.5,
    "logs": lambda use: use.added.posts * 1_400,
    "metrics": lambda use: use.stack_months * (3 * 5 + 2),
    "polls": lambda use: use.month_days * 24 * 3600 / 20 * 5,
}
_OF_BUFFER = {"writes", "reads", "buffer", "schedule", "flusher-invocations", "flusher-compute"}
_OF_WATCH = {
    *("alarms", "dashboard", "canary-invocations", "canary-compute", "canary-urls", "key"),
    *("digester-invocations", "digester-compute", "digest-lists", "digest-checksums"),
}
_ITEMS_BEFORE = tuple(
    replace(item, quantity=_WITHOUT_BUFFER.get(item.name, item.quantity))
    for item in ITEMS
    if item.name not in _OF_BUFFER | _OF_WATCH
)


def _day_before(volume: Volume) -> Day:
    """One object per POST: the same lines, in as many objects as there are POSTs."""
    day = replace(volume, watched=False).day()
    stored_bytes = day.posts * sizes.stored_bytes(day.mean_body)
    scanned_bytes = day.queries * volume.query_days * stored_bytes
    return replace(
        day, objects=day.posts, bytes=stored_bytes, scanned_bytes=scanned_bytes,
        charged_bytes=max(scanned_bytes, day.queries * prices.ATHENA_LEAST_BYTES),
    )  # fmt: skip


# ---------------------------------------------------------------- tables


@dataclass(frozen=True)
class _Table:
    """The cost of several volumes: rows of amounts in US dollars, and what AWS gives away."""

    rows: Sequence[tuple[str, Sequence[float]]]
    totals: Sequence[float]
    free: Sequence[tuple[str, Sequence[float]]]
    paid: Sequence[float]

    @classmethod
    def of(cls, months: Sequence[Usage], items: Sequence[Item]) -> "_Table":
        totals = [bill.total(month, items) for month in months]
        free = [bill.free(month, items) for month in months]
        return cls(
            [(item.what, [item.usd(month) for month in months]) for item in items],
            totals,
            [(price.what, [each[price] for each in free]) for price in free[0]],
            [total - sum(each.values()) for total, each in zip(totals, free, strict=True)],
        )


@functools.cache
def facts() -> Mapping[str, Any]:
    """Give what the page's template names."""
    settings = Settings()
    kept = Retention(settings.archive_after_days, settings.expire_after_days, settings.results_expire_after_days)
    volumes = {
        "pre-launch": PRE_LAUNCH,
        **{f"500 MB at {lines}": Volume.of_bytes(500e6, lines) for lines in (1, 5, 20)},
        **{f"5 GB at {lines}": Volume.of_bytes(5e9, lines) for lines in (5, 20)},
    }
    before = _Table.of([usage.steady(_day_before(each), kept, NO_WATCH) for each in volumes.values()], _ITEMS_BEFORE)
    after = _Table.of([each.month(kept) for each in volumes.values()], ITEMS)
    move = small_objects.move(50_000, kept)
    slot_bytes, slots = REFERENCE.day().mean_bytes, REFERENCE.objects * MONTH_DAYS
    of_slot = small_objects.move(slot_bytes, kept)
    apps = len(settings.apps)
    return {
        "region": prices.REGION,
        "as_of": prices.AS_OF,
        "volumes": volumes,
        "before": before,
        "after": after,
        "pre_launch": PRE_LAUNCH,
        **_watch_facts(volumes, kept),
        "kept_promises": [_promise(lines, kept) for lines in _LINES_PER_POST],
        "promised": _PROMISED_USD,
        "budget": settings.budget_usd,
        "machine": paced_answers.machine_usd(),
        "million_posts": _million_posts(),
        "machine_posts": paced_answers.machine_usd() / _million_posts() * prices.MILLION,
        "rates": [(rate, _per_month(rate) / prices.MILLION * _million_posts()) for rate in (0.1, 1, 5, 25, 100)],
        "month_s": _per_month(1),
        **_paced(),
        **_flood(),
        "expire": kept.expire_days,
        "kept": kept.expire_days - kept.archive_days,
        "least": prices.GLACIER_LEAST_DAYS,
        "month": MONTH_DAYS,
        "break_even": (small_objects.break_even(kept) or 0.0) / 1000,
        "fee": move.fee,
        "million_fee": move.fee * prices.MILLION,
        "slot_bytes": slot_bytes,
        "slot_fee": of_slot.fee * slots,
        "slot_saving": of_slot.saving * slots,
        "million_saving": move.saving * prices.MILLION,
        "memory": bill.RECEIVER_MB,
        "flusher_memory": bill.FLUSHER_MB,
        "post_ms": traffic.POST_MS,
        "run_ms": traffic.RUN_MS,
        "line_us": traffic.LINE_MS * 1000,
        "assumed_lines": traffic.LINES_PER_POST,
        "line_bytes": sizes.LINE_BYTES,
        "measured": [
            (lines, size, sizes.item_bytes(size), sizes.write_units(size))
            for lines, size in ((lines, lines * sizes.LINE_BYTES) for lines in (1, 5, 20, 100))
        ],
        "post_log": bill.POST_LOG_BYTES,
        "object_log": bill.OBJECT_LOG_BYTES,
        "run_log": bill.RUN_LOG_BYTES,
        "buffer_days": KEPT_DAYS,
        "history": bill.HISTORY_DAYS,
        "gb_bytes": prices.GB,
        "app_run_log": bill.APP_RUN_LOG_BYTES,
        "steady": bill.steady_series(apps),
        "rare": bill.rare_series(apps),
        "app_usd": _app_usd(apps, kept),
        "rate": RATE_DAYS,
        "query_days": PRE_LAUNCH.query_days,
        "free_prices": [price for price in prices.ALL if price.free],
        "prices": prices.ALL,
    }


def _per_month(per_second: float) -> float:
    return per_second * MONTH_DAYS * 24 * 3600


# ---------------------------------------------------------------- the watch

# Nearly: a volume of nothing has no lines per POST.
_SILENT = Volume.of_posts(1e-6, 1)
# The dashboard's widgets that query the flusher's log, and the hours that they show.
LOG_WIDGETS, SHOWN_HOURS = 2, 12
_REFRESHED_MINUTES = 5


class Row(NamedTuple):
    """What an item costs by volume, in US dollars."""

    what: str
    usd: Sequence[float]


@dataclass(frozen=True)
class WatchTable:
    """What the watch adds to a month of each volume: by item, in all, and less free tiers."""

    rows: Sequence[Row]
    totals: Sequence[float]
    paid: Sequence[float]

    @classmethod
    def of(cls, volumes: Iterable[Volume], kept: Retention) -> "WatchTable":
        """Compare months with those of a stack without alarms, dashboard, canaries and metrics."""
        pairs = [(each.month(kept), replace(each, watched=False).month(kept)) for each in volumes]
        rows = [Row(item.what, [item.usd(watched) - item.usd(bare) for watched, bare in pairs]) for item in ITEMS]
        return cls(
            [row for row in rows if max(row.usd) >= 0.005],
            [bill.total(watched) - bill.total(bare) for watched, bare in pairs],
            [_paid(watched) - _paid(bare) for watched, bare in pairs],
        )


def _watch_facts(volumes: Mapping[str, Volume], kept: Retention) -> dict[str, Any]:
    watched = WatchTable.of([*volumes.values(), _SILENT], kept)
    of_runs = traffic.RUNS_PER_DAY * (bill.RUN_LOG_BYTES + PRE_LAUNCH.apps * bill.APP_RUN_LOG_BYTES)
    log_bytes = of_runs + PRE_LAUNCH.objects * bill.OBJECT_LOG_BYTES
    shown_bytes = log_bytes * LOG_WIDGETS * SHOWN_HOURS / 24
    scanned_bytes = shown_bytes * MONTH_DAYS * traffic.MINUTES_PER_DAY / _REFRESHED_MINUTES
    return {
        "watch": watched,
        "alarm_count": PRE_LAUNCH.month(kept).watch.alarms,
        "alarms_free": prices.CLOUDWATCH_ALARM.free,
        "metrics_free": prices.CLOUDWATCH_METRIC.free,
        "dashboards_free": prices.CLOUDWATCH_DASHBOARD.free,
        "shown_hours": SHOWN_HOURS,
        "shown_bytes": shown_bytes,
        "refreshed_minutes": _REFRESHED_MINUTES,
        "scanned_bytes": scanned_bytes,
        "scanned_usd": prices.LOGS_SCAN.cost(scanned_bytes),
        "each_minute_usd": prices.LOGS_SCAN.cost(scanned_bytes * _REFRESHED_MINUTES),
        "key": prices.KMS_KEY,
        "canary_ms": traffic.CANARY_MS,
        "canary_memory": bill.CANARY_MB,
        "canary_minutes": EVERY_MINUTES,
        "canary_runs": traffic.CANARY_RUNS_PER_DAY,
        "digest_ms": traffic.DIGEST_MS,
        "digester_memory": bill.DIGESTER_MB,
        "digest_requests": traffic.requests_per_digest(PRE_LAUNCH.apps),
    }


def _paid(month: Usage) -> float:
    return bill.total(month) - sum(bill.free(month).values())


def _app_usd(apps: int, kept: Retention) -> float:
    """What another app costs per month before it logs anything, without free tiers."""
    more, fewer = (bill.total(replace(_SILENT, apps=count).month(kept)) for count in (apps + 1, apps))
    return more - fewer


# ---------------------------------------------------------------- a flood

_FLOOD_RATES = (1_000, 5_000)
# What a POST without a token takes of the receiver; assumed.
_REFUSED_MS = 5


def _flood() -> dict[str, Any]:
    """What an hour of refused POSTs costs, by their rate: API, Lambda, and a line in both logs for each."""
    refused = metrics.lines(Entry([Point(Metric.UNAUTHORISED, 1)]), names.receiver_function(Settings().name_prefix), 0)
    log_bytes = bill.POST_LOG_BYTES + len(refused) + prices.LOG_EVENT_OVERHEAD_BYTES

    def usd(rate: int) -> float:
        posts = rate * 3600
        return (
            prices.HTTP_API.cost(posts)
            + prices.LAMBDA_REQUEST.cost(posts)
            + prices.LAMBDA_GB_SECOND.cost(posts * _REFUSED_MS / 1000 * bill.RECEIVER_MB / 1024)
            + prices.CLOUDWATCH_LOGS.cost(posts * log_bytes)
        )

    return {"flood": [(rate, usd(rate)) for rate in _FLOOD_RATES], "refused_ms": _REFUSED_MS}


# ---------------------------------------------------------------- what it takes


def _million_posts() -> float:
    """What a million POSTs cost without Logplex's lines in them, in US dollars: API, Lambda and access log."""
    million = prices.MILLION
    return (
        prices.HTTP_API.cost(million)
        + prices.LAMBDA_REQUEST.cost(million)
        + prices.LAMBDA_GB_SECOND.cost(traffic.receiver_ms(million) / 1000 * bill.RECEIVER_MB / 1024)
        + prices.CLOUDWATCH_LOGS.cost(million * bill.POST_LOG_BYTES)
    )


def _promise(lines_per_post: float, kept: Retention) -> dict[str, float]:
    """Up to how many bytes per day a month costs less than an amount, with free tiers."""

    def on_lambda(volume: Volume) -> float:
        return _paid(volume.month(kept))

    def on_machine(volume: Volume) -> float:
        month = volume.month(kept)
        outside = replace(month, added=replace(month.added, posts=0.0, receiver_ms=0.0))
        return _paid(outside) + paced_answers.machine_usd()

    return {
        "lines": lines_per_post,
        "lambda_budget": _most(lambda size: on_lambda(Volume.of_bytes(size, lines_per_post)), Settings().budget_usd),
        "lambda_promised": _most(lambda size: on_lambda(Volume.of_bytes(size, lines_per_post)), _PROMISED_USD),
        "machine_promised": _most(lambda size: on_machine(Volume.of_bytes(size, lines_per_post)), _PROMISED_USD),
    }


def _most(usd: Callable[[float], float], limit_usd: float) -> float:
    """Give the largest size, in bytes, that costs less than a limit."""
    low, high = 1e7, 1e11
    for _ in range(14):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if usd(middle) < limit_usd else (low, middle)
    return low


# ---------------------------------------------------------------- paced answers


def _paced() -> dict[str, Any]:
    """The table of paced answers, and from which rate on a pause pays in Lambda."""
    million = _million_posts() + prices.DYNAMODB_WRITE.cost(prices.MILLION)
    return {
        "paced": [
            (case, pause_ms, found, [found.lambda_usd(memory) for memory in paced_answers.MEMORIES_MB])
            for case in paced_answers.CASES
            for pause_ms in paced_answers.PAUSES_MS
            for found in [paced_answers.simulate(case, pause_ms)]
        ],
        "one_node": [paced_answers.simulate(paced_answers.CASES[2], pause_ms, nodes=1) for pause_ms in (0, 1_000)],
        "apps": paced_answers.APPS,
        "nodes": paced_answers.NODES,
        "few": FEW_LINES,
        "memories": [
            (memory, prices.LAMBDA_GB_SECOND.cost(prices.MILLION * memory / 1024) / million)
            for memory in paced_answers.MEMORIES_MB
        ],
        "second_usd": prices.LAMBDA_GB_SECOND.cost(prices.MILLION * bill.RECEIVER_MB / 1024),
        "million_usd": million,
    }
