"""Checks whether somebody deleted logs: S3 tells a queue of it, which nothing else reads."""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from contract import names
from contract.object_keys import LOGS_PREFIX
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, Unknown, explained
from runbook.terminal.printing import counted

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_EVENTS = "s3:ObjectRemoved:*"


def check(context: Context) -> Findings:
    """Compare what S3 tells the queue with its declaration, and read messages without taking them from the queue."""
    queue = names.deletions_queue(context.outputs.name_prefix)
    sqs = context.break_glass.client("sqs")
    with explained():
        try:
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        except sqs.exceptions.QueueDoesNotExist:
            yield Finding.of(faults.DELETIONS_UNSEEN, queue=queue)
            return ""
        if not _is_told(context, queue):
            yield Finding.of(faults.DELETIONS_UNSEEN, queue=queue)
        waiting, records = _messages(sqs, url)
    if records:
        yield _finding(records, waiting, queue)
    elif waiting > 0:
        yield Unknown(
            f"who deleted logs: SQS gave none of the {counted(waiting, 'message', 'messages')}; run this again"
        )
    return "nobody deleted logs in the last 14 days"


def _is_told(context: Context, queue: str) -> bool:
    s3 = context.break_glass_s3
    told = s3.get_bucket_notification_configuration(Bucket=context.outputs.bucket).get("QueueConfigurations", [])
    return any(each["QueueArn"].endswith(f":{queue}") and _covers_logs(each) for each in told)


def _covers_logs(configuration: Any) -> bool:
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    prefixes = [rule["Value"] for rule in rules if rule["Name"].lower() == "prefix"]
    return _EVENTS in configuration["Events"] and len(rules) == len(prefixes) and prefixes in ([], [LOGS_PREFIX])


def _messages(sqs: "SQSClient", url: str) -> tuple[int, list[dict[str, Any]]]:
    """Give the number of messages, and the deletions that the first of them tell.

    Waiting for a second asks all of SQS's servers ("Amazon SQS short and long polling"). A message stays visible, so
    that the next to look sees it too.
    """
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    if not (waiting := int(attributes["ApproximateNumberOfMessages"])):
        return 0, []
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=1)
    bodies = [json.loads(message["Body"]) for message in received.get("Messages", [])]
    # S3's test message, which it sends when it is told of the queue, has no records.
    tests = sum("Records" not in body for body in bodies)
    return waiting - tests, [record for body in bodies for record in body.get("Records", [])]


def _finding(records: list[dict[str, Any]], waiting: int, queue: str) -> Finding:
    newest = max(records, key=lambda record: str(record["eventTime"]))
    stored = newest["s3"]
    return Finding.of(
        faults.LOGS_DELETED,
        objects=counted(max(waiting, len(records)), "object", "objects"),
        url=f"s3://{stored['bucket']['name']}/{unquote_plus(stored['object']['key'])}",
        time=newest["eventTime"],
        who=newest["userIdentity"]["principalId"],
        address=newest["requestParameters"]["sourceIPAddress"],
        queue=queue,
    )
