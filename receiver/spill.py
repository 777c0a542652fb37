"""A spilled batch: the message that keeps it in the queue until S3 takes it. The keys that it will have are not in it.

They follow from what is: the same batch gives the same keys, now or hours later.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any

from contract.stored_line import Reason
from receiver.logplex.batch import Batch

_VERSION = 1
# What a queue takes by pulumi-aws's default; SQS allows four times that since 2025 ("Message quotas"). A body of
# Logplex's size stays under it even if nothing of it can be compressed.
MAX_BYTES = 256 * 1024


class TooLarge(Exception):
    """A batch that does not fit a message. It is never split: its tries would no longer write the same keys."""


class NoBatch(ValueError):
    """A message that `encode` has not written."""


def encode(batch: Batch) -> str:
    """Write a batch as the text of a message; TooLarge when it does not fit."""
    message = {
        "v": _VERSION,
        "app": batch.app,
        "frame_id": batch.frame_id,
        "arrival_ms": batch.arrival_ms,
        "body": base64.b64encode(gzip.compress(batch.body, 6, mtime=0)).decode(),
        "fault": batch.fault,
    }
    text = json.dumps(message)
    if len(text) > MAX_BYTES:
        raise TooLarge(f"{len(text)} bytes, and a message holds {MAX_BYTES}")
    return text


def decode(text: str) -> Batch:
    """Read a message back; NoBatch when it is none of ours."""
    try:
        message = json.loads(text)
        if message["v"] != _VERSION:
            raise NoBatch(f"version {message['v']!r} of a spilled batch: deploy the receiver that wrote it")
        body = gzip.decompress(base64.b64decode(message["body"], validate=True))
        return Batch(message["app"], message["frame_id"], int(message["arrival_ms"]), body, _fault(message))
    except NoBatch:
        raise
    except (ValueError, TypeError, KeyError, OSError, EOFError, zlib.error) as error:
        raise NoBatch(f"no spilled batch: {type(error).__name__}") from error


def _fault(message: Mapping[str, Any]) -> Reason | None:
    # Receivers before the reason was written said only whether the body was undecodable base64.
    reason = message["fault"] if "fault" in message else Reason.BAD_BASE64 if message.get("undecodable") else None
    return None if reason is None else Reason(reason)
