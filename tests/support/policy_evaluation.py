"""Questions to single identity policies, as tools/policy_evaluation answers them; and ARNs of production's stack."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from contract import policies
from contract.principals import Principals
from tools.policy_evaluation.decisions import decide
from tools.policy_evaluation.requests import Principal, Request
from tools.policy_evaluation.statements import statements

ACCOUNT = "us-east-1:123456789012"
BUCKET = "arn:aws:s3:::raxx-heroku-logs-prod"
OTHER_BUCKET = "arn:aws:s3:::raxx-heroku-logs-prod-2"
HASHES = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/token_hashes/raxx-api-prod"
ALL_HASHES = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/token_hashes/*"
DRAIN_URL = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/drain_url/raxx-api-prod"
PUBLIC = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/bucket_arn"
LOG_GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/raxx-log-receiver"
FLUSHER_LOG_GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/raxx-log-flusher"
CANARY_LOG_GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/raxx-log-canary"
BUFFER = f"arn:aws:dynamodb:{ACCOUNT}:table/raxx-log-buffer"
DIGESTER_LOG_GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/raxx-log-digester"
DIGESTER = f"arn:aws:lambda:{ACCOUNT}:function:raxx-log-digester"
DIGEST = f"{BUCKET}/digests/2026/11/24/00000001.json.gz"
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
PRINCIPALS = Principals(
    partition="aws",
    account="123456789012",
    name_prefix="raxx-log",
    reader_role="raxx-log-athena-reader",
    writer_user="raxx-heroku-log-drain",
    break_glass=[PRINCIPAL],
    deployers=["arn:aws:iam::123456789012:user/deployer"],
)

_ACCOUNT_ID = "123456789012"
_SOMEBODY = Principal.of(f"arn:aws:iam::{_ACCOUNT_ID}:user/somebody")
_LEFT_TO_THE_ACCOUNT = statements(
    "policy of the resource",
    {"Statement": {"Effect": "Allow", "Principal": {"AWS": _ACCOUNT_ID}, "Action": "*", "Resource": "*"}},
)


class Ask(NamedTuple):
    """A request to AWS: action, resource and what conditions may look at."""

    action: str
    resource: str
    context: Mapping[str, str] = {}


def items(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def allows(policy: policies.Policy, ask: Ask) -> bool:
    """Whether an identity with this policy alone may do what is asked, where the resource leaves that to the account.

    DynamoDB tells conditions the partition of each item that is asked for; without one given here it is a batch's.
    """
    partition = {"dynamodb:LeadingKeys": "raxx-api-prod/a-slot"} if ask.action.startswith("dynamodb:") else {}
    request = Request(ask.action, ask.resource, {**partition, **ask.context})
    own = statements("policy", policy)
    return decide(request, _SOMEBODY, own, _LEFT_TO_THE_ACCOUNT, account=_ACCOUNT_ID).allowed


def put(key: str, bucket: str = BUCKET) -> Ask:
    return Ask("s3:PutObject", f"{bucket}/{key}")


def listing(prefix: str) -> Ask:
    return Ask("s3:ListBucket", BUCKET, {"s3:prefix": prefix})


def shown(ask: Ask) -> str:
    return f"{ask.action}:{ask.resource.rpartition(':')[2]}{''.join(ask.context.values())}"
