"""What the flusher noted in the buffer: when the newest batches of apps arrived, and up to where it has looked."""

from collections.abc import Mapping
from datetime import UTC, datetime

from contract import buffer_table
from contract.buffer_table import Seen
from runbook.clients.buffer import Buffer
from runbook.doctor.context import Context, explained


def newest(context: Context) -> Mapping[Seen, datetime]:
    """Give the arrivals of the newest batches of apps, and of their canaries. RunbookError, Denied."""
    found = map(buffer_table.seen_of, _query(context, buffer_table.SEEN_PARTITION))
    return {seen: _time(arrival_ms) for seen, arrival_ms in found}


def known_until(context: Context) -> Mapping[str, datetime]:
    """Give the begin of each app's first slot that is not flushed: what arrived since then may wait in the buffer."""
    flushed: dict[str, datetime] = {}
    for app, slot in map(buffer_table.until_of, _query(context, buffer_table.FLUSHED_PARTITION)):
        flushed[app] = min(_time(slot.begin_ms), flushed.get(app, context.now))
    return flushed


def _query(context: Context, partition: str) -> list[buffer_table.Item]:
    with explained():
        return Buffer(context.reader.client("dynamodb"), context.outputs.buffer).query(partition)


def _time(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
