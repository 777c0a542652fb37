"""What the writer user lacks to run a receiver outside Lambda."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import iam, s3, sqs, ssm

from infra import policies


@dataclass(frozen=True)
class OutsideReceiverArgs:
    """The user that such a receiver is, and what it finds, reads and fills."""

    writer: iam.User
    bucket: s3.Bucket
    keys_parameter: ssm.Parameter
    spill_queue: sqs.Queue


class OutsideReceiver(pulumi.ComponentResource):
    """The writer's rights beyond writing."""

    def __init__(self, name: str, args: OutsideReceiverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:OutsideReceiver", name, None, opts)
        iam.UserPolicy(
            f"{name}-policy",
            name="receive",
            user=args.writer.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(args.bucket.arn, args.keys_parameter.arn, args.spill_queue.arn).apply(
                    lambda arns: policies.outside_receiver(*arns)
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
