"""Each identity may do what it is for, and nothing else."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from uuid import UUID

import parliament
import pytest

from contract import policies
from contract.object_keys import ObjectKey
from tests.support.logplex_frames import NOON_MS
from tests.support.policy_evaluation import (
    ACCOUNT,
    ALL_HASHES,
    BUCKET,
    BUFFER,
    CANARY,
    CANARY_LOG_GROUP,
    CATALOG,
    DATA_CATALOG,
    DATABASE,
    DEFAULT_DATABASE,
    DELETIONS,
    DIGEST,
    DIGESTER,
    DIGESTER_LOG_GROUP,
    DRAIN_URL,
    FLUSHER,
    FLUSHER_LOG_GROUP,
    HASHES,
    LINES,
    LOG_GROUP,
    OTHER_BUCKET,
    PRINCIPAL,
    PRINCIPALS,
    PUBLIC,
    QUEUE,
    RESULT,
    TABLE,
    TOPIC,
    VIEW,
    WORKGROUP,
    Ask,
    allows,
    items,
    listing,
    put,
    shown,
)
from tests.support.recording_monitor import Run, run


def parameter(name: str) -> str:
    return f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain/{name}"


WRITER = policies.log_writer(BUCKET)
RECEIVER = policies.receiver(BUCKET, HASHES, QUEUE, BUFFER, LOG_GROUP)
FLUSHING = policies.flusher(BUCKET, QUEUE, BUFFER, FLUSHER_LOG_GROUP)
URLS = [DRAIN_URL.replace("raxx-api-prod", f"raxx-{app}-prod") for app in ("api", "console", "velvet")]
CANARY_POLICY = policies.canary(DRAIN_URL.rpartition("/")[0], BUFFER, DELETIONS, CANARY_LOG_GROUP)
DIGESTING = policies.digester(BUCKET, DIGESTER_LOG_GROUP)
SCHEDULE = policies.schedule(FLUSHER)
READER = policies.reader(
    BUCKET, WORKGROUP, DATA_CATALOG, [CATALOG, DATABASE, DEFAULT_DATABASE], [TABLE, VIEW], BUFFER, FLUSHER, CANARY
)
PARAMETERS = policies.parameter_reader([PUBLIC, ALL_HASHES])
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
    listing("athena-results/"),
    Ask("s3:PutBucketPolicy", BUCKET),
    Ask("s3:PutLifecycleConfiguration", BUCKET),
    Ask("s3:DeleteBucket", BUCKET),
    Ask("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/raxx-heroku-log-drain"),
    Ask("sts:AssumeRole", "arn:aws:iam::123456789012:role/raxx-log-athena-reader"),
]


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize("policy", [WRITER, RECEIVER, FLUSHING], ids=["writer", "receiver", "flusher"])
@pytest.mark.parametrize("ask", WRITES, ids=shown)
def test_who_writes_may_put_log_objects(policy: policies.Policy, ask: Ask) -> None:
    assert allows(policy, ask)


@pytest.mark.parametrize("policy", [WRITER, RECEIVER, FLUSHING], ids=["writer", "receiver", "flusher"])
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
        listing("logs/raxx-api-prod/2026/11/24/1-x.gz"),
        Ask("ssm:GetParameter", HASHES),
        Ask("dynamodb:PutItem", BUFFER),
        Ask("dynamodb:GetItem", BUFFER),
        Ask("sqs:SendMessage", QUEUE),
        Ask("logs:CreateLogStream", f"{LOG_GROUP}:log-stream:2026/11/24/x"),
        Ask("logs:PutLogEvents", f"{LOG_GROUP}:log-stream:2026/11/24/x"),
    ],
    ids=shown,
)
def test_the_receiver_may_find_lines_read_its_keys_fill_the_buffer_spill_and_write_its_log(ask: Ask) -> None:
    assert allows(RECEIVER, ask)


@pytest.mark.parametrize(
    "ask",
    [
        Ask("ssm:GetParameter", DRAIN_URL),
        Ask("ssm:GetParameter", PUBLIC),
        Ask("ssm:GetParameter", f"{ALL_HASHES[:-2]}_old/raxx-api-prod"),
        Ask("ssm:GetParametersByPath", HASHES),
        Ask("ssm:GetParameterHistory", HASHES),
        Ask("ssm:PutParameter", HASHES),
        *[
            Ask(f"dynamodb:{action}", BUFFER)
            for action in (
                "Query",
                "Scan",
                "DeleteItem",
                "UpdateItem",
                "BatchWriteItem",
                "PartiQLSelect",
                "DeleteTable",
            )
        ],
        Ask("dynamodb:PutItem", f"{BUFFER}-2"),
        Ask("sqs:ReceiveMessage", QUEUE),
        Ask("sqs:DeleteMessage", QUEUE),
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
def test_the_receiver_may_not_read_or_undo_what_is_buffered_or_touch_what_is_not_its_own(ask: Ask) -> None:
    assert not allows(RECEIVER, ask)


# ---------------------------------------------------------------- flushing


@pytest.mark.parametrize(
    "ask",
    [
        *[
            Ask(f"dynamodb:{action}", BUFFER)
            for action in ("Query", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "DescribeTable")
        ],
        listing("logs/raxx-api-prod/2026/11/24/1-x.gz"),
        Ask("sqs:ReceiveMessage", QUEUE),
        Ask("sqs:DeleteMessage", QUEUE),
        Ask("logs:CreateLogStream", f"{FLUSHER_LOG_GROUP}:log-stream:2026/11/24/x"),
        Ask("logs:PutLogEvents", f"{FLUSHER_LOG_GROUP}:log-stream:2026/11/24/x"),
    ],
    ids=shown,
)
def test_the_flusher_may_read_and_mark_the_buffer_drain_the_queue_and_write_its_log(ask: Ask) -> None:
    """GetItem and ListBucket are for the batches that it drains: it keeps them as the receiver does."""
    assert allows(FLUSHING, ask)


@pytest.mark.parametrize(
    "ask",
    [
        Ask("ssm:GetParameter", HASHES),
        Ask("sqs:SendMessage", QUEUE),
        Ask("sqs:PurgeQueue", QUEUE),
        Ask("sqs:ReceiveMessage", QUEUE + "-dead-letters"),
        Ask("dynamodb:Scan", BUFFER),
        Ask("dynamodb:DeleteTable", BUFFER),
        Ask("dynamodb:UpdateTimeToLive", BUFFER),
        Ask("dynamodb:Query", f"{BUFFER}-2"),
        Ask("logs:PutLogEvents", f"{LOG_GROUP}:log-stream:x"),
        Ask("lambda:InvokeFunction", FLUSHER),
    ],
    ids=shown,
)
def test_the_flusher_may_do_nothing_else(ask: Ask) -> None:
    assert not allows(FLUSHING, ask)


def test_the_schedule_may_invoke_the_flusher_and_nothing_else() -> None:
    [statement] = SCHEDULE["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", FLUSHER)


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
        *[Ask("glue:GetDatabases", resource) for resource in (CATALOG, DATABASE, DEFAULT_DATABASE)],
        Ask("glue:GetPartitions", TABLE),
        Ask("s3:GetObject", LINES),
        Ask("s3:GetBucketLocation", BUCKET),
        listing("logs/"),
        listing("logs/raxx-api-prod/2026/11/24/"),
        listing("athena-results/"),
        Ask("s3:GetObject", RESULT),
        Ask("s3:PutObject", RESULT),
        Ask("s3:AbortMultipartUpload", RESULT),
        Ask("dynamodb:Query", BUFFER),
        Ask("lambda:InvokeFunction", FLUSHER),
        Ask("lambda:InvokeFunction", CANARY),
    ],
    ids=shown,
)
def test_the_reader_may_query_read_and_flush_the_buffer_and_send_canaries(ask: Ask) -> None:
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
        Ask("s3:RestoreObject", LINES),
        Ask("s3:GetObject", f"{BUCKET}/x"),
        Ask("s3:GetObject", f"{OTHER_BUCKET}/logs/x.gz"),
        Ask("s3:PutObject", f"{OTHER_BUCKET}/athena-results/x.csv"),
        listing(""),
        listing("other/"),
        Ask("s3:ListBucket", BUCKET),
        Ask("s3:ListAllMyBuckets", "*"),
        Ask("glue:GetDatabases", f"arn:aws:glue:{ACCOUNT}:database/other"),
        Ask("athena:ListDatabases", f"arn:aws:athena:{ACCOUNT}:datacatalog/other"),
        Ask("athena:GetQueryResultsStream", f"arn:aws:athena:{ACCOUNT}:workgroup/primary"),
        Ask("athena:CreatePreparedStatement", WORKGROUP),
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
        *[
            Ask(f"dynamodb:{action}", BUFFER)
            for action in ("Scan", "PutItem", "UpdateItem", "DeleteItem", "DescribeTable", "PartiQLSelect")
        ],
        Ask("dynamodb:Query", f"{BUFFER}-2"),
        Ask("lambda:InvokeFunction", f"arn:aws:lambda:{ACCOUNT}:function:raxx-log-receiver"),
        Ask("lambda:UpdateFunctionCode", FLUSHER),
        Ask("glue:GetDatabase", f"arn:aws:glue:{ACCOUNT}:database/other"),
        Ask("ssm:GetParameter", HASHES),
        Ask("ssm:GetParameter", DRAIN_URL),
        Ask("sts:AssumeRole", "arn:aws:iam::123456789012:role/admin"),
    ],
    ids=shown,
)
def test_the_reader_may_not_change_anything_or_look_elsewhere(ask: Ask) -> None:
    assert not allows(READER, ask)


# What Athena's console and its JDBC and ODBC drivers call, on what it can be limited to: "Example workgroup policies",
# and "AWS managed policies for Amazon Athena" (AWSQuicksightAthenaAccess) without what changes something.
BROWSING = [
    *[
        Ask(f"athena:{action}", WORKGROUP)
        for action in (
            *("BatchGetNamedQuery", "BatchGetQueryExecution", "GetNamedQuery", "GetQueryExecution", "GetQueryResults"),
            *("GetQueryResultsStream", "GetWorkGroup", "ListNamedQueries", "ListQueryExecutions"),
            *("StartQueryExecution", "StopQueryExecution"),
        )
    ],
    *[
        Ask(f"athena:{action}", DATA_CATALOG)
        for action in ("GetDataCatalog", "GetDatabase", "GetTableMetadata", "ListDatabases", "ListTableMetadata")
    ],
    *[Ask(f"athena:{action}", "*") for action in ("ListDataCatalogs", "ListEngineVersions", "ListWorkGroups")],
    *[Ask("glue:GetTables", resource) for resource in (CATALOG, DATABASE, TABLE, VIEW)],
    *[Ask(f"s3:{action}", BUCKET) for action in ("GetBucketLocation", "ListBucketMultipartUploads")],
    *[Ask(f"s3:{a}", RESULT) for a in ("GetObject", "PutObject", "AbortMultipartUpload", "ListMultipartUploadParts")],
]


@pytest.mark.parametrize("ask", BROWSING, ids=shown)
def test_the_reader_may_use_the_console_and_the_drivers(ask: Ask) -> None:
    assert allows(READER, ask)


def test_any_resource_is_only_for_actions_that_have_none() -> None:
    """By AWS's Service Authorization Reference, which the linter comes with."""
    [statement] = [each for each in READER["Statement"] if each["Resource"] == "*"]
    path = Path(parliament.__file__).parent / "iam_definition.json"
    resources = {
        f"{service['prefix']}:{privilege['privilege']}": [each["resource_type"] for each in privilege["resource_types"]]
        for service in json.loads(path.read_text(encoding="utf-8"))
        for privilege in service["privileges"]
    }
    assert {action: resources[action] for action in statement["Action"]} == {each: [""] for each in statement["Action"]}


