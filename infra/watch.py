"""The watch: alarms, whom they tell, the budget, the dashboard and saved queries of the functions' logs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch

from contract import names
from contract.alarms import COMPARISON, Alarm, Statistic, Watched, alarms
from contract.log_queries import QUERIES
from contract.metric_identity import identity
from contract.vended_metrics import Resource
from infra import dashboard
from infra.alarm_topic import AlarmTopic, AlarmTopicArgs
from infra.budget import Budget, BudgetArgs
from infra.dashboard import DashboardArgs


@dataclass(frozen=True)
class WatchArgs:
    """What is watched: the names of resources, which the metrics have as dimensions, and who is told.

    `account_arn` is any ARN of the account. The budget finds its costs by `budget_tag`, a key and a value, if given.
    """

    watched: Watched
    resources: Mapping[Resource, pulumi.Input[str]]
    endpoints: Sequence[str]
    topic_key: bool
    account_arn: pulumi.Input[str]
    region: str
    workgroup: str
    budget_usd: int
    budget_tag: tuple[str, str] | None


class Watch(pulumi.ComponentResource):
    """`topic` is the alarms'."""

    def __init__(self, name: str, args: WatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Watch", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        prefix = args.watched.name_prefix
        told = AlarmTopic(
            f"{name}-alarms", AlarmTopicArgs(prefix, args.endpoints, args.topic_key, args.account_arn), child
        )
        self.topic = told.topic
        made = [self._alarm(name, alarm, args, told) for alarm in alarms(args.watched)]
        self._dashboard(name, args, [alarm.arn for alarm in made])
        for query in QUERIES:
            cloudwatch.QueryDefinition(
                f"{name}-query-{query.name}",
                name=names.log_query(prefix, query.name),
                log_group_names=query.groups(prefix),
                query_string=query.text,
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
            )
        Budget(f"{name}-budget", BudgetArgs(prefix, args.budget_usd, told, args.budget_tag), child)
        self.dashboard_url = dashboard.url(args.region, prefix)
        self.register_outputs({"topic": self.topic.arn})

    def _dashboard(self, name: str, args: WatchArgs, alarm_arns: Sequence[pulumi.Output[str]]) -> None:
        def body(known: list[Any]) -> str:
            resources = dict(zip(args.resources, known[1], strict=True))
            return json.dumps(
                dashboard.body(
                    DashboardArgs(args.watched, resources, known[0], args.region, args.workgroup, args.budget_usd)
                )
            )

        known = pulumi.Output.all(pulumi.Output.all(*alarm_arns), pulumi.Output.all(*args.resources.values()))
        cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=names.dashboard(args.watched.name_prefix),
            dashboard_body=known.apply(body),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )

    def _alarm(self, name: str, alarm: Alarm, args: WatchArgs, told: AlarmTopic) -> cloudwatch.MetricAlarm:
        actions = [told.topic.arn]
        namespace, dimensions = identity(alarm.metric, args.watched.name_prefix, args.resources, alarm.app)
        compared, is_percentile = alarm.per_day_change, alarm.statistic is Statistic.P99
        return cloudwatch.MetricAlarm(
            f"{name}-alarm-{alarm.name}",
            name=names.alarm(args.watched.name_prefix, alarm.name),
            alarm_description=alarm.description(args.watched.parameter_prefix),
            namespace=None if compared else namespace,
            metric_name=None if compared else alarm.metric.title,
            dimensions=None if compared else dimensions,
            statistic=None if compared or is_percentile else alarm.statistic,
            extended_statistic=alarm.statistic if is_percentile else None,
            period=None if compared else alarm.period_s,
            metric_queries=_change(alarm, namespace, dimensions) if compared else None,
            comparison_operator=COMPARISON,
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.datapoints,
            treat_missing_data=alarm.missing,
            alarm_actions=actions,
            ok_actions=actions,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[told.policy], delete_before_replace=False),
        )


def _change(
    alarm: Alarm, namespace: str, dimensions: Mapping[str, pulumi.Input[str]]
) -> list[cloudwatch.MetricAlarmMetricQueryArgsDict]:
    """Compare each value with the one before ("Using math expressions with CloudWatch metrics", DIFF)."""
    return [
        {"id": "change", "expression": "ABS(DIFF(value))", "label": "change per day", "return_data": True},
        {
            "id": "value",
            "metric": {
                "namespace": namespace,
                "metric_name": alarm.metric.title,
                "dimensions": dimensions,
                "period": alarm.period_s,
                "stat": alarm.statistic,
            },
            "return_data": False,
        },
    ]
