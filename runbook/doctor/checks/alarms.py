"""Checks the watch: that alarms, budget and dashboard are there, and that somebody would hear of an alarm."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from contract import alarms, names
from contract.alarms import COMPARISON, Alarm, Watched
from contract.metric_identity import identity, resource_names
from contract.outputs import Outputs
from contract.vended_metrics import Resource
from runbook.clients import alarm_topic
from runbook.clients.alarm_topic import Subscription
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, Unknown, explained
from runbook.errors import RunbookError

_USD = "USD"


def check(context: Context) -> Findings:
    """Compare the alarms with their declarations, and ask for subscriptions, dashboard and budget."""
    told: list[Subscription] = []
    complete = True
    parts = {
        "the alarms are as declared": _alarms(context),
        "anybody is told": _told(context, told),
        "the dashboard is there": _dashboard(context),
        "the budget is there": _budget(context),
    }
    for what, part in parts.items():
        try:
            yield from part
        except RunbookError as error:
            complete = False
            yield Unknown(f"whether {what}: {Unknown.because(error).reason}")
    if not complete:
        return ""
    outputs = context.outputs
    number, whom = len(alarms.named(Watched.of(outputs))), ", ".join(each.endpoint for each in told)
    return (
        f"{number} alarms are armed and none is in ALARM; {whom} is told of them, and of ${outputs.budget_usd} a month"
    )


def _alarms(context: Context) -> Iterator[Finding]:
    outputs = context.outputs
    declared = alarms.named(Watched.of(outputs))
    pages = context.break_glass.client("cloudwatch").get_paginator("describe_alarms")
    with explained():
        found = {
            alarm["AlarmName"]: alarm
            for page in pages.paginate(
                AlarmNamePrefix=f"{outputs.name_prefix}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", []))
        }
    for name in declared.keys() - found.keys():
        yield Finding.of(faults.ALARM_MISSING, alarm=name)
    for name, alarm in found.items():
        if name in declared and (parts := _differences(declared[name], alarm, outputs)):
            yield Finding.of(faults.ALARM_DIFFERS, alarm=name, parts=", ".join(parts))
        if name in declared and not alarm["ActionsEnabled"]:
            yield Finding.of(faults.ALARM_DISARMED, alarm=name)
        # Somebody may have added alarms with the same beginning.
        if alarm["StateValue"] == "ALARM":
            reason = " ".join(alarm.get("StateReason", "").split())
            yield Finding.of(faults.ALARM_FIRING, alarm=name, reason=reason)


def _differences(declared: Alarm, found: Mapping[str, Any], outputs: Outputs) -> list[str]:
    """Name the parts in which an alarm, as DescribeAlarms gives it, differs from its declaration."""
    compared = next((each["MetricStat"] for each in found.get("Metrics", []) if "MetricStat" in each), None)
    metric = compared["Metric"] if compared else found
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
    namespace, wanted = identity(declared.metric, outputs.name_prefix, _resources(outputs), declared.app)
    parts = {
        "metric": (metric.get("Namespace"), metric.get("MetricName")) == (namespace, declared.metric.title),
        "dimensions": dimensions == {name: value or dimensions.get(name) for name, value in wanted.items()},
        "comparison with the day before": _is_change(found) == declared.per_day_change,
        "statistic": (compared["Stat"] if compared else _statistic(found)) == declared.statistic,
        "period": (compared or found).get("Period") == declared.period_s,
        "threshold": found.get("Threshold") == declared.threshold,
        "comparison": found.get("ComparisonOperator") == COMPARISON,
        "datapoints": found.get("DatapointsToAlarm") == declared.datapoints,
        "periods": found.get("EvaluationPeriods") == declared.periods,
        "missing data": found.get("TreatMissingData") == declared.missing,
        "actions": outputs.alarm_topic_arn in found.get("AlarmActions", []),
    }
    return [part for part, same in parts.items() if not same]


def _statistic(found: Mapping[str, Any]) -> object:
    return found.get("Statistic") or found.get("ExtendedStatistic")


def _is_change(found: Mapping[str, Any]) -> bool:
    return any("DIFF(" in each.get("Expression", "") for each in found.get("Metrics", []))


def _resources(outputs: Outputs) -> Mapping[Resource, str]:
    """Give the names of resources; empty for an API whose id is not in the endpoint's URL."""
    api, of_gateway, _ = (urlsplit(outputs.endpoint).hostname or "").partition(".execute-api.")
    return resource_names(outputs.name_prefix, api if of_gateway else "", outputs.bucket)


def _told(context: Context, confirmed: list[Subscription]) -> Iterator[Finding]:
    """Find that nobody subscribed, or has not confirmed; give those who have."""
    sns = context.break_glass.client("sns")
    with explained():
        try:
            found = alarm_topic.subscriptions(sns, context.outputs.alarm_topic_arn)
        except sns.exceptions.NotFoundException:
            found = []
    confirmed += [each for each in found if each.confirmed]
    if not found:
        yield Finding.of(faults.NOBODY_TOLD)
    for each in found:
        if not each.confirmed:
            yield Finding.of(faults.SUBSCRIPTION_PENDING, endpoint=each.endpoint, protocol=each.protocol)


def _dashboard(context: Context) -> Iterator[Finding]:
    name = names.dashboard(context.outputs.name_prefix)
    client = context.break_glass.client("cloudwatch")
    with explained():
        # GetDashboard's error for a dashboard that does not exist has two names in boto3.
        pages = client.get_paginator("list_dashboards").paginate(DashboardNamePrefix=name)
        found = {entry["DashboardName"] for page in pages for entry in page["DashboardEntries"]}
    if name not in found:
        yield Finding.of(faults.DASHBOARD_MISSING, name=name)


def _budget(context: Context) -> Iterator[Finding]:
    outputs = context.outputs
    name, account = names.budget(outputs.name_prefix), outputs.alarm_topic_arn.split(":")[4]
    client = context.break_glass.client("budgets")
    with explained():
        try:
            limit = client.describe_budget(AccountId=account, BudgetName=name)["Budget"]["BudgetLimit"]
        except client.exceptions.NotFoundException:
            yield Finding.of(faults.BUDGET_DIFFERS, name=name, difference="does not exist")
            return
    if (float(limit["Amount"]), limit["Unit"]) != (outputs.budget_usd, _USD):
        difference = f"is {limit['Amount']} {limit['Unit']} a month, not {outputs.budget_usd} {_USD}"
        yield Finding.of(faults.BUDGET_DIFFERS, name=name, difference=difference)