# ---------------------------------------------------------------- parameters


@pytest.mark.parametrize("parameter", [PUBLIC, HASHES])
def test_what_is_public_may_be_read(parameter: str) -> None:
    """Hashes are public too: nobody can compute a token from its hash."""
    assert allows(PARAMETERS, Ask("ssm:GetParameter", parameter))


@pytest.mark.parametrize(
    "ask",
    [
        Ask("ssm:GetParameter", DRAIN_URL),
        Ask("ssm:GetParameter", PUBLIC + "/x"),
        Ask("ssm:GetParametersByPath", f"arn:aws:ssm:{ACCOUNT}:parameter/raxx/log-drain"),
        Ask("ssm:GetParameterHistory", PUBLIC),
        Ask("ssm:PutParameter", PUBLIC),
        Ask("ssm:DeleteParameter", PUBLIC),
    ],
    ids=shown,
)
def test_drain_urls_under_the_same_path_may_not_be_read(ask: Ask) -> None:
    assert not allows(PARAMETERS, ask)


# ---------------------------------------------------------------- the bucket's own


*WITH_TLS, SHAPED = policies.archive_bucket(BUCKET, PRINCIPALS)["Statement"][:3]


def test_nobody_comes_without_tls_1_2_and_nobody_else_is_refused() -> None:
    """Each statement denies on one condition; without it, it would deny everything to everybody."""
    assert [statement["Condition"] for statement in WITH_TLS] == [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    ]
    for statement in WITH_TLS:
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        assert statement["Resource"] == [BUCKET, f"{BUCKET}/*"]


