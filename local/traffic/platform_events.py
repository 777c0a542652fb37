"""Lines that the platform writes: deploys, the states and errors of dynos, and reports of lost lines."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from local.traffic.facts import DynoError, LossReport, PlatformEvent
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


def out_of_memory(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    """Report a dyno's memory, then R14, or R15 above twice its quota."""
    dyno, megabytes = rng.choice(surface.dynos), rng.randrange(513, 1400)
    usage = f"Process running mem={megabytes}M({megabytes / 5.12:.1f}%)\n".encode()
    error = DynoError("R15" if megabytes > 1024 else "R14")
    return [
        Line(app, time, DYNO_PRI, "heroku", dyno, usage),
        Line(app, time + timedelta(milliseconds=2), DYNO_PRI, "heroku", dyno, f"{error}\n".encode(), error),
    ]


def lost_lines(rng: Random, app: str, time: datetime) -> list[Line]:
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


def _restart(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    lines = []
    for dyno in surface.dynos:
        moment = time
        for text in ("State changed from up to starting", "State changed from starting to up"):
            moment += timedelta(seconds=rng.uniform(1, 9))
            lines.append(Line(app, moment, DYNO_PRI, "heroku", dyno, f"{text}\n".encode(), PlatformEvent(text)))
    return lines
