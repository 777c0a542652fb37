"""What Lambda calls: an accepted batch is answered 200 when, and only when, it is durably stored."""

import functools
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from contract.metrics import Metric
from receiver import aws, metrics, request, spill
from receiver.accepted_keys import AcceptedKeys
from receiver.aws import LogBucket, NotAsked, Parameter, Queue, Unavailable
from receiver.deadline import Deadline, DeadlineExceeded
from receiver.logplex import loss_reports
from receiver.logplex.batch import Batch, StoredObject, objects
from receiver.metrics import Point
from receiver.settings import Settings

if TYPE_CHECKING:
    from botocore.config import Config

# The gateway itself gives up at 30 s, so an arrival that differs from now by more than that is clock skew.
_SKEW_MS = 30_000
# The part of a function's time that a redrive leaves for its response.
REDRIVE_RESERVE_S = 1.0


@dataclass(frozen=True)
class Budget:
    """The seconds that a POST may take, and their parts.

    Logplex gives up 5 s after it sent a POST, and tries again at once. Of the 4 s from the POST's arrival `response`
    leaves some for the network; the time that the gateway and a cold start took is subtracted.
    """

    response: float = 3.8
    # Waiting for drain keys may take this much.
    keys: float = 1.2
    # The queue is left this much, or half of what there is after a slow start. S3 has the rest.
    spill_reserve: float = 1.2
    # What is left after the slowest start, still within the 4 s.
    least: float = 0.2


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Give the milliseconds until the function is ended."""


class Receiver:
    """Answers events with the help of its clients; `emit` takes the metrics of each event."""

    def __init__(
        self,
        apps: frozenset[str],
        keys: AcceptedKeys,
        bucket: LogBucket,
        queue: Queue,
        emit: Callable[[Sequence[Point]], None] = lambda _: None,
        budget: Budget = Budget(),
    ) -> None:
        self._apps, self._keys, self._bucket, self._queue = apps, keys, bucket, queue
        self._emit, self._budget = emit, budget

    def receive(self, event: Mapping[str, Any], seconds: float = math.inf) -> dict[str, Any]:
        """Respond to a drain's POST within `seconds`: at once when none are left."""
        points: list[Point] = []
        status = self._status(event, seconds, points)
        self._emit([*metrics.of_response(status), *points])
        # An empty body with a length: Logplex reads no chunks and wants no text.
        return {"statusCode": status, "headers": {}, "body": "", "isBase64Encoded": False}

    def redrive(self, event: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Store spilled batches under the keys that they would have had, and tell SQS which of them to keep."""
        deadline = Deadline(seconds)
        points: list[Point] = []
        failed = [record["messageId"] for record in event["Records"] if not self._redriven(record, deadline, points)]
        self._emit(points)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _status(self, event: Mapping[str, Any], seconds: float, points: list[Point]) -> int:
        now_ms = time.time_ns() // 1_000_000
        arrival_ms = request.arrival_ms(event, now_ms)
        waited_ms = now_ms - arrival_ms if 0 <= now_ms - arrival_ms <= _SKEW_MS else 0
        budget = self._budget
        deadline = Deadline(min(seconds, max(budget.least, budget.response - waited_ms / 1000)))
        try:
            sender = request.credentials(event)
            accepted = self._keys.accept(sender.app, sender.token, deadline.at_most(budget.keys))
        except request.Refused as refused:
            return refused.status
        except Unavailable as unavailable:
            _log_fault(unavailable.reason)
            return 503
        if not accepted or sender.app not in self._apps:
            return 401
        if not deadline.remaining():
            # It waited for a thread until Logplex was about to try again. Working on it would delay the next POST.
            _log_fault("late")
            return 503
        batch = request.batch(event, sender.app, arrival_ms)
        left = deadline.remaining()
        to_store = deadline.at_most(left - min(budget.spill_reserve, left / 2))
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
        """Put a batch into the queue, and say whether it is there."""
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
        except spill.InvalidMessage:
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
            # The key of a batch without a valid time follows from its arrival: an earlier try can be in another slot.
            earlier = [key for each in stored for key in each.earlier]
            if earlier and self._bucket.holds_any(earlier, deadline):
                return True
            self._bucket.put(stored, deadline)
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


def make_receiver(budget: Budget = Budget(), config: "Config" = aws.CONFIG) -> Receiver:
    """Make the receiver that the environment describes; MissingSetting for a variable that is not set."""
    settings = Settings.from_environment(os.environ)
    return Receiver(
        settings.apps,
        AcceptedKeys(Parameter(settings.keys_parameter, config).read),
        LogBucket(settings.bucket, config),
        Queue(settings.spill_queue_url, config),
        functools.partial(_print_metrics, os.environ.get("AWS_LAMBDA_FUNCTION_NAME", metrics.DEFAULT_NAMESPACE)),
        budget,
    )


class Handler:
    """A Lambda handler, which makes its receiver at its first event and keeps it."""

    def __init__(self, make: Callable[[], Receiver] = make_receiver) -> None:
        self._receiver = functools.cache(make)
        self._making = threading.Lock()

    def __call__(self, event: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Answer one event: a drain's POST (HTTP API, payload format 2.0), or spilled batches that SQS delivers.

        The response to a POST always has an empty body. Its status is 200 for a batch that is stored or spilled, 401
        for a token that is not the app's, 404 and 405 for another path or method, 503 for a batch that neither S3 nor
        the queue took. The content of a body is never an error. SQS is told which messages to keep.
        """
        receiver = self.prepare()
        left_s = context.get_remaining_time_in_millis() / 1000
        if "Records" in event:
            return receiver.redrive(event, left_s - REDRIVE_RESERVE_S)
        return receiver.receive(event, left_s)

    def prepare(self) -> Receiver:
        """Make the receiver and its AWS clients, without a request to AWS.

        MissingSetting for a variable that is not set; botocore's BotoCoreError where boto3 lacks a region or the like.
        """
        # The first requests can come several at a time, and boto3's default session is not safe to share among threads.
        with self._making:
            return self._receiver()


handler = Handler()


def _write_latency(begin: float) -> Point:
    return Point(Metric.WRITE_LATENCY, round((time.monotonic() - begin) * 1000))


def _print_metrics(namespace: str, points: Sequence[Point]) -> None:
    sys.stdout.write(metrics.lines(points, namespace, time.time_ns() // 1_000_000))


def _log_fault(reason: str, batch: Batch | None = None, **where: str) -> None:
    # The reason is a code, so neither a body nor a token can get into the log. One write, because lines of requests
    # that are served at the same time must not mix.
    of_batch = {"app": batch.app, "frame_id": batch.frame_id} if batch else {}
    sys.stdout.write(json.dumps({"level": "ERROR", "reason": reason, **of_batch, **where}) + "\n")