@pytest.mark.parametrize(
    ("key", "is_ours"),
    [
        (str(ObjectKey("raxx-api-prod", NOON_MS, UUID(int=2**128 - 1))), True),
        (str(ObjectKey("a-b", 0, UUID(int=0))), True),
        ("athena-results/Unsaved/2026/x.csv.metadata", True),
        ("logs/raxx-api-prod/2026/11/24/notes.txt", False),
        ("logs/raxx-api-prod/2026/11/24/", False),
        ("logs/raxx-api-prod/2026/11/24/1795521600000.gz", False),
        ("logs/old-export.gz", False),
        ("x/logs/raxx-api-prod/2026/11/24/1795521600000-00000000-0000-0000-0000-000000000000.gz", False),
    ],
)
def test_nobody_puts_an_object_that_is_none_of_ours(key: str, is_ours: bool) -> None:
    """A foreign file fails every query of its day."""
    assert (SHAPED["Effect"], SHAPED["Principal"], SHAPED["Action"]) == ("Deny", "*", "s3:PutObject")
    assert any(fnmatchcase(f"{BUCKET}/{key}", pattern) for pattern in SHAPED["NotResource"]) == is_ours


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize(
    "policy",
    [WRITER, RECEIVER, FLUSHING, SCHEDULE, READER, PARAMETERS],
    ids=["writer", "receiver", "flusher", "schedule", "reader", "parameters"],
)
def test_a_policy_names_its_actions_and_resources(policy: policies.Policy) -> None:
    """No wildcard in an action, and in a resource only at its end, below something that is ours.

    The reader has a statement of actions that have no resource; another test is about it.
    """
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        assert not [action for action in items(statement["Action"]) if "*" in action]
        for resource in items(statement["Resource"]) if statement.get("Sid") != "ListAccount" else []:
            assert resource.startswith("arn:aws:")
            assert "*" not in resource[:-1]
            assert resource.rstrip("*").endswith(("/", ":")) or "*" not in resource


@pytest.mark.parametrize(
    ("trust", "principal"),
    [
        pytest.param(policies.assumable_by([PRINCIPAL]), {"AWS": [PRINCIPAL]}, id="break-glass"),
        pytest.param(policies.lambda_trust(), {"Service": "lambda.amazonaws.com"}, id="lambda"),
    ],
)
def test_a_role_trusts_one_principal_and_no_other(trust: policies.Policy, principal: dict[str, str]) -> None:
    assert trust["Statement"] == [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]


