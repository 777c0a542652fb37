"""A simulated clock, and actors that take turns: whoever calls AWS or sleeps lets the others go on.

Every decision comes from one seed, so a run can be repeated. Time is in seconds since the run began.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet

from receiver.deadline import DeadlineExceeded

NEVER = float("inf")


class Violation(AssertionError):
    """A promise that was broken; `kind` names it in one word."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


class Crash(BaseException):
    """The end of an actor between two of its calls. The code under test must not catch it."""


@dataclass
class Actor:
    """A process. Its clock is `skew_s` ahead of the world's, and its calls raise DeadlineExceeded at `give_up`."""

    name: str
    skew_s: float = 0.0
    give_up: float = NEVER
    wait: int = 0
    thread: Any = None


@dataclass
class Box:
    """A place for one value that an actor can wait for."""

    values: list[Any] = field(default_factory=list)
    waiter: "Callable[[], None] | None" = None


class World:
    """The clock and the actors. `epoch_s` is the time since 1970 at which the clock begins."""

    def __init__(self, seed: int, epoch_s: int, *, traced: bool = False) -> None:
        self.seed, self.epoch_s, self.random = seed, epoch_s, Random(seed)
        self.now = 0.0
        self.totals: Counter[str] = Counter()
        # Events of one moment happen in the order in which they were planned.
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0
        self._hub: Any = getcurrent()
        self.actor = Actor("world")
        self.trace: list[str] | None = [] if traced else None

    def epoch_ms(self) -> int:
        """The time on the actor's own clock, in milliseconds since 1970."""
        return int((self.epoch_s + self.now + self.actor.skew_s) * 1000)

    def note(self, *what: object) -> None:
        """Add a line to the trace, if there is one."""
        if self.trace is not None:
            time = datetime.fromtimestamp(self.epoch_s + self.now, UTC)
            self.trace.append(f"{time:%d %H:%M:%S.%f}  {self.actor.name:<14} {' '.join(str(each) for each in what)}")

    # ---------------------------------------------------------------- events

    def at(self, time: float, event: Callable[[], None]) -> None:
        """Plan an event."""
        self._planned += 1
        heapq.heappush(self._events, (time, self._planned, event))

    def run(self) -> None:
        """Let happen what is planned, until nothing is left."""
        events = self._events
        while events:
            time, _, event = heapq.heappop(events)
            self.now = max(self.now, time)
            event()

    # ---------------------------------------------------------------- actors

    def start(self, name: str, work: Callable[[], None], skew_s: float = 0.0, time: float | None = None) -> Actor:
        """Plan the beginning of an actor, which works until it returns or crashes."""
        actor = Actor(name, skew_s)

        def live() -> None:
            try:
                work()
            except Crash:
                self.note("CRASHES")
                self.totals["crashes"] += 1

        actor.thread = greenlet(live, self._hub)
        self.at(self.now if time is None else time, self.resumption(actor))
        return actor

    def resumption(self, actor: Actor) -> Callable[[], None]:
        """Give the event that ends the actor's present wait, if nothing ended it before."""
        return partial(self._resume, actor, actor.wait)

    def _resume(self, actor: Actor, wait: int) -> None:
        if actor.wait == wait:
            actor.wait += 1
            self.actor = actor
            actor.thread.switch()

    def kill(self, actor: Actor, time: float) -> None:
        """Plan the end of an actor."""

        def end() -> None:
            if not actor.thread.dead:
                actor.wait += 1
                self.actor = actor
                actor.thread.throw(Crash)

        self.at(time, end)

    def sleep_until(self, time: float) -> None:
        """Let the others go on until then; DeadlineExceeded if the actor gives up before."""
        actor = self.actor
        self.at(min(time, actor.give_up), self.resumption(actor))
        self._hub.switch()
        if time > actor.give_up:
            raise DeadlineExceeded

    def sleep(self, seconds: float) -> None:
        """Let the others go on for so long."""
        self.sleep_until(self.now + seconds)

    def put(self, box: Box, value: object) -> None:
        """Put a value into a box, and wake who waits for it."""
        box.values.append(value)
        if box.waiter:
            self.at(self.now, box.waiter)

    def take(self, box: Box, until: float) -> Any:
        """Wait for a box's next value; TimeoutError if none comes."""
        if not box.values:
            actor = self.actor
            box.waiter = self.resumption(actor)
            self.at(until, box.waiter)
            self._hub.switch()
            box.waiter = None
        if not box.values:
            raise TimeoutError
        return box.values.pop(0)
