"""Evaluates IAM policies as far as ours go: actions, resources, wildcards and string conditions."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from contract import policies

ACCOUNT = "us-east-1:123456789012"
BUCKET = "arn:aws:s3:::raxx-heroku-logs-prod"
OTHER_BUCKET = "arn:aws:s3:::raxx-heroku-logs-prod-2"
KEYS = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/drain_keys"
DRAIN_URL = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/drain_url/raxx-api-prod"
PUBLIC = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/bucket_arn"
LOG_GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/raxx-log-receiver"
FLUSHER_LOG_GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/raxx-log-flusher"
CANARY_LOG_GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/raxx-log-canary"
BUFFER = f"arn:aws:dynamodb:{ACCOUNT}:table/raxx-log-buffer"
CANARY = f"arn:aws:lambda:{ACCOUNT}:function:raxx-log-canary"
FLUSHER = f"arn:aws:lambda:{ACCOUNT}:function:raxx-log-flusher"
DELETIONS = f"arn:aws:sqs:{ACCOUNT}:raxx-log-deletions"
TOPIC = f"arn:aws:sns:{ACCOUNT}:raxx-log-alarms"
QUEUE = f"arn:aws:sqs:{ACCOUNT}:raxx-log-spill"
WORKGROUP = f"arn:aws:athena:{ACCOUNT}:workgroup/raxx-log-queries"
DATA_CATALOG = f"arn:aws:athena:{ACCOUNT}:datacatalog/AwsDataCatalog"
CATALOG, DATABASE, DEFAULT_DATABASE, TABLE, VIEW = (
    f"arn:aws:glue:{ACCOUNT}:{name}"
    for name in (
        *("catalog", "database/raxx_heroku_logs", "database/default"),
        *("table/raxx_heroku_logs/syslog", "table/raxx_heroku_logs/router_requests"),
    )
)
LINES = f"{BUCKET}/logs/raxx-api-prod/2026/11/24/1-x.gz"
RESULT = f"{BUCKET}/athena-results/x.csv"
PRINCIPAL = "arn:aws:iam::123456789012:user/claude-infisical-bootstrap"


class Ask(NamedTuple):
    """A request to AWS: action, resource and what conditions may look at."""

    action: str
    resource: str
    context: Mapping[str, str] = {}


def items(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def allows(policy: policies.Policy, ask: Ask) -> bool:
    """Evaluate a policy of Allow statements ("Policy evaluation logic", IAM user guide)."""
    return any(_applies(statement, ask) for statement in policy["Statement"])


def _applies(statement: Mapping[str, Any], ask: Ask) -> bool:
    assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
    assert statement["Effect"] == "Allow"
    conditions = statement.get("Condition", {})
    equal, like = conditions.get("ForAllValues:StringEquals", {}), conditions.get("StringLike", {})
    assert conditions.keys() <= {"ForAllValues:StringEquals", "StringLike"}
    return (
        any(fnmatchcase(ask.action.lower(), action.lower()) for action in items(statement["Action"]))
        and any(fnmatchcase(ask.resource, resource) for resource in items(statement["Resource"]))
        and all(
            any(fnmatchcase(ask.context.get(key, ""), pattern) for pattern in items(patterns))
            for key, patterns in like.items()
        )
        and all(ask.context.get(key, "") in items(values) for key, values in equal.items())
    )


def put(key: str, bucket: str = BUCKET) -> Ask:
    return Ask("s3:PutObject", f"{bucket}/{key}")


def listing(prefix: str) -> Ask:
    return Ask("s3:ListBucket", BUCKET, {"s3:prefix": prefix})


def shown(ask: Ask) -> str:
    return f"{ask.action}:{ask.resource.rpartition(':')[2]}{''.join(ask.context.values())}"