OPS = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Ops_*"


def test_a_pattern_of_roles_is_trusted_by_condition_and_an_arn_by_name() -> None:
    """A principal cannot have a wildcard ("AWS JSON policy elements: Principal")."""
    assert policies.assumable_by([OPS, PRINCIPAL])["Statement"] == [
        {"Effect": "Allow", "Principal": {"AWS": [PRINCIPAL]}, "Action": "sts:AssumeRole"},
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]},
            "Action": "sts:AssumeRole",
            "Condition": {"ArnLike": {"aws:PrincipalArn": [OPS]}},
        },
    ]


@pytest.mark.parametrize(
    ("role", "trusted"),
    [
        pytest.param("eu-west-1/AWSReservedSSO_Ops_0123456789abcdef", True, id="region in the path"),
        pytest.param("AWSReservedSSO_Ops_0123456789abcdef", True, id="no region in the path"),
        pytest.param("AWSReservedSSO_OpsReadOnly_0123456789abcdef", False, id="another permission set"),
    ],
)
def test_the_documented_pattern_is_of_one_permission_set(role: str, trusted: bool) -> None:
    assert fnmatchcase(f"arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/{role}", OPS) == trusted


def test_mfa_is_a_condition_of_all_trust() -> None:
    """Absent is not true: `Bool` without IfExists ("AWS global condition context keys")."""
    for statement in policies.assumable_by([OPS, PRINCIPAL], mfa=True)["Statement"]:
        assert statement["Condition"]["Bool"] == {"aws:MultiFactorAuthPresent": "true"}


GROUP = f"arn:aws:scheduler:{ACCOUNT}:schedule-group/raxx-log-flusher"


