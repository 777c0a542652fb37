"""The bill: each thing that AWS charges this stack for, its price, and how much the stack uses. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contract.metrics import Metric, series
from runbook import prices
from runbook.cost import usage
from runbook.cost.usage import Days, Retention, Usage
from runbook.prices import Price
from runbook.terminal import printing

# How long the receiver takes per batch; most of it is waiting for S3. An assumption, not a measurement.
BATCH_SECONDS = 0.05
RECEIVER_MB = 512
# Log data per batch: one line of metrics, three lines of Lambda, one of the API, and 26 bytes of overhead per line.
BATCH_LOG_BYTES = 1400
# Lambda polls an empty queue with five concurrent long polls ("Using Lambda with Amazon SQS") of 20 s, the maximum.
# A low reserved concurrency may mean fewer: not verified on AWS.
POLLS_PER_DAY = 5 * 3 * 60 * 24
# How long Athena keeps its query history (API reference, ListQueryExecutions).
HISTORY_DAYS = 45

# Metrics that the receiver writes for every stored batch.
EVERY_BATCH = (
    *(Metric.REQUESTS, Metric.BATCHES, Metric.LINES, Metric.BYTES_RECEIVED),
    *(Metric.BYTES_STORED, Metric.LAG, Metric.WRITE_LATENCY),
)
SERIES_OF_APP = sum(metric.dimension == "app" for metric in EVERY_BATCH)
SERIES_OF_ALL = len(EVERY_BATCH) - SERIES_OF_APP


class Basis(StrEnum):
    """Where a quantity comes from."""

    LISTED = "listed"  # the objects in the bucket
    AT_LEAST = "at least"  # the objects in the bucket, but some usage leaves no object
    HISTORY = "history"  # Athena's query history
    ASSUMED = "assumed"  # one of these, and an assumption


@dataclass(frozen=True)
class Item:
    """One item of the bill; `quantity` computes how many units of its price a period uses."""

    name: str
    what: str
    price: Price
    basis: Basis
    quantity: Callable[[Usage], float]

    def usd(self, use: Usage) -> float:
        """The cost of a period, in US dollars."""
        return self.price.cost(self.quantity(use))

    def amount(self, use: Usage) -> str:
        """The quantity of a period, as text."""
        quantity = self.quantity(use)
        if self.price.per in {prices.GB, prices.TB}:
            return printing.size(round(quantity))
        return f"{quantity:,.0f}" if quantity >= 100 or quantity == round(quantity) else f"{quantity:,.1f}"


def _metric_months(use: Usage) -> float:
    # CloudWatch charges a series for each hour in which it has a value ("Amazon CloudWatch pricing").
    return (use.added.hours * SERIES_OF_ALL + use.added.app_hours * SERIES_OF_APP) / (24 * use.month_days)


ITEMS = (
    Item(
        "standard",
        "Log lines and results in S3",
        prices.S3_STANDARD,
        Basis.LISTED,
        lambda use: use.standard_bytes,
    ),
    Item("glacier", "Log lines in Glacier", prices.S3_GLACIER, Basis.LISTED, lambda use: use.glacier_bytes),
    Item(
        "glacier-overhead",
        "Glacier overhead, 32 KB per object",
        prices.S3_GLACIER,
        Basis.LISTED,
        lambda use: use.glacier_objects * prices.GLACIER_OVERHEAD_BYTES,
    ),
    Item(
        "standard-overhead",
        "Standard overhead, 8 KB per object",
        prices.S3_STANDARD,
        Basis.LISTED,
        lambda use: use.glacier_objects * prices.GLACIER_STANDARD_OVERHEAD_BYTES,
    ),
    Item("transitions", "Transitions to Glacier", prices.S3_TO_GLACIER, Basis.LISTED, lambda use: use.transitions),
    Item(
        "puts",
        "Writes of objects and results",
        prices.S3_PUT,
        Basis.AT_LEAST,
        lambda use: use.added.batches + use.added.results,
    ),
    Item("gets", "Reads of objects by queries", prices.S3_GET, Basis.ASSUMED, lambda use: use.objects_read),
    Item("scans", "Bytes scanned by queries", prices.ATHENA_SCAN, Basis.HISTORY, lambda use: use.added.charged_bytes),
    Item("api", "POSTs to the HTTP API", prices.HTTP_API, Basis.AT_LEAST, lambda use: use.added.batches),
    Item(
        "invocations",
        "Receiver invocations",
        prices.LAMBDA_REQUEST,
        Basis.AT_LEAST,
        lambda use: use.added.batches,
    ),
    Item(
        "compute",
        "Receiver compute",
        prices.LAMBDA_GB_SECOND,
        Basis.ASSUMED,
        lambda use: use.added.batches * BATCH_SECONDS * RECEIVER_MB / 1024,
    ),
    Item(
        "logs",
        "Logs of receiver and API",
        prices.CLOUDWATCH_LOGS,
        Basis.ASSUMED,
        lambda use: use.added.batches * BATCH_LOG_BYTES,
    ),
    Item("metrics", "Receiver metrics", prices.CLOUDWATCH_METRIC, Basis.AT_LEAST, _metric_months),
    Item(
        "polls",
        "Polls of the spill queue",
        prices.SQS_REQUEST,
        Basis.ASSUMED,
        lambda use: use.stack_months * use.month_days * POLLS_PER_DAY,
    ),
)


@dataclass(frozen=True)
class Bill:
    """The usage of `last` month, of this month `so_far` and `projected`, and of a month in the `steady` state.

    `per_day` is what one day adds at today's rate.
    """

    per_day: usage.Day
    last: Usage
    so_far: Usage
    projected: Usage
    steady: Usage

    @property
    def columns(self) -> dict[str, Usage]:
        """The usage by column name, in order."""
        return {
            "last_month": self.last,
            "this_month_so_far": self.so_far,
            "this_month_projected": self.projected,
            "steady_state": self.steady,
        }

    def over(self, limit_usd: float) -> Iterator[str]:
        """Say which months cost more than the limit. The projection covers this month so far."""
        for title, use in (
            ("last month", self.last),
            ("this month, at today's rate,", self.projected),
            ("a month with a full archive, at today's rate,", self.steady),
        ):
            if total(use) > limit_usd:
                yield f"over the limit of ${limit_usd:,.2f}: {title} costs ${total(use):,.2f}, {_largest(use)}"


def of(days: Days, retention: Retention, now: datetime) -> Bill:
    """Compute the bill from what each day added."""
    today, per_day = now.date(), usage.rate(days, now)
    return Bill(
        per_day=per_day,
        last=usage.of_period(days, usage.month_before(now), retention, today),
        so_far=usage.of_period(days, usage.month_so_far(now), retention, today),
        projected=usage.of_period(usage.continued(days, now), usage.month_of(now), retention, today),
        steady=usage.steady(per_day, retention),
    )


def total(use: Usage) -> float:
    """The cost of all items, in US dollars."""
    return sum(item.usd(use) for item in ITEMS)


def rare_series(apps: int) -> int:
    """Count the time series that exist only after faults. The bill contains none of them."""
    return sum(series(metric, apps) for metric in Metric) - apps * SERIES_OF_APP - SERIES_OF_ALL


def _largest(use: Usage) -> str:
    item = max(ITEMS, key=lambda item: item.usd(use))
    return f"of which ${item.usd(use):,.2f} for {item.what[0].lower()}{item.what[1:]}"
