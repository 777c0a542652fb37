"""The digester, as a Lambda function that a schedule invokes every hour."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import lambda_, s3

from contract import names, policies
from infra.function import FunctionArgs, archive_environment
from infra.scheduled_function import Schedule, ScheduledFunction

# The first digest lists the whole archive. 315,000 objects take 240 MB and 25 s of a processor. With this memory a
# function has a third of one.
TIMEOUT_S = 900
MEMORY_MB = 512


@dataclass(frozen=True)
class DigesterArgs:
    """The beginning of names, the bucket, an ARN of its account, and for how many days digests are locked.

    It is deployed after `flusher`, whose objects have what it records.
    """

    name_prefix: str
    bucket: s3.Bucket
    account_arn: pulumi.Input[str]
    flusher: lambda_.Function
    object_lock_days: int
    log_days: int


class Digester(ScheduledFunction):
    """`function`, with its role, its log group and its schedule."""

    def __init__(self, name: str, args: DigesterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        def policy(log_group_arn: pulumi.Output[str]) -> pulumi.Output[policies.Policy]:
            return pulumi.Output.all(args.bucket.arn, log_group_arn).apply(
                lambda arns: policies.digester(*arns, locks=args.object_lock_days > 0)
            )

        super().__init__(
            "DigesterFunction",
            name,
            FunctionArgs(
                name=names.digester_function(args.name_prefix),
                description="Records what was written to the archive",
                handler="receiver.digests.handler.handler",
                memory_mb=MEMORY_MB,
                timeout_s=TIMEOUT_S,
                log_days=args.log_days,
                environment=archive_environment(args.bucket, args.account_arn, args.object_lock_days),
                policy=policy,
                policy_name="digest",
                behind=[args.flusher],
            ),
            Schedule(names.DIGESTER_SCHEDULE, "rate(60 minutes)"),
            opts,
        )
