"""What Lambda calls every minute: flushes what is due, then drains the spill queue."""

import functools
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from contract import names
from contract.metrics import Field, Metric
from receiver import faults, metrics
from receiver.deadline import Deadline
from receiver.flusher.aws import Archive, DynamoTable, SqsSpillQueue
from receiver.flusher.drain import SpillQueue, drain
from receiver.flusher.flush import Store, Table
from receiver.flusher.run import run
from receiver.intake import Intake
from receiver.metrics import Emit, Entry, Point
from receiver.settings import Settings
from receiver.wiring import make_intake

# The next run begins after a minute. An object, or a spilled batch, that was begun before is finished.
_FLUSH_S, _DRAIN_S = 40.0, 50.0
# What the end of a run takes.
_RESERVE_S = 2.0


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Give the milliseconds until the function is ended."""


class FlusherFailed(Exception):
    """Something was left to the next run; the message names it. Lambda counts the run as an error."""


class Service:
    """The flusher with its clients; `emit` takes its metrics."""

    def __init__(
        self,
        apps: frozenset[str],
        minutes: int,
        table: Table,
        store: Store,
        queue: SpillQueue,
        intake: Intake,
        emit: Emit,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._apps, self._minutes, self._table, self._store = apps, minutes, table, store
        self._queue, self._intake, self._emit, self._clock = queue, intake, emit, clock

    def run(self, seconds: float) -> dict[str, Any]:
        """Do one run, within so many seconds, and give its summary; FlusherFailed after doing all that was possible."""
        deadline = Deadline(seconds - _RESERVE_S)
        flushing, draining = deadline.at_most(_FLUSH_S), deadline.at_most(_DRAIN_S)
        outcome = run(
            self._apps,
            self._minutes,
            self._table,
            self._store,
            lambda tally, size, slot: self._emit(metrics.of_stored(tally, size, slot)),
            self._clock,
            lambda: flushing.remaining() > 0,
        )
        failures = {app: _code(failure) for app, failure in outcome.failures.items()}
        drained = 0
        try:
            drained = drain(self._queue, self._intake, deadline, lambda: draining.remaining() > 0)
        except Exception as failure:  # noqa: BLE001  whatever it is, the messages stay in the queue
            failures["spill queue"] = _code(failure)
        behind_s = outcome.behind_ms // 1000
        silence = [Point(Metric.SILENCE, length // 1000, app) for app, length in sorted(outcome.silence_ms.items())]
        self._emit(Entry([Point(Metric.BEHIND, behind_s), *silence], {Field.DRAINED: drained} if drained else {}))
        for what, reason in failures.items():
            faults.log("flush-failed", what=what, cause=reason)
        if failures:
            raise FlusherFailed(", ".join(f"{what}: {reason}" for what, reason in failures.items()))
        return {"slots": outcome.slots, "drained": drained, "behindSeconds": behind_s}


def make_service() -> Service:
    """Make the flusher that the environment describes; MissingSetting for a variable that is not set."""
    settings = Settings.from_environment(os.environ, names.FLUSHER_VARIABLES)
    emit = metrics.printer(settings.namespace)
    return Service(
        settings.apps,
        settings.flush_minutes,
        DynamoTable(settings.buffer_table),
        Archive(settings.bucket, options=settings.put_options),
        SqsSpillQueue(settings.spill_queue_url),
        make_intake(settings, emit),
        emit,
    )


service = functools.cache(make_service)


def handler(_: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Do one run. The answer says how many slots were flushed, how many batches drained, and how far it is behind."""
    return service().run(context.get_remaining_time_in_millis() / 1000)


def _code(failure: Exception) -> str:
    response = getattr(failure, "response", None)
    return response["Error"]["Code"] if response else getattr(failure, "reason", type(failure).__name__)
