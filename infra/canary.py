"""The canary, as a Lambda function that a schedule invokes every 15 minutes."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import dynamodb, lambda_, sqs, ssm

from contract import names, policies
from contract.canary import EVERY_MINUTES
from infra.function import FunctionArgs
from infra.scheduled_function import Schedule, ScheduledFunction

# Apps come one after the other, each in less than a second when all is well. The rest is for those that fail, with
# three tries of five seconds; when all of many apps fail, the time-out tells.
_LEAST_TIMEOUT_S, _APP_S = 120, 3
MEMORY_MB = 128


@dataclass(frozen=True)
class CanaryArgs:
    """The beginning of names, the apps, the parameters of their drain URLs, and what the canary reads.

    It is deployed after `flusher`, which notes the canaries that it stores.
    """

    name_prefix: str
    apps: tuple[str, ...]
    parameter_prefix: str
    drain_urls: Sequence[ssm.Parameter]
    table: dynamodb.Table
    deletions: sqs.Queue
    flusher: lambda_.Function
    flush_minutes: int
    log_days: int


class Canary(ScheduledFunction):
    """`function`, with its role, its log group and its schedule."""

    def __init__(self, name: str, args: CanaryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        urls_arn = args.drain_urls[0].arn.apply(lambda arn: arn.rpartition("/")[0])

        def policy(log_group_arn: pulumi.Output[str]) -> pulumi.Output[policies.Policy]:
            return pulumi.Output.all(urls_arn, args.table.arn, args.deletions.arn, log_group_arn).apply(
                lambda arns: policies.canary(*arns)
            )

        super().__init__(
            "CanaryFunction",
            name,
            FunctionArgs(
                name=names.canary_function(args.name_prefix),
                description="Sends a line for each app through the drain endpoint",
                handler="receiver.canary.handler.handler",
                memory_mb=MEMORY_MB,
                timeout_s=max(_LEAST_TIMEOUT_S, _APP_S * len(args.apps)),
                log_days=args.log_days,
                environment={
                    names.APPS_VARIABLE: ",".join(args.apps),
                    names.BUFFER_VARIABLE: args.table.name,
                    names.DELETIONS_VARIABLE: args.deletions.url,
                    names.DRAIN_URLS_VARIABLE: names.drain_urls_path(args.parameter_prefix),
                    names.FLUSH_MINUTES_VARIABLE: str(args.flush_minutes),
                },
                policy=policy,
                policy_name="send",
                behind=[args.flusher, *args.drain_urls],
            ),
            Schedule(names.CANARY_SCHEDULE, f"rate({EVERY_MINUTES} minutes)"),
            opts,
        )
