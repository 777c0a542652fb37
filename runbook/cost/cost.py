"""`cost`: what the archive costs per month, compared with its limit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import typer

from contract.outputs import Outputs
from runbook import prices
from runbook.cost import bill, inventory, small_objects, usage
from runbook.cost.bill import Bill, Item
from runbook.cost.usage import Retention
from runbook.session import AsJson, Session, session_of
from runbook.terminal import printing, times


def cost(ctx: typer.Context, as_json: AsJson = False) -> None:
    r"""Show what the archive costs per month.

    Shows last month, this month so far and projected at today's rate, and a month with a full archive, and compares
    each with the limit (output budgetUsd). Then shows what small objects cost, and whether moving them to Glacier pays.

    \b
    The basis of a quantity:
      listed    the objects in the bucket: exact, except for objects deleted since
      at least  the same, but some requests leave no object: refused ones, and retries of stored batches
      history   Athena's query history of the last 45 days
      assumed   one of these, and an assumption from docs/cost.md

    Exit code 1: one of these months is over the limit.
    """
    session = session_of(ctx, as_json=as_json)
    outputs, now = session.outputs, times.now()
    retention = Retention(outputs.archive_after_days, outputs.expire_after_days, outputs.results_expire_after_days)
    made = bill.of(_days(session), retention, now)
    findings = list(made.over(outputs.budget_usd))
    advice, notes = list(small_objects.verdict(made.per_day, retention)), list(_notes(outputs, retention, now))
    if session.as_json:
        printing.document(
            {**_document(made, outputs, retention), "findings": findings, "advice": advice, "notes": notes}
        )
    else:
        _print(made, outputs.budget_usd)
        for finding in findings:
            _say(finding, "bold red")
        if made.per_day.batches:
            print()
            _print_small(made.per_day.mean_bytes, retention)
        for sentence in advice:
            _say(sentence)
        for note in notes:
            printing.note(note)
    if findings:
        raise typer.Exit(1)


def _days(session: Session) -> usage.Days:
    outputs = session.outputs
    with _progress() as watch:
        stored = inventory.of_bucket(session.aws.client("s3"), outputs.bucket, watch)
        return usage.merged(stored, inventory.of_workgroup(session.aws.client("athena"), outputs.workgroup))


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
    yield f"prices of {prices.REGION} without free tiers, last checked on {prices.AS_OF}; the model: docs/cost.md"


# ---------------------------------------------------------------- for people


def _print(made: Bill, limit_usd: float) -> None:
    uses = made.columns.values()
    rows = [
        (
            item.what,
            item.basis.value,
            item.amount(made.projected),
            str(item.price),
            *(_cents(item.usd(use)) for use in uses),
        )
        for item in bill.ITEMS
    ]
    rows.append(("total", "", "", "", *(_cents(bill.total(use)) for use in uses)))
    rows.append(("limit", "", "", "", *(_cents(limit_usd) for _ in uses)))
    months = ("last month $", "this month so far $", "projected $", "full archive $")
    printing.table(("item", "basis", "projected", f"price of {prices.AS_OF}", *months), rows)


def _print_small(size: float, retention: Retention) -> None:
    rows = list(small_objects.per_million(size, retention))
    rows.append(("total", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    printing.table(
        (
            "cost of small objects",
            f"per million of {_size(size)} $",
            f"as {_size(small_objects.LARGE_BYTES)} objects $",
        ),
        [(what, _cents(small), _cents(large)) for what, small, large in rows],
    )


def _say(sentence: str, style: str = "") -> None:
    from rich.text import Text

    printing.show(Text(sentence[0].upper() + sentence[1:] + ".", style))


def _size(size: float) -> str:
    return printing.size(round(size))


def _cents(usd: float) -> Decimal:
    return Decimal(f"{usd:.2f}")


# ---------------------------------------------------------------- for programs


def _document(made: Bill, outputs: Outputs, retention: Retention) -> dict[str, Any]:
    return {
        "region": outputs.region,
        "prices": {"region": prices.REGION, "as_of": prices.AS_OF},
        "limit_usd": outputs.budget_usd,
        "items": [_item(item, made) for item in bill.ITEMS],
        "total_usd": {name: printing.rounded(bill.total(use)) for name, use in made.columns.items()},
        "per_day": asdict(made.per_day),
        "small_objects": {
            "mean_bytes": made.per_day.mean_bytes,
            "break_even_bytes": small_objects.break_even(retention),
            "per_million": [
                {"what": what, "usd": small, "usd_in_objects_of_1_mb": large}
                for what, small, large in small_objects.per_million(made.per_day.mean_bytes, retention)
            ],
        },
    }


def _item(item: Item, made: Bill) -> dict[str, Any]:
    return {
        "name": item.name,
        "what": item.what,
        "basis": item.basis.value,
        "price": {**asdict(item.price), "as_of": prices.AS_OF},
        "quantity": {name: item.quantity(use) for name, use in made.columns.items()},
        "usd": {name: printing.rounded(item.usd(use)) for name, use in made.columns.items()},
    }
