"""SQS to Lambda on this machine: the poller of an event source mapping."""

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
    """Pass a queue's messages to a function until the process ends.

    Without `reports_failures`, Lambda ignores what the function returns: when it returns, all messages are done.
    """
    # A daemon: the process ends with its parent, and messages that were not deleted are received again.
    threading.Thread(target=_poll, args=(invoke, queue_arn, batch_size, reports_failures), daemon=True).start()


def event(messages: Iterable[Mapping[str, Any]], queue_arn: str) -> dict[str, Any]:
    """Create the event of received messages ("Using Lambda with Amazon SQS", the example of a standard queue)."""
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
    """Give the receipt handles of the messages that the function did not report as failed."""
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
            _LOG.info("the queue does not answer: the stack is shutting down")
            return
        except Exception:  # noqa: BLE001  the function's own code can raise anything; its messages are received again
            _LOG.exception("the function failed on messages of %s", queue_arn)
