"""What the apps log: how many POSTs in a minute, and what is in them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from tests.support.logplex_frames import message
from tests.support.watch.cloudwatch import MINUTE_S
from tests.support.watch.world import World

_LINES_PER_POST = 3


@dataclass(frozen=True)
class App:
    """How often an app logs: the chance of a POST in a minute by the hour of the day, local time."""

    chance: Callable[[datetime], float]
    lines: int = _LINES_PER_POST
    text: bytes = b"state=up\n"


def steady(_: datetime) -> float:
    """One POST every minute."""
    return 1.0


def by_day(time: datetime) -> float:
    """Most at noon, some at night: on average a POST in 10 minutes."""
    return 0.9 if 8 <= time.hour < 20 else 0.1


def quiet_at_night(time: datetime) -> float:
    """Next to nothing from midnight to six."""
    return 0.9 if time.hour >= 6 else 0.0


def sunday(time: datetime) -> float:
    """Like a weekday's night, all day."""
    return 0.08


@dataclass
class Traffic:
    """Sends what apps log; `utc_offset_h` is that of the users' clocks.

    `at_least_every` minutes an app that may send at all sends something: health checks.
    """

    world: World
    apps: dict[str, App]
    seed: int = 0
    utc_offset_h: Callable[[datetime], int] = lambda _: 0
    at_least_every: int = 40
    silent: set[str] = field(default_factory=set)
    _last: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def send(self, minute: int) -> None:
        """Send what the apps log in a minute."""
        time = datetime.fromtimestamp(minute * MINUTE_S, UTC)
        for name, app in self.apps.items():
            if name in self.silent:
                continue
            chance = app.chance(time + timedelta(hours=self.utc_offset_h(time)))
            due = chance > 0 and minute - self._last.get(name, 0) >= self.at_least_every
            if due or self._random.random() < chance:
                self._last[name] = minute
                line = message(app.text, datetime.fromtimestamp(self.world.clock.now, UTC))
                self.world.logplex.send(name, self.world.token(name), [line] * app.lines)


def same(app: App, names: Iterable[str]) -> dict[str, App]:
    """Give every app the same habits."""
    return dict.fromkeys(names, app)
