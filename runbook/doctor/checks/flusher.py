"""Checks the flusher's function, and the schedule that invokes it."""

from contract import names
from runbook.doctor import faults
from runbook.doctor.checks import scheduled_function
from runbook.doctor.context import Context, Findings

_FAULTS = scheduled_function.Faults(faults.FLUSHER_MISSING, faults.FLUSHER_INACTIVE, faults.SCHEDULE_OFF)


def check(context: Context) -> Findings:
    """Ask for the function's state, and for the schedule."""
    flusher = context.outputs.flusher
    yield from scheduled_function.findings(context, flusher, names.FLUSHER_SCHEDULE, _FAULTS)
    return f"{flusher} is active, and its schedule is enabled"
