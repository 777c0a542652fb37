"""Writes docs/cost.md from the model of `python -m runbook cost`, so that its amounts are those of the price table."""

from collections.abc import Iterable, Sequence

from infra.settings import Settings
from runbook import prices
from runbook.cost import bill, scenario, small_objects, usage
from runbook.cost.bill import LINES
from runbook.cost.usage import MONTH_DAYS, RATE_DAYS, Retention

_MANY, _FEW = scenario.OBJECTS_A_DAY, scenario.OBJECTS_A_DAY // 10
_STORAGE = ("standard", "glacier", "glacier-overhead", "standard-overhead", "transitions")

_PAGE = """\
# What it costs

<!-- Written by `python -m tools.reference_docs` from runbook/cost/bill.py and runbook/prices.py. -->

`python -m runbook cost` shows what the archive cost last month, what it costs this one, so far and at today's
rate, and what a month costs once the archive is full; it exits with 1 when one of them is over `budgetUsd`. This
page is its model. Prices are those of {region} without free tiers, last compared on {as_of}.

## Small objects

The system that this replaces was estimated at $1.80 a month, for {many:,} objects and {megabytes} MB a day of {apps}
apps, and 5 GB scanned a month. By today's prices and with a full archive that is ${many_total:.2f}, and the same
bytes in {few:,} objects a day are ${few_total:.2f}:

{months}

What that estimate had wrong:

- **It left out the moves to Glacier: ${moves:.2f} a month**, the largest line of all. Each object is charged for,
  however small it is.
- **{many:,} objects a day are {puts:,} PUTs a month, ${put_usd:.2f}** and not $0.05.
- **In Glacier an object has {overhead_kb} KB more**, {glacier_kb} at Glacier's price and {standard_kb} at that of
  S3 Standard: ${overhead:.2f} a month for {archived:,} objects.
- **5 GB scanned are ${scans:.3f}** and not $0.12. Each object that a query reads is a GET besides.

It had no metrics. The receiver's are the second line here: each app's own are ${app_metrics:.2f} a month.

All that is charged by the object, for a million of 50 KB in their lives of {expire} days, and for the same bytes
in objects of 1 MB:

{million}

**An object has to be {break_even:,.0f} KB large for its move to pay.** The fee is ${fee:.5f}. What is saved is
the difference of the two prices over the {kept} days that are left of {expire}, in months of {month} days, less
what the {overhead_kb} KB cost: at 50 KB a million moves cost ${million_fee:.2f} and save ${million_saving:.2f}.
Logplex makes batches of about 100 KB at most, which compress to some 20 KB, and a batch is an object: here it
never pays.

`archiveAfterDays` does not change that: whenever it is, each object moves once. What does is to leave
`transition_default_minimum_object_size` out of `infra/archive.py`: then S3 moves nothing under 128 KB. Lines stay
in Standard until they are deleted, where queries reach them at once. For the {many:,} objects a day above,
storage and moves are ${kept_standard:.2f} a month in place of ${kept_glacier:.2f}.

## A batch

{batches}

One object, one POST and one invocation a batch. {ms:.0f} ms are billed for it, most of which is waiting for S3,
at {memory} MB, the default of `receiverMemoryMb`: an assumption and no measurement. 10 ms more or less are
${ten_ms:.2f} at ten million batches. PUTs are most of it at any size, and there is one a batch: it is answered
200 only when it is stored.

## The model

| Known | From |
| --- | --- |
| listed | The objects that are there, by class and day. What was deleted since is not seen. |
| at least | The same. Refused requests and tries of what is stored already leave no object. |
| history | The workgroup's queries, of {history} days. |
| assumed | These, and a number that is stated here. |

- **Storage** is the mean over the month, as S3 charges it. What comes on a day comes at noon. A move or a
  deletion is due at the midnight after its days have passed, and is charged as if it were done then. What should
  have moved two days ago and did not is taken to stay. A GB of a price is AWS's, {gb_bytes:,} bytes; sizes are shown
  in powers of a thousand.
- **Moves to Glacier** of a month are the objects that were due in it. They stay {kept} days of the {least} that
  Glacier charges at least, so no deletion is early; with fewer the command says so.
- **Queries** are charged for 10 MB at least. What was cancelled is charged for what it had scanned; what failed,
  and DDL, is free.
- **GETs** nobody counts for us: one for each object is assumed, bytes scanned by the mean size of an object.
- **Logs** take {log_bytes:,} bytes a batch: the receiver's line of metrics, Lambda's three lines, the API's one.
- **Metrics** are charged by the hour in which they have a value. Every hour with an object has {of_app} of each
  app that sent one and {of_all} more; {rare} others (of three apps) come only where something is amiss.
- **The spill queue** is polled by Lambda, batches or not: five requests at a time are assumed, of 20 s each.
- **Today's rate** is the mean of the last {rate} full days, or of those since the first object. The rest of the
  month goes on like that. The steady state is a month of {month} days, all kept days having been like that.

Not in it: versions that were overwritten, which are kept for a week and which nobody but an administrator can
list; restores; reads of parameters (KMS, a few cents); the logs' storage ($0.03 a GB); what is free at any size
that this has: IAM, standard parameters, the Glue catalog, named queries, lifecycle deletions, traffic into AWS
and within a region.

## Prices

{prices}
"""


