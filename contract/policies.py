"""IAM policies, as plain functions that return dicts."""

from typing import Any, NamedTuple

from contract import names
from contract.buffer_table import SEEN_PARTITION
from contract.object_keys import KEY_WILDCARDS, LOGS_PREFIX, RESULTS_PREFIX

Policy = dict[str, Any]


def _policy(*statements: dict[str, Any]) -> Policy:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}


def assumable_by(principal_arn: str) -> Policy:
    """Trust one principal to assume the role."""
    return _policy({"Principal": {"AWS": principal_arn}, "Action": "sts:AssumeRole"})


def lambda_trust() -> Policy:
    """Trust Lambda to run a function with the role."""
    return _policy({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})


def log_writer(bucket_arn: str) -> Policy:
    """Allow writing log objects and nothing else."""
    return _policy({"Sid": "WriteLogs", "Action": "s3:PutObject", "Resource": f"{bucket_arn}/{LOGS_PREFIX}*"})


def outside_receiver(bucket_arn: str, keys_parameter_arn: str, queue_arn: str, table_arn: str) -> Policy:
    """Allow what a receiver outside Lambda does besides writing logs."""
    return _policy(
        _find_logs(bucket_arn),
        _fill_buffer(table_arn),
        {"Sid": "ReadDrainKeys", "Action": "ssm:GetParameter", "Resource": keys_parameter_arn},
        {"Sid": "Spill", "Action": "sqs:SendMessage", "Resource": queue_arn},
    )


def _find_logs(bucket_arn: str) -> dict[str, Any]:
    # For a large batch without a valid time: the receiver looks for another try of it in the slots before and after.
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


def archive_bucket(bucket_arn: str) -> Policy:
    """Deny requests without TLS 1.2 or newer, and objects with keys that this project does not write.

    A file of any other kind among the logs fails every query of its day, whoever put it there.
    """
    everybody = {"Effect": "Deny", "Principal": "*"}
    everything = {**everybody, "Action": "s3:*", "Resource": [bucket_arn, f"{bucket_arn}/*"]}
    return _policy(
        {"Sid": "TlsOnly", **everything, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "Tls12", **everything, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        {
            "Sid": "LogsAndResultsOnly",
            **everybody,
            "Action": "s3:PutObject",
            "NotResource": [f"{bucket_arn}/{KEY_WILDCARDS}", f"{bucket_arn}/{RESULTS_PREFIX}*"],
        },
    )


def receiver(bucket_arn: str, keys_parameter_arn: str, queue_arn: str, table_arn: str, log_group_arn: str) -> Policy:
    """Allow what the receiver does: read the drain keys, fill the buffer, spill, store large batches, log."""
    return _policy(
        {"Sid": "ReadDrainKeys", "Action": "ssm:GetParameter", "Resource": keys_parameter_arn},
        _fill_buffer(table_arn),
        {"Sid": "Spill", "Action": "sqs:SendMessage", "Resource": queue_arn},
        {"Sid": "WriteLogs", "Action": "s3:PutObject", "Resource": f"{bucket_arn}/{LOGS_PREFIX}*"},
        _find_logs(bucket_arn),
        _write_own_log(log_group_arn),
    )


def flusher(bucket_arn: str, queue_arn: str, table_arn: str, log_group_arn: str) -> Policy:
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
        {"Sid": "WriteLogs", "Action": "s3:PutObject", "Resource": f"{bucket_arn}/{LOGS_PREFIX}*"},
        _find_logs(bucket_arn),
        {"Sid": "DrainSpill", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"], "Resource": queue_arn},
        _write_own_log(log_group_arn),
    )


def canary(url_parameter_arns: list[str], table_arn: str, deletions_arn: str, log_group_arn: str) -> Policy:
    """Allow what the canary does: read the drain URLs and what the flusher noted, discard S3's test message, log."""
    return _policy(
        {"Sid": "ReadDrainUrls", "Action": "ssm:GetParameter", "Resource": url_parameter_arns},
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


def deletions_queue(queue_arn: str, bucket_arn: str) -> Policy:
    """Allow S3 to tell a queue of what happens in a bucket ("Granting permissions to publish event notifications")."""
    account = _parts(queue_arn).account
    return _policy(
        {
            "Sid": "Deletions",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": bucket_arn}},
        }
    )


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
) -> Policy:
    """Allow querying the archive through its workgroup, reading and flushing the buffer, and restoring objects.

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
                "athena:GetQueryRuntimeStatistics",
                "athena:GetWorkGroup",
                "athena:ListNamedQueries",
                "athena:ListQueryExecutions",
                "athena:StartQueryExecution",
                "athena:StopQueryExecution",
            ],
            "Resource": workgroup_arn,
        },
        {"Sid": "FindCatalog", "Action": "athena:GetDataCatalog", "Resource": data_catalog_arn},
        {"Sid": "ReadDatabase", "Action": "glue:GetDatabase", "Resource": database_arns},
        {
            "Sid": "ReadTables",
            "Action": ["glue:GetTable", "glue:GetTables", "glue:GetPartition", "glue:GetPartitions"],
            "Resource": [*database_arns[:2], *table_arns],
        },
        {
            "Sid": "ReadAndRestoreLogs",
            "Action": ["s3:GetObject", "s3:RestoreObject"],
            "Resource": f"{bucket_arn}/{LOGS_PREFIX}*",
        },
        {
            "Sid": "FindBucket",
            "Action": ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            "Resource": bucket_arn,
        },
        {
            "Sid": "ListLogsAndResults",
            "Action": "s3:ListBucket",
            "Resource": bucket_arn,
            "Condition": {"StringLike": {"s3:prefix": [f"{LOGS_PREFIX}*", f"{RESULTS_PREFIX}*"]}},
        },
        {
            "Sid": "ReadAndWriteResults",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            "Resource": f"{bucket_arn}/{RESULTS_PREFIX}*",
        },
        {"Sid": "ReadBuffer", "Action": "dynamodb:Query", "Resource": buffer_arn},
        {"Sid": "FlushBuffer", "Action": "lambda:InvokeFunction", "Resource": flusher_arn},
    )


def parameter_reader(parameter_arns: list[str]) -> Policy:
    """Allow reading single parameters, not the path: it holds drain URLs and drain keys too."""
    return _policy({"Sid": "ReadParameters", "Action": "ssm:GetParameter", "Resource": parameter_arns})
