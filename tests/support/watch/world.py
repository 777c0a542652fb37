"""A simulated stack, minute by minute: real receiver, flusher and canary, and the metrics that they and AWS write."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from random import Random
from threading import Lock
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

import receiver.accepted_tokens
import receiver.aws
import receiver.canary.aws
import receiver.canary.handler
import receiver.canary.post
import receiver.deadline
import receiver.flusher.aws
import receiver.flusher.handler
import receiver.handler
import receiver.intake
from contract import canary, drain_url, names
from contract.alarms import Alarm, Watched, alarms
from contract.metric_identity import identity
from contract.vended_metrics import Vended
from receiver.accepted_tokens import AcceptedTokens
from receiver.breaker import Breaker
from receiver.canary.aws import SeenCanaries
from receiver.canary.handler import Canary, CanaryFailed
from receiver.flusher.aws import Archive, DynamoTable, SqsSpillQueue
from receiver.flusher.handler import Service
from receiver.pace import Pace
from receiver.settings import Settings
from receiver.wiring import make_intake
from tests.support.fakes import hashes_of
from tests.support.simulation.aws import Cloud
from tests.support.simulation.life import replace_surroundings
from tests.support.watch.alarm_rules import EXTRAS, Evaluator, State
from tests.support.watch.aws import NAMES, Calls, Network, Reader, Reading, VendedMetrics, series_of
from tests.support.watch.clock import Clock
from tests.support.watch.cloudwatch import MINUTE_S, Metrics, Series
from tests.support.watch.console import Console
from tests.support.watch.logplex import Logplex, Post

PREFIX = "raxx-log"
NAMESPACE = names.receiver_function(PREFIX)
KEYS = ("the-current-key", "the-next-key")
APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
# What is not due within two days is of no use to a flusher that works.
_KEPT_S = 2 * 24 * 3600
_DAY_MINUTES = 24 * 60
_IDLE_MINUTES = 15
# From the gateway to the function: 10 to 20 ms are usual, and some take longer.
_GATEWAY_S = 0.15
# A message that was received so often does not count for the age of the oldest ("Available CloudWatch metrics for
# Amazon SQS", ApproximateAgeOfOldestMessage).
_OFTEN_RECEIVED = 3


_DIGEST_MINUTES = 60


@dataclass
class Faults:
    """What is broken at the moment."""

    import_fails: bool = False
    throttled: bool = False  # no concurrency for the receiver
    not_permitted: bool = False  # API Gateway may not invoke it
    flusher_stopped: bool = False
    flusher_import_fails: bool = False
    canary_stopped: bool = False
    digester_stopped: bool = False
    hashes_unreadable: bool = False
    urls_unreadable: bool = False
    # What the receiver takes longer, and for how many POSTs of a hundred.
    slow_s: float = 0.0
    slow_percent: float = 100.0
    old_token: set[str] = field(default_factory=set)
    elsewhere: bool = False  # what is posted goes to another stack, which answers 200
    admitted: int = 1  # the stage's limits let every n-th POST through
    receiver_ahead_s: float = 0.0  # its clock


class World:
    """The stack and its surroundings. Within `simulated` only.

    `minute` goes by with `step`: what Logplex sends, then the flusher, then every 15 minutes the canary. Each POST that
    is simulated stands for `weight` POSTs in the metrics of AWS.
    """

    def __init__(
        self,
        begin: datetime,
        silence_hours: Mapping[str, int] | None = None,
        *,
        seed: int = 0,
        weight: int = 1,
        extras: Sequence[int] = EXTRAS,
        drains_enabled: bool = True,
    ) -> None:
        self.clock = Clock(begin.timestamp())
        self.random, self.weight = Random(seed), weight
        self.minute = int(self.clock.now) // MINUTE_S
        self.faults, self._extras = Faults(), extras
        self.metrics = Metrics()
        self.vended = VendedMetrics(self.metrics, self.clock)
        self.network = Network(self.clock)
        self._console = Console(self.metrics)
        self.watched = Watched(
            PREFIX, "/raxx/log-drain/", silence_hours or dict.fromkeys(APPS, 2), drains_enabled=drains_enabled
        )
        self.evaluators = [
            Evaluator(alarm, self.metrics.series[self.series_of(alarm)], extras) for alarm in alarms(self.watched)
        ]
        _Stand.world = self
        Calls.clock = self.clock
        self._simulation = _Simulation(self)
        self.cloud = Cloud(self._simulation, self.network, lambda *_: None, 1000, 60)  # type: ignore[arg-type]
        self.cloud.messages.calm = True
        self.logplex = Logplex(self.post)
        self.dead_letters = self.deletions = self._asked = 0
        self._dead_letters = [0] * _IDLE_MINUTES
        self.other_objects = 0
        # An archive that has been there for a month.
        self.objects = 25_920
        for days in (1, 2):
            self.metrics.put(series_of(Vended.OBJECTS), self.clock.now - days * _DAY_MINUTES * MINUTE_S, self.objects)
        for hours in (1, 2, 3, 4):
            self.metrics.put(series_of(Vended.DIGESTER_ERRORS), self.clock.now - hours * _DIGEST_MINUTES * MINUTE_S, 0)
        self.restart()
        self._flusher = self._service()
        self._canary = self._make_canary()

    @property
    def apps(self) -> frozenset[str]:
        """All apps."""
        return frozenset(self.watched.silence_hours)

    def series_of(self, alarm: Alarm) -> Series:
        """Give the series that an alarm is on."""
        namespace, dimensions = identity(alarm.metric, PREFIX, NAMES, alarm.app)
        return Series.of(namespace, alarm.metric.title, dimensions)

    def restart(self) -> None:
        """Start the receiver anew: a new sandbox, which knows no keys."""
        settings = self._settings()
        self._receiver = receiver.handler.Receiver(
            {app: AcceptedTokens(partial(self._read_hashes, app), self.clock.monotonic) for app in self.apps},
            make_intake(settings, self._console.emit(NAMESPACE, self.clock)),
            receiver.aws.Queue("queue"),
            self._console.emit(NAMESPACE, self.clock),
            pace=Pace(0, 1),
        )

    # ---------------------------------------------------------------- time

    def step(self, send: Callable[[int], None]) -> None:
        """Let a minute go by; `send` lets Logplex send what the apps log in it."""
        begin = self.minute * MINUTE_S
        self.clock.now = begin + 0.001
        with redirect_stdout(self._console):
            send(self.minute)
            if not self.faults.flusher_stopped:
                self._flush()
            if self.minute % canary.EVERY_MINUTES == 0 and not self.faults.canary_stopped:
                self._send_canaries()
            if self.minute % _DIGEST_MINUTES == 0 and not self.faults.digester_stopped:
                # Of the digester only what S3 says matters to its alarm.
                self.vended.put(Vended.DIGESTER_ERRORS, self.network.trouble("s3", ("put",)) is not None)
        self.clock.now = max(self.clock.now, begin + 59)
        self._vend()
        self.minute += 1
        for evaluator in self.evaluators:
            evaluator.evaluate(self.minute)

    def _vend(self) -> None:
        """Put what AWS measures by itself every minute, and every day."""
        put, messages, now = self.vended.put, self.cloud.messages, self._simulation.now
        ages = (now - time for name, time in messages.sent.items() if messages.receives[name] < _OFTEN_RECEIVED)
        put(Vended.SPILL_AGE, max(ages, default=0.0))
        # Nobody receives from this queue, and SQS reports an idle one up to 15 minutes late ("Monitoring Amazon SQS
        # queues using CloudWatch").
        self._dead_letters.append(self.dead_letters)
        put(Vended.DEAD_LETTERS, self._dead_letters[-_IDLE_MINUTES:][0])
        put(Vended.DELETIONS, self.deletions)
        if self.network.throttled:
            put(Vended.BUFFER_THROTTLES, 1, self.network.throttled)
            self.network.throttled = 0
        if self.minute % _DAY_MINUTES == _DAY_MINUTES - 1:
            self.objects += len(self.cloud.objects.stored)
            self.cloud.objects.stored.clear()
            put(Vended.OBJECTS, self.objects + self.other_objects)
            self._forget()
            del self._dead_letters[:-_IDLE_MINUTES]

    def _forget(self) -> None:
        """Forget what no alarm and no flusher looks at any more."""
        for values in self.metrics.series.values():
            values.forget(self.minute - 8 * _DAY_MINUTES)
        partitions = self.cloud.table.partitions
        for name in [each for each in partitions if not each.startswith(("flushed", "seen", "late/"))]:
            begin = datetime.strptime(name.partition("/")[2][:16], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
            if begin.timestamp() < self.clock.now - _KEPT_S:
                del partitions[name]

    # ---------------------------------------------------------------- the endpoint

    def post(self, post: Post) -> int:
        """Take a POST as API Gateway does, and give the status of its answer."""
        status = self._answer(post)
        weight = self.weight
        self.vended.put(Vended.API_REQUESTS, 1, weight)
        self.vended.put(Vended.API_4XX, 1 if 400 <= status < 500 else 0, weight)
        self.vended.put(Vended.API_5XX, 1 if status >= 500 else 0, weight)
        return status

    def _answer(self, post: Post) -> int:
        if not post.path.startswith("/prod/drain"):
            return 404
        if self.faults.not_permitted:
            return 500
        if self.faults.throttled:
            self.vended.put(Vended.RECEIVER_THROTTLES, 1, self.weight)
            return 503
        if self.faults.elsewhere:
            return 200
        self._asked += 1
        if self._asked % self.faults.admitted:
            return 429
        arrival = self.clock.now
        self.clock.pass_by(_GATEWAY_S)
        begin = self.clock.now
        if self.faults.import_fails:
            self.clock.pass_by(0.3)
            self.vended.put(Vended.RECEIVER_ERRORS, 1, self.weight)
            return 500
        if self.random.random() * 100 < self.faults.slow_percent:
            self.clock.pass_by(self.faults.slow_s)
        self.network.caller, self.clock.skew_s = "receiver", self.faults.receiver_ahead_s
        status: int = self._receiver.receive(_event(post, arrival), 10.0)["statusCode"]
        self.network.caller, self.clock.skew_s = "", 0.0
        self.vended.put(Vended.RECEIVER_ERRORS, 0, self.weight)
        self.vended.put(Vended.RECEIVER_DURATION, (self.clock.now - begin) * 1000, self.weight)
        return status

    def token(self, app: str) -> str:
        """Give the token that an app's drain has."""
        return drain_url.token("an-old-key" if app in self.faults.old_token else KEYS[0], app)

    # ---------------------------------------------------------------- functions

    def _settings(self) -> Settings:
        minutes = self.watched.flush_minutes
        return Settings("bucket", self.apps, "keys", "queue", "table", "/u/", "d", minutes, 0, NAMESPACE)

    def _service(self) -> Service:
        emit = self._console.emit(NAMESPACE, self.clock)
        return Service(
            self.apps,
            self.watched.flush_minutes,
            DynamoTable("table"),
            Archive("bucket"),
            SqsSpillQueue("queue"),
            make_intake(self._settings(), emit),
            emit,
            self._now_ms,
        )

    def _make_canary(self) -> Canary:
        seen = SeenCanaries("table")
        return Canary(self.apps, self.watched.flush_minutes, self, seen, lambda: None, clock=self._now_ms)

    def _now_ms(self) -> int:
        return self.clock.time_ns() // 1_000_000

    def _flush(self) -> None:
        begin, error = self.clock.now, 0
        try:
            if self.faults.flusher_import_fails:
                raise ImportError
            self._flusher.run(120.0)
        except Exception:  # noqa: BLE001  whatever ends the function is an error to Lambda
            error = 1
        self.vended.put(Vended.FLUSHER_ERRORS, error)
        self.vended.put(Vended.FLUSHER_DURATION, (self.clock.now - begin) * 1000)

    def _send_canaries(self) -> None:
        error = 0
        try:
            self._canary.run()
        except CanaryFailed:
            error = 1
        self.vended.put(Vended.CANARY_ERRORS, error)

    def of(self, app: str) -> str:
        """Give an app's drain URL, as the canary reads it from SSM."""
        if self.faults.urls_unreadable:
            raise receiver.canary.post.NotAccepted("GetParameter-AccessDeniedException")
        return drain_url.url("https://endpoint/prod", app, KEYS[0])

    def _read_hashes(self, app: str, _: object) -> str:
        if self.faults.hashes_unreadable:
            raise receiver.aws.Unavailable("ssm-AccessDeniedException", "simulated")
        return hashes_of(app, *KEYS)

    # ---------------------------------------------------------------- what is known afterwards

    def alarmed(self, since: int) -> list[dict[str, int]]:
        """The alarms that went to ALARM at a minute or after it, each with the first such minute, for each range."""
        first: list[dict[str, int]] = [{} for _ in self._extras]
        for evaluator in self.evaluators:
            for found, history in zip(first, evaluator.histories, strict=True):
                minutes = [minute for minute, state in history.changes if state is State.ALARM and minute >= since]
                if minutes:
                    found[evaluator.alarm.name] = minutes[0]
        return first


