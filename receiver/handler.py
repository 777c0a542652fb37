"""What Lambda calls: an accepted batch is answered 200 when, and only when, it is durably stored."""

import functools
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

from receiver import request, spill
from receiver.aws import Archive, Parameter, Queue, Unavailable
from receiver.batch import Batch, objects
from receiver.deadline import Deadline
from receiver.drain_keys import DrainKeys
from receiver.settings import Settings

# Logplex gives up after 5 s and then tries again at once. 4 s from its POST's arrival leave it a second for the
# network; what the gateway and a cold start took comes off.
_BUDGET_S = 3.8
# The gateway itself gives up at 30 s: an arrival further from now than that is a clock's skew.
_SKEW_MS = 30_000
# Of the 3.8 s, waiting for keys may take 1.2, and the queue is left 1.2, or half of what there is after a slow start.
# S3 has the rest.
_KEYS_BUDGET_S = 1.2
_SPILL_RESERVE_S = 1.2
# What is left after the slowest start, still within the 4 s.
_LEAST_S = 0.2
# Of a function's time that a redrive does not use: for the answer itself.
_REDRIVE_RESERVE_S = 1.0


class Context(Protocol):
    """What is used of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Give the milliseconds until the function is ended."""


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Answer one event: a drain's POST (HTTP API, payload format 2.0), or spilled batches that SQS delivers.

    A POST is answered with an empty body always: 200 stored or spilled, 401 for a token that is not the app's, 404
    and 405 for another path or method, 503 when the batch could be kept nowhere. What the body holds is never an error.
    SQS is told which messages to keep.
    """
    if "Records" in event:
        return _receiver().redrive(event, context.get_remaining_time_in_millis() / 1000 - _REDRIVE_RESERVE_S)
    return _receiver().receive(event)


class Receiver:
    """The handler with what it needs at hand."""

    def __init__(self, apps: frozenset[str], keys: DrainKeys, archive: Archive, queue: Queue) -> None:
        self._apps, self._keys, self._archive, self._queue = apps, keys, archive, queue

    def receive(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a drain's POST."""
        # An empty body with a length: Logplex reads no chunks and wants no text.
        return {"statusCode": self._status(event), "headers": {}, "body": "", "isBase64Encoded": False}

    def redrive(self, event: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Store spilled batches under the keys that they would have had; those that can't be, SQS shall keep."""
        deadline = Deadline(seconds)
        failed = [record["messageId"] for record in event["Records"] if not self._stored(record, deadline)]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _status(self, event: Mapping[str, Any]) -> int:
        now_ms = time.time_ns() // 1_000_000
        arrival_ms = request.arrival_ms(event, now_ms)
        waited_ms = now_ms - arrival_ms if 0 <= now_ms - arrival_ms <= _SKEW_MS else 0
        deadline = Deadline(max(_LEAST_S, _BUDGET_S - waited_ms / 1000))
        try:
            sender = request.credentials(event)
            accepted = self._keys.accept(sender.app, sender.token, deadline.at_most(_KEYS_BUDGET_S))
        except request.Refused as refused:
            return refused.status
        except Unavailable as unavailable:
            _log_fault(unavailable.reason)
            return 503
        if not accepted or sender.app not in self._apps:
            return 401
        return 200 if self._keep(request.batch(event, sender.app, arrival_ms), deadline) else 503

    def _keep(self, batch: Batch, deadline: Deadline) -> bool:
        """Store a batch, or spill it where S3 does not take it in time; whether it is in either."""
        left = deadline.remaining()
        try:
            self._archive.put(objects(batch), deadline.at_most(left - min(_SPILL_RESERVE_S, left / 2)))
        except Unavailable as unavailable:
            _log_fault(unavailable.reason, batch)
        else:
            return True
        try:
            self._queue.send(spill.encode(batch), deadline)
        except Unavailable as unavailable:
            _log_fault(unavailable.reason, batch)
        except spill.TooLarge:
            _log_fault("spill-too-large", batch)
        else:
            return True
        return False

    def _stored(self, record: Mapping[str, Any], deadline: Deadline) -> bool:
        try:
            batch = spill.decode(record["body"])
        except spill.NoBatch:
            _log_fault("spill-malformed", message_id=record["messageId"])
            return False
        try:
            self._archive.put(objects(batch), deadline)
        except Unavailable as unavailable:
            _log_fault(unavailable.reason, batch)
            return False
        return True


@functools.cache
def _receiver() -> Receiver:
    settings = Settings.from_environment(os.environ)
    return Receiver(
        settings.apps,
        DrainKeys(Parameter(settings.keys_parameter).read),
        Archive(settings.bucket),
        Queue(settings.spill_queue_url),
    )


def _log_fault(reason: str, batch: Batch | None = None, **where: str) -> None:
    # The reason is a code: neither a body nor a token can get into the log this way. One write, as lines of requests
    # that are served at the same time must not mix.
    of_batch = {"app": batch.app, "frame_id": batch.frame_id} if batch else {}
    sys.stdout.write(json.dumps({"level": "ERROR", "reason": reason, **of_batch, **where}) + "\n")
