"""IAM policies, as plain functions that return dicts."""

from typing import Any

from contract.object_keys import KEY_WILDCARDS, LOGS_PREFIX, RESULTS_PREFIX

Policy = dict[str, Any]


def _policy(*statements: dict[str, Any]) -> Policy:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}


def assumable_by(principal_arn: str) -> Policy:
    """Trust one principal to assume a role."""
    return _policy({"Principal": {"AWS": principal_arn}, "Action": "sts:AssumeRole"})


def lambda_trust() -> Policy:
    """Trust Lambda to run a function in a role."""
    return _policy({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})


def log_writer(bucket_arn: str) -> Policy:
    """Allow to write log objects and nothing else."""
    return _policy({"Sid": "WriteLogs", "Action": "s3:PutObject", "Resource": f"{bucket_arn}/{LOGS_PREFIX}*"})


def outside_receiver(bucket_arn: str, keys_parameter_arn: str, queue_arn: str) -> Policy:
    """Allow what a receiver outside Lambda does beside writing: find lines, read the drain keys, spill batches."""
    return _policy(
        _find_logs(bucket_arn),
        {"Sid": "ReadDrainKeys", "Action": "ssm:GetParameter", "Resource": keys_parameter_arn},
        {"Sid": "Spill", "Action": "sqs:SendMessage", "Resource": queue_arn},
    )


def _find_logs(bucket_arn: str) -> dict[str, Any]:
    # For the batch without a valid time: whether an earlier try of it is stored under the slot before.
    return {
        "Sid": "FindLogs",
        "Action": "s3:ListBucket",
        "Resource": bucket_arn,
        "Condition": {"StringLike": {"s3:prefix": f"{LOGS_PREFIX}*"}},
    }


def archive_bucket(bucket_arn: str) -> Policy:
    """Refuse everybody who comes without TLS, or with one older than 1.2, or with an object that is none of ours.

    One file of another kind beside the lines fails every query of its day, whoever put it there.
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


def receiver(bucket_arn: str, keys_parameter_arn: str, queue_arn: str, log_group_arn: str) -> Policy:
    """Allow what the function does: store and find lines, spill and redrive, read the drain keys, write its own log."""
    return _policy(
        {"Sid": "WriteLogs", "Action": "s3:PutObject", "Resource": f"{bucket_arn}/{LOGS_PREFIX}*"},
        _find_logs(bucket_arn),
        {"Sid": "ReadDrainKeys", "Action": "ssm:GetParameter", "Resource": keys_parameter_arn},
        {
            "Sid": "SpillAndRedrive",
            # GetQueueAttributes: Lambda's poller asks for it ("Using Lambda with Amazon SQS", execution role).
            "Action": ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            "Resource": queue_arn,
        },
        {
            "Sid": "WriteOwnLog",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{log_group_arn}:*",
        },
    )


def reader(
    bucket_arn: str, workgroup_arn: str, data_catalog_arn: str, database_arns: list[str], table_arns: list[str]
) -> Policy:
    """Allow to query the archive through its workgroup, and to restore what lies in Glacier.

    `database_arns` begin with the Glue catalog's: rights on a database or table count only with those on what is
    above it, and Athena looks at the database `default` too ("Configure access to databases and tables in the AWS Glue
    Data Catalog").
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
    )


def parameter_reader(parameter_arns: list[str]) -> Policy:
    """Allow to read parameters, one by one: drain URLs and keys lie under the same path."""
    return _policy({"Sid": "ReadParameters", "Action": "ssm:GetParameter", "Resource": parameter_arns})
