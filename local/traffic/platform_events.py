"""What the platform itself says about an app: builds, deploys, releases, its dynos' states and errors, lost lines."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from local.traffic.facts import Build, Deploy, DynoError, Facts, LossReport, Release, Rollback, StateChange
from local.traffic.lines import Line
from local.traffic.surfaces import USERS, Surface

API_PRI = 134
DYNO_PRI = 45
_LOSS_PRI = 172


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


def out_of_memory(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    """Let a dyno use more memory than it has: what it uses, then R14, or R15 when it is twice its quota."""
    dyno, megabytes = rng.choice(surface.dynos), rng.randrange(513, 1400)
    usage = f"Process running mem={megabytes}M({megabytes / 5.12:.1f}%)\n".encode()
    error = DynoError("R15" if megabytes > 1024 else "R14")
    return [
        Line(app, time, DYNO_PRI, "heroku", dyno, usage),
        Line(app, time + timedelta(milliseconds=2), DYNO_PRI, "heroku", dyno, f"{error}\n".encode(), error),
    ]


def lost_lines(rng: Random, app: str, time: datetime) -> list[Line]:
    """Report a loss in each of the wordings that are seen; times to the second, and no newline at the end."""
    told = time.replace(microsecond=0)
    reports = (
        ("logplex", "L10", None),
        ("logplex", "L10", f"d.{UUID(int=rng.getrandbits(128), version=4)}"),
        ("log-shuttle", "L12", None),
        ("log-shuttle", "L13", None),
    )
    lines = []
    for number, (proc_id, code, drain) in enumerate(reports):
        report = LossReport(code, rng.randrange(1, 1500), told - timedelta(seconds=rng.randrange(1, 300)), drain)
        moment = told - timedelta(seconds=number)
        lines.append(Line(app, moment, _LOSS_PRI, "heroku", proc_id, str(report).encode(), report))
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
