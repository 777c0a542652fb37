"""What happens to calls of AWS, by the world's seed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.support.simulation.world import Crash, World


class Fate(Enum):
    """What happens to an attempt of a call."""

    DONE = "done"
    FAILED = "failed"  # an error at once
    DONE_AND_FAILED = "done, and failed"  # an error, though it was done
    UNHEARD = "done, unheard"  # the answer is lost
    LATE = "late"  # done at some time after the caller stopped waiting, or before
    HANGS = "hangs"  # never done, no answer


_DOES = {Fate.DONE, Fate.DONE_AND_FAILED, Fate.UNHEARD}
_BAD = [fate for fate in Fate if fate is not Fate.DONE]
# By service: S3's 409 is another write of the same object.
_CODES = {
    "dynamodb": ["InternalServerError", "ThrottlingException"],
    "s3": ["SlowDown", "InternalError", "ConditionalRequestConflict"],
    "sqs": ["InternalError", "ThrottlingException"],
}


class Outage(NamedTuple):
    """A service in trouble from one time to another; each of its calls has one of these fates."""

    service: str
    begin: float
    end: float
    fates: list[Fate]


class Profile(NamedTuple):
    """How a client calls: the attempts of botocore, the time-out of each, and how late a call can still be done."""

    attempts: int
    timeout_s: float
    late_s: float


@dataclass
class Trouble:
    """How likely is what; `tempo_s` is the usual time of a call, `stalls` the chance that one takes very long."""

    bad: float = 0.0
    crash: float = 0.0
    tempo_s: float = 0.02
    stalls: float = 0.0
    outages: list[Outage] = field(default_factory=list)


class Network:
    """Carries calls to AWS."""

    def __init__(self, world: World, trouble: Trouble) -> None:
        self.world, self.trouble = world, trouble

    def request(self, service: str, label: tuple[object, ...], effect: Callable[[], Any], profile: Profile) -> Any:
        """Do a call, whose effect is a function: gives its result, or raises ClientError or ReadTimeoutError."""
        error: Exception | None = None
        for attempt in range(profile.attempts):
            if attempt:
                self.world.sleep(self.world.random.random())
            try:
                return self._attempt(service, label, effect, profile)
            except _Again as again:
                error = again.error
        assert error
        raise error

    def _attempt(self, service: str, label: tuple[object, ...], effect: Callable[[], Any], profile: Profile) -> Any:
        world, random, trouble = self.world, self.world.random, self.trouble
        fate = self._fate(service)
        took = random.expovariate(1 / trouble.tempo_s)
        if trouble.stalls and random.random() < trouble.stalls:
            took = random.uniform(0, profile.timeout_s)
        if trouble.crash and random.random() < trouble.crash:
            if fate in _DOES and random.random() < 0.5:
                self._plan(world.now + took, label, effect)
            raise Crash
        world.note(service, *label, "" if fate is Fate.DONE else f"[{fate.value}]")
        answer: list[Any] = []
        if fate is Fate.LATE:
            self._plan(world.now + random.uniform(0, profile.timeout_s + profile.late_s), label, effect)
        elif fate in _DOES:
            answer = self._plan(world.now + took * random.random(), label, effect)
        if fate is Fate.DONE:
            world.sleep(took)
            [result] = answer
            if isinstance(result, Exception):
                raise result
            return result
        if fate in (Fate.FAILED, Fate.DONE_AND_FAILED):
            world.sleep(took)
            code = random.choice(_CODES[service])
            raise _Again(ClientError({"Error": {"Code": code, "Message": "simulated"}}, str(label[0])))
        world.sleep(profile.timeout_s)
        raise _Again(ReadTimeoutError(endpoint_url=service))

    def _plan(self, time: float, label: tuple[object, ...], effect: Callable[[], Any]) -> list[Any]:
        answer: list[Any] = []
        world, actor, wait = self.world, self.world.actor, self.world.actor.wait

        def happen() -> None:
            world.actor = actor
            if actor.thread.dead or actor.wait > wait:
                world.totals["zombies"] += 1
                world.note(*label, "happens only now")
            try:
                answer.append(effect())
            except ClientError as error:
                answer.append(error)

        self.world.at(time, happen)
        return answer

    def _fate(self, service: str) -> Fate:
        random, now = self.world.random, self.world.now
        for outage in self.trouble.outages:
            if outage.service == service and outage.begin <= now < outage.end:
                return random.choice(outage.fates)
        return random.choice(_BAD) if self.trouble.bad and random.random() < self.trouble.bad else Fate.DONE


class _Again(Exception):
    """An attempt that failed, so that there may be another."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
