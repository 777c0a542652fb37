"""Realistic traffic with a known truth: what the apps would have logged today and in the seven days before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

from local.traffic import chatter, web_requests
from local.traffic.facts import Request
from local.traffic.lines import Line
from local.traffic.platform_events import deploy, lost_lines, out_of_memory
from local.traffic.rhythm import Rhythm
from local.traffic.surfaces import ATTACKERS, SURFACES, Surface

_DAYS_BEFORE = 7
_MICROSECOND = timedelta(microseconds=1)
_BURST = timedelta(minutes=40)
_SPIKE_MINUTES = 5
_JUST_NOW = timedelta(minutes=9)


def generate(apps: Sequence[str], until: datetime, lines: int, seed: int = 2026) -> list[Line]:
    """Make exactly `lines` lines of `apps`, the busiest app first, sorted by time.

    They lie between midnight UTC seven days before the day of `until`, an aware UTC time, and `until` itself. No
    two lines share a millisecond, which is how finely Trino's from_iso8601_timestamp reads. Equal arguments make
    equal lines. What is rare in life is rare here: a few thousand lines have all kinds. ValueError when an
    argument makes no sense.
    """
    if until.utcoffset() != timedelta(0):
        raise ValueError(f"until is {until!r}: give an aware UTC time, such as datetime.now(UTC)")
    if not apps:
        raise ValueError("apps is empty: name at least one Heroku app")
    if lines < 0:
        raise ValueError(f"lines is {lines}: give 0 or more")
    unsorted = _Week(apps, until, Random(seed)).lines()  # noqa: S311  no secret comes of it
    made = list(islice((line for line in unsorted if line.time <= until), lines))
    made.sort(key=lambda line: (line.time, line.app))
    return _spread(made)


def _spread(lines: list[Line]) -> list[Line]:
    """Move sorted lines back where two share a millisecond, so that their order is total in every SQL engine."""
    spread: list[Line] = []
    bound = datetime.max.replace(tzinfo=UTC)
    for line in reversed(lines):
        time = min(line.time, bound)
        bound = time.replace(microsecond=time.microsecond // 1000 * 1000) - _MICROSECOND
        spread.append(line if time == line.time else replace(line, time=time))
    spread.reverse()
    return spread


class _Week:
    """One week of the apps, event by event, in no order of time; some events bring others."""

    def __init__(self, apps: Sequence[str], until: datetime, rng: Random) -> None:
        self._rng = rng
        self._until = until
        midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
        self._rhythm = Rhythm(rng, midnight - timedelta(days=_DAYS_BEFORE), until)
        self._cast = [(app, SURFACES[min(rank, len(SURFACES) - 1)]) for rank, app in enumerate(apps)]
        self._busyness = [surface.weight for _, surface in self._cast]
        recently = timedelta(hours=12)
        self._bursts = [
            (ATTACKERS[0], until - recently),
            (ATTACKERS[1], until - recently / 2),
            *((attacker, min(self._rhythm.draw(), until - _BURST)) for attacker in ATTACKERS),
        ]
        self._versions = dict.fromkeys(apps, 40)

    def lines(self) -> Iterator[Line]:
        """Yield lines for ever."""
        yield from self._deploy_at(self._until - timedelta(hours=5))
        yield from self._loss()
        for _ in range(8):
            yield from self._request_at(self._until - _JUST_NOW * self._rng.random())
        events = (self._request, self._attack, self._chatter, self._deploy, self._memory, self._loss)
        weights = (850, 90, 50, 2, 7, 1)
        while True:
            [event] = self._rng.choices(events, weights)
            yield from event()

    def _someone(self) -> tuple[str, Surface]:
        [who] = self._rng.choices(self._cast, self._busyness)
        return who

    def _request(self) -> list[Line]:
        return self._request_at(self._rhythm.draw())

    def _request_at(self, time: datetime) -> list[Line]:
        """Make a request; some have another app do something for them."""
        lines = web_requests.ordinary(self._rng, *self._someone(), time)
        request = lines[-1].facts
        if isinstance(request, Request) and self._rng.random() < 0.05:
            lines += web_requests.passed_on(self._rng, *self._someone(), request, time)
        return lines

    def _attack(self) -> list[Line]:
        app, surface = self._someone()
        attacker, began = self._rng.choice(self._bursts)
        return web_requests.attack(self._rng, app, surface, attacker, began + _BURST * self._rng.random())

    def _chatter(self) -> list[Line]:
        app, surface = self._someone()
        return chatter.some(self._rng, app, surface, self._rhythm.draw())

    def _memory(self) -> list[Line]:
        return out_of_memory(self._rng, *self._someone(), self._rhythm.draw())

    def _loss(self) -> list[Line]:
        app, _ = self._someone()
        return lost_lines(self._rng, app, self._rhythm.draw())

    def _deploy(self) -> list[Line]:
        return self._deploy_at(self._rhythm.draw())

    def _deploy_at(self, time: datetime) -> list[Line]:
        """Deploy an app; every other deploy of it is bad, and users meet its errors for some minutes."""
        app, surface = self._someone()
        self._versions[app] += 1
        version = self._versions[app]
        bad = version % 2 == 1
        lines = deploy(self._rng, app, surface, time, version, bad=bad)
        for _ in range(self._rng.randint(8, 24) if bad else 0):
            later = time + timedelta(minutes=self._rng.expovariate(1 / _SPIKE_MINUTES))
            lines += web_requests.failing(self._rng, app, surface, later)
        return lines
