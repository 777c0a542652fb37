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
        _api(app, time, "Build started", "build", user),
        _api(app, time + timedelta(seconds=41), "Build succeeded", "build"),
        _api(app, time + timedelta(seconds=42), f"Deploy {rng.getrandbits(32):08x}", "deploy", user),
        _release(app, time + timedelta(seconds=42.2), version, user),
        *_restart(rng, app, surface, time + timedelta(seconds=44)),
    ]
    if bad:
        rollback = time + timedelta(minutes=rng.uniform(12, 20))
        lines += [
            _api(app, rollback, f"Rollback to v{version - 1}", "rollback", user, f"v{version - 1}"),
            *_restart(rng, app, surface, rollback + timedelta(seconds=1)),
        ]
    return lines


# Kinds of changes, and how Heroku's API words them, before ` by user ...`.
_CHANGES = (
    ("config", "Set CRON_ENABLED config vars"),
    ("config", "Set CRON_ENABLED, STRIPE_KEY config vars"),
    ("config", "Remove SENTRY_DSN config vars"),
    ("scale", "Scaled to web@{dynos}:Standard-1X"),
    ("add-on", "Attach REDIS (@ref:redis-octagonal-{number:04})"),
    ("deploy", "Deployed web ({number:012x})"),
    ("promotion", "Promote {app}-staging v{number} {number:07x}"),
    ("maintenance", "Maintenance mode enabled"),
    ("other", "Upgrade stack to heroku-24"),
)
CHANGES = len(_CHANGES)


def change(rng: Random, app: str, surface: Surface, time: datetime, version: int, which: int) -> list[Line]:
    """Change an app as release `version` without a build, in one of the CHANGES ways."""
    user, (kind, wording) = rng.choice(USERS), _CHANGES[which]
    text = wording.format(app=app, dynos=len(surface.dynos), number=rng.randrange(10_000))
    return [_api(app, time, text, kind, user), _release(app, time + timedelta(seconds=0.2), version, user)]


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


def _api(app: str, time: datetime, text: str, kind: str, user: str | None = None, version: str | None = None) -> Line:
    event = PlatformEvent(f"{text} by user {user}" if user else text, kind, version, user)
    return Line(app, time, API_PRI, "app", "api", f"{event}\n".encode(), event)


def _release(app: str, time: datetime, version: int, user: str) -> Line:
    return _api(app, time, f"Release v{version} created", "release", user, f"v{version}")


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
