"""What Lambda calls: an accepted batch is answered 200 when, and only when, it is durably stored."""

import functools
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from contract.metrics import Metric
from receiver import metrics, request, spill
from receiver.aws import Archive, NotAsked, Parameter, Queue, Unavailable
from receiver.deadline import Deadline, DeadlineExceeded
from receiver.drain_keys import DrainKeys
from receiver.logplex import loss_reports
from receiver.logplex.batch import Batch, StoredObject, objects
from receiver.metrics import Point
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


_MAKING = threading.Lock()


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
    # Where several requests come first at a time: clients of boto3's default session must be made by one thread.
    with _MAKING:
        receiver = _receiver()
    if "Records" in event:
        return receiver.redrive(event, context.get_remaining_time_in_millis() / 1000 - _REDRIVE_RESERVE_S)
    return receiver.receive(event, context.get_remaining_time_in_millis() / 1000)


class Receiver:
    """The handler with what it needs at hand; `emit` takes what is to be counted of each event."""

    def __init__(
        self,
        apps: frozenset[str],
        keys: DrainKeys,
        archive: Archive,
        queue: Queue,
        emit: Callable[[Sequence[Point]], None] = lambda _: None,
    ) -> None:
        self._apps, self._keys, self._archive, self._queue, self._emit = apps, keys, archive, queue, emit

    def receive(self, event: Mapping[str, Any], seconds: float = math.inf) -> dict[str, Any]:
        """Answer a drain's POST within `seconds`: at once when none are left."""
        points: list[Point] = []
        status = self._status(event, seconds, points)
        self._emit([*metrics.of_answer(status), *points])
        # An empty body with a length: Logplex reads no chunks and wants no text.
        return {"statusCode": status, "headers": {}, "body": "", "isBase64Encoded": False}

    def redrive(self, event: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Store spilled batches under the keys that they would have had; those that can't be, SQS shall keep."""
        deadline = Deadline(seconds)
        points: list[Point] = []
        failed = [record["messageId"] for record in event["Records"] if not self._redriven(record, deadline, points)]
        self._emit(points)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _status(self, event: Mapping[str, Any], seconds: float, points: list[Point]) -> int:
        now_ms = time.time_ns() // 1_000_000
        arrival_ms = request.arrival_ms(event, now_ms)
        waited_ms = now_ms - arrival_ms if 0 <= now_ms - arrival_ms <= _SKEW_MS else 0
        deadline = Deadline(min(seconds, max(_LEAST_S, _BUDGET_S - waited_ms / 1000)))
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
        if not deadline.remaining():
            # It waited for a thread until Logplex was about to try again: work on it would keep the next one waiting.
            _log_fault("late")
            return 503
        batch = request.batch(event, sender.app, arrival_ms)
        left = deadline.remaining()
        to_store = deadline.at_most(left - min(_SPILL_RESERVE_S, left / 2))
        stored = self._objects(batch, to_store)
        in_time = stored is not None and self._store(batch, stored, to_store, points)
        if not in_time and not self._spill(batch, deadline, points):
            return 503
        points += metrics.of_batch(batch, stored, loss_reports.announced_frames(event))
        return 200

    def _objects(self, batch: Batch, deadline: Deadline) -> list[StoredObject] | None:
        try:
            return objects(batch, deadline.check)
        except DeadlineExceeded:
            _log_fault("objects-deadline", batch)
            return None

    def _spill(self, batch: Batch, deadline: Deadline, points: list[Point]) -> bool:
        """Put a batch into the queue; whether it is there."""
        try:
            self._queue.send(spill.encode(batch), deadline)
        except Unavailable as unavailable:
            _log_fault(unavailable.reason, batch)
        except spill.TooLarge:
            _log_fault("spill-too-large", batch)
        else:
            points.append(Point(Metric.SPILLED, 1))
            return True
        return False

    def _redriven(self, record: Mapping[str, Any], deadline: Deadline, points: list[Point]) -> bool:
        try:
            batch = spill.decode(record["body"])
        except spill.NoBatch:
            _log_fault("spill-malformed", message_id=record["messageId"])
            return False
        stored = self._objects(batch, deadline)
        if stored is None or not self._store(batch, stored, deadline, points):
            return False
        points.append(Point(Metric.REDRIVEN, 1))
        return True

    def _store(self, batch: Batch, stored: Sequence[StoredObject], deadline: Deadline, points: list[Point]) -> bool:
        begin = time.monotonic()
        try:
            # The key of a batch without a valid time follows from its arrival: an earlier try can lie in another slot.
            earlier = [key for each in stored for key in each.earlier]
            if earlier and self._archive.holds_any(earlier, deadline):
                return True
            self._archive.put(stored, deadline)
        except NotAsked as not_asked:
            # No latency: a great number of zeros would hide how slow S3 is.
            _log_fault(not_asked.reason, batch)
            return False
        except Unavailable as unavailable:
            _log_fault(unavailable.reason, batch)
            points.append(_write_latency(begin))
            return False
        points.append(_write_latency(begin))
        points.append(Point(Metric.BYTES_STORED, sum(len(each.data) for each in stored), batch.app))
        return True


@functools.cache
def _receiver() -> Receiver:
    settings = Settings.from_environment(os.environ)
    return Receiver(
        settings.apps,
        DrainKeys(Parameter(settings.keys_parameter).read),
        Archive(settings.bucket),
        Queue(settings.spill_queue_url),
        functools.partial(_print_metrics, os.environ.get("AWS_LAMBDA_FUNCTION_NAME", metrics.DEFAULT_NAMESPACE)),
    )


def _write_latency(begin: float) -> Point:
    return Point(Metric.WRITE_LATENCY, round((time.monotonic() - begin) * 1000))


def _print_metrics(namespace: str, points: Sequence[Point]) -> None:
    sys.stdout.write(metrics.lines(points, namespace, time.time_ns() // 1_000_000))


def _log_fault(reason: str, batch: Batch | None = None, **where: str) -> None:
    # The reason is a code: neither a body nor a token can get into the log this way. One write, as lines of requests
    # that are served at the same time must not mix.
    of_batch = {"app": batch.app, "frame_id": batch.frame_id} if batch else {}
    sys.stdout.write(json.dumps({"level": "ERROR", "reason": reason, **of_batch, **where}) + "\n")
