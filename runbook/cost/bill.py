"""The bill: each thing that AWS charges this stack for, its price, and how much the stack uses. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contract.metrics import Metric, series
from runbook import prices
from runbook.cost import traffic, usage
from runbook.cost.usage import Days, Retention, Usage, Watch
from runbook.prices import Price
from runbook.terminal import printing

# The defaults of `receiverMemoryMb` and `flusherMemoryMb`, and what canary and digester have.
RECEIVER_MB = 256
FLUSHER_MB = 1024
CANARY_MB = 128
DIGESTER_MB = 512
# Log data, with CloudWatch's overhead for each event: the access log's line of a POST, and the flusher's lines of
# metrics for each object, and for each run and app: the first app's is on the run's own line. A POST that goes well
# writes no other line, and neither does the canary.
POST_LOG_BYTES = 55 + prices.LOG_EVENT_OVERHEAD_BYTES
OBJECT_LOG_BYTES = 325 + prices.LOG_EVENT_OVERHEAD_BYTES
RUN_LOG_BYTES = 118
APP_RUN_LOG_BYTES = 218 + prices.LOG_EVENT_OVERHEAD_BYTES
# How long Athena keeps its query history (API reference, ListQueryExecutions).
HISTORY_DAYS = 45

# The metrics that have values every hour: those of each run, and lines, as a canary makes an object of each app.
EVERY_HOUR = (Metric.LINES, Metric.SILENCE, Metric.BEHIND)


class Basis(StrEnum):
    """Where a quantity comes from."""

    LISTED = "listed"  # the objects in the bucket
    AT_LEAST = "at least"  # the objects in the bucket, but some usage leaves no object
    MEASURED = "measured"  # CloudWatch's metrics
    HISTORY = "history"  # Athena's query history
    ASSUMED = "assumed"  # one of these, and an assumption
    ESTIMATED = "estimated"  # guessed from the bucket, as CloudWatch has no metrics


class Driver(StrEnum):
    """What a charge grows with."""

    POSTS = "POSTs"
    BYTES = "bytes and lines"
    OBJECTS = "apps and slots"
    QUERIES = "queries"
    TIME = "apps and time"


@dataclass(frozen=True)
class Item:
    """One item of the bill; `quantity` computes how many units of its price a period uses.

    `measured` names the fields of a day that it is computed from and that CloudWatch measures.
    """

    name: str
    what: str
    price: Price
    basis: Basis
    driver: Driver
    quantity: Callable[[Usage], float]
    measured: frozenset[str] = frozenset()

    def usd(self, use: Usage) -> float:
        """The cost of a period, in US dollars."""
        return self.price.cost(self.quantity(use))

    def amount(self, use: Usage) -> str:
        """The quantity of a period, as text."""
        quantity = self.quantity(use)
        if self.price.per in {prices.GB, prices.TB}:
            return printing.size(round(quantity))
        return f"{quantity:,.0f}" if quantity >= 100 or quantity == round(quantity) else f"{quantity:,.1f}"

    def basis_with(self, known: frozenset[str]) -> Basis:
        """Where its quantity comes from when CloudWatch knows these fields."""
        return self.basis if self.measured <= known else Basis.ESTIMATED


def _days(use: Usage) -> float:
    return use.stack_months * use.month_days


def _metric_months(use: Usage) -> float:
    return use.stack_months * steady_series(use.watch.apps)


def _canary_runs(use: Usage) -> float:
    return _days(use) * traffic.CANARY_RUNS_PER_DAY if use.watch.apps else 0.0


def _digester_runs(use: Usage) -> float:
    return _days(use) * traffic.DIGESTS_PER_DAY if use.watch.apps else 0.0


def _log_bytes(use: Usage) -> float:
    of_posts, apps = use.added.posts * POST_LOG_BYTES, use.watch.apps
    if not apps:
        return of_posts
    of_runs = _days(use) * traffic.RUNS_PER_DAY * (RUN_LOG_BYTES + apps * APP_RUN_LOG_BYTES)
    return of_posts + use.added.app_slots * OBJECT_LOG_BYTES + of_runs


def _gb_seconds(milliseconds: float, memory_mb: int) -> float:
    return milliseconds / 1000 * memory_mb / 1024


_POSTS = frozenset({"posts"})

ITEMS = (
    Item(
        "api",
        "Requests to the HTTP API",
        prices.HTTP_API,
        Basis.MEASURED,
        Driver.POSTS,
        lambda use: use.added.posts,
        _POSTS,
    ),
    Item(
        "invocations",
        "Receiver invocations",
        prices.LAMBDA_REQUEST,
        Basis.MEASURED,
        Driver.POSTS,
        lambda use: use.added.posts,
        _POSTS,
    ),
    Item(
        "compute",
        "Receiver compute",
        prices.LAMBDA_GB_SECOND,
        Basis.ASSUMED,
        Driver.POSTS,
        lambda use: _gb_seconds(use.added.receiver_ms, RECEIVER_MB),
        frozenset({"receiver_ms"}),
    ),
    Item(
        "writes",
        "Writes to the buffer",
        prices.DYNAMODB_WRITE,
        Basis.MEASURED,
        Driver.POSTS,
        lambda use: use.added.write_units,
        frozenset({"write_units"}),
    ),
    Item(
        "reads",
        "Reads of the buffer",
        prices.DYNAMODB_READ,
        Basis.MEASURED,
        Driver.BYTES,
        lambda use: use.added.read_units,
        frozenset({"read_units"}),
    ),
    Item(
        "buffer",
        "Batches kept in the buffer",
        prices.DYNAMODB_STORAGE,
        Basis.ASSUMED,
        Driver.BYTES,
        lambda use: use.buffer_bytes,
        frozenset({"posts", "body_bytes"}),
    ),
    Item(
        "schedule",
        "Scheduled invocations",
        prices.SCHEDULER,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: _days(use) * traffic.RUNS_PER_DAY + _canary_runs(use) + _digester_runs(use),
    ),
    Item(
        "flusher-invocations",
        "Flusher invocations",
        prices.LAMBDA_REQUEST,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: _days(use) * traffic.RUNS_PER_DAY,
    ),
    Item(
        "flusher-compute",
        "Flusher compute",
        prices.LAMBDA_GB_SECOND,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: _gb_seconds(use.added.flusher_ms, FLUSHER_MB),
        frozenset({"flusher_ms"}),
    ),
    Item(
        "polls",
        "Polls of the queues",
        prices.SQS_REQUEST,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: _days(use) * traffic.RUNS_PER_DAY + _canary_runs(use),
    ),
    Item(
        "logs",
        "Logs of API and functions",
        prices.CLOUDWATCH_LOGS,
        Basis.ASSUMED,
        Driver.POSTS,
        _log_bytes,
        _POSTS,
    ),
    Item("metrics", "Metrics of the flusher", prices.CLOUDWATCH_METRIC, Basis.ASSUMED, Driver.TIME, _metric_months),
    Item(
        "alarms",
        "Alarms",
        prices.CLOUDWATCH_ALARM,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: use.stack_months * use.watch.alarms,
    ),
    Item(
        "dashboard",
        "Dashboard",
        prices.CLOUDWATCH_DASHBOARD,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: use.stack_months * use.watch.dashboards,
    ),
    Item("canary-invocations", "Canary invocations", prices.LAMBDA_REQUEST, Basis.ASSUMED, Driver.TIME, _canary_runs),
    Item(
        "canary-compute",
        "Canary compute",
        prices.LAMBDA_GB_SECOND,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: _gb_seconds(_canary_runs(use) * traffic.CANARY_MS, CANARY_MB),
    ),
    Item(
        "canary-urls",
        "Decryption of drain URLs for canaries",
        prices.KMS_REQUEST,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: _canary_runs(use) * use.watch.apps,
    ),
    Item("key", "Key of the drain URLs", prices.KMS_KEY, Basis.ASSUMED, Driver.TIME, lambda use: use.stack_months),
    Item(
        "digester-invocations",
        "Digester invocations",
        prices.LAMBDA_REQUEST,
        Basis.ASSUMED,
        Driver.TIME,
        _digester_runs,
    ),
    Item(
        "digester-compute",
        "Digester compute",
        prices.LAMBDA_GB_SECOND,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: _gb_seconds(_digester_runs(use) * traffic.DIGEST_MS, DIGESTER_MB),
    ),
    Item(
        "digest-lists",
        "Lists for digests, and digests",
        prices.S3_PUT,
        Basis.ASSUMED,
        Driver.TIME,
        lambda use: _digester_runs(use) * traffic.requests_per_digest(use.watch.apps),
    ),
    Item(
        "digest-checksums",
        "Checksums for digests",
        prices.S3_GET,
        Basis.AT_LEAST,
        Driver.OBJECTS,
        lambda use: use.added.all_objects if use.watch.apps else 0.0,
    ),
    Item(
        "puts",
        "Writes of objects and results",
        prices.S3_PUT,
        Basis.AT_LEAST,
        Driver.OBJECTS,
        lambda use: use.added.all_objects + use.added.results,
    ),
    Item(
        "transitions",
        "Transitions to Glacier",
        prices.S3_TO_GLACIER,
        Basis.LISTED,
        Driver.OBJECTS,
        lambda use: use.transitions,
    ),
    Item(
        "standard",
        "Log lines and results in S3",
        prices.S3_STANDARD,
        Basis.LISTED,
        Driver.BYTES,
        lambda use: use.standard_bytes,
    ),
    Item(
        "glacier",
        "Log lines in Glacier",
        prices.S3_GLACIER,
        Basis.LISTED,
        Driver.BYTES,
        lambda use: use.glacier_bytes,
    ),
    Item(
        "glacier-overhead",
        "Glacier overhead, 32 KB per object",
        prices.S3_GLACIER,
        Basis.LISTED,
        Driver.OBJECTS,
        lambda use: use.glacier_objects * prices.GLACIER_OVERHEAD_BYTES,
    ),
    Item(
        "standard-overhead",
        "Standard overhead, 8 KB per object",
        prices.S3_STANDARD,
        Basis.LISTED,
        Driver.OBJECTS,
        lambda use: use.glacier_objects * prices.GLACIER_STANDARD_OVERHEAD_BYTES,
    ),
    Item(
        "gets",
        "Reads of objects by queries",
        prices.S3_GET,
        Basis.ASSUMED,
        Driver.QUERIES,
        lambda use: use.objects_read,
    ),
    Item(
        "scans",
        "Bytes scanned by queries",
        prices.ATHENA_SCAN,
        Basis.HISTORY,
        Driver.QUERIES,
        lambda use: use.added.charged_bytes,
    ),
)


@dataclass(frozen=True)
class Bill:
    """The usage of `last` month, of this month `so_far` and `projected`, and of a month in the `steady` state.

    `per_day` is what one day adds at today's rate. `known` names the fields of a day that CloudWatch measured.
    """

    known: frozenset[str]
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


def of(
    days: Days, retention: Retention, now: datetime, watch: Watch, known: frozenset[str] = frozenset(traffic.MEASURED)
) -> Bill:
    """Compute the bill from what each day added, of which CloudWatch measured the fields that are `known`."""
    today, per_day = now.date(), usage.rate(days, now)
    return Bill(
        known=known,
        per_day=per_day,
        last=usage.of_period(days, usage.month_before(now), retention, today, watch),
        so_far=usage.of_period(days, usage.month_so_far(now), retention, today, watch),
        projected=usage.of_period(usage.projected(days, now), usage.month_of(now), retention, today, watch),
        steady=usage.steady(per_day, retention, watch),
    )


def total(use: Usage, items: Sequence[Item] = ITEMS) -> float:
    """The cost of all items, in US dollars."""
    return sum(item.usd(use) for item in items)


def by_driver(use: Usage) -> dict[Driver, float]:
    """The cost by what it grows with, in US dollars."""
    return {driver: sum(item.usd(use) for item in ITEMS if item.driver is driver) for driver in Driver}


def free(use: Usage, items: Sequence[Item] = ITEMS) -> dict[Price, float]:
    """What AWS gives away of it, in US dollars: by price, as several items can have the same."""
    used: dict[Price, float] = {}
    for item in items:
        used[item.price] = used.get(item.price, 0.0) + item.quantity(use)
    return {price: price.cost(min(quantity, price.free)) for price, quantity in used.items() if price.free}


def steady_series(apps: int) -> int:
    """Count the time series that exist in every hour; without an app there is none."""
    return sum(series(metric, apps) for metric in EVERY_HOUR) if apps else 0


def rare_series(apps: int) -> int:
    """Count the time series that exist only after faults. The bill contains none of them."""
    return sum(series(metric, apps) for metric in Metric if metric not in EVERY_HOUR)


def _largest(use: Usage) -> str:
    item = max(ITEMS, key=lambda item: item.usd(use))
    return f"of which ${item.usd(use):,.2f} for {item.what[0].lower()}{item.what[1:]}"
