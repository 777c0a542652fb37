"""The budget: a notice before a month costs more than it may."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import budgets

from contract import names
from infra.alarm_topic import AlarmTopic

# What AWS calls the services that the stack uses, as the cost filter "Service" has them.
_SERVICES = (
    "AWS Glue",
    "AWS Key Management Service",
    "AWS Lambda",
    "Amazon API Gateway",
    "Amazon Athena",
    "Amazon DynamoDB",
    "Amazon Simple Notification Service",
    "Amazon Simple Queue Service",
    "Amazon Simple Storage Service",
    "AmazonCloudWatch",
)
# In percent of the budget; Budgets allows five notices for one budget.
_ACTUAL, _FORECASTED = (50, 80, 100), (100,)


@dataclass(frozen=True)
class BudgetArgs:
    """The beginning of names, the limit in US dollars, the topic, and the tag that finds the costs, if one does."""

    name_prefix: str
    limit_usd: int
    topic: AlarmTopic
    tag: tuple[str, str] | None


class Budget(pulumi.ComponentResource):
    """A budget of costs per month, with notices at 50, 80 and 100 % and when 100 % are forecast."""

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Budget", name, None, opts)
        budgets.Budget(
            f"{name}-budget",
            name=names.budget(args.name_prefix),
            budget_type="COST",
            limit_amount=str(args.limit_usd),
            limit_unit="USD",
            time_unit="MONTHLY",
            cost_filters=[_cost_filter(args.tag)],
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "notification_type": kind,
                    "subscriber_sns_topic_arns": [args.topic.topic.arn],
                }
                for kind, percents in (("ACTUAL", _ACTUAL), ("FORECASTED", _FORECASTED))
                for percent in percents
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.topic.policy], delete_before_replace=False),
        )
        self.register_outputs({})


def _cost_filter(tag: tuple[str, str] | None) -> budgets.BudgetCostFilterArgsDict:
    # "Budget filters": a tag that was activated by a user is `user:<key>$<value>`.
    if tag:
        return {"name": "TagKeyValue", "values": [f"user:{tag[0]}${tag[1]}"]}
    return {"name": "Service", "values": list(_SERVICES)}
