"""`restore`: what lies in Glacier back for a while, so that queries read it."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Annotated, Any, Literal

import typer

from contract.object_keys import partition_prefix
from contract.window import Window
from runbook import stack_outputs
from runbook.errors import RunbookError
from runbook.glacier import objects, restores
from runbook.glacier.objects import Count, State, Stored, Survey
from runbook.glacier.restores import Cost, Tier
from runbook.session import AsJson, Session, Yes, session_of
from runbook.terminal import confirm, next_command, printing, times

_EXPEDITED_LIMIT_USD = 10


def restore(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Option(help="Only this app; all by default.")] = None,
    last: times.Last = None,
    since: times.From = None,
    until: times.To = None,
    status: Annotated[bool, typer.Option("--status", help="Only show what is restored; requests nothing.")] = False,
    tier: Annotated[
        Literal["bulk", "standard", "expedited"], typer.Option(help="How fast: 5-12 hours, 3-5 hours, 1-5 minutes.")
    ] = "standard",
    days: Annotated[int, typer.Option(min=1, max=365, help="How long the copies stay, to the next midnight UTC.")] = 2,
    extend: Annotated[bool, typer.Option("--extend", help="Also keep what is ready for --days from now.")] = False,
    yes: Yes = False,
    yes_really: Annotated[
        bool, typer.Option("--yes-really", help=f"Allow an expedited restore of over ${_EXPEDITED_LIMIT_USD}.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    r"""Restore archived logs for some days, so that queries read them.

    \b
      python -m runbook restore --app raxx-api-prod --from 2026-03-01T03:00 --to 2026-03-01T04:00
      python -m runbook restore --status --app raxx-api-prod --from 2026-03-01T03:00 --to 2026-03-01T04:00

    Logs of whole UTC days are asked for, those that the window touches. You are told first how many objects they are,
    what they cost, and how long it takes (S3 user guide, "Archive retrieval options"). With --tier bulk only the
    copies cost. An expedited restore of over $10 is refused without --yes-really, even with --yes.

    It can be stopped and repeated: what is ready or in progress is not asked for again, whatever --tier and --days say.
    Copies that are ready go when they were to go; --extend keeps those longer that would go before --days from now.

    Exit codes: 0 all is asked for or ready, and with --status all is ready; 1 requests failed, and with --status
    something is not ready; 2 could not tell.
    """
    session, now = session_of(ctx, as_json=as_json), times.now()
    window = times.window(last, since, until, now)
    if window is None:
        raise RunbookError("restore needs a window: add --from and --to, or --last")
    outputs = session.outputs
    apps = stack_outputs.chosen_apps(outputs, app)
    s3 = session.aws.client("s3")
    wanted = partial(is_wanted, extend_to=now + timedelta(days=days) if extend else None)
    prefixes = [partition_prefix(each, day) for day in window.days for each in apps]
    found = objects.survey(s3, outputs.bucket, prefixes, wanted)
    if status:
        raise typer.Exit(_show_status(session, found, app, window))
    cost = _cost(found, restores.TIERS[tier], days)
    _agree(session, found, cost, tier, days, yes=yes, yes_really=yes_really)
    # Listed anew, as it may be a while since: what others asked for meanwhile is not asked for again, and what came to
    # lie in Glacier meanwhile was not agreed to.
    chosen = filter(wanted, objects.stored(s3, outputs.bucket, found.prefixes))
    keys = (each.key for each in islice(chosen, found.wanted.objects))
    outcomes = _follow(restores.request(s3, outputs.bucket, keys, restores.TIERS[tier], days), found.wanted.objects)
    raise typer.Exit(_report(session, found, cost, outcomes, app, window, tier, days))


def is_wanted(each: Stored, extend_to: datetime | None) -> bool:
    """Whether an object is to be asked for: an archived one, or one whose copy goes before `extend_to`.

    S3 counts --days of a ready object anew, from now, so that asking could also shorten its time.
    """
    if each.state is State.READY and extend_to is not None:
        return each.until is not None and each.until < extend_to
    return each.state is State.ARCHIVED


# ---------------------------------------------------------------- the question


def _cost(found: Survey, tier: Tier, days: int) -> Cost:
    return restores.cost(
        tier,
        requests=found.wanted.objects,
        retrieved_bytes=found.states[State.ARCHIVED].bytes,
        copied_bytes=found.wanted.bytes,
        days=days,
    )


def _agree(session: Session, found: Survey, cost: Cost, tier: str, days: int, *, yes: bool, yes_really: bool) -> None:
    """Ask, if there is something to restore; RunbookError when it is refused."""
    wanted = found.wanted
    if not wanted.objects:
        return
    if tier == "expedited" and cost.total > _EXPEDITED_LIMIT_USD and not yes_really:
        raise RunbookError(
            f"an expedited restore of {objects.objects(wanted.objects)} costs {printing.dollars(cost.total)}, over "
            f"the limit of ${_EXPEDITED_LIMIT_USD}: choose --tier standard, or add --yes-really"
        )
    extended = wanted.objects - found.states[State.ARCHIVED].objects
    told = (
        f"{objects.objects(wanted.objects)}, {printing.size(wanted.bytes)}"
        + (f", {extended:,} of them ready and kept longer" if extended else "")
        + f"; tier {tier}, which takes {restores.TIERS[tier].takes}, for {printing.dollars(cost.total)} "
        f"(requests {printing.dollars(cost.requests)}, retrieval {printing.dollars(cost.retrieval)}, "
        f"copies for {_days(days)} {printing.dollars(cost.copies)})"
    )
    if yes and not session.as_json:
        printing.note(f"to restore: {told}")
    confirm.ask(f"To restore: {told}. Go on?", yes=yes)


# ---------------------------------------------------------------- the requests


def _follow(requests: Generator[str, None, None], total: int) -> Counter[str]:
    """Count what the requests come to, with a bar on a terminal; where something ends them, say how far they came."""
    outcomes: Counter[str] = Counter()
    try:
        with closing(requests), _progress(total) as advance:
            for outcome in requests:
                outcomes[outcome] += 1
                advance()
    except BaseException:
        printing.note(
            f"stopped when {outcomes.total():,} of {total:,} were asked for, and perhaps a few more: the same command "
            "again asks for the rest"
        )
        raise
    return outcomes


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    console = printing.console(stderr=True)
    if not console.is_terminal or not total:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("asking for restores"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


# ---------------------------------------------------------------- answers


def _report(
    session: Session,
    found: Survey,
    cost: Cost,
    outcomes: Counter[str],
    app: str | None,
    window: Window,
    tier: str,
    days: int,
) -> int:
    """Say what was asked for and what failed; the exit code."""
    taken, in_progress = outcomes.pop(restores.TAKEN, 0), outcomes.pop(restores.IN_PROGRESS, 0)
    look, read = _next(session, app, window)
    if session.as_json:
        printing.document(
            {
                **_about(app, window),
                "tier": tier,
                "days": days,
                "objects": found.wanted.objects,
                "bytes": found.wanted.bytes,
                "cost_usd": printing.rounded(cost.total),
                "requested": taken,
                "requested_before": in_progress,
                "failed": dict(sorted(outcomes.items())),
                "before": _states(found),
                "next": [look, read],
            }
        )
        return 1 if outcomes else 0
    if not found.wanted.objects:
        print(f"nothing to ask for: {_in_words(found)}")
    else:
        before = f", others for {in_progress:,}" if in_progress else ""
        print(f"asked for {objects.objects(taken)}{before}; ready in {restores.TIERS[tier].takes}, for {_days(days)}")
    for code, count in sorted(outcomes.items()):
        print(f"failed: {count:,} {printing.printable(code)}: {restores.ADVICE.get(code, restores.ADVICE_ELSE)}")
    if found.wanted.objects or found.states[State.IN_PROGRESS].objects:
        printing.note(f"see what is ready: {look}")
    printing.note(f"then search: {read}, or `query` with --from and --to")
    return 1 if outcomes else 0


def _show_status(session: Session, found: Survey, app: str | None, window: Window) -> int:
    """Print what is ready and what is not; the exit code."""
    missing = sum(found.states[state].objects for state in State if state not in objects.READABLE)
    if session.as_json:
        printing.document({**_about(app, window), "all_ready": not missing, **_states(found)})
        return 1 if missing else 0
    rows = [(str(state), count.objects, printing.size(count.bytes), count.until) for state, count in _shown(found)]
    printing.table(("state", "objects", "size", "first copy goes"), rows)
    _, read = _next(session, app, window)
    if found.states[State.ARCHIVED].objects:
        restore = next_command.command_line(session, "restore", *next_command.scope(app, window))
        printing.note(f"restore what is archived: {restore}")
    elif not missing:
        printing.note(f"all is ready: {read}")
    return 1 if missing else 0


def _next(session: Session, app: str | None, window: Window) -> tuple[str, str]:
    scope = next_command.scope(app, window)
    look = next_command.command_line(session, "restore", "--status", *scope)
    return look, next_command.command_line(session, "lines", *scope)


def _about(app: str | None, window: Window) -> dict[str, Any]:
    return {"app": app, "window": {"from": window.since, "to": window.until}}


def _states(found: Survey) -> dict[str, Any]:
    return {
        state.replace(" ", "_"): {"objects": count.objects, "bytes": count.bytes, "until": count.until}
        for state, count in found.states.items()
    }


def _shown(found: Survey) -> list[tuple[State, Count]]:
    return [(state, count) for state, count in found.states.items() if count.objects]


def _in_words(found: Survey) -> str:
    words = [
        f"{count.objects:,} {state}" + (f" until {printing.text(count.until)}" if count.until else "")
        for state, count in _shown(found)
    ]
    return ", ".join(words) or "there are no objects on these days"


def _days(count: int) -> str:
    return printing.counted(count, "day", "days")
