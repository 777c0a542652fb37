"""Checks the queues of batches."""

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


def check(context: Context) -> Findings:
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
