"""The queue that takes batches while S3 does not, and the one for those that could not be stored for hours."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import sqs

# How often a message comes back, and after how many times it is dead: 480 receives, 15 minutes apart, take five days.
# S3 was down in a region for eight hours ("Amazon S3 Availability Event: July 20, 2008"), but a wrong bucket policy can
# last a long weekend; nine days remain in which somebody can move the dead letters back. Polls that Lambda throttles
# count as receives too. At least six times the function's time-out is AWS's advice for the first number ("Configuring a
# queue for use with Lambda"); SQS allows at most 1,000 for the second ("SetQueueAttributes", maxReceiveCount).
VISIBILITY_S = 900
MAX_RECEIVES = 480
_FORTNIGHT_S = 14 * 24 * 3600


@dataclass(frozen=True)
class SpillArgs:
    """What the names begin with, and whether the queues outlive the stack with what they hold."""

    name_prefix: str
    protect: bool


class Spill(pulumi.ComponentResource):
    """`queue`, and `dead_letters` for what was received too often. Both keep a message for 14 days, the most there is.

    A dead letter keeps the age that it had: 14 days count from its first arrival.
    """

    def __init__(self, name: str, args: SpillArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Spill", name, None, opts)
        # They hold batches that were answered 200 and are not in the bucket yet. A new name means a new queue, which
        # protection refuses; without it, the old queue stays in AWS.
        child = pulumi.ResourceOptions(
            parent=self, protect=args.protect, retain_on_delete=args.protect, delete_before_replace=False
        )
        self.dead_letters = sqs.Queue(
            f"{name}-dead-letters",
            name=f"{args.name_prefix}-spill-dead-letters",
            message_retention_seconds=_FORTNIGHT_S,
            sqs_managed_sse_enabled=True,
            opts=child,
        )
        self.queue = sqs.Queue(
            f"{name}-queue",
            name=f"{args.name_prefix}-spill",
            message_retention_seconds=_FORTNIGHT_S,
            visibility_timeout_seconds=VISIBILITY_S,
            sqs_managed_sse_enabled=True,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self.dead_letters.arn, "maxReceiveCount": MAX_RECEIVES}
            ),
            # The provider compares this JSON as text, and a queue need not give it back with the white space that it
            # was sent with. A queue therefore keeps the value that it was made with: docs/deploy.md has the command
            # that changes it.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(ignore_changes=["redrive_policy"])),
        )
        self.register_outputs({"queue": self.queue.url, "deadLetters": self.dead_letters.url})
