"""boto3's clients for a simulated DynamoDB table, S3 bucket and SQS queue, as far as receiver and flusher use them.

An operation, an argument or an expression that is not served here is an error.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contract import buffer_table
from receiver.aws import Unavailable
from receiver.deadline import Deadline, DeadlineExceeded
from receiver.flusher import aws as flusher_aws
from tests.support.simulation.trouble import Network, Profile
from tests.support.simulation.world import Actor, Box, Violation, World

Item = dict[str, Any]

# As infra/spill.py has them, which test_simulation.py checks.
DELAY_S = 60
VISIBILITY_S = 900
# DynamoDB takes the TTL as the time from which on an item may be gone.
_KEPT_S = (buffer_table.KEPT_DAYS - 1) * 24 * 3600
# A call of the receiver ends with its POST, one of the flusher with its run. What is on its way then still gets there.
_RECEIVER_LATE_S, _FLUSHER_LATE_S = 3.8, 30.0


class ConditionFailed(ClientError):
    """An item that is not as the condition says."""

    def __init__(self, operation: str) -> None:
        super().__init__({"Error": {"Code": "ConditionalCheckFailedException", "Message": "simulated"}}, operation)


def _is_absent(old: Item | None, values: Item) -> bool:
    return old is None


def _is_behind(old: Item | None, values: Item) -> bool:
    return old is None or old["slot"]["S"] < values[":slot"]["S"]


def _is_older(old: Item | None, values: Item) -> bool:
    return old is None or int(old["arrival"]["N"]) < int(values[":arrival"]["N"])


def _is_not_stored(old: Item | None, values: Item) -> bool:
    return old is not None and old["stored"] == values[":false"]


_CONDITIONS: dict[str | None, Callable[[Item | None, Item], bool]] = {
    None: lambda *_: True,
    "attribute_not_exists(pk)": _is_absent,
    "attribute_not_exists(slot) OR slot < :slot": _is_behind,
    "attribute_not_exists(arrival) OR arrival < :arrival": _is_older,
    "#stored = :false": _is_not_stored,
}


class Table:
    """The items, partition -> sort key -> item. Items are replaced, never changed."""

    def __init__(self, world: World, page_items: int) -> None:
        self._world, self._page_items = world, page_items
        self.partitions: defaultdict[str, dict[str, Item]] = defaultdict(dict)

    def write(self, operation: str, item: Item, condition: str | None, values: Item) -> None:
        """Put an item on a condition."""
        partition = self.partitions[item["pk"]["S"]]
        old = partition.get(item["sk"]["S"])
        if not _CONDITIONS[condition](old, values):
            raise ConditionFailed(operation)
        if "expires" in item and int(item["expires"]["N"]) < self._world.epoch_s + self._world.now + _KEPT_S:
            raise Violation("expiry", f"{item} would soon be deleted")
        if old and "slot" in old and old["slot"]["S"] > item["slot"]["S"]:
            raise Violation("backwards", f"{item} after {old}")
        partition[item["sk"]["S"]] = item

    def set_stored(self, pk: str, sk: str, condition: str, values: Item) -> None:
        """Mark a record."""
        old = self.partitions[pk].get(sk)
        if not _CONDITIONS[condition](old, values) or old is None:
            raise ConditionFailed("UpdateItem")
        self.partitions[pk][sk] = {**old, "stored": values[":true"]}

    def page(self, pk: str, after: str, names: Sequence[str]) -> tuple[list[Item], str | None]:
        """Give the items behind a sort key, with these attributes or all, and the last key if there may be more."""
        partition = self.partitions.get(pk)
        if not partition:
            return [], None
        keys = sorted(key for key in partition if key > after)[: self._page_items]
        items = [partition[key] for key in keys]
        if names:
            items = [{name: item[name] for name in names if name in item} for item in items]
        return items, keys[-1] if len(keys) == self._page_items else None


class DynamoDBClient:
    """The table's client."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionFailed)

    def __init__(self, table: Table, born_s: int, call: Callable[..., Any]) -> None:
        self._table, self._born_s, self._call = table, born_s, call

    def describe_table(self, *, TableName: str) -> Any:  # noqa: N803
        born = datetime.fromtimestamp(self._born_s, UTC)
        return self._call(("describe_table",), lambda: {"Table": {"CreationDateTime": born}})

    def put_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Item: Item,  # noqa: N803
        ConditionExpression: str | None = None,  # noqa: N803
        ExpressionAttributeValues: Mapping[str, Any] = {},  # noqa: N803
        ReturnConsumedCapacity: str | None = None,  # noqa: N803
    ) -> Any:
        def put() -> dict[str, Any]:
            self._table.write("PutItem", Item, ConditionExpression, dict(ExpressionAttributeValues))
            return {"ConsumedCapacity": {}}

        return self._call(("put", Item["pk"]["S"], Item["sk"]["S"]), put)

    def get_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Item,  # noqa: N803
        ConsistentRead: bool,  # noqa: N803
        ProjectionExpression: str = "",  # noqa: N803
        ReturnConsumedCapacity: str = "",  # noqa: N803
    ) -> Any:
        assert ConsistentRead
        pk, sk = Key["pk"]["S"], Key["sk"]["S"]

        def get() -> dict[str, Any]:
            item = self._table.partitions.get(pk, {}).get(sk)
            found: dict[str, Any] = {} if item is None else {"Item": {} if ProjectionExpression else item}
            return {"ConsumedCapacity": {}, **found}

        return self._call(("get", pk, sk), get)

    def update_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Item,  # noqa: N803
        UpdateExpression: str,  # noqa: N803
        ConditionExpression: str,  # noqa: N803
        ExpressionAttributeNames: Mapping[str, str],  # noqa: N803
        ExpressionAttributeValues: Item,  # noqa: N803
    ) -> Any:
        assert (UpdateExpression, ExpressionAttributeNames) == ("SET #stored = :true", {"#stored": "stored"})
        pk, sk = Key["pk"]["S"], Key["sk"]["S"]
        update = partial(self._table.set_stored, pk, sk, ConditionExpression, ExpressionAttributeValues)
        return self._call(("mark stored", pk, sk), update)

    def delete_item(self, *, TableName: str, Key: Item) -> Any:  # noqa: N803
        pk, sk = Key["pk"]["S"], Key["sk"]["S"]
        return self._call(("delete", pk, sk), lambda: self._table.partitions[pk].pop(sk, None))

    def get_paginator(self, operation: str) -> SimpleNamespace:
        assert operation == "query"
        return SimpleNamespace(paginate=self._pages)

    def _pages(
        self,
        *,
        TableName: str,  # noqa: N803
        ConsistentRead: bool,  # noqa: N803
        KeyConditionExpression: str,  # noqa: N803
        ExpressionAttributeValues: Item,  # noqa: N803
        ProjectionExpression: str = "",  # noqa: N803
        ExpressionAttributeNames: Mapping[str, str] = {},  # noqa: N803
    ) -> Iterator[Item]:
        assert ConsistentRead
        assert KeyConditionExpression == "pk = :partition"
        assert ProjectionExpression == ", ".join(ExpressionAttributeNames)
        pk, names = ExpressionAttributeValues[":partition"]["S"], list(ExpressionAttributeNames.values())
        after: str | None = ""
        while after is not None:
            items, after = self._call(("query", pk, after), partial(self._table.page, pk, after, names))
            yield {"Items": items}


