"""`cost`: what the archive costs per month, compared with its limit."""

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import typer

from contract.alarms import Watched
from contract.outputs import Outputs
from runbook import prices
from runbook.clients import aws
from runbook.cost import bill, cloudwatch, inventory, small_objects, traffic, usage
from runbook.cost.bill import Bill, Item
from runbook.cost.usage import Retention, Watch
from runbook.session import AsJson, Session, session_of
from runbook.terminal import printing, times

_MONTHS = ("last month $", "this month so far $", "projected $", "full archive $")


def cost(ctx: typer.Context, as_json: AsJson = False) -> None:
    r"""Show what the archive costs per month.

    Shows last month, this month so far and projected at today's rate, and a month with a full archive, and compares
    each with the limit (output budgetUsd). Then shows what these amounts grow with, today's traffic, and whether moving
    objects to Glacier pays.

    \b
    The basis of a quantity:
      listed     the objects in the bucket: exact, except for objects deleted since
      at least   the same, but some usage leaves no object
      measured   CloudWatch's metrics
      history    Athena's query history of the last 45 days
      assumed    one of these, and an assumption from docs/cost.md
      estimated  guessed from the bucket, as CloudWatch has no metrics

    Exit code 1: one of these months is over the limit.
    """
    session = session_of(ctx, as_json=as_json)
    outputs, now = session.outputs, times.now()
    retention = Retention(outputs.archive_after_days, outputs.expire_after_days, outputs.results_expire_after_days)
    days, known, gaps = _days(session, now)
    computed = bill.of(days, retention, now, Watch.of(Watched.of(outputs)), known)
    limit_usd = outputs.budget_usd if outputs.has("budget_usd") else None
    findings = [] if limit_usd is None else list(computed.over(limit_usd))
    advice = [*_growth(computed), *small_objects.advice(computed.per_day, retention)]
    notes = [*gaps, *_notes(outputs, retention, now)]
    if limit_usd is None:
        notes.append("no limit: the outputs of the stack have no valid budgetUsd")
    if session.as_json:
        printing.document(
            {**_document(computed, outputs, retention), "findings": findings, "advice": advice, "notes": notes}
        )
    else:
        _print(computed, limit_usd)
        for finding in findings:
            _print_sentence(finding, "bold red")
        print()
        _print_growth(computed)
        if computed.per_day.all_objects:
            print()
            _print_traffic(computed)
        for sentence in advice:
            _print_sentence(sentence)
        for note in notes:
            printing.note(note)
    if findings:
        raise typer.Exit(1)


def _days(session: Session, now: datetime) -> tuple[usage.Days, frozenset[str], list[str]]:
    """What each day added, the fields that CloudWatch measured, and a note if it measured none."""
    outputs = session.outputs
    with _progress() as watch:
        stored = inventory.of_bucket(session.s3, outputs.bucket, watch, outputs.flush_minutes)
        days = usage.merged(stored, inventory.of_workgroup(session.aws.client("athena"), outputs.workgroup))
    found, gaps = _metrics(session, now)
    completed = traffic.completed(days, found, now, len(outputs.apps), outputs.flush_minutes)
    return completed, traffic.known(found), gaps


def _metrics(session: Session, now: datetime) -> tuple[traffic.Found, list[str]]:
    begin = date.fromordinal(int(usage.month_before(now).begin))
    reason = "has no metrics of this stack"
    found: traffic.Found = {}
    try:
        # The reader role may not read metrics.
        found = cloudwatch.of_days(session.own_aws.client("cloudwatch"), session.outputs, begin, now)
    except Exception as error:
        explained = aws.explain(error)
        if not explained:
            raise
        reason = f"did not answer ({explained})"
    if found:
        return found, []
    note = (
        f"POSTs and lines are unknown: CloudWatch {reason}; the bill assumes {traffic.LINES_PER_POST} lines per POST, "
        "and compute without answerAfterMs"
    )
    return {}, [note]


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    with printing.status("listing the archive") as say:
        yield lambda count: say(f"listing the archive, {count:,} objects")


def _notes(outputs: Outputs, retention: Retention, now: datetime) -> Iterator[str]:
    if outputs.region != prices.REGION:
        yield f"the stack is in {outputs.region}, but these are the prices of {prices.REGION}: check AWS's price list"
    if (kept := retention.expire_days - retention.archive_days) < prices.GLACIER_LEAST_DAYS:
        yield (
            f"Glacier charges at least {prices.GLACIER_LEAST_DAYS} days per object, and this stack deletes "
            f"objects after {kept} days there: the bill does not contain the difference"
        )
    if usage.moment(now) - usage.month_before(now).begin > bill.HISTORY_DAYS:
        yield f"Athena keeps {bill.HISTORY_DAYS} days of history: the bill does not contain last month's first queries"
    yield (
        f"not in the bill: {bill.rare_series(len(outputs.apps))} metrics that exist only after faults "
        f"({prices.CLOUDWATCH_METRIC}), noncurrent versions of the last week, and restores"
    )
    yield f"prices of {prices.REGION}, last checked on {prices.AS_OF}; the model: docs/cost.md"


