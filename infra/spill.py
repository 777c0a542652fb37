"""The spill queue, which takes batches while the buffer does not, and its dead-letter queue."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import sqs

from contract import names, policies
from contract.principals import Principals

# A message that the flusher cannot put into the buffer is received again after 15 minutes, and becomes a dead letter
# after 480 receives, five days later at the earliest. Nine days then remain to move it back. SQS allows a
# maxReceiveCount of at most 1,000 ("SetQueueAttributes").
VISIBILITY_S = 900
MAX_RECEIVES = 480
# A batch without a valid time can have another try in the buffer. By then it is there or will never be.
DELAY_S = 60
_FORTNIGHT_S = 14 * 24 * 3600


@dataclass(frozen=True)
class SpillArgs:
    """The beginning of names, who may receive messages, and whether the queues and their messages outlive the stack."""

    name_prefix: str
    principals: Principals
    protect: bool


class Spill(pulumi.ComponentResource):
    """`queue`, and `dead_letters` for messages received too often. Messages are kept for the maximum of 14 days.

    A dead letter keeps its age: the 14 days count from its first arrival.
    """

    def __init__(self, name: str, args: SpillArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Spill", name, None, opts)
        # The queues hold batches that were answered 200 and are not in the bucket yet. A new name means a new queue:
        # protection refuses that, and without protection the old queue stays in AWS.
        child = pulumi.ResourceOptions(
            parent=self, protect=args.protect, retain_on_delete=args.protect, delete_before_replace=False
        )
        self.dead_letters = sqs.Queue(
            f"{name}-dead-letters",
            name=names.dead_letter_queue(args.name_prefix),
            message_retention_seconds=_FORTNIGHT_S,
            sqs_managed_sse_enabled=True,
            opts=child,
        )
        self.queue = sqs.Queue(
            f"{name}-queue",
            name=names.spill_queue(args.name_prefix),
            message_retention_seconds=_FORTNIGHT_S,
            visibility_timeout_seconds=VISIBILITY_S,
            delay_seconds=DELAY_S,
            sqs_managed_sse_enabled=True,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self.dead_letters.arn, "maxReceiveCount": MAX_RECEIVES}
            ),
            # The provider compares this JSON as text, and SQS may return it with other white space. A queue therefore
            # keeps the value that it was created with; docs/deploy.md has the command that changes it.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(ignore_changes=["redrive_policy"])),
        )
        self._limit(f"{name}-policy", self.queue, args.principals.spill_drainers)
        self._limit(f"{name}-dead-letters-policy", self.dead_letters, args.principals.break_glass)
        self.register_outputs({"queue": self.queue.url, "deadLetters": self.dead_letters.url})

    def _limit(self, name: str, queue: sqs.Queue, receivers: Sequence[str]) -> None:
        sqs.QueuePolicy(
            name,
            queue_url=queue.url,
            policy=pulumi.Output.json_dumps(queue.arn.apply(lambda arn: policies.queue(arn, receivers))),
            opts=pulumi.ResourceOptions(parent=self),
        )
