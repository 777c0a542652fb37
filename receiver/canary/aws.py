"""The canary's AWS calls. Each raises botocore's ClientError or BotoCoreError when AWS does not do it."""

import json
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from contract import buffer_table
from contract.buffer_table import Seen

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

_MESSAGES = 10
CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


class DrainUrls:
    """The parameters that hold the drain URLs, below a path with its trailing slash."""

    def __init__(self, path: str, config: Config = CONFIG) -> None:
        self._path = path
        self._ssm: SSMClient = boto3.client("ssm", config=config)

    def of(self, app: str) -> str:
        """Read an app's drain URL each time: a rotation changes it."""
        answer = self._ssm.get_parameter(Name=f"{self._path}{app}", WithDecryption=True)
        return answer["Parameter"]["Value"]


class Deletions:
    """The queue that S3 tells of deleted logs."""

    def __init__(self, url: str, config: Config = CONFIG) -> None:
        self._url = url
        self._sqs: SQSClient = boto3.client("sqs", config=config)

    def discard_test(self) -> None:
        """Delete the message by which S3 tests its permission; all others stay visible, for the alarm and for people.

        Source: S3 user guide, "Event message structure", on `s3:TestEvent`.
        """
        received = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=_MESSAGES, VisibilityTimeout=0)
        for message in received.get("Messages", []):
            if json.loads(message["Body"]).get("Event") == "s3:TestEvent":
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])


class SeenCanaries:
    """What the flusher noted of canaries in the buffer's table."""

    def __init__(self, table: str, config: Config = CONFIG) -> None:
        self._table = table
        self._dynamodb: DynamoDBClient = boto3.client("dynamodb", config=config)

    def newest_ms(self, app: str) -> int | None:
        """Get the item."""
        key = Seen(app, canary=True).key
        answer = self._dynamodb.get_item(TableName=self._table, Key=key.item, ConsistentRead=True)
        return buffer_table.seen_of(answer["Item"])[1] if "Item" in answer else None
