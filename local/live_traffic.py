"""Traffic for `make up`: what the apps logged in the last hour, and then what they log from second to second."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random

from local.logplex.batches import Batch, batches
from local.logplex.nodes import Logplex
from local.traffic import chatter, platform_events, web_requests
from local.traffic.lines import Line
from local.traffic.surfaces import ATTACKERS, SURFACES

STRETCH = timedelta(hours=1)
# On average; the busiest app has two thirds of them, and most are two lines.
EVENTS_PER_S = 1.0
TICK_S = 2.0
# Short, so that few lines of the hour are in the slot of the present, which no query finds yet.
_MEAN_LINES, _LONGEST = 30, timedelta(minutes=1)

_DEPLOYED_AGO, _ATTACKED_AGO = timedelta(minutes=40), timedelta(minutes=20)
_FAILING, _ATTACK = timedelta(minutes=10), timedelta(minutes=5)
_FAILED_REQUESTS, _ATTEMPTS = 60, 120


@dataclass(frozen=True)
class Stretch:
    """What was drained at the start: so many lines since a time, and what happens in them."""

    lines: int
    since: datetime
    bad_deploy: datetime
    deployed_app: str
    attack: datetime
    attacked_app: str


@dataclass
class Traffic:
    """The lines of these apps, the busiest first, from a time on. Equal arguments make equal lines."""

    apps: Sequence[str]
    since: datetime
    seed: int = 2026
    _coming: list[tuple[datetime, int, Line]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)  # noqa: S311  not used for secrets
        self._number = count()
        self._surfaces = [(app, SURFACES[min(rank, len(SURFACES) - 1)]) for rank, app in enumerate(self.apps)]
        self._next = self.since

    def add(self, lines: Sequence[Line]) -> None:
        """Let these lines come, too, each at its time."""
        for line in lines:
            heappush(self._coming, (line.time, next(self._number), line))

    def until(self, time: datetime) -> list[Line]:
        """Give the lines since the last call, in order of time, up to a time."""
        while self._next <= time:
            self.add(self._event(self._next))
            self._next += timedelta(seconds=self._rng.expovariate(EVENTS_PER_S))
        came = []
        while self._coming and self._coming[0][0] <= time:
            came.append(heappop(self._coming)[2])
        return came

    def bad_deploy(self, time: datetime) -> str:
        """Let an app be deployed, fail for some minutes, and be rolled back; gives its name."""
        app, surface = self._surfaces[0]
        self.add(platform_events.deploy(self._rng, app, surface, time, 43, bad=True))
        for _ in range(_FAILED_REQUESTS):
            failed = time + timedelta(minutes=1) + _FAILING * self._rng.random()
            self.add(web_requests.failing(self._rng, app, surface, failed))
        return app

    def attack(self, time: datetime) -> str:
        """Let somebody try passwords at an app for some minutes; gives its name."""
        app, surface = self._surfaces[-1]
        for _ in range(_ATTEMPTS):
            tried = time + _ATTACK * self._rng.random()
            self.add(web_requests.attack(self._rng, app, surface, ATTACKERS[0], tried))
        return app

    def _event(self, time: datetime) -> list[Line]:
        rng = self._rng
        [(app, surface)] = rng.choices(self._surfaces, [surface.weight for _, surface in self._surfaces])
        makers = {
            partial(web_requests.ordinary, rng): 900,
            partial(chatter.some, rng): 80,
            partial(platform_events.out_of_memory, rng): 5,
            partial(platform_events.scheduled, rng): 5,
        }
        return web_requests.draw(rng, makers)(app, surface, time)


def drain_stretch(urls: Mapping[str, str], traffic: Traffic, now: datetime) -> Stretch:
    """Drain the traffic up to now, with a bad deploy and an attack in it."""
    deployed, attacked = now - _DEPLOYED_AGO, now - _ATTACKED_AGO
    apps = traffic.bad_deploy(deployed), traffic.attack(attacked)
    lines = traffic.until(now)
    Logplex().drain(_shipments(urls, lines, now))
    return Stretch(len(lines), traffic.since, deployed, apps[0], attacked, apps[1])


def drain_present(logplex: Logplex, urls: Mapping[str, str], traffic: Traffic, now: datetime) -> None:
    """Drain what came since the last call. An app without a drain loses its lines, as on Heroku."""
    # Without an arrival of their own, they arrive when they are sent.
    logplex.drain((url, replace(batch, arrival=None)) for url, batch in _shipments(urls, traffic.until(now), now))


def _shipments(urls: Mapping[str, str], lines: Sequence[Line], now: datetime) -> Iterator[tuple[str, Batch]]:
    for app, url in urls.items():
        # With one seed, batches of two calls would have the same frame ids, and the second would count as a retry.
        seed = int(now.timestamp() * 1000)
        for batch in batches([line for line in lines if line.app == app], seed, _MEAN_LINES, _LONGEST):
            yield url, batch