def test_the_schedules_role_trusts_schedules_of_one_group() -> None:
    """Otherwise anybody's schedule could use it ("Confused deputy prevention")."""
    [statement] = policies.scheduler_trust(GROUP)["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "scheduler.amazonaws.com"}, "sts:AssumeRole")
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": GROUP}}


# ---------------------------------------------------------------- the canary

SEEN = {"dynamodb:LeadingKeys": "seen"}


@pytest.mark.parametrize(
    "ask",
    [
        *(Ask("ssm:GetParameter", url) for url in URLS),
        Ask("dynamodb:GetItem", BUFFER, SEEN),
        Ask("sqs:ReceiveMessage", DELETIONS),
        Ask("sqs:DeleteMessage", DELETIONS),
        Ask("logs:PutLogEvents", f"{CANARY_LOG_GROUP}:log-stream:2026/11/24/x"),
    ],
    ids=shown,
)
def test_the_canary_may_read_drain_urls_and_what_was_seen(ask: Ask) -> None:
    assert allows(CANARY_POLICY, ask)


@pytest.mark.parametrize(
    "ask",
    [
        Ask("ssm:GetParameter", HASHES),
        Ask("ssm:GetParameter", PUBLIC),
        Ask("ssm:GetParametersByPath", DRAIN_URL),
        Ask("ssm:GetParameter", parameter("drain_url")),
        Ask("ssm:GetParameter", parameter("drain_url_2/raxx-api-prod")),
        Ask("dynamodb:GetItem", BUFFER, {"dynamodb:LeadingKeys": "raxx-api-prod/2026-11-24T12:00Z/05"}),
        Ask("dynamodb:PutItem", BUFFER, SEEN),
        Ask("dynamodb:Query", BUFFER, SEEN),
        put("logs/raxx-api-prod/2026/11/24/1-x.gz"),
        Ask("s3:GetObject", LINES),
        Ask("sqs:SendMessage", QUEUE),
        Ask("lambda:InvokeFunction", FLUSHER),
    ],
    ids=shown,
)
def test_the_canary_may_not_read_lines_or_write_any_but_through_the_endpoint(ask: Ask) -> None:
    assert not allows(CANARY_POLICY, ask)


# ---------------------------------------------------------------- the digester


@pytest.mark.parametrize(
    "ask",
    [
        listing("logs/"),
        listing("logs/raxx-api-prod/2026/11/24/"),
        listing("digests/"),
        Ask("s3:GetObject", LINES),
        Ask("s3:GetObject", DIGEST),
        Ask("s3:PutObject", DIGEST),
        Ask("logs:PutLogEvents", f"{DIGESTER_LOG_GROUP}:log-stream:2026/11/24/x"),
    ],
    ids=shown,
)
def test_the_digester_may_list_logs_read_checksums_and_write_digests(ask: Ask) -> None:
    """HeadObject has no right of its own."""
    assert allows(DIGESTING, ask)


@pytest.mark.parametrize(
    "ask",
    [
        put("logs/raxx-api-prod/2026/11/24/1-x.gz"),
        Ask("s3:GetObject", RESULT),
        Ask("s3:DeleteObject", DIGEST),
        Ask("s3:DeleteObjectVersion", DIGEST),
        Ask("s3:DeleteObject", LINES),
        Ask("s3:RestoreObject", LINES),
        Ask("s3:PutObjectRetention", DIGEST),
        listing("athena-results/"),
        Ask("dynamodb:Query", BUFFER),
        Ask("logs:DeleteLogStream", f"{DIGESTER_LOG_GROUP}:log-stream:x"),
    ],
    ids=shown,
)
def test_the_digester_may_not_change_what_it_records(ask: Ask) -> None:
    assert not allows(DIGESTING, ask)


@pytest.mark.parametrize(
    ("policy", "resource"),
    [
        (policies.log_writer(BUCKET, locks=True), LINES),
        (policies.receiver(BUCKET, HASHES, QUEUE, BUFFER, LOG_GROUP, locks=True), LINES),
        (policies.flusher(BUCKET, QUEUE, BUFFER, FLUSHER_LOG_GROUP, locks=True), LINES),
        (policies.digester(BUCKET, DIGESTER_LOG_GROUP, locks=True), DIGEST),
    ],
)
def test_who_writes_may_lock_what_it_writes_and_unlock_nothing(policy: policies.Policy, resource: str) -> None:
    assert allows(policy, Ask("s3:PutObject", resource))
    assert allows(policy, Ask("s3:PutObjectRetention", resource))
    assert not allows(policy, Ask("s3:PutObjectRetention", RESULT))
    assert not allows(policy, Ask("s3:BypassGovernanceRetention", resource))


# ---------------------------------------------------------------- who may publish and tell


def test_only_this_stacks_alarms_and_the_accounts_budgets_may_publish() -> None:
    """Without a condition any customer's alarm could, as the confused deputy."""
    alarms, budgets, deny = policies.alarm_topic(TOPIC, "raxx-log")["Statement"]
    assert {each["Action"] for each in (alarms, budgets, deny)} == {"sns:Publish"}
    assert {each["Resource"] for each in (alarms, budgets, deny)} == {TOPIC}
    assert (alarms["Principal"], budgets["Principal"]) == (
        {"Service": "cloudwatch.amazonaws.com"},
        {"Service": "budgets.amazonaws.com"},
    )
    assert [each["Condition"] for each in (alarms, budgets)] == [
        {
            "StringEquals": {"aws:SourceAccount": "123456789012"},
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{ACCOUNT}:alarm:raxx-log-*"},
        },
        {
            "StringEquals": {"aws:SourceAccount": "123456789012"},
            "ArnLike": {"aws:SourceArn": "arn:aws:budgets::123456789012:*"},
        },
    ]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Condition"] == {"Bool": {"aws:PrincipalIsAWSService": "false"}}


def test_the_topics_key_is_the_accounts_and_its_publishers_use_it() -> None:
    account, publishers = policies.alarm_topic_key(FLUSHER)["Statement"]
    assert account["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert publishers["Principal"] == {"Service": ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]}
    assert publishers["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_only_this_bucket_may_tell_of_deletions() -> None:
    *denied, statement = policies.deletions_queue(DELETIONS, BUCKET, [CANARY_ROLE])["Statement"]
    assert {each["Effect"] for each in denied} == {"Deny"}
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", DELETIONS)
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnEquals": {"aws:SourceArn": BUCKET},
    }


# ---------------------------------------------------------------- as the stack attaches them

READER_ROLE = "arn:aws:iam::123456789012:role/raxx-log-athena-reader"
RESTORER_ROLE = "arn:aws:iam::123456789012:role/raxx-log-restorer"
RECEIVER_ROLE = "arn:aws:iam::123456789012:role/raxx-log-receiver"
CANARY_ROLE = "arn:aws:iam::123456789012:role/raxx-log-canary"
FLUSHER_ROLE = "arn:aws:iam::123456789012:role/raxx-log-flusher"
# Who has which policies, by the names of resources. Whoever is none of these, or comes from outside, has none.
ATTACHED = {
    "reader": {"identities-reader-policy", "parameters-reader-policy"},
    "restorer": {"identities-restorer-policy"},
    "writer": {"identities-writer-policy"},
    "receiver": {"receiver-policy"},
    "flusher": {"flusher-policy"},
    "canary": {"canary-policy"},
    "digester": {"digester-policy"},
    "schedule": {"flusher-schedule-policy"},
    "canary-schedule": {"canary-schedule-policy"},
    "digester-schedule": {"digester-schedule-policy"},
    "break-glass": set[str](),
    "anyone": set[str](),
}
OWNERS = {
    "raxx-log-athena-reader": "reader",
    "raxx-log-restorer": "restorer",
    "raxx-heroku-log-drain": "writer",
    "raxx-log-receiver": "receiver",
    "raxx-log-flusher": "flusher",
    "raxx-log-canary": "canary",
    "raxx-log-canary-schedule": "canary-schedule",
    "raxx-log-digester": "digester",
    "raxx-log-digester-schedule": "digester-schedule",
    "raxx-log-flusher-schedule": "schedule",
}


@pytest.fixture(scope="module")
def declared() -> Run:
    return run()


def document(declared: Run, name: str, field: str = "policy") -> policies.Policy:
    loaded: policies.Policy = json.loads(declared[name].inputs[field])
    return loaded


def test_no_identity_has_another_policy(declared: Run) -> None:
    """Attached managed policies, groups and access keys would give rights that no test here looks at."""
    found: dict[str, set[str]] = {owner: set() for owner in ATTACHED}
    for resource in declared.resources.values():
        if resource.type.startswith("aws:iam/") and not resource.type.endswith((":Role", ":User")):
            assert resource.type.endswith((":RolePolicy", ":UserPolicy")), resource.name
            found[OWNERS[resource.inputs.get("role") or resource.inputs["user"]]].add(resource.name)
    assert found == ATTACHED
    for identity in (*declared.of_type(":Role"), *declared.of_type(":User")):
        assert not identity.inputs.keys() & {"managedPolicyArns", "inlinePolicies", "permissionsBoundary"}


def test_the_documents_are_those_that_are_tested_above(declared: Run) -> None:
    """So that each question above is one about the stack, too."""
    assert document(declared, "identities-reader-policy") == READER
    assert document(declared, "identities-restorer-policy") == policies.restorer(BUCKET)
    assert document(declared, "identities-writer-policy") == WRITER
    assert document(declared, "receiver-policy") == RECEIVER
    assert document(declared, "flusher-policy") == FLUSHING
    assert document(declared, "canary-policy") == CANARY_POLICY
    assert document(declared, "digester-policy") == DIGESTING
    assert document(declared, "digester-schedule-policy") == policies.schedule(DIGESTER)
    assert document(declared, "flusher-schedule-policy") == SCHEDULE
    assert document(declared, "canary-schedule-policy") == policies.schedule(CANARY)
    assert document(declared, "deletions-policy") == policies.deletions_queue(
        DELETIONS, BUCKET, PRINCIPALS.deletion_readers
    )
    assert document(declared, "watch-alarms-policy") == policies.alarm_topic(TOPIC, "raxx-log")
    assert document(declared, "archive-policy") == policies.archive_bucket(BUCKET, PRINCIPALS)
    assert document(declared, "spill-policy") == policies.queue(QUEUE, PRINCIPALS.spill_drainers)
    assert document(declared, "spill-dead-letters-policy") == policies.queue(DEAD_LETTERS, PRINCIPALS.break_glass)
    assert document(declared, "buffer-policy") == policies.buffer(BUFFER, PRINCIPALS)
    assert document(declared, "parameters-key") == policies.drain_url_key(PRINCIPALS)
    assert document(declared, "identities-reader", "assumeRolePolicy") == policies.assumable_by([PRINCIPAL])
    assert document(declared, "identities-restorer", "assumeRolePolicy") == policies.assumable_by([PRINCIPAL])
    assert document(declared, "receiver-role", "assumeRolePolicy") == policies.lambda_trust()
    assert document(declared, "flusher-role", "assumeRolePolicy") == policies.lambda_trust()
    assert document(declared, "flusher-schedule-role", "assumeRolePolicy") == policies.scheduler_trust(GROUP)


def may(declared: Run, who: str, ask: Ask) -> bool:
    """Whether the identity's policies allow a request.

    The bucket's own policy allows nothing and denies nobody who comes with TLS 1.2, as its test above says; to assume a
    role within an account it is enough that the role trusts the caller by name.
    """
    if ask.action == "sts:AssumeRole":
        role = next(r for r in declared.of_type(":Role") if ask.resource.endswith("/" + r.inputs["name"]))
        principals = [each["Principal"] for each in document(declared, role.name, "assumeRolePolicy")["Statement"]]
        return {"AWS": [CALLERS.get(who)]} in principals
    return any(allows(document(declared, name), ask) for name in ATTACHED[who])


CALLERS = {
    "reader": READER_ROLE,
    "restorer": RESTORER_ROLE,
    "writer": "arn:aws:iam::123456789012:user/raxx-heroku-log-drain",
    "receiver": RECEIVER_ROLE,
    "flusher": FLUSHER_ROLE,
    "canary": CANARY_ROLE,
    "break-glass": PRINCIPAL,
}


DEAD_LETTERS = f"{QUEUE}-dead-letters"
FUNCTION = f"arn:aws:lambda:{ACCOUNT}:function:raxx-log-receiver"

# Each request is allowed to these, and to nobody else.
MATRIX = [
    # The archive.
    (put("logs/raxx-api-prod/2026/11/24/1-x.gz"), {"writer", "receiver", "flusher"}),
    (put("athena-results/x.csv"), {"reader"}),
    (put("other/x.gz"), set()),
    (put("logs/x.gz", OTHER_BUCKET), set()),
    (Ask("s3:GetObject", LINES), {"reader", "digester"}),
    (Ask("s3:GetObject", RESULT), {"reader"}),
    (Ask("s3:GetObject", DIGEST), {"reader", "digester"}),
    (Ask("s3:PutObject", DIGEST), {"digester"}),
    (Ask("s3:DeleteObject", DIGEST), set()),
    (listing("digests/"), {"reader", "digester"}),
    (Ask("s3:GetObject", f"{BUCKET}/other/x.gz"), set()),
    (Ask("s3:GetObjectVersion", LINES), set()),
    (Ask("s3:RestoreObject", LINES), {"restorer"}),
    (Ask("s3:RestoreObject", RESULT), set()),
    (Ask("s3:DeleteObject", LINES), set()),
    (Ask("s3:DeleteObjectVersion", LINES), set()),
    (Ask("s3:DeleteObject", RESULT), set()),
    (Ask("s3:PutObjectRetention", LINES), set()),
    (Ask("s3:BypassGovernanceRetention", LINES), set()),
    (listing("logs/"), {"reader", "restorer", "receiver", "flusher", "digester"}),
    (listing("logs/raxx-api-prod/"), {"reader", "restorer", "receiver", "flusher", "digester"}),
    (listing("athena-results/"), {"reader"}),
    (listing("other/"), set()),
    (listing("log"), set()),
    (Ask("s3:ListBucket", BUCKET), set()),
    (Ask("s3:ListBucketVersions", BUCKET), set()),
    (Ask("s3:ListBucket", OTHER_BUCKET, {"s3:prefix": "logs/"}), set()),
    (Ask("s3:GetBucketLocation", BUCKET), {"reader"}),
    (Ask("s3:GetBucketLocation", OTHER_BUCKET), set()),
    (Ask("s3:PutBucketVersioning", BUCKET), set()),
    (Ask("s3:PutLifecycleConfiguration", BUCKET), set()),
    (Ask("s3:PutBucketPolicy", BUCKET), set()),
    (Ask("s3:DeleteBucket", BUCKET), set()),
    # Queries.
    (Ask("athena:StartQueryExecution", WORKGROUP), {"reader"}),
    (Ask("athena:StartQueryExecution", f"arn:aws:athena:{ACCOUNT}:workgroup/primary"), set()),
    (Ask("athena:StartQueryExecution", f"{WORKGROUP}-2"), set()),
    (Ask("athena:GetQueryResults", f"arn:aws:athena:{ACCOUNT}:workgroup/primary"), set()),
    (Ask("athena:CreateNamedQuery", WORKGROUP), set()),
    (Ask("athena:UpdateWorkGroup", WORKGROUP), set()),
    (Ask("athena:GetQueryResultsStream", WORKGROUP), {"reader"}),
    (Ask("athena:ListWorkGroups", "*"), {"reader"}),
    (Ask("lambda:GetAccountSettings", "*"), {"reader"}),
    (Ask("lambda:ListFunctions", "*"), set()),
    (Ask("athena:GetDataCatalog", DATA_CATALOG), {"reader"}),
    (Ask("athena:GetDataCatalog", f"arn:aws:athena:{ACCOUNT}:datacatalog/other"), set()),
    (Ask("athena:UpdateDataCatalog", DATA_CATALOG), set()),
    *[(Ask("glue:GetTable", resource), {"reader"}) for resource in (CATALOG, DATABASE, TABLE, VIEW)],
    *[(Ask("glue:GetDatabase", resource), {"reader"}) for resource in (CATALOG, DATABASE, DEFAULT_DATABASE)],
    (Ask("glue:GetTable", f"{TABLE}_2"), set()),
    (Ask("glue:GetTable", f"arn:aws:glue:{ACCOUNT}:table/raxx_heroku_logs/other"), set()),
    (Ask("glue:GetTable", f"arn:aws:glue:{ACCOUNT}:table/default/syslog"), set()),
    (Ask("glue:GetTable", DEFAULT_DATABASE), set()),
    (Ask("glue:GetDatabase", f"arn:aws:glue:{ACCOUNT}:database/other"), set()),
    (Ask("glue:UpdateTable", VIEW), set()),
    (Ask("glue:DeleteTable", TABLE), set()),
    (Ask("glue:CreateTable", DATABASE), set()),
    # Parameters.
    *[(Ask("ssm:GetParameter", parameter(name)), {"reader"}) for name in ("bucket_arn", "outputs")],
    (Ask("ssm:GetParameter", parameter("athena_reader_role_arn")), {"reader"}),
    (Ask("ssm:GetParameter", HASHES), {"receiver", "reader"}),
    (Ask("ssm:GetParameter", DRAIN_URL), {"canary"}),
    (Ask("ssm:GetParameter", parameter("other")), set()),
    (Ask("ssm:GetParameters", HASHES), set()),
    (Ask("ssm:GetParametersByPath", parameter("drain_url")), set()),
    (Ask("ssm:GetParameterHistory", HASHES), set()),
    (Ask("ssm:PutParameter", HASHES), set()),
    (Ask("ssm:PutParameter", parameter("outputs")), set()),
    # The buffer.
    (Ask("dynamodb:PutItem", BUFFER), {"receiver", "flusher"}),
    (Ask("dynamodb:GetItem", BUFFER), {"receiver", "flusher"}),
    (Ask("dynamodb:GetItem", BUFFER, SEEN), {"receiver", "flusher", "canary"}),
    (Ask("dynamodb:Query", BUFFER), {"flusher", "reader"}),
    *[(Ask(f"dynamodb:{action}", BUFFER), {"flusher"}) for action in ("UpdateItem", "DeleteItem", "DescribeTable")],
    *[
        (Ask(f"dynamodb:{action}", BUFFER), set[str]())
        for action in ("Scan", "BatchGetItem", "BatchWriteItem", "PartiQLDelete", "DeleteTable", "UpdateTable")
    ],
    (Ask("dynamodb:Query", f"{BUFFER}-2"), set()),
    # The spill queue, and the functions themselves.
    (Ask("sqs:SendMessage", QUEUE), {"receiver"}),
    *[(Ask(f"sqs:{action}", QUEUE), {"flusher"}) for action in ("ReceiveMessage", "DeleteMessage")],
    (Ask("sqs:SetQueueAttributes", QUEUE), set()),
    (Ask("sqs:PurgeQueue", QUEUE), set()),
    (Ask("sqs:ReceiveMessage", DEAD_LETTERS), set()),
    (Ask("sqs:DeleteMessage", DEAD_LETTERS), set()),
    (Ask("logs:PutLogEvents", f"{LOG_GROUP}:log-stream:x"), {"receiver"}),
    (Ask("logs:PutLogEvents", f"{FLUSHER_LOG_GROUP}:log-stream:x"), {"flusher"}),
    (Ask("logs:PutLogEvents", f"{CANARY_LOG_GROUP}:log-stream:x"), {"canary"}),
    (Ask("logs:PutLogEvents", f"{DIGESTER_LOG_GROUP}:log-stream:x"), {"digester"}),
    *[(Ask(f"sqs:{action}", DELETIONS), {"canary"}) for action in ("ReceiveMessage", "DeleteMessage")],
    (Ask("sqs:PurgeQueue", DELETIONS), set()),
    (Ask("sqs:SendMessage", DELETIONS), set()),
    (Ask("sns:Publish", TOPIC), set()),
    (Ask("sns:Subscribe", TOPIC), set()),
    (Ask("logs:GetLogEvents", f"{LOG_GROUP}:log-stream:x"), set()),
    (Ask("logs:DeleteLogGroup", LOG_GROUP), set()),
    (Ask("lambda:InvokeFunction", FLUSHER), {"schedule", "reader"}),
    (Ask("lambda:InvokeFunction", FUNCTION), set()),
    (Ask("lambda:InvokeFunction", CANARY), {"canary-schedule", "reader"}),
    (Ask("lambda:InvokeFunction", DIGESTER), {"digester-schedule"}),
    (Ask("lambda:UpdateFunctionCode", FLUSHER), set()),
    (Ask("lambda:UpdateFunctionCode", FUNCTION), set()),
    (Ask("lambda:GetFunctionConfiguration", FUNCTION), set()),
    # Identities.
    (Ask("sts:AssumeRole", READER_ROLE), {"break-glass"}),
    (Ask("sts:AssumeRole", RESTORER_ROLE), {"break-glass"}),
    (Ask("sts:AssumeRole", RECEIVER_ROLE), set()),
    (Ask("sts:AssumeRole", FLUSHER_ROLE), set()),
    (Ask("iam:CreateAccessKey", CALLERS["writer"]), set()),
    (Ask("iam:UpdateAssumeRolePolicy", READER_ROLE), set()),
    (Ask("iam:PassRole", RECEIVER_ROLE), set()),
]


@pytest.mark.parametrize(("ask", "allowed"), MATRIX, ids=[shown(ask) for ask, _ in MATRIX])
def test_a_request_is_allowed_to_these_and_to_nobody_else(declared: Run, ask: Ask, allowed: set[str]) -> None:
    """Break-glass and anyone have no policy of this stack: one may become reader or restorer, the other nothing."""
    assert {who for who in ATTACHED if may(declared, who, ask)} == allowed


def test_the_function_and_the_queues_are_open_to_nobody_by_a_policy_of_their_own(declared: Run) -> None:
    """But to the one route of the API: a resource's own policy gives rights too, to other accounts as well."""
    for policy in declared.of_type(":QueuePolicy"):
        allowing = [each for each in document(declared, policy.name)["Statement"] if each["Effect"] == "Allow"]
        assert bool(allowing) == (policy.name == "deletions-policy")
    [permission] = declared.of_type("lambda/permission:Permission")
    assert permission.inputs["principal"] == "apigateway.amazonaws.com"
    assert permission.inputs["action"] == "lambda:InvokeFunction"
    assert permission.inputs["sourceArn"] == f"arn:aws:execute-api:{ACCOUNT}:a1b2c3d4e5/prod/POST/drain"


# ---------------------------------------------------------------- a receiver outside Lambda

OUTSIDE = policies.outside_receiver(BUCKET, HASHES, QUEUE, BUFFER)
BOTH = {"Statement": [*WRITER["Statement"], *OUTSIDE["Statement"]]}
NEEDED = [
    *WRITES,
    listing("logs/"),
    listing("logs/raxx-api-prod/"),
    Ask("dynamodb:PutItem", BUFFER),
    Ask("dynamodb:GetItem", BUFFER),
    Ask("dynamodb:GetItem", BUFFER, SEEN),
    Ask("ssm:GetParameter", HASHES),
    Ask("sqs:SendMessage", QUEUE),
]


@pytest.mark.parametrize("ask", NEEDED, ids=shown)
def test_such_a_writer_may_do_what_the_receiver_does(ask: Ask) -> None:
    assert allows(BOTH, ask)


@pytest.mark.parametrize("ask", [*NO_WRITERS, *(ask for ask, _ in MATRIX if ask not in NEEDED)], ids=shown)
def test_such_a_writer_may_do_nothing_else(ask: Ask) -> None:
    """Neither take from the queue or read the buffer, which the flusher does; nor read another parameter."""
    assert not allows(BOTH, ask)


def test_its_rights_are_on_one_resource_each() -> None:
    assert [(each["Action"], each["Resource"]) for each in OUTSIDE["Statement"]] == [
        ("s3:ListBucket", BUCKET),
        (["dynamodb:PutItem", "dynamodb:GetItem"], BUFFER),
        ("ssm:GetParameter", ALL_HASHES),
        ("sqs:SendMessage", QUEUE),
    ]
