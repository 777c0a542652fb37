"""The queue that takes batches while S3 does not, and the one for those that could not be stored for hours."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import sqs

# How often a message comes back, and after how many times it is dead: 24 receives a quarter of an hour apart are six
# hours, longer than S3 was ever out of order in a region. Polls that Lambda throttles count as receives too. At least
# six times the function's time-out is AWS's advice ("Configuring a queue for use with Lambda").
VISIBILITY_S = 900
MAX_RECEIVES = 24
_FORTNIGHT_S = 14 * 24 * 3600


@dataclass(frozen=True)
class SpillArgs:
    """What the names begin with."""

    name_prefix: str


class Spill(pulumi.ComponentResource):
    """`queue`, and `dead_letters` for what was received too often. Both keep a message for 14 days, the most there is.

    A dead letter keeps the age that it had: 14 days count from its first arrival.
    """

    def __init__(self, name: str, args: SpillArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Spill", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
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
            # was sent with. Neither value changes in the life of a queue; to change one, give the queue another name.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["redrive_policy"]),
        )
        self.register_outputs({"queue": self.queue.url, "deadLetters": self.dead_letters.url})