# ---------------------------------------------------------------- for people


def _print(computed: Bill, limit_usd: float | None) -> None:
    uses = computed.columns.values()
    rows = [
        (
            item.what,
            item.basis_with(computed.known).value,
            item.amount(computed.projected),
            str(item.price),
            *(_cents(item.usd(use)) for use in uses),
        )
        for item in bill.ITEMS
    ]
    free = [sum(bill.free(use).values()) for use in uses]
    rows.append(("total", "", "", "", *(_cents(bill.total(use)) for use in uses)))
    rows.append(("total less free tiers", "", "", "", *map(_cents, map(operator.sub, map(bill.total, uses), free))))
    if limit_usd is not None:
        rows.append(("limit", "", "", "", *(_cents(limit_usd) for _ in uses)))
    printing.table(("item", "basis", "projected", f"price of {prices.AS_OF}", *_MONTHS), rows)


def _print_growth(computed: Bill) -> None:
    columns = [bill.by_driver(use) for use in computed.columns.values()]
    rows = [(driver.value, *(_cents(column[driver]) for column in columns)) for driver in bill.Driver]
    printing.table(("grows with", *_MONTHS), rows)


def _growth(computed: Bill) -> Iterator[str]:
    """Say which component grows with traffic, and how fast."""
    use = computed.projected
    grows = [item for item in bill.ITEMS if item.driver in {bill.Driver.POSTS, bill.Driver.BYTES}]
    if not use.added.batches or not use.added.lines:
        return
    largest = max(grows, key=lambda item: item.usd(use))
    usd, lines = bill.by_driver(use)[bill.Driver.POSTS], use.added.lines / use.added.batches
    million = usd / use.added.batches * prices.MILLION
    have = "have" if computed.known >= {"lines", "posts"} else "are assumed to have"
    yield (
        f"with more traffic, {largest.what[0].lower()}{largest.what[1:]} grow most: POSTs {have} {lines:,.1f} lines, a "
        f"million POSTs cost ${million:,.2f}, and a million lines ${million / lines:,.2f}"
    )


def _print_traffic(computed: Bill) -> None:
    rows = [
        (name.replace("_", " "), "unknown" if value is None else _number(value))
        for name, value in _traffic(computed).items()
    ]
    printing.table(("traffic per day, at today's rate", ""), rows)


def _traffic(computed: Bill) -> dict[str, float | None]:
    """Today's rate, by what it is; None for what nobody measured."""
    day, known = computed.per_day, computed.known

    def measured(value: float, *names: str) -> float | None:
        return value if known.issuperset(names) else None

    return {
        "posts": measured(day.posts, "posts"),
        "lines": measured(day.lines, "lines"),
        "lines_per_post": measured(day.lines / day.batches if day.batches else 0.0, "lines", "posts"),
        "objects": day.all_objects,
        "objects_per_app_and_slot": day.all_objects / day.app_slots if day.app_slots else None,
        "bytes_of_an_object": day.mean_bytes,
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:,.2f}"


def _print_sentence(sentence: str, style: str = "") -> None:
    from rich.text import Text

    printing.show(Text(sentence[0].upper() + sentence[1:] + ".", style))


def _cents(usd: float) -> Decimal:
    return Decimal(f"{usd:.2f}")


# ---------------------------------------------------------------- for programs


def _document(computed: Bill, outputs: Outputs, retention: Retention) -> dict[str, Any]:
    return {
        "region": outputs.region,
        "prices": {"region": prices.REGION, "as_of": prices.AS_OF},
        "limit_usd": outputs.budget_usd if outputs.has("budget_usd") else None,
        "items": [_item(item, computed) for item in bill.ITEMS],
        "total_usd": {name: printing.rounded(bill.total(use)) for name, use in computed.columns.items()},
        "free_usd": {name: printing.rounded(sum(bill.free(use).values())) for name, use in computed.columns.items()},
        "per_day": {name: printing.rounded(value) for name, value in asdict(computed.per_day).items()},
        "grows_with_usd": {
            driver.value: {
                name: printing.rounded(bill.by_driver(use)[driver]) for name, use in computed.columns.items()
            }
            for driver in bill.Driver
        },
        "traffic": {
            name: None if value is None else printing.rounded(value) for name, value in _traffic(computed).items()
        },
        "small_objects": {
            "mean_bytes": computed.per_day.mean_bytes,
            "break_even_bytes": small_objects.break_even(retention),
        },
    }


def _item(item: Item, computed: Bill) -> dict[str, Any]:
    return {
        "name": item.name,
        "what": item.what,
        "basis": item.basis_with(computed.known).value,
        "grows_with": item.driver.value,
        "price": {**asdict(item.price), "as_of": prices.AS_OF},
        "quantity": {name: printing.rounded(item.quantity(use)) for name, use in computed.columns.items()},
        "usd": {name: printing.rounded(item.usd(use)) for name, use in computed.columns.items()},
    }
