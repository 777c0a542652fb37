"""What waits in the queues, and which alarms fire."""

from typing import TYPE_CHECKING

from runbook.doctor import faults
from runbook.doctor.examination import Examination, Finding, Surroundings, explained
from runbook.terminal.printing import counted

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType

# A message that is being worked on is not visible.
_COUNTS: tuple["QueueAttributeNameType", ...] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def queues(surroundings: Surroundings) -> Examination:
    """Count the messages of both queues."""
    outputs = surroundings.outputs
    for fault, url in (
        (faults.BATCHES_WAITING, outputs.spill_queue),
        (faults.DEAD_LETTERS, outputs.dead_letter_queue),
    ):
        with explained():
            answer = surroundings.break_glass.client("sqs").get_queue_attributes(
                QueueUrl=url, AttributeNames=[*_COUNTS, "QueueArn"]
            )
        attributes = answer["Attributes"]
        if waiting := sum(int(attributes.get(name, 0)) for name in _COUNTS):
            yield Finding.of(fault, batches=counted(waiting, "batch", "batches"), arn=attributes["QueueArn"])
    return "both are empty"


def alarms(surroundings: Surroundings) -> Examination:
    """List the stack's alarms that fire."""
    prefix = f"{surroundings.outputs.name_prefix}-"
    pages = surroundings.break_glass.client("cloudwatch").get_paginator("describe_alarms")
    known = 0
    with explained():
        found = [
            alarm for page in pages.paginate(AlarmNamePrefix=prefix)
            for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", []))
        ]  # fmt: skip
    for alarm in found:
        known += 1
        if alarm["StateValue"] == "ALARM":
            reason = " ".join(alarm.get("StateReason", "").split())
            yield Finding.of(faults.ALARM_FIRING, alarm=alarm["AlarmName"], reason=reason)
    return f"none fires, of {counted(known, 'alarm', 'alarms')}"
