"""Lines that the platform writes: deploys, changes, the states and errors of dynos, and reports of lost lines."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from local.traffic.facts import DynoError, LossReport, PlatformEvent, StateChange
from local.traffic.lines import Line
from local.traffic.surfaces import USERS, Surface

API_PRI = 134
DYNO_PRI = 45
_LOSS_PRI = 172


def deploy(rng: Random, app: str, surface: Surface, time: datetime, version: int, *, bad: bool) -> list[Line]:
    """Deploy release `version` and restart the dynos; roll a bad one back after some minutes."""
    user = rng.choice(USERS)
    lines = [
        _api(app, time, "Build started"),
        _api(app, time + timedelta(seconds=41), "Build succeeded"),
        _api(app, time + timedelta(seconds=42), f"Deploy {rng.getrandbits(32):08x} by user {user}"),
        _api(app, time + timedelta(seconds=42.2), f"Release v{version} created by user {user}"),
        *_restart(rng, app, surface, time + timedelta(seconds=44)),
    ]
    if bad:
        rollback = time + timedelta(minutes=rng.uniform(12, 20))
        lines += [
            _api(app, rollback, f"Rollback to v{version - 1} by user {user}"),
            *_restart(rng, app, surface, rollback + timedelta(seconds=1)),
        ]
    return lines


def change(rng: Random, app: str, surface: Surface, time: datetime, version: int) -> list[Line]:
    """Change an app as release `version` without a build."""
    user = rng.choice(USERS)
    texts = (
        f"Set CRON_ENABLED config vars by user {user}",
        "Remove SENTRY_DSN config vars by user " + user,
        f"Scaled to web@{len(surface.dynos)}:Standard-1X by user {user}",
        f"Attach REDIS (@ref:redis-octagonal-{rng.randrange(10000):04}) by user {user}",
        f"Deployed web ({rng.getrandbits(48):012x}) by user {user}",
        f"Maintenance mode enabled by user {user}",
    )
    released = _api(app, time + timedelta(seconds=0.2), f"Release v{version} created by user {user}")
    return [_api(app, time, rng.choice(texts)), released]


def scheduled(rng: Random, app: str, _: Surface, time: datetime) -> list[Line]:
    """Run a job of Heroku Scheduler, in a dyno of its own."""
    dyno, command = f"scheduler.{rng.randrange(1, 10_000)}", "`bin/sync` by user scheduler@addons.heroku.com"
    started = f"Starting process with command {command}\n".encode()
    return [
        Line(app, time, API_PRI, "app", "api", started),
        Line(app, time + timedelta(seconds=2), DYNO_PRI, "heroku", dyno, started),
        _state(app, dyno, time + timedelta(seconds=3), "starting", "up"),
        _state(app, dyno, time + timedelta(seconds=20), "up", "complete"),
    ]


def cycled(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    """Restart a dyno, as Heroku does once a day."""
    dyno = rng.choice(surface.dynos)
    return [
        Line(app, time, DYNO_PRI, "heroku", dyno, b"Cycling\n"),
        _state(app, dyno, time + timedelta(seconds=1), "up", "starting"),
        _state(app, dyno, time + timedelta(seconds=9), "starting", "up"),
    ]


def out_of_memory(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    """Report a dyno's memory, then R14, or R15 above twice its quota."""
    dyno, megabytes = rng.choice(surface.dynos), rng.randrange(513, 1400)
    usage = f"Process running mem={megabytes}M({megabytes / 5.12:.1f}%)\n".encode()
    error = DynoError("R15" if megabytes > 1024 else "R14")
    return [
        Line(app, time, DYNO_PRI, "heroku", dyno, usage),
        Line(app, time + timedelta(milliseconds=2), DYNO_PRI, "heroku", dyno, f"{error}\n".encode(), error),
    ]


def lost_lines(rng: Random, app: str, _: Surface, time: datetime) -> list[Line]:
    """Report a loss in each known wording, with times to the second and without a newline at the end."""
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


def _api(app: str, time: datetime, text: str) -> Line:
    return Line(app, time, API_PRI, "app", "api", f"{text}\n".encode(), PlatformEvent(text))


def _state(app: str, dyno: str, time: datetime, before: str, after: str) -> Line:
    change = StateChange(before, after)
    return Line(app, time, DYNO_PRI, "heroku", dyno, f"{change}\n".encode(), change)


def _restart(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    lines = []
    for dyno in surface.dynos:
        moment = time
        for before, after in (("up", "starting"), ("starting", "up")):
            moment += timedelta(seconds=rng.uniform(1, 9))
            lines.append(_state(app, dyno, moment, before, after))
    return lines
