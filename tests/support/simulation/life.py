"""One life of the system: receivers and flushers as they are, on a simulated clock and a simulated AWS."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import receiver.aws
import receiver.deadline
import receiver.faults
import receiver.flusher.aws
import receiver.flusher.handler
import receiver.handler
import receiver.intake
from contract import buffer_table
from contract.metrics import Metric
from contract.slots import Slot
from receiver.flusher import flush
from receiver.flusher.aws import Archive, DynamoTable, SqsSpillQueue
from receiver.flusher.handler import FlusherFailed, Service
from receiver.metrics import Entry
from receiver.pace import Pace
from receiver.settings import Settings
from receiver.wiring import make_intake
from tests.support.simulation import logplex, plan
from tests.support.simulation.aws import DELAY_S, Cloud, SideBySide
from tests.support.simulation.logplex import Logplex
from tests.support.simulation.reader import Reader
from tests.support.simulation.trouble import Network, Trouble
from tests.support.simulation.world import Violation, World

# As infra/flusher.py has it, which test_simulation.py checks.
TIMEOUT_S = 120
# More runs than this do not catch up.
_LAST_RUNS = 100
_SKEW_S = 10


class _AnyToken:
    """Accepts every token."""

    def accept(self, *_: object) -> bool:
        return True


class Life:
    """What one seed makes happen. Within `simulated` only."""

    def __init__(self, seed: int, *, traced: bool = False) -> None:
        self.world = World(seed, 0, traced=traced)
        self._plan = plan.make(self.world.random)
        self.world.epoch_s = self._plan.epoch_s
        self._reader = Reader(self.world)
        self._network = Network(self.world, self._plan.trouble)
        self._cloud = Cloud(self.world, self._network, self._reader.read, self._plan.page_items, settings.delay_s)
        _Clock.world = SideBySide.world = self.world
        _Clock.cloud = self._cloud
        flush.RECORD_BATCHES = self._plan.record_batches
        self._receivers = {minutes: self._receiver(minutes) for minutes in self._lengths}
        self._services = {minutes: self._service(minutes) for minutes in self._lengths}
        self._logplex = Logplex(self.world, self._plan, self._reader, self._receive)
        self._run_with: set[int] = set()
        self._counted = 0
        self._outcome: dict[str, Any] = {}

    @property
    def _lengths(self) -> set[int]:
        return {self._plan.minutes, self._plan.next_minutes}

    def run(self) -> None:
        """Live, then calm down and catch up; Violation as soon as a promise is broken."""
        self.world.note(self._plan)
        self._logplex.start()
        for number, time in enumerate(self._plan.runs):
            self._start_flusher(f"flusher-{number}", time)
        for _ in range(self._plan.bursts):
            self._burst()
        self.world.run()
        self._catch_up()
        self._judge()

    # ---------------------------------------------------------------- the system

    def _settings(self, minutes: int) -> Settings:
        return Settings(
            "bucket", frozenset(self._plan.apps), "hashes", "queue", "table", "", "", minutes, 0, "simulation"
        )

    def _receiver(self, minutes: int) -> receiver.handler.Receiver:
        return receiver.handler.Receiver(
            {app: _AnyToken() for app in self._plan.apps},  # type: ignore[misc]
            make_intake(self._settings(minutes), lambda _: None),
            receiver.aws.Queue("queue"),
            self._emit,
            pace=Pace(self._plan.answer_after_ms, 32, self.world.sleep),
        )

    def _service(self, minutes: int) -> Service:
        return Service(
            frozenset(self._plan.apps),
            minutes,
            DynamoTable("table"),
            Archive("bucket"),
            SqsSpillQueue("queue"),
            make_intake(self._settings(minutes), lambda _: None),
            self._emit,
        )

    def _emit(self, entry: Entry) -> None:
        self._counted += sum(point.value for point in entry.points if point.metric is Metric.LINES)

    def _receive(self, event: Mapping[str, Any], first_try: float) -> int:
        # All tries of a batch meet functions of one version: otherwise it would be stored twice.
        minutes = self._plan.minutes if first_try < self._plan.change else self._plan.next_minutes
        status: int = self._receivers[minutes].receive(event, 10.0)["statusCode"]
        return status

    def _flusher_minutes(self) -> int:
        # The settings do not change before a flusher has run with them.
        changed = self._plan.minutes in self._run_with and self.world.now >= self._plan.change + 20
        return self._plan.next_minutes if changed else self._plan.minutes

    def _start_flusher(self, name: str, time: float) -> None:
        skew = self._plan.skew_s
        actor = self.world.start(name, self._flush, self.world.random.uniform(-skew, skew), time)
        # Some outlive their time: nothing may depend on their end.
        if self.world.random.random() < 0.8:
            self.world.kill(actor, time + TIMEOUT_S)

    def _flush(self) -> None:
        self.world.totals["runs"] += 1
        minutes, self._outcome = self._flusher_minutes(), {}
        try:
            self._outcome = self._services[minutes].run(TIMEOUT_S)
            self._run_with.add(minutes)
        except FlusherFailed as failed:
            reasons = str(failed).split(", ")
            if unexpected := [reason for reason in reasons if not _is_expected(reason)]:
                raise Violation("error", f"the flusher failed: {unexpected}") from failed
            if all(reason.startswith("spill queue") for reason in reasons):
                self._run_with.add(minutes)
        except (ClientError, BotoCoreError) as error:
            self.world.note("its first call failed:", error)
        self.world.note("ends", self._outcome)

    def _burst(self) -> None:
        """Several batches for one slot, while a flusher or two are at it."""
        random, world = self.world.random, self.world
        length_s = self._plan.minutes * 60
        slot = Slot.of(int((world.epoch_s + random.random() * self._plan.traffic_s) * 1000), self._plan.minutes)
        begin = slot.begin_ms / 1000 - world.epoch_s
        tempo_s = self._plan.trouble.tempo_s
        at = max(0.0, begin + length_s + buffer_table.GRACE_MS / 1000 + random.choice([-12, -1, 1, 5, 60]))
        self._logplex.burst(at, begin, length_s, spread_s=15 * tempo_s)
        for number in range(random.choice([1, 2, 3])):
            time = at + random.uniform(0, 10) * tempo_s
            self._start_flusher(f"flusher-at-burst-{number}", time)

    # ---------------------------------------------------------------- the end

    def _catch_up(self) -> None:
        """Go on without trouble until nothing is left to do."""
        self._network.trouble = Trouble(tempo_s=0.001)
        self._cloud.messages.calm = True
        world, messages = self.world, self._cloud.messages
        world.now = max(world.now, self._plan.change + 60)
        for number in range(_LAST_RUNS):
            world.now = max([world.now + 1, self._last_due(), *messages.visible.values()])
            world.start(f"last-flusher-{number}", self._flush)
            world.run()
            idle = self._outcome == {"slots": 0, "drained": 0, "behindSeconds": 0} and not messages.texts
            if idle and self._plan.next_minutes in self._run_with:
                return
        raise Violation("stuck", f"after {_LAST_RUNS} runs: {self._outcome}, {len(messages.texts)} messages")

    def _last_due(self) -> float:
        """The time at which the newest slot in the table is due, by every clock."""
        slots = [
            Slot.parse(partition.partition("/")[2])
            for partition, items in self._cloud.table.partitions.items()
            if items and not partition.startswith(("flushed", "seen", "late/"))
        ]
        due_s = max((buffer_table.due_ms(slot) // 1000 for slot in slots), default=0)
        return due_s - self.world.epoch_s + _SKEW_S

    def _judge(self) -> None:
        self._judge_lines()
        left = [items for name, items in self._cloud.table.partitions.items() if name.startswith("late/") and items]
        if left:
            raise Violation("left", f"late markers: {left}")
        # Large batches are counted by the receiver, tries and all.
        if self._counted > len(self._reader.object_of):
            raise Violation("count", f"{self._counted} lines are counted and {len(self._reader.object_of)} stored")

    def _judge_lines(self) -> None:
        for sent in self._logplex.sent:
            stored = [word for word in sent.words if word in self._reader.object_of]
            if sent.answered and len(stored) < len(sent.words):
                raise Violation("lost", f"{sent.name} was answered 200, and of {sent.words} there are {stored}")
            self.world.totals["answered"] += sent.answered


def _is_expected(reason: str) -> bool:
    code = reason.rpartition(": ")[2]
    return code in _CODES or code.startswith(("dynamodb-", "s3-"))


_CODES = {
    "DeadlineExceeded", "InternalServerError", "ThrottlingException", "SlowDown", "InternalError",
    "ConditionalRequestConflict", "ReadTimeoutError",
}  # fmt: skip


class _Clock:
    """Stands in for the module `time`, and makes clients, in the world of the moment."""

    world: World
    cloud: Cloud

    @classmethod
    def monotonic(cls) -> float:
        return cls.world.now

    @classmethod
    def time_ns(cls) -> int:
        return cls.world.epoch_ms() * 1_000_000

    @classmethod
    def client(cls, service: str, config: Any) -> Any:
        return cls.cloud.client(service, config)


# What a planted bug can change besides the code.
settings = SimpleNamespace(delay_s=DELAY_S)


def _log(reason: str, *_: object, **what: object) -> None:
    _Clock.world.totals[reason] += 1
    _Clock.world.note("fault", reason, what)


def replace_surroundings(patch: pytest.MonkeyPatch, stand_in: object) -> None:
    """Let something stand in for the module `time`, and for boto3, in receiver and flusher."""
    for module in (receiver.deadline, receiver.handler, receiver.intake, receiver.flusher.handler):
        patch.setattr(module, "time", stand_in)
    for module in (receiver.aws, receiver.flusher.aws):
        patch.setattr(module, "boto3", stand_in)
    patch.setattr(receiver.aws, "make_abortable", lambda _: None)


@contextmanager
def simulated() -> Iterator[None]:
    """Replace AWS and the clock in the code under test."""
    with pytest.MonkeyPatch.context() as patch:
        replace_surroundings(patch, _Clock)
        patch.setattr(receiver.aws, "Service", SideBySide)
        patch.setattr(receiver.faults, "log", _log)
        patch.setattr(buffer_table, "BODY_BYTES", logplex.BYTES_OF_LARGE)
        patch.setattr(buffer_table, "BATCH_LINES", logplex.LINES_OF_LARGE)
        patch.setattr(flush, "RECORD_BATCHES", flush.RECORD_BATCHES)
        yield
