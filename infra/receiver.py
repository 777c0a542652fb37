"""The receiver, as a Lambda function."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import dynamodb, lambda_, s3, sqs

from contract import names, policies
from infra.drain_keys import DrainKeys
from infra.function import Function, FunctionArgs, archive_environment

# It answers a POST within 4 s of its arrival; what runs longer is of no use to anyone.
TIMEOUT_S = 10


@dataclass(frozen=True)
class ReceiverArgs:
    """The beginning of names, the resources that the receiver uses, and how it works.

    `flusher` is deployed first, so that nothing waits in the buffer for a flusher that is not there.
    """

    name_prefix: str
    apps: tuple[str, ...]
    bucket: s3.Bucket
    drain_keys: DrainKeys
    parameter_prefix: str
    spill_queue: sqs.Queue
    table: dynamodb.Table
    flusher: lambda_.Function
    flush_minutes: int
    object_lock_days: int
    answer_after_ms: int
    memory_mb: int
    reserved_concurrency: int
    log_days: int


class Receiver(Function):
    """`function`, with its role and its log group."""

    def __init__(self, name: str, args: ReceiverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        function = names.receiver_function(args.name_prefix)
        hashes = args.drain_keys.hashes
        # While the function is updated, its old code runs with these settings and rights.
        old = args.drain_keys.replaced
        replaced = {names.REPLACED_KEYS_VARIABLE: old.parameter.name} if old else {}
        old_arns = [old.parameter.arn] if old else []

        def policy(log_group_arn: pulumi.Output[str]) -> pulumi.Output[policies.Policy]:
            return pulumi.Output.all(
                args.bucket.arn, hashes[0].arn, args.spill_queue.arn, args.table.arn, log_group_arn, *old_arns
            ).apply(lambda arns: policies.receiver(*arns, locks=args.object_lock_days > 0))

        super().__init__(
            "ReceiverFunction",
            name,
            FunctionArgs(
                name=function,
                description="Takes the batches of Heroku log drains",
                handler="receiver.handler.handler",
                memory_mb=args.memory_mb,
                timeout_s=TIMEOUT_S,
                log_days=args.log_days,
                environment={
                    **archive_environment(args.bucket, args.table.arn, args.object_lock_days),
                    names.APPS_VARIABLE: ",".join(args.apps),
                    names.HASHES_VARIABLE: names.token_hashes_path(args.parameter_prefix),
                    names.SPILL_QUEUE_VARIABLE: args.spill_queue.url,
                    names.BUFFER_VARIABLE: args.table.name,
                    names.FLUSH_MINUTES_VARIABLE: str(args.flush_minutes),
                    names.ANSWER_AFTER_VARIABLE: str(args.answer_after_ms),
                    names.NAMESPACE_VARIABLE: function,
                    **replaced,
                },
                policy=policy,
                policy_name="receive",
                reserved_concurrency=args.reserved_concurrency,
                behind=[args.flusher, *hashes],
            ),
            opts,
        )
