"""AWS around the functions: what happens to their calls, and the metrics that AWS vends of them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import cache, partial
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from contract.vended_metrics import Resource, Vended
from receiver.deadline import Deadline
from tests.support.simulation.trouble import Profile
from tests.support.watch.clock import Clock
from tests.support.watch.cloudwatch import Metrics, Series

# What a call takes when nothing is wrong.
CALL_S = 0.005
# The code of the error, or HANGS; None if nothing is wrong.
Trouble = Callable[[str, tuple[object, ...]], str | None]
HANGS = "hangs"
NAMES: Mapping[Resource, str] = {resource: f"the-{resource.replace(' ', '-')}" for resource in Resource}


class Network:
    """Does calls at once, or lets them fail as `trouble` says, by the service and what the simulated client calls.

    `caller` is the function that runs.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.trouble: Trouble = lambda *_: None
        self.throttled, self.caller = 0, ""

    def request(self, service: str, label: tuple[object, ...], effect: Callable[[], Any], profile: Profile) -> Any:
        """Do a call, whose effect is a function."""
        code = self.trouble(service, label)
        if code is None:
            self._clock.pass_by(CALL_S)
            return effect()
        if code == HANGS:
            self._clock.pass_by(profile.timeout_s * profile.attempts)
            raise ReadTimeoutError(endpoint_url=service)
        # The client tries again, and DynamoDB counts each.
        self.throttled += profile.attempts * (code == "ThrottlingException")
        self._clock.pass_by(CALL_S * profile.attempts)
        raise ClientError({"Error": {"Code": code, "Message": "simulated"}}, str(label[0]))


class Calls:
    """Stands in for `receiver.calls.Calls`: one call after the other, without threads."""

    clock: Clock

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def run(self, functions: Sequence[Callable[[], Any]], deadline: Deadline) -> list[Any]:
        """Make the calls; DeadlineExceeded unless all are answered in time."""
        assert len(functions) <= self._limit
        with self.clock.until(self.clock.now + deadline.remaining()):
            return [function() for function in functions]


class Reader:
    """Stands in for the thread that reads the keys: whoever waits for a read does it."""

    target: Callable[..., object] | None = None

    def __init__(self, target: Callable[..., object], args: Sequence[object], daemon: bool) -> None:
        self._target = partial(target, *args)

    def start(self) -> None:
        """Leave it to who waits."""
        Reader.target = self._target


class Reading(Future[Any]):
    """What a read will give."""

    def result(self, timeout: float | None = None) -> Any:
        """Do what waits, and give it."""
        target, Reader.target = Reader.target, None
        if target:
            target()
        return super().result(0)


class VendedMetrics:
    """Puts what AWS itself measures."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics, self._clock = metrics, clock
        self.totals: Counter[Vended] = Counter()

    def put(self, metric: Vended, value: float, count: int = 1) -> None:
        """Put a value of now, or so many equal ones."""
        self.totals[metric] += count
        self._metrics.put(series_of(metric), self._clock.now, value, count)


@cache
def series_of(metric: Vended) -> Series:
    """Give the series of a vended metric in the simulated account."""
    return Series.of(metric.namespace, metric.title, metric.dimensions_in(NAMES))
