"""Checks the flusher's function, and the schedule that invokes it."""

from collections.abc import Iterator

from contract import names
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, explained


def check(context: Context) -> Findings:
    """Ask for the function's state, and for the schedule."""
    yield from _function(context)
    yield from _schedule(context)
    return f"{context.outputs.flusher} is active, and its schedule is enabled"


def _function(context: Context) -> Iterator[Finding]:
    client = context.break_glass.client("lambda")
    with explained():
        try:
            found = client.get_function_configuration(FunctionName=context.outputs.flusher)
        except client.exceptions.ResourceNotFoundException:
            yield Finding.of(faults.FLUSHER_MISSING)
            return
    # "Lambda function states": only an active function can be invoked.
    if found["State"] != "Active":
        reason = " ".join(found.get("StateReason", "no reason given").split())
        yield Finding.of(faults.FLUSHER_INACTIVE, state=found["State"], reason=reason)


def _schedule(context: Context) -> Iterator[Finding]:
    outputs = context.outputs
    client = context.break_glass.client("scheduler")
    with explained():
        try:
            found = client.get_schedule(GroupName=outputs.flusher, Name=names.FLUSHER_SCHEDULE)
        except client.exceptions.ResourceNotFoundException:
            yield Finding.of(faults.SCHEDULE_OFF, difference="does not exist")
            return
    if found["State"] != "ENABLED":
        yield Finding.of(faults.SCHEDULE_OFF, difference=f"is {found['State']}")
    elif found["Target"]["Arn"].rpartition(":")[2] != outputs.flusher:
        yield Finding.of(faults.SCHEDULE_OFF, difference=f"invokes {found['Target']['Arn']}")
