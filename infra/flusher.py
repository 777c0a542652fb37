"""The flusher, as a Lambda function that a schedule invokes every minute."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import dynamodb, s3, sqs

from contract import names, policies
from infra.function import FunctionArgs, archive_environment
from infra.scheduled_function import Schedule, ScheduledFunction

# A run begins nothing new after 50 s; what it has begun may take longer, so that runs overlap rarely.
TIMEOUT_S = 120


@dataclass(frozen=True)
class FlusherArgs:
    """The beginning of names, the resources that the flusher uses, and how it works."""

    name_prefix: str
    apps: tuple[str, ...]
    bucket: s3.Bucket
    spill_queue: sqs.Queue
    table: dynamodb.Table
    flush_minutes: int
    object_lock_days: int
    memory_mb: int
    log_days: int


class Flusher(ScheduledFunction):
    """`function`, with its role, its log group and its schedule."""

    def __init__(self, name: str, args: FlusherArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        function_name = names.flusher_function(args.name_prefix)

        def policy(log_group_arn: pulumi.Output[str]) -> pulumi.Output[policies.Policy]:
            return pulumi.Output.all(args.bucket.arn, args.spill_queue.arn, args.table.arn, log_group_arn).apply(
                lambda arns: policies.flusher(*arns, locks=args.object_lock_days > 0)
            )

        super().__init__(
            "FlusherFunction",
            name,
            FunctionArgs(
                name=function_name,
                description="Writes the buffered batches to S3",
                handler="receiver.flusher.handler.handler",
                memory_mb=args.memory_mb,
                timeout_s=TIMEOUT_S,
                log_days=args.log_days,
                environment={
                    **archive_environment(args.bucket, args.table.arn, args.object_lock_days),
                    names.APPS_VARIABLE: ",".join(args.apps),
                    names.SPILL_QUEUE_VARIABLE: args.spill_queue.url,
                    names.BUFFER_VARIABLE: args.table.name,
                    names.FLUSH_MINUTES_VARIABLE: str(args.flush_minutes),
                    names.NAMESPACE_VARIABLE: names.receiver_function(args.name_prefix),
                },
                policy=policy,
                policy_name="flush",
            ),
            # The next run repeats what a failed one left, so that a retry would only overlap with it.
            Schedule(names.FLUSHER_SCHEDULE, "rate(1 minute)"),
            opts,
        )
