"""A simulated year in which nothing is wrong, at three volumes, with all that goes wrong a little in a year."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from contract.vended_metrics import Vended
from tests.support.logplex_frames import message
from tests.support.watch.cloudwatch import MINUTE_S
from tests.support.watch.logplex import Post
from tests.support.watch.traffic import App, Traffic, by_day, same, sunday
from tests.support.watch.world import APPS, World, simulated

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_DAY_MINUTES = 24 * 60
# Summer time of the United States in 2026.
_SUMMER = datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Volume:
    """What all apps log: POSTs per day."""

    name: str
    posts_per_day: int


VOLUMES = (Volume("pre-launch", 10_000), Volume("500 MB per day", 425_532), Volume("5 GB per day", 4_255_319))
# Of a million POSTs, so many meet trouble that Logplex's second try or the flusher mends. Assumptions: ten times what
# AWS promises would be an outage.
_ERRORS, _THROTTLED, _SLOW = 2, 5, 300


class Noise:
    """What goes wrong a little. `counts` says how often what did."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._random = world, Random(seed)
        self._posts = self._posts_before = 0
        self.counts: Counter[str] = Counter()
        self._results: list[int] = []

    def minute(self, minute: int) -> None:
        """Let something happen to the POSTs of a minute, or to the flusher after them, or nothing."""
        put, posts = self._world.vended.put, self._world.vended.totals[Vended.API_REQUESTS]
        self._posts, self._posts_before = posts - self._posts_before, posts
        for _ in range(self._of_million(_ERRORS)):
            self._count("errors")
            put(Vended.RECEIVER_ERRORS, 1)
            put(Vended.API_5XX, 1)
        for _ in range(self._of_million(_THROTTLED)):
            self._count("throttled writes")
            put(Vended.BUFFER_THROTTLES, 1)
        for _ in range(self._of_million(_SLOW)):
            self._count("slow POSTs")
            put(Vended.RECEIVER_DURATION, self._random.uniform(1000, 3700))
        for what, per_day in _RARE.items():
            if self._random.random() < per_day / _DAY_MINUTES:
                self._count(what)
                getattr(self, f"_{what.replace(' ', '_')}")()
        # Lasts for one run of the flusher.
        self._world.network.trouble = lambda *_: None
        if self._random.random() < 1 / 7 / _DAY_MINUTES:
            self._count("runs without S3")
            self._world.network.trouble = lambda service, _: "SlowDown" if service == "s3" else None
        if minute % _DAY_MINUTES == 0:
            self._day()

    def _count(self, what: str) -> None:
        self.counts[what] += 1

    def _of_million(self, rate: float) -> int:
        """Draw how many of a minute's POSTs it is (a Poisson distribution, for a mean far below a hundred)."""
        mean, count, product = self._posts * rate / 1e6, 0, self._random.random()
        limit = 2.718281828**-mean
        while product > limit:
            count, product = count + 1, product * self._random.random()
        return count

    def _day(self) -> None:
        """Queries leave results, which expire after 30 days; as many logs expire as come."""
        self._results.append(2 * self._random.randint(0, 300))
        expired = self._results[-31] if len(self._results) > 30 else 0
        self._world.other_objects += self._results[-1] - expired - 860 - self._random.randint(0, 40)

    def _deploys(self) -> None:
        self._world.restart()

    def _stray_probes(self) -> None:
        self._post("/.env")

    def _scans_of_paths(self) -> None:
        self._post("/wp-login.php", 60)

    def _stray_tokens(self) -> None:
        self._post(f"/prod/drain?app={APPS[0]}&token=guess", 5)

    def _malformed_lines(self) -> None:
        world = self._world
        world.logplex.send(APPS[0], world.token(APPS[0]), [b"no header"] * self._random.randint(1, 5))

    def _bursts(self) -> None:
        world = self._world
        line = message(b"burst\n", datetime.fromtimestamp(world.clock.now, UTC))
        world.logplex.send(APPS[0], world.token(APPS[0]), [line] * 400)

    def _post(self, path: str, times: int = 1) -> None:
        weight, self._world.weight = self._world.weight, 1
        for _ in range(times):
            self._world.post(Post(path, b""))
        self._world.weight = weight


# How often what happens per day.
_RARE = {
    "stray probes": 5,
    "stray tokens": 0.2,
    "scans of paths": 0.2,
    "deploys": 0.2,
    "malformed lines": 1,
    "bursts": 1,
}


def live(volume: Volume, days: int = 365) -> tuple[dict[str, datetime], Counter[str]]:
    """Live through a year, and give the alarms that came, with their times, and what happened."""
    with simulated():
        world = World(_BEGIN, weight=1)
        traffic = Traffic(world, same(App(_chance), APPS), utc_offset_h=_offset)
        noise = Noise(world, seed=1)
        # By day and by night, a bit more than half of the minutes have a POST.
        simulated_per_day = len(APPS) * _DAY_MINUTES * 0.5
        world.weight = max(1, round(volume.posts_per_day / simulated_per_day))
        settled = world.minute + 60

        def send(minute: int) -> None:
            traffic.send(minute)
            noise.minute(minute)

        for _ in range(days * _DAY_MINUTES):
            world.step(send)
        noise.counts.update({"days": days, "POSTs": world.vended.totals[Vended.API_REQUESTS]})
        alarmed = {name: at for each in world.alarmed(settled) for name, at in each.items()}
        return {name: datetime.fromtimestamp(at * MINUTE_S, UTC) for name, at in alarmed.items()}, noise.counts


def _chance(time: datetime) -> float:
    return sunday(time) if time.weekday() == 6 else by_day(time)


def _offset(time: datetime) -> int:
    """Give the hours between UTC and the users' clocks."""
    begin, end = _SUMMER
    return -4 if begin <= time < end else -5
