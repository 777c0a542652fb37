"""Checks the queues and the alarms."""

from typing import TYPE_CHECKING

from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, explained
from runbook.terminal.printing import counted

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType

# A message that is being processed is not visible.
_COUNTS: tuple["QueueAttributeNameType", ...] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def queues(context: Context) -> Findings:
    """Count the messages of both queues."""
    outputs = context.outputs
    for fault, url in (
        (faults.BATCHES_WAITING, outputs.spill_queue),
        (faults.DEAD_LETTERS, outputs.dead_letter_queue),
    ):
        with explained():
            answer = context.break_glass.client("sqs").get_queue_attributes(
                QueueUrl=url, AttributeNames=[*_COUNTS, "QueueArn"]
            )
        attributes = answer["Attributes"]
        if waiting := sum(int(attributes.get(name, 0)) for name in _COUNTS):
            yield Finding.of(fault, batches=counted(waiting, "batch", "batches"), arn=attributes["QueueArn"])
    return "both are empty"


def alarms(context: Context) -> Findings:
    """Find the stack's alarms that are in ALARM; a stack without alarms is a finding too."""
    pages = context.break_glass.client("cloudwatch").get_paginator("describe_alarms")
    with explained():
        found = [
            alarm for page in pages.paginate(AlarmNamePrefix=f"{context.outputs.name_prefix}-")
            for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", []))
        ]  # fmt: skip
    if not found:
        yield Finding.of(faults.ALARMS_MISSING)
    for alarm in found:
        if alarm["StateValue"] == "ALARM":
            reason = " ".join(alarm.get("StateReason", "").split())
            yield Finding.of(faults.ALARM_FIRING, alarm=alarm["AlarmName"], reason=reason)
    return f"none of {counted(len(found), 'alarm', 'alarms')} is in ALARM"
