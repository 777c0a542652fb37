"""Each identity may do what it is for, and nothing else."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import pytest

from infra import policies

ACCOUNT = "us-east-1:123456789012"
BUCKET = "arn:aws:s3:::raxx-heroku-logs-prod"
OTHER_BUCKET = "arn:aws:s3:::raxx-heroku-logs-prod-2"
KEYS = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/drain_keys"
DRAIN_URL = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/drain_url/raxx-api-prod"
PUBLIC = f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/bucket_arn"
LOG_GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/raxx-log-receiver"
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

WRITER = policies.log_writer(BUCKET)
RECEIVER = policies.receiver(BUCKET, KEYS, QUEUE, LOG_GROUP)
READER = policies.reader(BUCKET, WORKGROUP, DATA_CATALOG, [CATALOG, DATABASE, DEFAULT_DATABASE], [TABLE, VIEW])
PARAMETERS = policies.parameter_reader([PUBLIC])


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
    assert conditions.keys() <= {"StringLike"}
    return (
        any(fnmatchcase(ask.action.lower(), action.lower()) for action in items(statement["Action"]))
        and any(fnmatchcase(ask.resource, resource) for resource in items(statement["Resource"]))
        and all(
            any(fnmatchcase(ask.context.get(key, ""), pattern) for pattern in items(patterns))
            for key, patterns in conditions.get("StringLike", {}).items()
        )
    )


def put(key: str, bucket: str = BUCKET) -> Ask:
    return Ask("s3:PutObject", f"{bucket}/{key}")


def listing(prefix: str) -> Ask:
    return Ask("s3:ListBucket", BUCKET, {"s3:prefix": prefix})


def shown(ask: Ask) -> str:
    return f"{ask.action}:{ask.resource.rpartition(':')[2]}{''.join(ask.context.values())}"


WRITES = [put("logs/raxx-api-prod/2026/11/24/1-x.gz")]
NO_WRITERS = [
    put("logs"),
    put("logsx/x.gz"),
    put("athena-results/x.csv"),
    put("x.gz"),
    put("logs/x.gz", OTHER_BUCKET),
    Ask("s3:GetObject", LINES),
    Ask("s3:DeleteObject", LINES),
    Ask("s3:DeleteObjectVersion", LINES),
    Ask("s3:PutObjectAcl", LINES),
    Ask("s3:PutObjectTagging", LINES),
    Ask("s3:RestoreObject", LINES),
    Ask("s3:ListBucket", BUCKET),
    Ask("s3:PutBucketPolicy", BUCKET),
    Ask("s3:PutLifecycleConfiguration", BUCKET),
    Ask("s3:DeleteBucket", BUCKET),
    Ask("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/raxx-heroku-log-drain"),
    Ask("sts:AssumeRole", "arn:aws:iam::123456789012:role/raxx-log-athena-reader"),
]


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize("policy", [WRITER, RECEIVER], ids=["writer", "receiver"])
@pytest.mark.parametrize("ask", WRITES, ids=shown)
def test_who_writes_may_put_log_objects(policy: policies.Policy, ask: Ask) -> None:
    assert allows(policy, ask)


@pytest.mark.parametrize("policy", [WRITER, RECEIVER], ids=["writer", "receiver"])
@pytest.mark.parametrize("ask", NO_WRITERS, ids=shown)
def test_who_writes_may_not_read_delete_or_write_elsewhere(policy: policies.Policy, ask: Ask) -> None:
    """A receiver that was taken over can add lines; it cannot read or undo any."""
    assert not allows(policy, ask)


def test_the_writer_may_do_nothing_else_at_all() -> None:
    [statement] = WRITER["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("s3:PutObject", f"{BUCKET}/logs/*")


@pytest.mark.parametrize(
    "ask",
    [
        Ask("ssm:GetParameter", KEYS),
        Ask("sqs:SendMessage", QUEUE),
        Ask("sqs:ReceiveMessage", QUEUE),
        Ask("sqs:DeleteMessage", QUEUE),
        Ask("logs:CreateLogStream", f"{LOG_GROUP}:log-stream:2026/11/24/x"),
        Ask("logs:PutLogEvents", f"{LOG_GROUP}:log-stream:2026/11/24/x"),
    ],
    ids=shown,
)
def test_the_receiver_may_read_its_keys_spill_and_write_its_log(ask: Ask) -> None:
    assert allows(RECEIVER, ask)


@pytest.mark.parametrize(
    "ask",
    [
        Ask("ssm:GetParameter", DRAIN_URL),
        Ask("ssm:GetParameter", PUBLIC),
        Ask("ssm:GetParameter", KEYS + "_old"),
        Ask("ssm:GetParametersByPath", KEYS),
        Ask("ssm:GetParameterHistory", KEYS),
        Ask("ssm:PutParameter", KEYS),
        Ask("sqs:PurgeQueue", QUEUE),
        Ask("sqs:DeleteQueue", QUEUE),
        Ask("sqs:SetQueueAttributes", QUEUE),
        Ask("sqs:SendMessage", QUEUE + "-2"),
        Ask("logs:PutLogEvents", f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/other:log-stream:x"),
        Ask("logs:PutLogEvents", f"{LOG_GROUP}-2:log-stream:x"),
        Ask("logs:GetLogEvents", f"{LOG_GROUP}:log-stream:x"),
        Ask("logs:DeleteLogStream", f"{LOG_GROUP}:log-stream:x"),
        Ask("logs:CreateLogGroup", LOG_GROUP),
        Ask("lambda:UpdateFunctionCode", f"arn:aws:lambda:{ACCOUNT}:function:raxx-log-receiver"),
    ],
    ids=shown,
)
def test_the_receiver_may_not_read_other_parameters_or_touch_other_queues_and_logs(ask: Ask) -> None:
    assert not allows(RECEIVER, ask)


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize(
    "ask",
    [
        Ask("athena:StartQueryExecution", WORKGROUP),
        Ask("athena:StopQueryExecution", WORKGROUP),
        Ask("athena:GetQueryExecution", WORKGROUP),
        Ask("athena:GetQueryResults", WORKGROUP),
        Ask("athena:GetWorkGroup", WORKGROUP),
        Ask("athena:ListNamedQueries", WORKGROUP),
        Ask("athena:GetNamedQuery", WORKGROUP),
        Ask("athena:GetDataCatalog", DATA_CATALOG),
        *[Ask("glue:GetTable", resource) for resource in (CATALOG, DATABASE, TABLE, VIEW)],
        *[Ask("glue:GetDatabase", resource) for resource in (CATALOG, DATABASE, DEFAULT_DATABASE)],
        Ask("glue:GetPartitions", TABLE),
        Ask("s3:GetObject", LINES),
        Ask("s3:RestoreObject", LINES),
        Ask("s3:GetBucketLocation", BUCKET),
        listing("logs/"),
        listing("logs/raxx-api-prod/2026/11/24/"),
        listing("athena-results/"),
        Ask("s3:GetObject", RESULT),
        Ask("s3:PutObject", RESULT),
        Ask("s3:AbortMultipartUpload", RESULT),
    ],
    ids=shown,
)
def test_the_reader_may_query_and_restore(ask: Ask) -> None:
    assert allows(READER, ask)


@pytest.mark.parametrize(
    "ask",
    [
        put("logs/x.gz"),
        put("x"),
        Ask("s3:DeleteObject", LINES),
        Ask("s3:DeleteObject", RESULT),
        Ask("s3:DeleteObjectVersion", LINES),
        Ask("s3:PutObjectAcl", RESULT),
        Ask("s3:RestoreObject", RESULT),
        Ask("s3:GetObject", f"{BUCKET}/x"),
        Ask("s3:GetObject", f"{OTHER_BUCKET}/logs/x.gz"),
        Ask("s3:PutObject", f"{OTHER_BUCKET}/athena-results/x.csv"),
        listing(""),
        listing("other/"),
        Ask("s3:ListBucket", BUCKET),
        Ask("s3:ListAllMyBuckets", "*"),
        Ask("s3:PutLifecycleConfiguration", BUCKET),
        Ask("s3:PutBucketPolicy", BUCKET),
        Ask("athena:StartQueryExecution", f"arn:aws:athena:{ACCOUNT}:workgroup/primary"),
        Ask("athena:UpdateWorkGroup", WORKGROUP),
        Ask("athena:DeleteWorkGroup", WORKGROUP),
        Ask("athena:DeleteNamedQuery", WORKGROUP),
        Ask("glue:UpdateTable", TABLE),
        Ask("glue:DeleteTable", TABLE),
        Ask("glue:CreateTable", DATABASE),
        Ask("glue:GetTable", f"arn:aws:glue:{ACCOUNT}:table/other/syslog"),
        Ask("glue:GetTable", f"arn:aws:glue:{ACCOUNT}:table/default/x"),
        Ask("glue:GetTable", DEFAULT_DATABASE),
        Ask("athena:DeleteDataCatalog", DATA_CATALOG),
        Ask("sqs:ReceiveMessage", QUEUE),
        Ask("glue:GetDatabase", f"arn:aws:glue:{ACCOUNT}:database/other"),
        Ask("ssm:GetParameter", KEYS),
        Ask("ssm:GetParameter", DRAIN_URL),
        Ask("sts:AssumeRole", "arn:aws:iam::123456789012:role/admin"),
    ],
    ids=shown,
)
def test_the_reader_may_not_change_anything_or_look_elsewhere(ask: Ask) -> None:
    assert not allows(READER, ask)


# ---------------------------------------------------------------- parameters


def test_what_is_public_may_be_read() -> None:
    assert allows(PARAMETERS, Ask("ssm:GetParameter", PUBLIC))


@pytest.mark.parametrize(
    "ask",
    [
        Ask("ssm:GetParameter", KEYS),
        Ask("ssm:GetParameter", DRAIN_URL),
        Ask("ssm:GetParameter", PUBLIC + "/x"),
        Ask("ssm:GetParametersByPath", f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain"),
        Ask("ssm:GetParameterHistory", PUBLIC),
        Ask("ssm:PutParameter", PUBLIC),
        Ask("ssm:DeleteParameter", PUBLIC),
    ],
    ids=shown,
)
def test_keys_and_drain_urls_under_the_same_path_may_not_be_read(ask: Ask) -> None:
    assert not allows(PARAMETERS, ask)


# ---------------------------------------------------------------- the bucket's own


def test_nobody_comes_without_tls_1_2_and_nobody_else_is_refused() -> None:
    """Each statement denies on one condition; without it, it would deny everything to everybody."""
    statements = policies.tls_only(BUCKET)["Statement"]
    assert [statement["Condition"] for statement in statements] == [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    ]
    for statement in statements:
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        assert statement["Resource"] == [BUCKET, f"{BUCKET}/*"]


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize(
    "policy", [WRITER, RECEIVER, READER, PARAMETERS], ids=["writer", "receiver", "reader", "parameters"]
)
def test_a_policy_names_its_actions_and_resources(policy: policies.Policy) -> None:
    """No wildcard in an action, and in a resource only at its end, below something that is ours."""
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        assert not [action for action in items(statement["Action"]) if "*" in action]
        for resource in items(statement["Resource"]):
            assert resource.startswith("arn:aws:")
            assert "*" not in resource[:-1]
            assert resource.rstrip("*").endswith(("/", ":")) or "*" not in resource


@pytest.mark.parametrize(
    ("trust", "principal"),
    [
        pytest.param(policies.assumable_by(PRINCIPAL), {"AWS": PRINCIPAL}, id="break-glass"),
        pytest.param(policies.lambda_trust(), {"Service": "lambda.amazonaws.com"}, id="lambda"),
    ],
)
def test_a_role_trusts_one_principal_and_no_other(trust: policies.Policy, principal: dict[str, str]) -> None:
    assert trust["Statement"] == [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
