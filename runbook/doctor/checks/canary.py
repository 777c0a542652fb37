"""Checks the canary: its function, its schedule, and that its lines arrive."""

from collections.abc import Iterator
from datetime import timedelta

from contract import canary, names
from contract.buffer_table import Seen
from runbook.doctor import faults
from runbook.doctor.checks import arrivals, scheduled_function
from runbook.doctor.context import Context, Finding, Findings, Unknown
from runbook.errors import RunbookError
from runbook.terminal import times

_FAULTS = scheduled_function.Faults(faults.CANARY_MISSING, faults.CANARY_INACTIVE, faults.CANARY_SCHEDULE_OFF)


def check(context: Context) -> Findings:
    """Ask for function and schedule, and compare what the flusher noted of each app's canaries with the time."""
    function = names.canary_function(context.outputs.name_prefix)
    try:
        yield from scheduled_function.findings(context, function, names.CANARY_SCHEDULE, _FAULTS)
    except RunbookError as error:
        yield Unknown(f"whether the canary runs: {Unknown.because(error).reason}")
    yield from _overdue(context, function)
    return f"{function} is active, its schedule is enabled, and the canary of each app has arrived"


def limit(context: Context) -> timedelta:
    """How old the newest canary of an app may be that the flusher has seen: the next one may be on its way."""
    return timedelta(minutes=canary.EVERY_MINUTES, milliseconds=canary.overdue_after_ms(context.outputs.flush_minutes))


def _overdue(context: Context, function: str) -> Iterator[Finding]:
    seen = arrivals.newest(context)
    for app in context.outputs.apps:
        arrival = seen.get(Seen(app, canary=True))
        if arrival is not None and context.now - arrival <= limit(context):
            continue
        newest = f"its newest canary is {times.age(context.now - arrival)} old" if arrival else "no canary has arrived"
        yield Finding.of(faults.CANARY_OVERDUE, app=app, newest=newest, function=function)
