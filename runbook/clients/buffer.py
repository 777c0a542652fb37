"""Reads the buffer: queries of one partition each."""

from typing import TYPE_CHECKING, Any

from contract.buffer_table import PARTITION_KEY, SORT_KEY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Items = list[dict[str, Any]]


class Buffer:
    """The stack's table. Its items are in the words of DynamoDB's API (contract/buffer_table.py)."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client, self._table = client, table

    def query(self, partition: str, *, prefix: str = "", since_ms: int | None = None, consistent: bool = True) -> Items:
        """Give the items of a partition whose sort keys begin with a prefix.

        With `since_ms` it gives only items that arrived since then, in milliseconds since 1970. The others are read,
        and charged, all the same. A query that is not strongly consistent costs half, and can miss the last second.
        """
        condition, values = f"{PARTITION_KEY} = :partition", {":partition": {"S": partition}}
        more: dict[str, Any] = {}
        if prefix:
            condition += f" AND begins_with({SORT_KEY}, :prefix)"
            values[":prefix"] = {"S": prefix}
        if since_ms is not None:
            more["FilterExpression"] = "arrival >= :since"
            values[":since"] = {"N": str(since_ms)}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=consistent,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **more,
        )
        return [item for page in pages for item in page["Items"]]
