"""SQS to Lambda on this machine: the poller that Lambda runs for an event source mapping."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_LOG = logging.getLogger(__name__)
_POLL_S = 1

Invoke = Callable[[dict[str, Any]], Any]


def deliver(invoke: Invoke, queue_arn: str, batch_size: int, *, reports_failures: bool) -> None:
    """Hand a queue's messages to a function from now on, until the process ends.

    Without `reports_failures` Lambda does not look at the function's answer: one that returns has done all messages.
    """
    # A daemon: the process ends when its parent is gone, and what was not deleted comes back.
    threading.Thread(target=_poll, args=(invoke, queue_arn, batch_size, reports_failures), daemon=True).start()


def event(messages: Iterable[Mapping[str, Any]], queue_arn: str) -> dict[str, Any]:
    """Make the event of some received messages ("Using Lambda with Amazon SQS", the example of a standard queue)."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": queue_arn.split(":")[3],
            }
            for message in messages
        ]
    }


def done(messages: Iterable[Mapping[str, Any]], answer: Any) -> list[str]:
    """Give the receipt handles of the messages that a function's answer does not name as failed."""
    failures = (answer or {}).get("batchItemFailures") or []
    failed = {failure["itemIdentifier"] for failure in failures}
    return [message["ReceiptHandle"] for message in messages if message["MessageId"] not in failed]


def _poll(invoke: Invoke, queue_arn: str, batch_size: int, reports_failures: bool) -> None:
    sqs = boto3.client("sqs", region_name=queue_arn.split(":")[3])
    url = sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
    while True:
        try:
            messages = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=batch_size,
                WaitTimeSeconds=_POLL_S,
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
            if messages:
                answer = invoke(event(messages, queue_arn))
                for receipt in done(messages, answer if reports_failures else None):
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
        except (ClientError, BotoCoreError):
            _LOG.info("the queue does not answer: the stack is going down")
            return
        except Exception:  # noqa: BLE001  the function's own code: it may raise anything, and its messages come back
            _LOG.exception("the function failed on messages of %s", queue_arn)
