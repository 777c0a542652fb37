"""What a call to AWS needs to be allowed: actions, and the ARN of what it is about. Pure.

Source: the pages "Actions, resources, and condition keys for …" of the Service Authorization Reference.
"""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from contract.policies import Policy
from tools.deploy_policies.documents import EXAMPLE_ACCOUNT
from tools.deploy_policies.requests import Call

_HERE = f"us-east-1:{EXAMPLE_ACCOUNT}"


class Need(NamedTuple):
    """An action on a resource; None if the call does not name it."""

    action: str
    resource: str | None


def needs(call: Call) -> Iterator[Need]:
    """Give all that a call needs. Whoever creates something with tags, or with a role, needs more than to create it."""
    if call.operation in _FREE:
        return
    service, resource = call.service, _resource(call)
    yield Need(f"{_PREFIXES.get(service, service)}:{_action(call)}", resource)
    if tag := _TAGGED.get((service, call.operation)):
        yield Need(f"{service}:{tag}", _KEY if service == "kms" else resource)
    parameters = dict(call.parameters)
    if role := parameters.get("Role") or parameters.get("Target.RoleArn"):
        yield Need("iam:PassRole", role)


def is_allowed(policies: list[Policy], need: Need) -> bool:
    """Whether a statement allows it, on whatever resource if the call names none. Conditions count as met."""
    return any(
        any(fnmatchcase(need.action, action) for action in _listed(statement["Action"]))
        and (need.resource is None or any(fnmatchcase(need.resource, on) for on in _listed(statement["Resource"])))
        for policy in policies
        for statement in policy["Statement"]
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


# ---------------------------------------------------------------- actions

# AWS lets everybody call them ("GetCallerIdentity").
_FREE = {"GetCallerIdentity"}
_PREFIXES = {"apigatewayv2": "apigateway"}
_VERBS = {"Create": "POST", "Get": "GET", "Update": "PATCH", "Delete": "DELETE", "Tag": "POST", "Untag": "DELETE"}
_ACTIONS: Mapping[str, Mapping[str, str]] = {
    "budgets": {
        "DescribeBudget": "ViewBudget",
        "DescribeNotificationsForBudget": "ViewBudget",
        "DescribeSubscribersForNotification": "ViewBudget",
        **{
            f"{verb}{what}": "ModifyBudget"
            for verb in ("Create", "Update", "Delete")
            for what in ("Budget", "Notification", "Subscriber")
        },
    },
    "lambda": {"Invoke": "InvokeFunction"},
    "s3": {
        "DeleteBucketEncryption": "PutEncryptionConfiguration",
        "DeleteBucketLifecycle": "PutLifecycleConfiguration",
        "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
        "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
        "GetBucketCors": "GetBucketCORS",
        "GetBucketEncryption": "GetEncryptionConfiguration",
        "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "GetBucketReplication": "GetReplicationConfiguration",
        "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
        "HeadBucket": "ListBucket",
        "PutBucketEncryption": "PutEncryptionConfiguration",
        "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    },
}
_TAGGED = {
    ("athena", "CreateWorkGroup"): "TagResource",
    ("budgets", "CreateBudget"): "TagResource",
    ("cloudwatch", "PutMetricAlarm"): "TagResource",
    ("dynamodb", "CreateTable"): "TagResource",
    ("glue", "CreateDatabase"): "TagResource",
    ("iam", "CreateRole"): "TagRole",
    ("iam", "CreateUser"): "TagUser",
    ("kms", "CreateKey"): "TagResource",
    ("lambda", "CreateFunction"): "TagResource",
    ("logs", "CreateLogGroup"): "TagResource",
    ("scheduler", "CreateScheduleGroup"): "TagResource",
    ("sns", "CreateTopic"): "TagResource",
    ("sqs", "CreateQueue"): "TagQueue",
    ("ssm", "PutParameter"): "AddTagsToResource",
}


def _action(call: Call) -> str:
    if call.service == "apigatewayv2":
        verb = re.match(r"[A-Z][a-z]+", call.operation)
        return _VERBS[verb[0]] if verb else call.operation
    return _ACTIONS.get(call.service, {}).get(call.operation, call.operation)


# ---------------------------------------------------------------- resources

_NONE = "*"
# AWS chooses its id, and what is created has none yet.
_KEY = f"arn:aws:kms:{_HERE}:key/ID"
# By service, the parameters that name the resource, the first of which decides, and the ARN.
_NAMED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "apigatewayv2": (("path", "arn:aws:apigateway:us-east-1::{}"),),
    "athena": (
        ("ResourceARN", "{}"),
        ("WorkGroup", f"arn:aws:athena:{_HERE}:workgroup/{{}}"),
        ("Name", f"arn:aws:athena:{_HERE}:workgroup/{{}}"),
    ),
    "budgets": (
        ("ResourceARN", "{}"),
        ("BudgetName", f"arn:aws:budgets::{EXAMPLE_ACCOUNT}:budget/{{}}"),
        ("Budget.BudgetName", f"arn:aws:budgets::{EXAMPLE_ACCOUNT}:budget/{{}}"),
    ),
    "cloudwatch": (
        ("ResourceARN", "{}"),
        ("AlarmName", f"arn:aws:cloudwatch:{_HERE}:alarm:{{}}"),
        ("AlarmNames.member.1", f"arn:aws:cloudwatch:{_HERE}:alarm:{{}}"),
        ("DashboardName", f"arn:aws:cloudwatch::{EXAMPLE_ACCOUNT}:dashboard/{{}}"),
    ),
    "dynamodb": (("ResourceArn", "{}"), ("TableName", f"arn:aws:dynamodb:{_HERE}:table/{{}}")),
    "glue": (
        ("ResourceArn", "{}"),
        ("DatabaseName", f"arn:aws:glue:{_HERE}:database/{{}}"),
        ("DatabaseInput.Name", f"arn:aws:glue:{_HERE}:database/{{}}"),
        ("Name", f"arn:aws:glue:{_HERE}:database/{{}}"),
    ),
    "iam": (
        ("RoleName", f"arn:aws:iam::{EXAMPLE_ACCOUNT}:role/{{}}"),
        ("UserName", f"arn:aws:iam::{EXAMPLE_ACCOUNT}:user/{{}}"),
    ),
    "kms": (("KeyId", _KEY), ("AliasName", f"arn:aws:kms:{_HERE}:{{}}")),
    "lambda": (("FunctionName", f"arn:aws:lambda:{_HERE}:function:{{}}"),),
    "logs": (("resourceArn", "{}"), ("logGroupName", f"arn:aws:logs:{_HERE}:log-group:{{}}"), ("name", _NONE)),
    "s3": (("Bucket", "arn:aws:s3:::{}"),),
    "scheduler": (
        ("ResourceArn", "{}"),
        ("groupName", f"arn:aws:scheduler:{_HERE}:schedule/{{}}/{{Name}}"),
        ("GroupName", f"arn:aws:scheduler:{_HERE}:schedule/{{}}/{{Name}}"),
        ("Name", f"arn:aws:scheduler:{_HERE}:schedule-group/{{}}"),
    ),
    "sns": (
        ("ResourceArn", "{}"),
        ("TopicArn", "{}"),
        ("Name", f"arn:aws:sns:{_HERE}:{{}}"),
    ),
    "sqs": (("QueueName", f"arn:aws:sqs:{_HERE}:{{}}"), ("QueueUrl", f"arn:aws:sqs:{_HERE}:{{}}")),
    "sts": (("RoleArn", "{}"),),
    "ssm": (
        ("Name", f"arn:aws:ssm:{_HERE}:parameter{{}}"),
        ("ResourceId", f"arn:aws:ssm:{_HERE}:parameter{{}}"),
    ),
}
# A call that is about nothing in particular.
_OF_NOTHING = {
    ("kms", "CreateKey"),
    ("kms", "ListAliases"),
    ("logs", "DescribeLogGroups"),
    ("logs", "DescribeQueryDefinitions"),
    ("sns", "GetSubscriptionAttributes"),
    ("ssm", "DescribeParameters"),
}
# The parameters that are kept of a call. Others may be secrets, or differ from run to run.
IDENTIFYING = frozenset({name for named in _NAMED.values() for name, _ in named} | {"Role", "Target.RoleArn", "Name"})


def _resource(call: Call) -> str | None:
    if (call.service, call.operation) in _OF_NOTHING:
        return _NONE
    parameters = dict(call.parameters)
    for name, arn in _NAMED.get(call.service, ()):
        if name in parameters:
            return arn.replace("{Name}", parameters.get("Name", "")).format(parameters[name])
    return None


def identified(call: Call) -> Call:
    """A call with only what says what it is about; ids that AWS chooses are `ID`, and addresses are left out."""
    kept = {name: _settled(name, value) for name, value in call.parameters if name in IDENTIFYING}
    if call.service != "apigatewayv2":
        kept.pop("path", None)
    return Call(call.service, call.operation, tuple(sorted(kept.items())))


def _settled(name: str, value: str) -> str:
    if name == "KeyId":
        return "ID"
    if name == "QueueUrl":
        return value.rpartition("/")[2]
    if name == "path":
        # /v2/apis/<id>/routes/<id>: IAM's ARNs are without the version.
        words = value.strip("/").split("/")[1:]
        return "/" + "/".join("ID" if number % 2 else word for number, word in enumerate(words))
    return value