# Is told of each new object: its key, its bytes, and whether it is a slot's.
Written = Callable[[str, bytes, bool], None]


class Objects:
    """The bucket's objects."""

    def __init__(self, world: World, written: Written) -> None:
        self._world, self._written = world, written
        self.stored: dict[str, bytes] = {}

    def put(self, key: str, data: bytes, condition: str | None, *, of_slot: bool) -> dict[str, Any]:
        """Store an object, unless there is one and the condition is `*`."""
        old = self.stored.get(key)
        if old is None:
            self.stored[key] = data
            self._written(key, data, of_slot)
            return {"ETag": "simulated"}
        self._world.totals["repeats"] += 1
        # Tries of a large batch have other leading loss reports, and the first try wins.
        if old != data and (of_slot or condition != "*"):
            raise Violation("changed", f"{key} is written again with other bytes")
        if condition == "*":
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": "simulated"}}, "PutObject")
        return {"ETag": "simulated"}


class S3Client:
    """The bucket's client."""

    meta = SimpleNamespace(events=SimpleNamespace(register_last=lambda *_: None))

    def __init__(self, objects: Objects, call: Callable[..., Any], *, of_slots: bool) -> None:
        self._objects, self._call, self._of_slots = objects, call, of_slots

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
        **_: object,
    ) -> Any:
        put = partial(self._objects.put, Key, Body, IfNoneMatch, of_slot=self._of_slots)
        return self._call(("put", Key), put)

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> Any:  # noqa: N803
        def count() -> dict[str, Any]:
            return {"KeyCount": min(MaxKeys, sum(key.startswith(Prefix) for key in self._objects.stored))}

        return self._call(("list", Prefix), count)