def page() -> str:
    """The page, ending in a newline."""
    settings = Settings()
    kept = Retention(settings.archive_after_days, settings.expire_after_days, settings.results_expire_after_days)
    apps = len(settings.apps)
    many, few = (scenario.month(objects, apps, kept) for objects in (_MANY, _FEW))
    usd = {line.name: line.usd(many) for line in LINES}
    break_even = small_objects.break_even(kept) or 0.0
    move = small_objects.move(50_000, kept)
    return _PAGE.format(
        region=prices.REGION,
        as_of=prices.AS_OF,
        apps=apps,
        many=_MANY,
        megabytes=scenario.MEGABYTES_A_DAY,
        few=_FEW,
        many_total=bill.total(many),
        few_total=bill.total(few),
        months=_months({f"{_MANY:,} objects a day": many, f"{_FEW:,} objects a day": few}),
        moves=usd["transitions"],
        puts=_MANY * MONTH_DAYS,
        put_usd=usd["puts"],
        overhead_kb=(prices.GLACIER_OVERHEAD_BYTES + prices.GLACIER_STANDARD_OVERHEAD_BYTES) // 1024,
        glacier_kb=prices.GLACIER_OVERHEAD_BYTES // 1024,
        standard_kb=prices.GLACIER_STANDARD_OVERHEAD_BYTES // 1024,
        overhead=usd["glacier-overhead"] + usd["standard-overhead"],
        archived=round(many.archived),
        scans=usd["scans"],
        app_metrics=prices.CLOUDWATCH_METRIC.cost(bill.SERIES_OF_APP),
        million=_million(kept),
        expire=kept.expire_days,
        kept=kept.expire_days - kept.archive_days,
        least=prices.GLACIER_LEAST_DAYS,
        month=MONTH_DAYS,
        break_even=break_even / 1000,
        fee=move.fee,
        million_fee=move.fee * prices.MILLION,
        million_saving=move.saving * prices.MILLION,
        kept_glacier=sum(usd[name] for name in _STORAGE),
        kept_standard=_never_moved(apps, kept),
        batches=_batches(),
        ms=bill.BATCH_SECONDS * 1000,
        memory=bill.RECEIVER_MB,
        ten_ms=prices.LAMBDA_GB_SECOND.cost(10 * prices.MILLION * 0.01 * bill.RECEIVER_MB / 1024),
        history=bill.HISTORY_DAYS,
        gb_bytes=prices.GB,
        log_bytes=bill.BATCH_LOG_BYTES,
        of_app=bill.SERIES_OF_APP,
        of_all=bill.SERIES_OF_ALL,
        rare=bill.rare_series(apps),
        rate=RATE_DAYS,
        prices=_table(
            ("Price", "", "AWS's page"), [(price.what, str(price), price.source) for price in prices.ALL], right=()
        ),
    )


def _never_moved(apps: int, kept: Retention) -> float:
    use = scenario.month(_MANY, apps, Retention(kept.expire_days, kept.expire_days, kept.results_days))
    return sum(line.usd(use) for line in LINES if line.name in _STORAGE)


def _months(uses: dict[str, usage.Use]) -> str:
    rows = [(line.what, line.known.value, *(_usd(line.usd(use)) for use in uses.values())) for line in LINES]
    total = ("**together**", "", *(f"**{_usd(bill.total(use))}**" for use in uses.values()))
    return _table(("A month", "Known", *uses), [*rows, total], right=(2, 3))


def _million(kept: Retention) -> str:
    rows = list(small_objects.per_million(50_000, kept))
    rows.append(("**together**", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    return _table(
        ("", "a million of 50 KB", "50,000 of 1 MB"), [(what, _usd(a), _usd(b)) for what, a, b in rows], right=(1, 2)
    )


def _batches() -> str:
    rows = []
    for batches in (10_000, 100_000, 10_000_000):
        seconds = batches * bill.BATCH_SECONDS * bill.RECEIVER_MB / 1024
        columns = (
            prices.LAMBDA_GB_SECOND.cost(seconds) + prices.LAMBDA_REQUEST.cost(batches),
            prices.HTTP_API.cost(batches),
            prices.S3_PUT.cost(batches),
        )
        rows.append((f"{batches:,}", *map(_usd, columns), _usd(sum(columns))))
    return _table(("batches a month", "Lambda", "HTTP API", "PUTs", "together"), rows, right=range(5))


def _usd(usd: float) -> str:
    return f"${usd:,.2f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int]) -> str:
    """A table; the columns of these numbers are aligned to the right."""
    rules = ["---:" if number in set(right) else "---" for number in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rules, *rows))