class _Simulation(SimpleNamespace):
    """A world as the simulated clients see it."""

    def __init__(self, world: World) -> None:
        begin = world.clock.now
        super().__init__(totals=_Totals(), random=world.random, epoch_s=int(begin), note=lambda *_: None)
        self._clock, self._begin = world.clock, begin

    @property
    def now(self) -> float:
        return self._clock.now - self._begin


class _Totals(dict[str, int]):
    def __missing__(self, key: str) -> int:
        return 0


def _event(post: Post, arrival: float) -> dict[str, Any]:
    path, _, query = post.path.partition("?")
    return {
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in post.headers.items()},
        "requestContext": {"stage": "prod", "http": {"method": "POST"}, "timeEpoch": int(arrival * 1000)},
        "body": b64encode(post.body).decode(),
        "isBase64Encoded": True,
    }


class _Connection:
    """Stands in for http.client's connections: the canary's POSTs go to the world's endpoint."""

    def __init__(self, host: str, timeout: float) -> None:
        self._status = 0

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Post it."""
        assert (method, urlsplit(path).path) == ("POST", "/prod/drain")
        self._status = _Stand.world.post(Post(path, body, headers))

    def getresponse(self) -> SimpleNamespace:
        """Give the status."""
        return SimpleNamespace(status=self._status)

    def close(self) -> None:
        """Do nothing."""


class _Stand:
    """Stands in for modules, in the world of the moment."""

    world: World

    @classmethod
    def monotonic(cls) -> float:
        return cls.world.clock.monotonic()

    @classmethod
    def time_ns(cls) -> int:
        return cls.world.clock.time_ns()

    @classmethod
    def client(cls, service: str, config: Any) -> Any:
        return cls.world.cloud.client(service, config)


@contextmanager
def simulated() -> Iterator[None]:
    """Replace AWS, the network and the clock in the code under test."""
    http = SimpleNamespace(
        client=SimpleNamespace(HTTPSConnection=_Connection, HTTPException=OSError), HTTPStatus=SimpleNamespace(OK=200)
    )
    with pytest.MonkeyPatch.context() as patch:
        replace_surroundings(patch, _Stand)
        patch.setattr(receiver.canary.aws, "boto3", _Stand)
        patch.setattr(receiver.canary.post, "http", http)
        patch.setattr(receiver.accepted_tokens, "threading", SimpleNamespace(Lock=Lock, Thread=Reader))
        patch.setattr(receiver.accepted_tokens, "Future", Reading)
        patch.setattr(receiver.aws, "Calls", Calls)
        patch.setattr(receiver.aws, "time", _Stand)
        patch.setattr(receiver.aws, "Breaker", lambda probe_s: Breaker(probe_s, _Stand.monotonic))
        yield