class Messages:
    """The queue's messages: at least once, after a delay, and again after the visibility time-out."""

    def __init__(self, world: World, delay_s: float) -> None:
        self._world, self._delay_s = world, delay_s
        self.texts: dict[str, str] = {}
        self.visible: dict[str, float] = {}
        self.sent: dict[str, float] = {}
        self.receives: Counter[str] = Counter()
        self._receipts: dict[str, str] = {}
        self.calm = False

    def send(self, text: str) -> dict[str, Any]:
        """Add a message."""
        message = f"m{self._world.totals['messages']}"
        self._world.totals["messages"] += 1
        self.texts[message], self.sent[message] = text, self._world.now
        self.visible[message] = self._world.now + self._delay_s
        return {"MessageId": message}

    def receive(self, most: int) -> dict[str, Any]:
        """Give some messages: a short poll need not find all ("Amazon SQS short and long polling")."""
        random, now = self._world.random, self._world.now
        found = [each for each in self.texts if self.visible[each] <= now and (self.calm or random.random() < 0.9)]
        random.shuffle(found)
        received = []
        for message in found[:most]:
            # A standard queue may deliver a message twice ("Amazon SQS at-least-once delivery").
            if self.calm or random.random() > 0.05:
                self.visible[message] = now + VISIBILITY_S
            self.receives[message] += 1
            self._receipts[message] = receipt = f"{message} at {now}"
            received.append({"MessageId": message, "ReceiptHandle": receipt, "Body": self.texts[message]})
        return {"Messages": received} if received else {}

    def delete(self, receipt: str) -> None:
        """Delete a message; with an old receipt, or where a copy is left, it comes again ("DeleteMessage")."""
        message = receipt.partition(" ")[0]
        comes_again = self._receipts[message] != receipt or self._world.random.random() < 0.02
        if message in self.texts and (self.calm or not comes_again):
            del self.texts[message], self.visible[message], self.sent[message]


class SQSClient:
    """The queue's client."""

    def __init__(self, messages: Messages, call: Callable[..., Any]) -> None:
        self._messages, self._call = messages, call

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> Any:  # noqa: N803
        return self._call(("send",), partial(self._messages.send, MessageBody))

    def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int) -> Any:  # noqa: N803
        return self._call(("receive",), partial(self._messages.receive, MaxNumberOfMessages))

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Any:  # noqa: N803
        return self._call(("delete", ReceiptHandle), partial(self._messages.delete, ReceiptHandle))


class Cloud:
    """The three services of one world; `client` stands in for boto3's."""

    def __init__(self, world: World, network: Network, written: Written, page_items: int, delay_s: float) -> None:
        self.world, self._network = world, network
        self.table = Table(world, page_items)
        self.objects = Objects(world, written)
        self.messages = Messages(world, delay_s)

    def client(self, service: str, config: Any) -> Any:
        """Give a client, with the time-outs and attempts of its configuration."""
        attempts = config.retries["total_max_attempts"]
        of_flusher = config is flusher_aws.CONFIG
        profile = Profile(attempts, config.read_timeout, _FLUSHER_LATE_S if of_flusher else _RECEIVER_LATE_S)

        def call(label: tuple[object, ...], effect: Callable[[], Any]) -> Any:
            return self._network.request(service, label, effect, profile)

        if service == "dynamodb":
            return DynamoDBClient(self.table, self.world.epoch_s, call)
        if service == "s3":
            return S3Client(self.objects, call, of_slots=of_flusher)
        return SQSClient(self.messages, call)


class SideBySide:
    """Stands in for `receiver.aws.Service`, without its threads and its circuit breaker."""

    world: World

    def __init__(self, name: str, probe_s: float) -> None:
        self._name = name

    def call(self, functions: Sequence[Callable[[], Any]], deadline: Deadline) -> list[Any]:
        """Make boto3 calls and give their answers; Unavailable unless all are answered in time."""
        try:
            if len(functions) == 1:
                return [self._alone(functions[0], deadline)]
            return self._together(functions, deadline)
        except DeadlineExceeded as error:
            raise Unavailable(f"{self._name}-deadline", "no answer in time") from error
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"{self._name}-{type(error).__name__}", str(error)) from error

    def _alone(self, function: Callable[[], Any], deadline: Deadline) -> Any:
        actor = self.world.actor
        actor.give_up = self.world.now + deadline.remaining()
        try:
            return function()
        finally:
            actor.give_up = float("inf")

    def _together(self, functions: Sequence[Callable[[], Any]], deadline: Deadline) -> list[Any]:
        world, box, end = self.world, Box(), self.world.now + deadline.remaining()
        for number, function in enumerate(functions):
            self._start(number, function, box, end)
        answers: dict[int, Any] = {}
        for _ in functions:
            try:
                number, answer = world.take(box, end)
            except TimeoutError:
                raise DeadlineExceeded from None
            if isinstance(answer, Exception):
                raise answer
            answers[number] = answer
        return [answers[number] for number in range(len(functions))]

    def _start(self, number: int, function: Callable[[], Any], box: Box, end: float) -> Actor:
        world, parent = self.world, self.world.actor

        def work() -> None:
            world.actor.give_up = end
            try:
                answer = function()
            except Exception as error:  # noqa: BLE001  raised again, in the actor that waits
                answer = error
            world.put(box, (number, answer))

        return world.start(f"{parent.name}.{number}", work, parent.skew_s)
