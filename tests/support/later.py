"""A flusher whose clock is ahead, so that what was sent just now is due."""

import time

from contract.buffer_table import until_item
from contract.slots import Slot
from local.stack import LocalStack
from receiver.flusher.aws import Archive, DynamoTable
from receiver.flusher.run import run


def flush_later(stack: LocalStack, seconds: float) -> None:
    """Flush what will be due in so many seconds, also in a slot that was flushed so; needs AWS_ENDPOINT_URL."""
    outputs, now_ms = stack.outputs, time.time_ns() // 1_000_000
    minutes = outputs["flushMinutes"]
    for app in outputs["apps"]:
        item = until_item(app, Slot.of(now_ms, minutes).before)
        stack.client("dynamodb").put_item(TableName=outputs["buffer"], Item=item)
    outcome = run(
        outputs["apps"],
        minutes,
        DynamoTable(outputs["buffer"]),
        Archive(outputs["bucket"]),
        lambda *_: None,
        lambda: now_ms + round(seconds * 1000) + 1,
        lambda: True,
    )
    assert not outcome.failures
