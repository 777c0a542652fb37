"""IAM policies, as plain functions that return dicts."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from contract import names
from contract.buffer_table import SEEN_PARTITION
from contract.object_keys import DIGESTS_PREFIX, KEY_WILDCARDS, LOGS_PREFIX, RESULTS_PREFIX
from contract.principals import Principals

Policy = dict[str, Any]

_READ_PREFIXES = (LOGS_PREFIX, RESULTS_PREFIX, DIGESTS_PREFIX)


def _policy(*statements: dict[str, Any]) -> Policy:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}


def assumable_by(principals: Iterable[str], *, mfa: bool = False) -> Policy:
    """Trust principals to assume the role: ARNs of IAM users and roles, and patterns of roles with `*`.

    A principal cannot have wildcards, and IAM Identity Center gives a permission set's role a new name when it is
    assigned again. A pattern therefore trusts its account, for roles with such an ARN; each also needs sts:AssumeRole
    in a policy of its own ("Referencing permission sets in resource policies", IAM Identity Center user guide).

    With `mfa` only sessions that began with MFA are trusted. Those of roles never say so ("AWS global condition context
    keys", aws:MultiFactorAuthPresent).
    """
    arns = sorted(principals)
    patterns = [arn for arn in arns if "*" in arn]
    accounts = sorted({f"{arn.partition(':role/')[0]}:root" for arn in patterns})
    signed_in = {"Bool": {"aws:MultiFactorAuthPresent": "true"}} if mfa else {}
    return _policy(
        *_assume([arn for arn in arns if arn not in patterns], signed_in),
        *_assume(accounts, {**signed_in, "ArnLike": {"aws:PrincipalArn": patterns}}),
    )


def _assume(principals: list[str], condition: dict[str, Any]) -> list[dict[str, Any]]:
    if not principals:
        return []
    statement = {"Principal": {"AWS": principals}, "Action": "sts:AssumeRole"}
    return [{**statement, "Condition": condition} if condition else statement]


def lambda_trust() -> Policy:
    """Trust Lambda to run a function with the role."""
    return _policy({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})


def log_writer(bucket_arn: str, *, locks: bool = False) -> Policy:
    """Allow writing log objects and nothing else; `locks` says that they are locked."""
    return _policy(_write("WriteLogs", f"{bucket_arn}/{LOGS_PREFIX}*", locks=locks))


def _write(sid: str, resource: str, *, locks: bool) -> dict[str, Any]:
    # The second one is for locking what one writes. It does not allow to shorten a lock ("Managing Object Lock").
    return {
        "Sid": sid,
        "Action": ["s3:PutObject", "s3:PutObjectRetention"] if locks else "s3:PutObject",
        "Resource": resource,
    }


def outside_receiver(bucket_arn: str, hash_parameter_arn: str, queue_arn: str, table_arn: str) -> Policy:
    """Allow what a receiver outside Lambda does besides writing logs."""
    return _policy(
        _find_logs(bucket_arn),
        _fill_buffer(table_arn),
        _read_hashes(hash_parameter_arn),
        {"Sid": "Spill", "Action": "sqs:SendMessage", "Resource": queue_arn},
    )


def all_beside(parameter_arn: str) -> str:
    """Give a pattern for all parameters on the path of one.

    One ARN per app would not fit in a role's 10,240 characters of inline policies ("IAM and AWS STS quotas").
    """
    return f"{parameter_arn.rpartition('/')[0]}/*"


def _read_hashes(parameter_arn: str) -> dict[str, Any]:
    return {"Sid": "ReadTokenHashes", "Action": "ssm:GetParameter", "Resource": all_beside(parameter_arn)}


def _find_logs(bucket_arn: str) -> dict[str, Any]:
    # The receiver: it looks for another try of a large batch without a valid time in the slots before and after.
    return {
        "Sid": "FindLogs",
        "Action": "s3:ListBucket",
        "Resource": bucket_arn,
        "Condition": {"StringLike": {"s3:prefix": f"{LOGS_PREFIX}*"}},
    }


def _fill_buffer(table_arn: str) -> dict[str, Any]:
    # GetItem is for a batch without a valid time: another try of it may be in the slot before or after.
    return {"Sid": "FillBuffer", "Action": ["dynamodb:PutItem", "dynamodb:GetItem"], "Resource": table_arn}


def _write_own_log(log_group_arn: str) -> dict[str, Any]:
    return {
        "Sid": "WriteOwnLog",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{log_group_arn}:*",
    }


def archive_bucket(bucket_arn: str, principals: Principals) -> Policy:
    """Deny what would lose, change or show lines; it allows nothing.

    - Requests without TLS 1.2 or newer.
    - Objects with keys that this project does not write: a file of any other kind among the logs fails every query of
      its day, whoever put it there. Objects encrypted with a customer's own key, which nobody else could read.
    - Overwriting: S3 refuses a PutObject with If-None-Match for a key that exists. Without the header, the policy
      refuses it ("Enforce conditional writes on Amazon S3 buckets").
    - Reading lines, unless the reader role, the digester or a break-glass principal does it: the AWS managed policy
      ReadOnlyAccess allows s3:Get*. Athena reads with its caller's identity ("How Athena works with IAM").
    - Deleting lines, and changing what protects them, unless deployers or break-glass principals do it. Lifecycle rules
      are not bound by bucket policies ("Expiring objects").
    """
    everybody = {"Effect": "Deny", "Principal": "*"}
    everything = {**everybody, "Action": "s3:*", "Resource": [bucket_arn, f"{bucket_arn}/*"]}
    lines = [f"{bucket_arn}/{LOGS_PREFIX}*", f"{bucket_arn}/{RESULTS_PREFIX}*"]
    kept = [f"{bucket_arn}/{LOGS_PREFIX}*", f"{bucket_arn}/{DIGESTS_PREFIX}*"]
    return _policy(
        {"Sid": "TlsOnly", **everything, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "Tls12", **everything, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        {
            "Sid": "KnownKeysOnly",
            **everybody,
            "Action": "s3:PutObject",
            "NotResource": [f"{bucket_arn}/{KEY_WILDCARDS}", f"{bucket_arn}/{DIGESTS_PREFIX}*", lines[1]],
        },
        {
            "Sid": "NoCustomerKeys",
            **everybody,
            "Action": "s3:PutObject",
            "Resource": f"{bucket_arn}/*",
            "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
        },
        {
            "Sid": "AppendOnly",
            **everybody,
            "Action": "s3:PutObject",
            "Resource": kept,
            "Condition": {"Null": {"s3:if-none-match": "true"}},
        },
        {
            "Sid": "ReadersOnly",
            **everybody,
            "Action": [
                "s3:GetObject",
                "s3:GetObjectTorrent",
                "s3:GetObjectVersion",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTorrent",
            ],
            "Resource": lines,
            "Condition": _unless(principals.line_readers),
        },
        {
            "Sid": "KeepObjects",
            **everybody,
            "Action": [
                "s3:BypassGovernanceRetention",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:ReplicateDelete",
            ],
            "Resource": kept,
            "Condition": _unless(principals.guardians),
        },
        {
            "Sid": "KeepSettings",
            **everybody,
            "Action": [
                "s3:DeleteBucket",
                "s3:DeleteBucketPolicy",
                "s3:PutBucketNotification",
                "s3:PutBucketObjectLockConfiguration",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:PutReplicationConfiguration",
            ],
            "Resource": bucket_arn,
            "Condition": _unless(principals.guardians),
        },
    )


def _unless(arns: Sequence[str]) -> dict[str, Any]:
    # Someone without an identity has no aws:PrincipalArn: a negated operator then holds.
    return {"ArnNotLike": {"aws:PrincipalArn": list(arns)}}


def queue(queue_arn: str, receivers: Sequence[str]) -> Policy:
    """Deny requests without TLS, and receiving, deleting and purging messages by anyone but some identities.

    The AWS managed policy ReadOnlyAccess allows sqs:Receive*, which also hides a message from others for a while.
    """
    everybody = {"Effect": "Deny", "Principal": "*", "Resource": queue_arn}
    return _policy(
        {
            "Sid": "TlsOnly",
            **everybody,
            "Action": "sqs:*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "ReceiversOnly",
            **everybody,
            "Action": ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:ReceiveMessage"],
            "Condition": _unless(receivers),
        },
    )


def buffer(table_arn: str, principals: Principals) -> Policy:
    """Deny reading the buffer, whose batches contain lines, by anyone but those that do it for the stack.

    The AWS managed policy ReadOnlyAccess allows dynamodb:Query and the like.
    """
    return _policy(
        {
            "Sid": "ReadersOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": [
                "dynamodb:BatchGetItem",
                "dynamodb:ConditionCheckItem",
                "dynamodb:ExportTableToPointInTime",
                "dynamodb:GetItem",
                "dynamodb:PartiQLSelect",
                "dynamodb:Query",
                "dynamodb:Scan",
            ],
            "Resource": table_arn,
            "Condition": _unless(principals.buffer_users),
        }
    )


def drain_url_key(principals: Principals) -> Policy:
    """Let the account manage the key, and only deployers, break-glass principals and the canary decrypt with it.

    The AWS managed key aws/ssm decrypts for everyone in the account who may read a parameter, and its policy cannot be
    changed ("AWS KMS key policies", "SecureString parameters").
    """
    account = principals.account
    return _policy(
        {
            "Sid": "ManageKey",
            "Principal": {"AWS": f"arn:{principals.partition}:iam::{account}:root"},
            "Action": [
                "kms:CancelKeyDeletion",
                "kms:DescribeKey",
                "kms:DisableKey",
                "kms:DisableKeyRotation",
                "kms:EnableKey",
                "kms:EnableKeyRotation",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:ListGrants",
                "kms:ListKeyPolicies",
                "kms:ListResourceTags",
                "kms:PutKeyPolicy",
                "kms:ScheduleKeyDeletion",
                "kms:TagResource",
                "kms:UntagResource",
                "kms:UpdateKeyDescription",
            ],
            "Resource": "*",
        },
        _use_key("WriteDrainUrls", ["kms:Encrypt", "kms:GenerateDataKey"], principals.guardians, account),
        _use_key("ReadDrainUrls", ["kms:Decrypt"], [*principals.guardians, principals.canary_role], account),
    )


def _use_key(sid: str, actions: list[str], arns: list[str], account: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Principal": {"AWS": "*"},
        "Action": actions,
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": account}, "ArnLike": {"aws:PrincipalArn": arns}},
    }


def receiver(
    bucket_arn: str,
    hash_parameter_arn: str,
    queue_arn: str,
    table_arn: str,
    log_group_arn: str,
    *replaced_arns: str,
    locks: bool = False,
) -> Policy:
    """Allow what the receiver does: read token hashes, fill the buffer, spill, store large batches, log.

    `replaced_arns` is the parameter that the receiver of an earlier version reads, while it is updated.
    """
    return _policy(
        *({"Sid": "ReadReplacedKeys", "Action": "ssm:GetParameter", "Resource": arn} for arn in replaced_arns),
        _read_hashes(hash_parameter_arn),
        _fill_buffer(table_arn),
        {"Sid": "Spill", "Action": "sqs:SendMessage", "Resource": queue_arn},
        _write("WriteLogs", f"{bucket_arn}/{LOGS_PREFIX}*", locks=locks),
        _find_logs(bucket_arn),
        _write_own_log(log_group_arn),
    )


def flusher(bucket_arn: str, queue_arn: str, table_arn: str, log_group_arn: str, *, locks: bool = False) -> Policy:
    """Allow what the flusher does: read and mark the buffer, store logs, drain the spill queue, log."""
    return _policy(
        {
            "Sid": "Flush",
            "Action": [
                "dynamodb:DeleteItem",
                "dynamodb:DescribeTable",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
            ],
            "Resource": table_arn,
        },
        _write("WriteLogs", f"{bucket_arn}/{LOGS_PREFIX}*", locks=locks),
        _find_logs(bucket_arn),
        {"Sid": "DrainSpill", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"], "Resource": queue_arn},
        _write_own_log(log_group_arn),
    )


def digester(bucket_arn: str, log_group_arn: str, *, locks: bool = False) -> Policy:
    """Allow what the digester does: list logs, ask for their checksums, read and write digests, log.

    HeadObject, which gives a checksum, needs s3:GetObject: there is no right to read only what S3 keeps with an object
    ("HeadObject", Permissions).
    """
    return _policy(
        {
            "Sid": "ListLogsAndDigests",
            "Action": "s3:ListBucket",
            "Resource": bucket_arn,
            "Condition": {"StringLike": {"s3:prefix": [f"{LOGS_PREFIX}*", f"{DIGESTS_PREFIX}*"]}},
        },
        {
            "Sid": "ReadChecksumsAndDigests",
            "Action": "s3:GetObject",
            "Resource": [f"{bucket_arn}/{LOGS_PREFIX}*", f"{bucket_arn}/{DIGESTS_PREFIX}*"],
        },
        _write("WriteDigests", f"{bucket_arn}/{DIGESTS_PREFIX}*", locks=locks),
        _write_own_log(log_group_arn),
    )


def canary(urls_arn: str, table_arn: str, deletions_arn: str, log_group_arn: str) -> Policy:
    """Allow what the canary does: read the drain URLs and what the flusher noted, discard S3's test message, log.

    `urls_arn` is that of the path of the drain URLs: a list of all would be too long with 100 apps.
    """
    return _policy(
        {"Sid": "ReadDrainUrls", "Action": "ssm:GetParameter", "Resource": f"{urls_arn}/*"},
        {
            "Sid": "SeeCanaries",
            "Action": "dynamodb:GetItem",
            "Resource": table_arn,
            "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [SEEN_PARTITION]}},
        },
        {
            "Sid": "DiscardTestMessage",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"],
            "Resource": deletions_arn,
        },
        _write_own_log(log_group_arn),
    )


def alarm_topic(topic_arn: str, name_prefix: str) -> Policy:
    """Allow CloudWatch's alarms of this stack and the account's budgets to publish to a topic, and nobody else.

    Sources: "Why didn't I receive an SNS notification for my CloudWatch alarm trigger?", "Creating an Amazon SNS topic
    for budget notifications". Identities of the account could publish by policies of their own, so that all but
    services are denied ("AWS global condition context keys", aws:PrincipalIsAWSService).
    """
    partition, region, account = _parts(topic_arn)
    alarm_arns = f"arn:{partition}:cloudwatch:{region}:{account}:alarm:{names.alarm(name_prefix, '*')}"
    return _policy(
        _publish("Alarms", "cloudwatch", topic_arn, account, alarm_arns),
        _publish("Budgets", "budgets", topic_arn, account, f"arn:{partition}:budgets::{account}:*"),
        {
            "Sid": "NobodyElse",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}},
        },
    )


def _publish(sid: str, service: str, topic_arn: str, account: str, source_arn: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": {"aws:SourceArn": source_arn}},
    }


def alarm_topic_key(account_arn: str) -> Policy:
    """Let CloudWatch and Budgets use the key of their topic, and the account decide about the key.

    `account_arn` is any ARN of the account. A topic with AWS's own key (alias/aws/sns) gets nothing from an alarm, as
    nobody can change that key's policy ("How do I configure a CloudWatch alarm with an encrypted SNS topic?"). Whose
    alarms may publish is in the topic's policy.
    """
    partition, _, account = _parts(account_arn)
    return _policy(
        {
            "Sid": "Account",
            "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "Publishers",
            "Principal": {"Service": ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
        },
    )


def deletions_queue(queue_arn: str, bucket_arn: str, receivers: list[str]) -> Policy:
    """Allow S3 to tell a queue of what happens in a bucket ("Granting permissions to publish event notifications").

    For everyone else it is as `queue` says.
    """
    account = _parts(queue_arn).account
    rules = queue(queue_arn, receivers)
    rules["Statement"].append(
        {
            "Sid": "Deletions",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": bucket_arn}},
        }
    )
    return rules


class _Parts(NamedTuple):
    partition: str
    region: str
    account: str


def _parts(arn: str) -> _Parts:
    _, partition, _, region, account, _ = arn.split(":", 5)
    return _Parts(partition, region, account)


def scheduler_trust(schedule_group_arn: str) -> Policy:
    """Trust EventBridge Scheduler to use the role for schedules of a group.

    Source: EventBridge Scheduler user guide, "Confused deputy prevention".
    """
    return _policy(
        {
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"ArnEquals": {"aws:SourceArn": schedule_group_arn}},
        }
    )


def schedule(function_arn: str) -> Policy:
    """Allow invoking one function."""
    return _policy({"Sid": "Invoke", "Action": "lambda:InvokeFunction", "Resource": function_arn})


def reader(
    bucket_arn: str,
    workgroup_arn: str,
    data_catalog_arn: str,
    database_arns: list[str],
    table_arns: list[str],
    buffer_arn: str,
    flusher_arn: str,
    canary_arn: str,
) -> Policy:
    """Allow querying the archive through its workgroup, reading and flushing the buffer, and sending canaries.

    By API, in Athena's console ("Example workgroup policies") and with its JDBC and ODBC drivers, whose list is that of
    AWSQuicksightAthenaAccess ("Control access through JDBC and ODBC connections"), without what changes anything. The
    doctor reads the account's limit of concurrent executions.

    `database_arns` begin with the Glue catalog's: a right on a database or table is effective only with the same right
    on everything above it, and Athena reads the database `default` too ("Configure access to databases and tables in
    the AWS Glue Data Catalog").
    """
    return _policy(
        {
            "Sid": "Query",
            "Action": [
                "athena:BatchGetNamedQuery",
                "athena:BatchGetQueryExecution",
                "athena:GetNamedQuery",
                "athena:GetQueryExecution",
                "athena:GetQueryResults",
                "athena:GetQueryResultsStream",
                "athena:GetQueryRuntimeStatistics",
                "athena:GetWorkGroup",
                "athena:ListNamedQueries",
                "athena:ListQueryExecutions",
                "athena:StartQueryExecution",
                "athena:StopQueryExecution",
            ],
            "Resource": workgroup_arn,
        },
        {
            "Sid": "BrowseCatalog",
            "Action": [
                "athena:GetDataCatalog",
                "athena:GetDatabase",
                "athena:GetTableMetadata",
                "athena:ListDatabases",
                "athena:ListTableMetadata",
            ],
            "Resource": data_catalog_arn,
        },
        # These have no resource that could be named ("Actions, resources, and condition keys", Athena and Lambda).
        {
            "Sid": "ListAccount",
            "Action": [
                "athena:ListDataCatalogs",
                "athena:ListEngineVersions",
                "athena:ListWorkGroups",
                "lambda:GetAccountSettings",
            ],
            "Resource": "*",
        },
        {"Sid": "ReadDatabase", "Action": ["glue:GetDatabase", "glue:GetDatabases"], "Resource": database_arns},
        {
            "Sid": "ReadTables",
            "Action": ["glue:GetTable", "glue:GetTables", "glue:GetPartition", "glue:GetPartitions"],
            "Resource": [*database_arns[:2], *table_arns],
        },
        {"Sid": "ReadLogs", "Action": "s3:GetObject", "Resource": f"{bucket_arn}/{LOGS_PREFIX}*"},
        {"Sid": "ReadDigests", "Action": "s3:GetObject", "Resource": f"{bucket_arn}/{DIGESTS_PREFIX}*"},
        {
            "Sid": "FindBucket",
            "Action": ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            "Resource": bucket_arn,
        },
        {
            "Sid": "ListBucket",
            "Action": "s3:ListBucket",
            "Resource": bucket_arn,
            "Condition": {"StringLike": {"s3:prefix": [f"{each}*" for each in _READ_PREFIXES]}},
        },
        {
            "Sid": "ReadAndWriteResults",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            "Resource": f"{bucket_arn}/{RESULTS_PREFIX}*",
        },
        {"Sid": "ReadBuffer", "Action": "dynamodb:Query", "Resource": buffer_arn},
        {"Sid": "FlushBuffer", "Action": "lambda:InvokeFunction", "Resource": flusher_arn},
        {"Sid": "SendCanaries", "Action": "lambda:InvokeFunction", "Resource": canary_arn},
    )


def restorer(bucket_arn: str) -> Policy:
    """Allow restoring logs from Glacier, which costs money, and not reading them.

    A list says what is restored (S3 API reference, "ListObjectsV2", OptionalObjectAttributes); HeadObject would need
    the right to read.
    """
    return _policy(
        {"Sid": "RestoreLogs", "Action": "s3:RestoreObject", "Resource": f"{bucket_arn}/{LOGS_PREFIX}*"},
        _find_logs(bucket_arn),
    )


def parameter_reader(parameter_arns: list[str]) -> Policy:
    """Allow reading single parameters, not the whole path: it holds drain URLs too."""
    return _policy({"Sid": "ReadParameters", "Action": "ssm:GetParameter", "Resource": parameter_arns})
