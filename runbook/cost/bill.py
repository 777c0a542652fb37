"""The bill: each thing that AWS charges this stack for, its price, and how much of it is used. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contract.metrics import Metric, series
from runbook import prices
from runbook.cost import usage
from runbook.cost.usage import Days, Retention, Use
from runbook.prices import Price
from runbook.terminal import printing

# The receiver, a batch: most of the time it waits for S3. This is an assumption and no measurement.
BATCH_SECONDS = 0.05
RECEIVER_MB = 512
# What a batch writes into the logs: a line of metrics, Lambda's three, the API's one, 26 bytes more for each.
BATCH_LOG_BYTES = 1400
# Lambda asks an empty queue with five long polls at a time ("Using Lambda with Amazon SQS"), of 20 s each, the longest
# that there are; perhaps with fewer where its concurrency is held low: not verified on AWS.
POLLS_A_DAY = 5 * 3 * 60 * 24
# How far back Athena remembers queries (API reference, ListQueryExecutions).
HISTORY_DAYS = 45

# Metrics that every stored batch has.
EVERY_BATCH = (
    *(Metric.REQUESTS, Metric.BATCHES, Metric.LINES, Metric.BYTES_RECEIVED),
    *(Metric.BYTES_STORED, Metric.LAG, Metric.WRITE_LATENCY),
)
SERIES_OF_APP = sum(metric.dimension == "app" for metric in EVERY_BATCH)
SERIES_OF_ALL = len(EVERY_BATCH) - SERIES_OF_APP


class Known(StrEnum):
    """How a quantity is known."""

    LISTED = "listed"  # from the objects that are there
    AT_LEAST = "at least"  # likewise, but not all of it leaves an object
    HISTORY = "history"  # from Athena's
    ASSUMED = "assumed"  # from those, and an assumption


@dataclass(frozen=True)
class Line:
    """One thing that is charged for; `quantity` gives how many of its price's units a period uses."""

    name: str
    what: str
    price: Price
    known: Known
    quantity: Callable[[Use], float]

    def usd(self, use: Use) -> float:
        """What a period's use of it costs, in US dollars."""
        return self.price.cost(self.quantity(use))

    def amount(self, use: Use) -> str:
        """A period's use of it, in words."""
        quantity = self.quantity(use)
        if self.price.per in {prices.GB, prices.TB}:
            return printing.size(round(quantity))
        return f"{quantity:,.0f}" if quantity >= 100 or quantity == round(quantity) else f"{quantity:,.1f}"


def _metric_months(use: Use) -> float:
    # Charged by the hour in which a series has a value ("Amazon CloudWatch pricing").
    return (use.added.hours * SERIES_OF_ALL + use.added.app_hours * SERIES_OF_APP) / (24 * use.month_days)


LINES = (
    Line("standard", "Lines in S3, and results", prices.S3_STANDARD, Known.LISTED, lambda use: use.standard_bytes),
    Line("glacier", "Lines in Glacier", prices.S3_GLACIER, Known.LISTED, lambda use: use.archived_bytes),
    Line(
        "glacier-overhead",
        "32 KB more an object there",
        prices.S3_GLACIER,
        Known.LISTED,
        lambda use: use.archived * prices.GLACIER_OVERHEAD_BYTES,
    ),
    Line(
        "standard-overhead",
        "8 KB more an object in S3",
        prices.S3_STANDARD,
        Known.LISTED,
        lambda use: use.archived * prices.GLACIER_STANDARD_OVERHEAD_BYTES,
    ),
    Line("transitions", "Objects moved to Glacier", prices.S3_TO_GLACIER, Known.LISTED, lambda use: use.transitions),
    Line(
        "puts",
        "Objects and results written",
        prices.S3_PUT,
        Known.AT_LEAST,
        lambda use: use.added.batches + use.added.results,
    ),
    Line("gets", "Objects read by queries", prices.S3_GET, Known.ASSUMED, lambda use: use.objects_read),
    Line("scans", "Bytes scanned by queries", prices.ATHENA_SCAN, Known.HISTORY, lambda use: use.added.charged_bytes),
    Line("api", "POSTs to the HTTP API", prices.HTTP_API, Known.AT_LEAST, lambda use: use.added.batches),
    Line("invocations", "Receiver's invocations", prices.LAMBDA_REQUEST, Known.AT_LEAST, lambda use: use.added.batches),
    Line(
        "compute",
        "Receiver's compute",
        prices.LAMBDA_GB_SECOND,
        Known.ASSUMED,
        lambda use: use.added.batches * BATCH_SECONDS * RECEIVER_MB / 1024,
    ),
    Line(
        "logs",
        "Logs of receiver and API",
        prices.CLOUDWATCH_LOGS,
        Known.ASSUMED,
        lambda use: use.added.batches * BATCH_LOG_BYTES,
    ),
    Line("metrics", "Receiver's metrics", prices.CLOUDWATCH_METRIC, Known.AT_LEAST, _metric_months),
    Line(
        "polls",
        "Looking for spilled batches",
        prices.SQS_REQUEST,
        Known.ASSUMED,
        lambda use: use.stack_months * use.month_days * POLLS_A_DAY,
    ),
)


@dataclass(frozen=True)
class Bill:
    """What was and will be used: `last` month, this month `so_far` and `projected`, and in the `steady` state.

    `a_day` is what a day adds at today's rate.
    """

    a_day: usage.Day
    last: Use
    so_far: Use
    projected: Use
    steady: Use

    @property
    def columns(self) -> dict[str, Use]:
        """The uses by name, in the order of their columns."""
        return {
            "last_month": self.last,
            "this_month_so_far": self.so_far,
            "this_month_projected": self.projected,
            "steady_state": self.steady,
        }

    def over(self, limit_usd: float) -> Iterator[str]:
        """Say which months cost more than the limit; nothing is said of the month so far, which its projection is."""
        for title, use in (
            ("last month", self.last),
            ("this month, at today's rate,", self.projected),
            ("a month with a full archive, at today's rate,", self.steady),
        ):
            if total(use) > limit_usd:
                yield f"over the limit of ${limit_usd:,.2f}: {title} costs ${total(use):,.2f}, {_largest(use)}"


def of(days: Days, retention: Retention, now: datetime) -> Bill:
    """Make the bill of what each day added."""
    today, a_day = now.date(), usage.rate(days, now)
    return Bill(
        a_day=a_day,
        last=usage.use(days, usage.month_before(now), retention, today),
        so_far=usage.use(days, usage.month_so_far(now), retention, today),
        projected=usage.use(usage.continued(days, now), usage.month_of(now), retention, today),
        steady=usage.steady(a_day, retention),
    )


def total(use: Use) -> float:
    """What all of it costs, in US dollars."""
    return sum(line.usd(use) for line in LINES)


def rare_series(apps: int) -> int:
    """Count the time series that only exist where something is amiss: none of them is in the bill."""
    return sum(series(metric, apps) for metric in Metric) - apps * SERIES_OF_APP - SERIES_OF_ALL


def _largest(use: Use) -> str:
    line = max(LINES, key=lambda line: line.usd(use))
    return f"of which ${line.usd(use):,.2f} for {line.what[0].lower()}{line.what[1:]}"
