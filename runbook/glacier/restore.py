"""`restore`: copies logs from Glacier for some days, so that queries read them."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Annotated, Any, Literal

import typer

from contract.object_keys import partition_prefix
from contract.window import Window
from runbook import stack_outputs
from runbook.clients import aws, s3_objects
from runbook.clients.s3_objects import State, StoredObject
from runbook.errors import RunbookError
from runbook.glacier import retrieval
from runbook.glacier.retrieval import Cost, Tier
from runbook.glacier.survey import Count, Survey, survey
from runbook.session import Apps, AsJson, Session, Yes, session_of
from runbook.terminal import confirm, next_command, printing, times

_EXPEDITED_LIMIT_USD = 10


def restore(
    ctx: typer.Context,
    app: Apps = [],  # noqa: B006  typer copies it
    last: times.Last = None,
    since: times.From = None,
    until: times.To = None,
    status: Annotated[bool, typer.Option("--status", help="Only show what is restored; request nothing.")] = False,
    tier: Annotated[
        Literal["bulk", "standard", "expedited"], typer.Option(help="Ready in 5-12 hours, 3-5 hours or 1-5 minutes.")
    ] = "standard",
    days: Annotated[int, typer.Option(min=1, max=365, help="Days to keep the copies, rounded up to midnight UTC.")] = 2,
    extend: Annotated[bool, typer.Option("--extend", help="Also extend ready copies to --days from now.")] = False,
    yes: Yes = False,
    yes_really: Annotated[
        bool, typer.Option("--yes-really", help=f"Allow an expedited restore over ${_EXPEDITED_LIMIT_USD}.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    r"""Restore logs from Glacier for some days, so that queries read them.

    \b
      hla restore --app raxx-api-prod --from 2026-03-01T03:00 --to 2026-03-01T04:00
      hla restore --status --app raxx-api-prod --from 2026-03-01T03:00 --to 2026-03-01T04:00

    Restores whole UTC days: those that the window touches. First shows the number of objects, the cost and the duration
    (S3 user guide, "Archive retrieval options"), and asks. With --tier bulk, only the copies cost money. An expedited
    restore over $10 needs --yes-really, even with --yes. Objects in Deep Archive take 12 hours, or 48 with --tier bulk,
    and always cost money.

    The restorer role is assumed for all of this; your own credentials, or with --assume the reader role, only read the
    stack's outputs.

    Safe to interrupt and run again: it never requests objects that are ready or in progress, whatever --tier and --days
    are. Ready copies expire as planned; --extend keeps those that would expire earlier than --days from now.

    Exit codes: 0 everything is requested or ready, with --status everything is ready; 1 requests failed, with --status
    something is not ready; 2 could not tell.
    """
    session, now = session_of(ctx, as_json=as_json), times.now()
    window = times.window(last, since, until, now)
    if window is None:
        raise RunbookError("restore needs a window: add --from and --to, or --last")
    outputs = session.outputs
    # Not without the retired apps: what is not listed would not be restored.
    apps = stack_outputs.searched_apps(outputs, app or outputs.all_apps)
    s3, bucket = aws.of_account(session.restorer_aws.client("s3"), outputs.account_id), outputs.bucket
    wanted = partial(needs_restore, extend_to=now + timedelta(days=days) if extend else None)
    prefixes = [partition_prefix(each, day) for day in window.days for each in apps]
    found = survey(s3, bucket, prefixes, wanted)
    if status:
        raise typer.Exit(_show_status(session, found, app, window))
    cost = _cost(found, retrieval.TIERS[tier], days)
    _confirm(session, found, cost, tier, days, yes=yes, yes_really=yes_really)
    # List again, because the question may have waited: skip what others requested since, and request no more objects
    # than were confirmed.
    listed = (each for prefix in found.prefixes for each in s3_objects.objects(s3, bucket, prefix, restores=True))
    keys = (each.key for each in islice(filter(wanted, listed), found.wanted.objects))
    results = _count(retrieval.request_all(s3, bucket, keys, retrieval.TIERS[tier], days), found.wanted.objects)
    raise typer.Exit(_report(session, found, cost, results, app, window, tier, days))


def needs_restore(each: StoredObject, extend_to: datetime | None) -> bool:
    """Whether to request an object: it is in Glacier, or its copy expires before `extend_to`.

    For a ready object S3 counts --days from now, so a request could also shorten its time.
    """
    if each.state is State.READY and extend_to is not None:
        return each.until is not None and each.until < extend_to
    return each.state is State.IN_GLACIER


# ---------------------------------------------------------------- the question


def _cost(found: Survey, tier: Tier, days: int) -> Cost:
    return retrieval.cost(
        tier,
        requests=found.wanted.objects,
        retrieved_bytes=found.states[State.IN_GLACIER].bytes,
        copied_bytes=found.wanted.bytes,
        days=days,
        deep_requests=found.deep.objects,
        deep_bytes=found.deep.bytes,
    )


def _confirm(session: Session, found: Survey, cost: Cost, tier: str, days: int, *, yes: bool, yes_really: bool) -> None:
    """Ask if there is something to restore. RunbookError unless the answer is yes."""
    wanted = found.wanted
    if not wanted.objects:
        return
    if found.deep.objects and retrieval.TIERS[tier].deep is None:
        raise RunbookError(
            f"{_objects(found.deep.objects)} of these days are in Deep Archive, which has no {tier} restores: use "
            "--tier standard, or --tier bulk"
        )
    if tier == "expedited" and cost.total > _EXPEDITED_LIMIT_USD and not yes_really:
        raise RunbookError(
            f"an expedited restore of {_objects(wanted.objects)} costs {printing.dollars(cost.total)}, more than "
            f"${_EXPEDITED_LIMIT_USD}: use --tier standard, or add --yes-really"
        )
    extended = wanted.objects - found.states[State.IN_GLACIER].objects
    summary = (
        f"{_objects(wanted.objects)}, {printing.size(wanted.bytes)}"
        + (f", {extended:,} of them to extend" if extended else "")
        + f"; tier {tier}, ready in {_takes(found, tier)}, costs {printing.dollars(cost.total)} "
        f"(requests {printing.dollars(cost.requests)}, retrieval {printing.dollars(cost.retrieval)}, "
        f"copies for {_days(days)} {printing.dollars(cost.copies)})"
    )
    if yes and not session.as_json:
        printing.note(f"to restore: {summary}")
    confirm.ask(f"To restore: {summary}. Continue?", yes=yes)


def _takes(found: Survey, tier: str) -> str:
    chosen = retrieval.TIERS[tier]
    if not found.deep.objects or chosen.deep is None:
        return chosen.takes
    return f"{chosen.deep.takes} ({_objects(found.deep.objects)} in Deep Archive)"


# ---------------------------------------------------------------- the requests


def _count(requests: Generator[str, None, None], total: int) -> Counter[str]:
    """Count the results, with a progress bar on a terminal. If something interrupts, say how far it came."""
    results: Counter[str] = Counter()
    try:
        with closing(requests), _progress(total) as advance:
            for result in requests:
                results[result] += 1
                advance()
    except BaseException:
        printing.note(
            f"interrupted after {results.total():,} of {total:,} requests, and perhaps a few more: run the same "
            "command again to request the rest"
        )
        raise
    return results


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    console = printing.console(stderr=True)
    if not console.is_terminal or not total:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("requesting restores"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


# ---------------------------------------------------------------- output


def _report(
    session: Session,
    found: Survey,
    cost: Cost,
    results: Counter[str],
    asked: Sequence[str],
    window: Window,
    tier: str,
    days: int,
) -> int:
    """Print what was requested and what failed; give the exit code."""
    accepted, in_progress = results.pop(retrieval.ACCEPTED, 0), results.pop(retrieval.IN_PROGRESS, 0)
    look, read = _next(session, asked, window)
    if session.as_json:
        printing.document(
            {
                **_about(asked, window),
                "tier": tier,
                "days": days,
                "objects": found.wanted.objects,
                "bytes": found.wanted.bytes,
                "cost_usd": printing.rounded(cost.total),
                "requested": accepted,
                "requested_before": in_progress,
                "failed": dict(sorted(results.items())),
                "before": _states(found),
                "next": [look, read],
            }
        )
        return 1 if results else 0
    if not found.wanted.objects:
        print(f"nothing to restore: {_in_words(found)}")
    else:
        before = f", {in_progress:,} by somebody else" if in_progress else ""
        print(f"requested {_objects(accepted)}{before}; ready in {_takes(found, tier)}, kept {_days(days)}")
    for code, count in sorted(results.items()):
        print(f"failed: {count:,} {printing.printable(code)}: {retrieval.ADVICE.get(code, retrieval.ADVICE_ELSE)}")
    if found.wanted.objects or found.states[State.IN_PROGRESS].objects:
        printing.note(f"to see what is ready: {look}")
    printing.note(f"then search: {read}, or `query` with --from and --to")
    return 1 if results else 0


def _show_status(session: Session, found: Survey, asked: Sequence[str], window: Window) -> int:
    """Print what is ready and what is not; give the exit code."""
    missing = sum(found.states[state].objects for state in State if not state.readable)
    if session.as_json:
        printing.document({**_about(asked, window), "all_ready": not missing, **_states(found)})
        return 1 if missing else 0
    rows = [(str(state), count.objects, printing.size(count.bytes), count.until) for state, count in _shown(found)]
    printing.table(("state", "objects", "size", "first copy expires"), rows)
    _, read = _next(session, asked, window)
    if found.states[State.IN_GLACIER].objects:
        restore = next_command.command_line(session, "restore", *next_command.scope(asked, window))
        printing.note(f"to restore what is in Glacier: {restore}")
    elif not missing:
        printing.note(f"everything is ready: {read}")
    return 1 if missing else 0


def _next(session: Session, asked: Sequence[str], window: Window) -> tuple[str, str]:
    scope = next_command.scope(asked, window)
    look = next_command.command_line(session, "restore", "--status", *scope)
    return look, next_command.command_line(session, "lines", *scope)


def _about(asked: Sequence[str], window: Window) -> dict[str, Any]:
    return {"apps": list(asked), "window": {"from": window.since, "to": window.until}}


def _states(found: Survey) -> dict[str, Any]:
    return {
        state.lower().replace(" ", "_"): {"objects": count.objects, "bytes": count.bytes, "until": count.until}
        for state, count in found.states.items()
    }


def _shown(found: Survey) -> list[tuple[State, Count]]:
    return [(state, count) for state, count in found.states.items() if count.objects]


def _in_words(found: Survey) -> str:
    words = [
        f"{count.objects:,} {state}" + (f" until {printing.text(count.until)}" if count.until else "")
        for state, count in _shown(found)
    ]
    return ", ".join(words) or "there are no objects for these days"


def _objects(count: int) -> str:
    return printing.counted(count, "object", "objects")


def _days(count: int) -> str:
    return printing.counted(count, "day", "days")
