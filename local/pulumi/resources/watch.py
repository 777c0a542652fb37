"""Alarms, the topic that they tell, and the budget."""

from typing import Any

from local.pulumi.resources.account import ACCOUNT_ID, Account, Creator, Outputs
from local.pulumi.resources.spelling import Inputs, in_aws_words


def _topic(account: Account, inputs: Inputs) -> Outputs:
    name, tags = inputs.take("name"), inputs.tags("Tags", as_list=True)
    attributes = inputs.rest({"kmsMasterKeyId": "KmsMasterKeyId"})
    arn = account.clients["sns"].create_topic(Name=name, **({"Attributes": attributes} if attributes else {}), **tags)[
        "TopicArn"
    ]
    return arn, {}


def _topic_policy(account: Account, inputs: Inputs) -> Outputs:
    topic, policy = inputs.take("arn"), inputs.take("policy")
    account.clients["sns"].set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    return topic, {}


def _subscription(account: Account, inputs: Inputs) -> Outputs:
    # An argument of the provider's, which then waits for the confirmation.
    inputs.pop("endpointAutoConfirms", None)
    arn = account.clients["sns"].subscribe(TopicArn=inputs.take("topic"), ReturnSubscriptionArn=True, **inputs.rest())[
        "SubscriptionArn"
    ]
    return arn, {}


def _alarm(account: Account, inputs: Inputs) -> Outputs:
    name, tags = inputs.take("name"), inputs.tags("Tags", as_list=True)
    dimensions = _dimensions(inputs.pop("dimensions", {}))
    queries = [_query(query) for query in inputs.pop("metricQueries", [])]
    account.clients["cloudwatch"].put_metric_alarm(
        AlarmName=name,
        **({"Dimensions": dimensions} if dimensions else {}),
        **({"Metrics": queries} if queries else {}),
        **tags,
        **inputs.rest({"okActions": "OKActions"}),
    )
    return name, {}


def _query(query: dict[str, Any]) -> dict[str, Any]:
    inputs = Inputs(query)
    metric = Inputs(inputs.pop("metric", {}))
    identity = Inputs({key: metric.pop(key) for key in ("namespace", "metricName") if key in metric})
    dimensions = {"Dimensions": _dimensions(metric.pop("dimensions"))} if "dimensions" in metric else {}
    compared = (
        {"MetricStat": {"Metric": {**identity.rest(), **dimensions}, **metric.rest()}} if query.get("metric") else {}
    )
    return {**inputs.rest({"id": "Id"}), **compared}


def _dimensions(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _dashboard(account: Account, inputs: Inputs) -> Outputs:
    name = inputs.take("dashboardName")
    account.clients["cloudwatch"].put_dashboard(DashboardName=name, **inputs.rest())
    return name, {}


def _budget(account: Account, inputs: Inputs) -> Outputs:
    budgets, name, tags = account.clients["budgets"], inputs.take("name"), inputs.tags("ResourceTags", as_list=True)
    limit = {"Amount": inputs.take("limitAmount"), "Unit": inputs.take("limitUnit")}
    filters = {each["name"]: each["values"] for each in inputs.pop("costFilters", [])}
    notifications = inputs.pop("notifications", [])
    budgets.create_budget(
        AccountId=ACCOUNT_ID,
        Budget={"BudgetName": name, "BudgetLimit": limit, "CostFilters": filters, **inputs.rest()},
        NotificationsWithSubscribers=[_notification(each) for each in notifications],
        **tags,
    )
    return f"{ACCOUNT_ID}:{name}", {}


def _notification(declared: dict[str, Any]) -> dict[str, Any]:
    topics = declared.pop("subscriberSnsTopicArns", [])
    return {
        "Notification": in_aws_words(declared),
        "Subscribers": [{"SubscriptionType": "SNS", "Address": topic} for topic in topics],
    }


def _key(account: Account, inputs: Inputs) -> Outputs:
    kms, rotates = account.clients["kms"], inputs.pop("enableKeyRotation", False)
    tags = [{"TagKey": key, "TagValue": value} for key, value in inputs.pop("tags", {}).items()]
    key = kms.create_key(Policy=inputs.take("policy"), Tags=tags, **inputs.rest())["KeyMetadata"]["KeyId"]
    if rotates:
        kms.enable_key_rotation(KeyId=key)
    return key, {"arn": f"arn:aws:kms:{account.region}:{ACCOUNT_ID}:key/{key}"}


CREATE: dict[str, Creator] = {
    "aws:budgets/budget:Budget": _budget,
    "aws:cloudwatch/dashboard:Dashboard": _dashboard,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:kms/key:Key": _key,
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicPolicy:TopicPolicy": _topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
}
