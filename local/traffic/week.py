"""Generates realistic traffic: what the apps log in the seven days before a time, and on its day."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from random import Random

from local.traffic import chatter, web_requests
from local.traffic.facts import Request
from local.traffic.lines import Line
from local.traffic.platform_events import CHANGES, change, cycled, deploy, lost_lines, out_of_memory, scheduled
from local.traffic.surfaces import ATTACKERS, SURFACES, Surface

_MICROSECOND = timedelta(microseconds=1)
_BURST = timedelta(minutes=40)
_BUILD, _SPIKE_MINUTES = timedelta(seconds=43), 5
_JUST_NOW = timedelta(minutes=9)
# How busy each UTC hour of a day is.
_HOURS = (3, 2, 2, 2, 2, 3, 5, 8, 11, 13, 14, 14, 13, 15, 16, 16, 15, 13, 11, 9, 8, 6, 5, 4)


def generate(apps: Sequence[str], until: datetime, lines: int, seed: int = 2026) -> list[Line]:
    """Make exactly `lines` lines of `apps`, the busiest app first, sorted by time.

    The lines are from midnight UTC seven days before `until`, an aware UTC time, to `until`. No two lines share a
    millisecond, the precision of Trino's from_iso8601_timestamp. Equal arguments make equal lines. A few thousand lines
    contain all kinds, also rare ones. ValueError for a time that is not UTC.
    """
    if until.utcoffset() != timedelta(0):
        raise ValueError(f"until is {until!r}: give an aware UTC time, such as datetime.now(UTC)")
    unsorted = _Week(apps, until, Random(seed)).lines()  # noqa: S311  not used for secrets
    made = list(islice((line for line in unsorted if line.time <= until), lines))
    made.sort(key=lambda line: (line.time, line.app))
    return _spread(made)


def _spread(lines: list[Line]) -> list[Line]:
    """Move sorted lines back where two share a millisecond, so that every SQL engine sorts them the same way."""
    spread: list[Line] = []
    bound = datetime.max.replace(tzinfo=UTC)
    for line in reversed(lines):
        time = min(line.time, bound)
        bound = time.replace(microsecond=time.microsecond // 1000 * 1000) - _MICROSECOND
        spread.append(replace(line, time=time))
    spread.reverse()
    return spread


class _Week:
    """One week of the apps, event by event, not in order of time. Some events cause others."""

    def __init__(self, apps: Sequence[str], until: datetime, rng: Random) -> None:
        self._rng = rng
        self._until = until
        self._start = until.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=7)
        self._apps = [(app, SURFACES[min(rank, len(SURFACES) - 1)]) for rank, app in enumerate(apps)]
        self._bursts = [
            (ATTACKERS[0], until - timedelta(hours=12)),
            (ATTACKERS[1], until - timedelta(hours=6)),
            *((attacker, min(self._time(), until - _BURST)) for attacker in ATTACKERS),
        ]
        self._versions = dict.fromkeys(apps, 40)

    def lines(self) -> Iterator[Line]:
        """Yield lines without end."""
        yield from self._deploy(*self._app(), self._until - timedelta(hours=5))
        yield from lost_lines(self._rng, *self._app(), self._time())
        for which in range(CHANGES):
            yield from self._change(*self._app(), self._time(), which)
        for _ in range(8):
            yield from self._request(*self._app(), self._until - _JUST_NOW * self._rng.random())
        rng = self._rng
        makers: dict[Callable[[str, Surface, datetime], list[Line]], int] = {
            self._request: 840,
            self._attack: 90,
            partial(chatter.some, rng): 40,
            partial(web_requests.long_lived, rng): 8,
            partial(out_of_memory, rng): 7,
            partial(scheduled, rng): 8,
            partial(cycled, rng): 3,
            self._deploy: 2,
            self._change: 1,
            partial(lost_lines, rng): 1,
        }
        while True:
            make = web_requests.draw(rng, makers)
            yield from make(*self._app(), self._time())

    def _app(self) -> tuple[str, Surface]:
        [drawn] = self._rng.choices(self._apps, [surface.weight for _, surface in self._apps])
        return drawn

    def _time(self) -> datetime:
        """Draw a time, more often by day than by night."""
        while True:
            time = self._start + (self._until - self._start) * self._rng.random()
            if _HOURS[time.hour] > max(_HOURS) * self._rng.random():
                return time

    def _request(self, app: str, surface: Surface, time: datetime) -> list[Line]:
        """Make a request. Some apps call another app for it, with the request's id."""
        lines = web_requests.ordinary(self._rng, app, surface, time)
        request = lines[-1].facts
        if isinstance(request, Request) and self._rng.random() < 0.05:
            lines.append(web_requests.passed_on(self._rng, *self._app(), request, time))
        return lines

    def _attack(self, app: str, surface: Surface, _: datetime) -> list[Line]:
        attacker, began = self._rng.choice(self._bursts)
        return web_requests.attack(self._rng, app, surface, attacker, began + _BURST * self._rng.random())

    def _change(self, app: str, surface: Surface, time: datetime, which: int | None = None) -> list[Line]:
        # Two, so that deploys stay good and bad in turn.
        self._versions[app] += 2
        which = self._rng.randrange(CHANGES) if which is None else which
        return change(self._rng, app, surface, time, self._versions[app], which)

    def _deploy(self, app: str, surface: Surface, time: datetime) -> list[Line]:
        """Deploy an app. Every other deploy of it is bad: requests fail for some minutes after the release."""
        self._versions[app] += 1
        version = self._versions[app]
        bad = version % 2 == 1
        lines = deploy(self._rng, app, surface, time, version, bad=bad)
        for _ in range(self._rng.randint(8, 24) if bad else 0):
            later = time + _BUILD + timedelta(minutes=self._rng.expovariate(1 / _SPIKE_MINUTES))
            lines += web_requests.failing(self._rng, app, surface, later)
        return lines
