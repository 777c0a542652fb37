"""What Lambda calls: an accepted batch is answered 200 when, and only when, it is durable."""

import functools
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from contract import names
from contract.logplex.batch import Batch, Survey
from contract.metrics import Metric
from receiver import aws, faults, metrics, request, spill
from receiver.accepted_tokens import AcceptedTokens
from receiver.aws import Parameters, Queue, Unavailable
from receiver.deadline import Deadline, DeadlineExceeded
from receiver.intake import Intake
from receiver.metrics import Emit, Entry, Point
from receiver.pace import NO_PACE, Pace
from receiver.settings import Settings
from receiver.wiring import make_intake

if TYPE_CHECKING:
    from botocore.config import Config

_UNAUTHORISED = 401
# The gateway itself gives up at 30 s, so an arrival that differs from now by more than that is clock skew.
_SKEW_MS = 30_000


@dataclass(frozen=True)
class Budget:
    """The seconds that a POST may take, and their parts.

    Logplex gives up 5 s after it sent a POST, and tries again at once. Of the 4 s from the POST's arrival `response`
    leaves some for the network; the time that the gateway and a cold start took is subtracted.
    """

    response: float = 3.8
    # Waiting for the hashes of accepted tokens may take this much.
    hashes: float = 1.2
    # The queue is left this much, or half of what there is after a slow start. The buffer has the rest.
    spill_reserve: float = 1.2
    # What is left after the slowest start, still within the 4 s.
    least: float = 0.2


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Give the milliseconds until the function is ended."""


class Receiver:
    """Answers POSTs with the help of its clients; `tokens` are by app, and `emit` takes the metrics of each event."""

    def __init__(
        self,
        tokens: Mapping[str, AcceptedTokens],
        intake: Intake,
        queue: Queue,
        emit: Emit = lambda _: None,
        budget: Budget = Budget(),
        pace: Pace = NO_PACE,
    ) -> None:
        self._tokens, self._intake, self._queue = tokens, intake, queue
        self._emit, self._budget, self._pace = emit, budget, pace

    def receive(self, event: Mapping[str, Any], seconds: float = math.inf) -> dict[str, Any]:
        """Respond to a drain's POST within `seconds`: at once when none are left."""
        status = self._status(event, seconds)
        if status == _UNAUTHORISED:
            self._emit(Entry([Point(Metric.UNAUTHORISED, 1)]))
        # An empty body with a length: Logplex reads no chunks and wants no text.
        return {"statusCode": status, "headers": {}, "body": "", "isBase64Encoded": False}

    def _status(self, event: Mapping[str, Any], seconds: float) -> int:
        now_ms = time.time_ns() // 1_000_000
        arrival_ms = request.arrival_ms(event, now_ms)
        waited_ms = now_ms - arrival_ms if 0 <= now_ms - arrival_ms <= _SKEW_MS else 0
        began = time.monotonic() - waited_ms / 1000
        budget = self._budget
        deadline = Deadline(min(seconds, max(budget.least, budget.response - waited_ms / 1000)))
        try:
            sender = request.credentials(event)
            tokens = self._tokens.get(sender.app)
            accepted = tokens is not None and tokens.accept(sender.token, deadline.at_most(budget.hashes))
        except request.Refused as refused:
            return refused.status
        except Unavailable as unavailable:
            faults.log(unavailable.reason)
            return 503
        if not accepted:
            return _UNAUTHORISED
        if not deadline.remaining():
            # It waited for a thread until Logplex was about to try again. Working on it would delay the next POST.
            faults.log("late")
            return 503
        batch = request.batch(event, sender.app, arrival_ms)
        found = self._keep(batch, deadline)
        if found:
            self._pace.wait(batch, found, time.monotonic() - began, deadline)
            return 200
        return 200 if self._spill(batch, deadline) else 503

    def _keep(self, batch: Batch, deadline: Deadline) -> Survey | None:
        left = deadline.remaining()
        to_keep = deadline.at_most(left - min(self._budget.spill_reserve, left / 2))
        try:
            return self._intake.keep(batch, to_keep)
        except Unavailable as unavailable:
            faults.log(unavailable.reason, batch)
        except DeadlineExceeded:
            faults.log("reading-deadline", batch)
        return None

    def _spill(self, batch: Batch, deadline: Deadline) -> bool:
        """Put a batch into the queue, and say whether it is there."""
        try:
            self._queue.send(spill.encode(batch), deadline)
        except Unavailable as unavailable:
            faults.log(unavailable.reason, batch)
        except spill.TooLarge:
            faults.log("spill-too-large", batch)
        else:
            faults.log("spilled", batch, level="WARN")
            return True
        return False


def make_receiver(budget: Budget = Budget(), config: "Config" = aws.CONFIG, delayed_at_once: int = 1) -> Receiver:
    """Make the receiver that the environment describes; MissingSetting for a variable that is not set.

    At most so many answers are delayed at once; in Lambda there is only one request at a time.
    """
    settings = Settings.from_environment(os.environ, names.RECEIVER_VARIABLES)
    emit = metrics.printer(settings.namespace)
    return Receiver(
        _accepted_tokens(settings, Parameters(config)),
        make_intake(settings, emit, config),
        Queue(settings.spill_queue_url, config),
        emit,
        budget,
        Pace(settings.answer_after_ms, delayed_at_once),
    )


def _accepted_tokens(settings: Settings, parameters: Parameters) -> dict[str, AcceptedTokens]:
    path = settings.token_hashes_path
    return {app: AcceptedTokens(functools.partial(parameters.read, f"{path}{app}")) for app in settings.apps}


class Handler:
    """A Lambda handler, which makes its receiver once and keeps it."""

    def __init__(self, make: Callable[[], Receiver] = make_receiver) -> None:
        self._receiver = functools.cache(make)
        self._making = threading.Lock()

    def __call__(self, event: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Answer a drain's POST (HTTP API, payload format 2.0).

        The response always has an empty body. Its status is 200 for a batch that is in the buffer or spilled, 401 for a
        token that is not the app's, 404 and 405 for another path or method, 503 for a batch that neither the buffer nor
        the queue took. The content of a body is never an error.
        """
        if "Records" in event:
            return _left_in_queue(event)
        return self.prepare().receive(event, context.get_remaining_time_in_millis() / 1000)

    def prepare(self) -> Receiver:
        """Make the receiver and its AWS clients, without a request to AWS.

        MissingSetting for a variable that is not set; botocore's BotoCoreError where boto3 lacks a region or the like.
        """
        # The first requests can come several at a time, and boto3's default session is not safe to share among threads.
        with self._making:
            return self._receiver()


def _left_in_queue(event: Mapping[str, Any]) -> dict[str, Any]:
    """Tell SQS to keep all messages: the flusher drains the queue.

    Until an update of the stack is complete, the event source mapping of an earlier version may deliver them here. With
    any other answer it would delete them ("Handling errors for an SQS event source in Lambda").
    """
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]]}


handler = Handler()
if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
    # Lambda gives a whole CPU until the module is loaded, and then only the memory's share of one ("Understanding the
    # Lambda execution environment lifecycle").
    handler.prepare()
