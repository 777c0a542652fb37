"""The flusher's AWS calls. It may wait for AWS, so these are boto3's own calls with boto3's retries.

Each raises botocore's ClientError or BotoCoreError when AWS does not do what it was asked to do.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from contract import buffer_table
from contract.buffer_table import (
    BATCH_PREFIX,
    PARTITION_KEY,
    RECORD_PREFIX,
    SORT_KEY,
    Heading,
    Item,
    Key,
    Record,
    Seen,
)
from contract.logplex.batch import Batch
from contract.slots import Slot
from receiver.flusher.drain import Message
from receiver.flusher.flush import Contents
from receiver.put_object import ALREADY_STORED, PutOptions
from receiver.stored_object import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
_MESSAGES = 10  # SQS gives no more ("ReceiveMessage")


class DynamoTable:
    """The buffer; flush.py says what the methods do."""

    def __init__(self, name: str, config: Config = CONFIG) -> None:
        self._name = name
        self._dynamodb: DynamoDBClient = boto3.client("dynamodb", config=config)

    def born_ms(self) -> int:
        """Ask for the table's creation time."""
        created = self._dynamodb.describe_table(TableName=self._name)["Table"]["CreationDateTime"]
        return int(created.timestamp() * 1000)

    def untils(self) -> dict[str, list[Slot]]:
        """Query one partition, which has an item for each app and length."""
        untils: dict[str, list[Slot]] = {}
        for item in self._query(buffer_table.FLUSHED_PARTITION):
            app, slot = buffer_table.until_of(item)
            untils.setdefault(app, []).append(slot)
        return untils

    def advance(self, app: str, until: Slot) -> None:
        """Put the item, unless it has a later slot; the text of slots of one length is in their order."""
        item = buffer_table.until_item(app, until)
        self._put(item, "attribute_not_exists(slot) OR slot < :slot", {":slot": item["slot"]})

    def seen(self) -> dict[Seen, int]:
        """Query one partition, which has two items for each app."""
        return dict(map(buffer_table.seen_of, self._query(buffer_table.SEEN_PARTITION)))

    def note_seen(self, seen: Seen, arrival_ms: int) -> None:
        """Put the item, unless it has a later time."""
        item = buffer_table.seen_item(seen, arrival_ms)
        condition = "attribute_not_exists(arrival) OR arrival < :arrival"
        self._put(item, condition, {":arrival": item["arrival"]})

    def markers(self, app: str) -> list[Key]:
        """Query the app's markers."""
        partition = buffer_table.late_partition(app)
        return [Key(partition, item[SORT_KEY]["S"]) for item in self._query(partition)]

    def delete(self, keys: Iterable[Key]) -> None:
        """Delete one item after the other: there are few."""
        for key in keys:
            self._dynamodb.delete_item(TableName=self._name, Key=key.item)

    def contents(self, app: str, slot: Slot) -> Contents:
        """Query the slot without bodies."""
        contents = Contents([], [])
        for item in self._query(buffer_table.slot_partition(app, slot), buffer_table.HEADING):
            if item[SORT_KEY]["S"].startswith(RECORD_PREFIX):
                contents.records.append(Record.of(item))
            else:
                contents.headings.append(Heading.of(item))
        return contents

    def batches(self, app: str, slot: Slot, batch_ids: Collection[UUID]) -> Iterator[Batch]:
        """Query the slot with bodies; one page of them is in memory at a time."""
        wanted = {f"{BATCH_PREFIX}{batch_id}" for batch_id in batch_ids}
        items = self._query(buffer_table.slot_partition(app, slot))
        return (buffer_table.batch_of(item, app) for item in items if item[SORT_KEY]["S"] in wanted)

    def create_record(self, app: str, slot: Slot, number: int, batch_ids: Sequence[UUID], now_ms: int) -> bool:
        """Put the record, unless there is one with this number."""
        item = buffer_table.record_item(app, slot, number, batch_ids, now_ms)
        return self._put(item, f"attribute_not_exists({PARTITION_KEY})")

    def mark_stored(self, app: str, slot: Slot, number: int) -> bool:
        """Set the record's mark, unless it is set."""
        key = buffer_table.record_key(app, slot, number)
        try:
            self._dynamodb.update_item(
                TableName=self._name,
                Key=key.item,
                UpdateExpression="SET #stored = :true",
                ConditionExpression="#stored = :false",
                ExpressionAttributeNames={"#stored": "stored"},  # a reserved word
                ExpressionAttributeValues={":true": {"BOOL": True}, ":false": {"BOOL": False}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _put(self, item: Item, condition: str, values: Item | None = None) -> bool:
        given: Any = {"ExpressionAttributeValues": values} if values else {}
        try:
            self._dynamodb.put_item(TableName=self._name, Item=item, ConditionExpression=condition, **given)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _query(self, partition: str, attributes: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        # Some of the names are reserved words (DynamoDB developer guide, "Reserved words in DynamoDB").
        names = {f"#{attribute}": attribute for attribute in attributes}
        only: dict[str, Any] = (
            {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names} if attributes else {}
        )
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            ConsistentRead=True,
            KeyConditionExpression=f"{PARTITION_KEY} = :partition",
            ExpressionAttributeValues={":partition": {"S": partition}},
            **only,
        )
        for page in pages:
            yield from page["Items"]


class Archive:
    """The S3 bucket."""

    def __init__(
        self,
        bucket: str,
        config: Config = CONFIG,
        options: PutOptions = PutOptions(),  # noqa: B008  it does not change
    ) -> None:
        self._bucket, self._options = bucket, options
        self._s3: S3Client = boto3.client("s3", config=config)

    def put(self, objects: Sequence[StoredObject]) -> None:
        """Write objects, unless they are there."""
        for stored in objects:
            try:
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=str(stored.key),
                    Body=stored.data,
                    **self._options.of(stored.data, stored.lines),
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != ALREADY_STORED:
                    raise


class SqsSpillQueue:
    """The spill queue."""

    def __init__(self, url: str, config: Config = CONFIG) -> None:
        self._url = url
        self._sqs: SQSClient = boto3.client("sqs", config=config)

    def receive(self) -> list[Message]:
        """Ask once, without waiting: what a short poll does not find, the next run does."""
        received = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=_MESSAGES).get("Messages", [])
        return [Message(each["MessageId"], each["ReceiptHandle"], each["Body"]) for each in received]

    def delete(self, message: Message) -> None:
        """Delete it."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)
