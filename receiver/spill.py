"""The message that keeps a spilled batch in the queue until the buffer takes it.

It does not hold the batch's slot, because that follows from the batch: now and days later.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any

from contract.logplex.batch import Batch
from contract.stored_line import Reason

_VERSION = 1
# The size limit of a queue's messages by pulumi-aws's default; SQS has allowed four times that since 2025 ("Message
# quotas"). A body of Logplex's size fits even if it cannot be compressed at all.
MAX_BYTES = 256 * 1024


class TooLarge(Exception):
    """A batch that does not fit into one message. It is never split: its tries would no longer write the same keys."""


class InvalidMessage(ValueError):
    """A message that `encode` did not write."""


def encode(batch: Batch) -> str:
    """Write a batch as the text of a message; TooLarge when it does not fit."""
    message = {
        "v": _VERSION,
        "app": batch.app,
        "frame_id": batch.frame_id,
        "arrival_ms": batch.arrival_ms,
        "body": base64.b64encode(gzip.compress(batch.body, 6, mtime=0)).decode(),
        "fault": batch.fault,
        "drain": batch.drain,
        "announced": batch.announced,
    }
    text = json.dumps(message)
    if len(text) > MAX_BYTES:
        raise TooLarge(f"{len(text)} bytes do not fit into a message of at most {MAX_BYTES}")
    return text


def decode(text: str) -> Batch:
    """Read a message back; InvalidMessage when `encode` did not write it."""
    try:
        message = json.loads(text)
        if message["v"] != _VERSION:
            raise InvalidMessage(f"a spilled batch of version {message['v']!r}: deploy the receiver that wrote it")
        body = gzip.decompress(base64.b64decode(message["body"], validate=True))
        return Batch(
            message["app"],
            message["frame_id"],
            int(message["arrival_ms"]),
            body,
            _fault(message),
            # Earlier receivers did not write these two.
            message.get("drain"),
            message.get("announced"),
        )
    except InvalidMessage:
        raise
    except (ValueError, TypeError, KeyError, OSError, EOFError, zlib.error) as error:
        raise InvalidMessage(f"not a spilled batch: {type(error).__name__}") from error


def _fault(message: Mapping[str, Any]) -> Reason | None:
    # Earlier receivers did not write the reason, only whether the body was base64 that does not decode.
    reason = message["fault"] if "fault" in message else Reason.BAD_BASE64 if message.get("undecodable") else None
    return None if reason is None else Reason(reason)
