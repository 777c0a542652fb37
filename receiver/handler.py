"""What Lambda calls: an accepted batch is answered 200 when, and only when, it is durably stored."""

import functools
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from receiver import request
from receiver.aws import Archive, Parameter, Unavailable
from receiver.batch import objects
from receiver.deadline import Deadline
from receiver.drain_keys import DrainKeys
from receiver.settings import Settings

# Logplex gives up after 5 s and then tries again at once. 4 s from its POST's arrival leave it a second for the
# network; what the gateway and a cold start took comes off.
_BUDGET_S = 3.8
# The gateway itself gives up at 30 s: an arrival further from now than that is a clock's skew.
_SKEW_MS = 30_000
# Storing must still be possible after the keys had to be waited for.
_KEYS_BUDGET_S = 1.5
# What is left after the slowest start, still within the 4 s.
_LEAST_S = 0.2


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001  Lambda's signature
    """Answer one event of an HTTP API, payload format 2.0, with an empty body always.

    Errors: 401 for a token that is not the app's, 404 and 405 for another path or method, 503 when the batch
    could not be stored. What the body holds is never an error.
    """
    return _receiver()(event)


class Receiver:
    """The handler with what it needs at hand."""

    def __init__(self, apps: frozenset[str], keys: DrainKeys, archive: Archive) -> None:
        self._apps, self._keys, self._archive = apps, keys, archive

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one event."""
        # An empty body with a length: Logplex reads no chunks and wants no text.
        return {"statusCode": self._status(event), "headers": {}, "body": "", "isBase64Encoded": False}

    def _status(self, event: Mapping[str, Any]) -> int:
        now_ms = time.time_ns() // 1_000_000
        arrival_ms = request.arrival_ms(event, now_ms)
        waited_ms = now_ms - arrival_ms if 0 <= now_ms - arrival_ms <= _SKEW_MS else 0
        deadline = Deadline(max(_LEAST_S, _BUDGET_S - waited_ms / 1000))
        try:
            sender = request.credentials(event)
            accepted = self._keys.accept(sender.app, sender.token, deadline.at_most(_KEYS_BUDGET_S))
            if not accepted or sender.app not in self._apps:
                return 401
            batch = request.batch(event, sender.app, arrival_ms)
        except request.Refused as refused:
            return refused.status
        except Unavailable as unavailable:
            _log_fault(unavailable, app=None, frame_id=None)
            return 503
        try:
            self._archive.put(objects(batch), deadline)
        except Unavailable as unavailable:
            _log_fault(unavailable, app=batch.app, frame_id=batch.frame_id)
            return 503
        return 200


@functools.cache
def _receiver() -> Receiver:
    settings = Settings.from_environment(os.environ)
    return Receiver(settings.apps, DrainKeys(Parameter(settings.keys_parameter).read), Archive(settings.bucket))


def _log_fault(unavailable: Unavailable, **where: str | None) -> None:
    # The reason is a code: neither a body nor a token can get into the log this way. One write, as lines of requests
    # that are served at the same time must not mix.
    sys.stdout.write(json.dumps({"level": "ERROR", "reason": unavailable.reason, **where}) + "\n")
