"""The queue that S3 tells of every deleted log object: its messages say who deleted what.

Lifecycle rules have event types of their own ("Supported event types for SQS, SNS, and Lambda"), and nothing in this
stack deletes logs. So each message is a deletion by somebody, but for S3's test message, which the canary discards.
They are kept for 14 days.
"""

from dataclasses import dataclass

import pulumi
from pulumi_aws import s3, sqs

from contract import names, policies
from contract.object_keys import LOGS_PREFIX
from contract.principals import Principals

_FORTNIGHT_S = 14 * 24 * 3600


@dataclass(frozen=True)
class DeletionsArgs:
    """The beginning of names, who may receive messages, and the bucket."""

    name_prefix: str
    principals: Principals
    bucket: s3.Bucket


class Deletions(pulumi.ComponentResource):
    """`queue`."""

    def __init__(self, name: str, args: DeletionsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Deletions", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.queue = sqs.Queue(
            f"{name}-queue",
            name=names.deletions_queue(args.name_prefix),
            message_retention_seconds=_FORTNIGHT_S,
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        policy = sqs.QueuePolicy(
            f"{name}-policy",
            queue_url=self.queue.url,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(self.queue.arn, args.bucket.arn).apply(
                    lambda arns: policies.deletions_queue(arns[0], arns[1], args.principals.deletion_readers)
                )
            ),
            opts=child,
        )
        s3.BucketNotification(
            f"{name}-notification",
            bucket=args.bucket.bucket,
            queues=[
                {
                    "id": "deletions",
                    "queue_arn": self.queue.arn,
                    "events": ["s3:ObjectRemoved:*"],
                    "filter_prefix": LOGS_PREFIX,
                }
            ],
            # S3 sends a test message before it accepts the queue.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({"queue": self.queue.url})
