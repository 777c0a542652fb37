"""A Lambda function that EventBridge Scheduler invokes at a rate."""

from typing import NamedTuple

import pulumi
from pulumi_aws import iam, lambda_, scheduler

from contract import policies
from infra.function import Function, FunctionArgs


class Schedule(NamedTuple):
    """The name of a schedule, and its expression, such as `rate(1 minute)`. A run that fails is not tried again."""

    name: str
    expression: str


class ScheduledFunction(Function):
    """`function`, with its role, its log group and its schedule."""

    def __init__(
        self, kind: str, name: str, args: FunctionArgs, schedule: Schedule, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(kind, name, args, opts)
        child = pulumi.ResourceOptions(parent=self)
        replaced_first = pulumi.ResourceOptions(parent=self, delete_before_replace=False)
        retries = lambda_.FunctionEventInvokeConfig(
            f"{name}-retries",
            function_name=self.function.name,
            maximum_retry_attempts=0,
            maximum_event_age_in_seconds=60,
            opts=child,
        )
        group = scheduler.ScheduleGroup(f"{name}-schedules", name=args.name, opts=replaced_first)
        role = iam.Role(
            f"{name}-schedule-role",
            name=f"{args.name}-schedule",
            assume_role_policy=pulumi.Output.json_dumps(group.arn.apply(policies.scheduler_trust)),
            opts=replaced_first,
        )
        invoke = iam.RolePolicy(
            f"{name}-schedule-policy",
            name="invoke",
            role=role.name,
            policy=pulumi.Output.json_dumps(self.function.arn.apply(policies.schedule)),
            opts=replaced_first,
        )
        scheduler.Schedule(
            f"{name}-schedule",
            name=schedule.name,
            group_name=group.name,
            schedule_expression=schedule.expression,
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": self.function.arn,
                "role_arn": role.arn,
                "retry_policy": {"maximum_retry_attempts": 0, "maximum_event_age_in_seconds": 60},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[invoke, retries]),
        )
