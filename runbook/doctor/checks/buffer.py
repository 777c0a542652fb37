"""Checks the buffer's table, and how long what is due has been waiting for the flusher."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from contract import buffer_table
from contract.slots import Slot
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, Unknown, explained
from runbook.errors import RunbookError
from runbook.terminal import times

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

# The flusher runs every minute. After an update or a short failure it catches up by itself.
_PATIENCE = timedelta(minutes=10)
_KEYS = [
    {"AttributeName": buffer_table.PARTITION_KEY, "KeyType": "HASH"},
    {"AttributeName": buffer_table.SORT_KEY, "KeyType": "RANGE"},
]


def check(context: Context) -> Findings:
    """Compare the table with its declaration, and find what each app's oldest slot and late batch have waited."""
    born = None
    try:
        table = _table(context)
        if table is None:
            yield Finding.of(faults.BUFFER_MISSING)
            return ""
        born = table["CreationDateTime"]
        yield from _differences(context, table)
    except RunbookError as error:
        yield Unknown(f"whether the table is as declared: {Unknown.because(error).reason}")
    yield from _waiting(context, born)
    return f"the table is as declared, and nothing has been due for longer than {times.age(_PATIENCE)}"


def _table(context: Context) -> "TableDescriptionTypeDef | None":
    client = context.break_glass.client("dynamodb")
    with explained():
        try:
            found: TableDescriptionTypeDef = client.describe_table(TableName=context.outputs.buffer)["Table"]
        except client.exceptions.ResourceNotFoundException:
            return None
    return found


def _differences(context: Context, table: "TableDescriptionTypeDef") -> Iterator[Finding]:
    if table["KeySchema"] != _KEYS:
        yield Finding.of(faults.BUFFER_DIFFERS, difference="has other keys")
    client = context.break_glass.client("dynamodb")
    with explained():
        answer = client.describe_time_to_live(TableName=context.outputs.buffer)
    expiry = answer["TimeToLiveDescription"]
    # It is ENABLING for up to an hour ("UpdateTimeToLive", DynamoDB API reference).
    if expiry["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"} or expiry.get("AttributeName") != buffer_table.EXPIRES:
        difference = f"does not delete items at the time in their attribute {buffer_table.EXPIRES}"
        yield Finding.of(faults.BUFFER_DIFFERS, difference=difference)


def _waiting(context: Context, born: datetime | None) -> Iterator[Finding | Unknown]:
    flushed = [buffer_table.until_of(item) for item in _items(context, buffer_table.FLUSHED_PARTITION)]
    for app, slot in flushed:
        yield from _late(context, app, buffer_table.due_ms(slot), f"the slot {slot} is not flushed")
    known = {app for app, _ in flushed}
    for app in context.outputs.apps:
        if app not in known:
            yield from _never_flushed(context, app, born)
    # Apps that left the settings are flushed too.
    for app in sorted(known.union(context.outputs.apps)):
        marked = map(buffer_table.marked_ms, _items(context, buffer_table.late_partition(app)))
        if (first := min(marked, default=None)) is not None:
            yield from _late(context, app, first, "a batch that came late is not flushed")


def _never_flushed(context: Context, app: str, born: datetime | None) -> Iterator[Finding | Unknown]:
    if born is None:
        yield Unknown(f"for how long {app} has waited for its first flush")
        return
    first = Slot.of(int(born.timestamp() * 1000), context.outputs.flush_minutes)
    yield from _late(context, app, buffer_table.due_ms(first), "none of its slots was ever flushed")


def _late(context: Context, app: str, since_ms: int, what: str) -> Iterator[Finding]:
    age = context.now - datetime.fromtimestamp(since_ms / 1000, UTC)
    if age > _PATIENCE:
        yield Finding.of(faults.BUFFER_BEHIND, app=app, age=times.age(age), what=what)


def _items(context: Context, partition: str) -> list[dict[str, Any]]:
    """The items of a partition, in order of their sort keys; of very many, the first ones."""
    client = context.reader.client("dynamodb")
    with explained():
        answer = client.query(
            TableName=context.outputs.buffer,
            KeyConditionExpression=f"{buffer_table.PARTITION_KEY} = :partition",
            ExpressionAttributeValues={":partition": {"S": partition}},
            ConsistentRead=True,
        )
    return list(answer["Items"])
