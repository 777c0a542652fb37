"""What is checked of a function that a schedule invokes."""

from collections.abc import Iterator
from typing import NamedTuple

from runbook.doctor.context import Context, Finding, explained
from runbook.doctor.faults import Fault


class Faults(NamedTuple):
    """What can be wrong with such a function: it is gone, it cannot run, or its schedule does not invoke it."""

    missing: Fault
    inactive: Fault
    schedule_off: Fault


def findings(context: Context, function: str, schedule: str, faults: Faults) -> Iterator[Finding]:
    """Ask for the function's state, and for the schedule, whose group has the function's name."""
    yield from _function(context, function, faults)
    yield from _schedule(context, function, schedule, faults.schedule_off)


def _function(context: Context, function: str, faults: Faults) -> Iterator[Finding]:
    client = context.break_glass.client("lambda")
    with explained():
        try:
            found = client.get_function_configuration(FunctionName=function)
        except client.exceptions.ResourceNotFoundException:
            yield Finding.of(faults.missing, function=function)
            return
    # "Lambda function states": only an active function can be invoked.
    if found["State"] != "Active":
        reason = " ".join(found.get("StateReason", "no reason given").split())
        yield Finding.of(faults.inactive, function=function, state=found["State"], reason=reason)


def _schedule(context: Context, function: str, schedule: str, fault: Fault) -> Iterator[Finding]:
    client = context.break_glass.client("scheduler")
    difference = ""
    with explained():
        try:
            found = client.get_schedule(GroupName=function, Name=schedule)
        except client.exceptions.ResourceNotFoundException:
            difference = "does not exist"
        else:
            if found["State"] != "ENABLED":
                difference = f"is {found['State']}"
            elif found["Target"]["Arn"].rpartition(":")[2] != function:
                difference = f"invokes {found['Target']['Arn']}"
    if difference:
        yield Finding.of(fault, function=function, difference=difference)
