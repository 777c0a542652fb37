"""`cost`: what the archive costs, by the month, and against its limit."""

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
from runbook.cost.bill import Bill, Line
from runbook.cost.usage import Retention
from runbook.session import AsJson, Session, session_of
from runbook.terminal import printing, times


def cost(ctx: typer.Context, as_json: AsJson = False) -> None:
    r"""Show what the archive costs, month by month.

    Last month, this one so far and at today's rate, and a month once the archive is full; each against the limit
    (output budgetUsd). Then what small objects cost, and whether moving them to Glacier pays.

    \b
    Known from
      listed    the objects that are there: exact, but for what has been deleted since
      at least  the same, and some of it leaves no object: requests that were refused, tries of what is stored already
      history   Athena's, of 45 days
      assumed   these, and an assumption of docs/cost.md

    Exit code 1: one of these months is over the limit.
    """
    session = session_of(ctx, as_json=as_json)
    outputs, now = session.outputs, times.now()
    retention = Retention(outputs.archive_after_days, outputs.expire_after_days, outputs.results_expire_after_days)
    made = bill.of(_days(session), retention, now)
    findings = list(made.over(outputs.budget_usd))
    advice, notes = list(small_objects.verdict(made.a_day, retention)), list(_notes(outputs, retention, now))
    if session.as_json:
        printing.document(
            {**_document(made, outputs, retention), "findings": findings, "advice": advice, "notes": notes}
        )
    else:
        _print(made, outputs.budget_usd)
        for finding in findings:
            _say(finding, "bold red")
        if made.a_day.batches:
            print()
            _print_small(made.a_day.mean_bytes, retention)
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
        yield f"the stack is in {outputs.region}, and these are the prices of {prices.REGION}: look up what differs"
    if (kept := retention.expire_days - retention.archive_days) < prices.GLACIER_LEAST_DAYS:
        yield (
            f"Glacier charges an object for {prices.GLACIER_LEAST_DAYS} days at least, and here it is deleted after "
            f"{kept}: what that costs more is not in this bill"
        )
    if usage.moment(now) - usage.month_before(now).begin > bill.HISTORY_DAYS:
        yield f"Athena remembers {bill.HISTORY_DAYS} days: last month's first queries are not in this bill"
    yield (
        f"nor are {bill.rare_series(len(outputs.apps))} metrics that come only where something is amiss "
        f"({prices.CLOUDWATCH_METRIC}), versions that were overwritten in the last week, and restores"
    )
    yield f"prices of {prices.REGION} without free tiers, last compared on {prices.AS_OF}; the model: docs/cost.md"


# ---------------------------------------------------------------- for people


def _print(made: Bill, limit_usd: float) -> None:
    uses = made.columns.values()
    rows = [
        (
            line.what,
            line.known.value,
            line.amount(made.projected),
            str(line.price),
            *(_cents(line.usd(use)) for use in uses),
        )
        for line in bill.LINES
    ]
    rows.append(("total", "", "", "", *(_cents(bill.total(use)) for use in uses)))
    rows.append(("limit", "", "", "", *(_cents(limit_usd) for _ in uses)))
    months = ("last month $", "this month so far $", "projected $", "full archive $")
    printing.table(("cost of", "known", "projected", f"price of {prices.AS_OF}", *months), rows)


def _print_small(size: float, retention: Retention) -> None:
    rows = list(small_objects.per_million(size, retention))
    rows.append(("together", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    printing.table(
        (
            "what small objects cost",
            f"a million of {_size(size)} $",
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
        "lines": [_line(line, made) for line in bill.LINES],
        "total_usd": {name: printing.rounded(bill.total(use)) for name, use in made.columns.items()},
        "a_day": asdict(made.a_day),
        "small_objects": {
            "mean_bytes": made.a_day.mean_bytes,
            "break_even_bytes": small_objects.break_even(retention),
            "a_million": [
                {"what": what, "usd": small, "usd_in_objects_of_1_mb": large}
                for what, small, large in small_objects.per_million(made.a_day.mean_bytes, retention)
            ],
        },
    }


def _line(line: Line, made: Bill) -> dict[str, Any]:
    return {
        "name": line.name,
        "what": line.what,
        "known": line.known.value,
        "price": {**asdict(line.price), "as_of": prices.AS_OF},
        "quantity": {name: line.quantity(use) for name, use in made.columns.items()},
        "usd": {name: printing.rounded(line.usd(use)) for name, use in made.columns.items()},
    }
