"""What the platform itself says about an app: builds, deploys, releases and the dynos' changes of state."""

from datetime import datetime, timedelta
from random import Random

from local.traffic.facts import Build, Deploy, Facts, Release, Rollback, StateChange
from local.traffic.lines import Line
from local.traffic.surfaces import USERS, Surface

API_PRI = 134
DYNO_PRI = 45


def deploy(rng: Random, app: str, surface: Surface, time: datetime, version: int, *, bad: bool) -> list[Line]:
    """Deploy release `version`, restart the dynos, and roll a bad one back after some minutes."""
    user = rng.choice(USERS)
    lines = [
        _api(app, time, Build("started")),
        _api(app, time + timedelta(seconds=41), Build("succeeded")),
        _api(app, time + timedelta(seconds=42), Deploy(f"{rng.getrandbits(32):08x}", user)),
        _api(app, time + timedelta(seconds=42.2), Release(version, user)),
        *_restart(rng, app, surface, time + timedelta(seconds=44)),
    ]
    if bad:
        rollback = time + timedelta(minutes=rng.uniform(12, 20))
        lines += [
            _api(app, rollback, Rollback(version - 1, user)),
            *_restart(rng, app, surface, rollback + timedelta(seconds=1)),
        ]
    return lines


def _api(app: str, time: datetime, facts: Facts) -> Line:
    return Line(app, time, API_PRI, "app", "api", f"{facts}\n".encode(), facts)


def _restart(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    lines = []
    for dyno in surface.dynos:
        moment = time
        for change in (StateChange("up", "starting"), StateChange("starting", "up")):
            moment += timedelta(seconds=rng.uniform(1, 9))
            lines.append(Line(app, moment, DYNO_PRI, "heroku", dyno, f"{change}\n".encode(), change))
    return lines
