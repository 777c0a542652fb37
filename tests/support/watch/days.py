"""Simulated days, each with one thing that happens, and the alarms that it should make."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.support.logplex_frames import message
from tests.support.watch.aws import HANGS
from tests.support.watch.logplex import Post
from tests.support.watch.traffic import App, Traffic, by_day, quiet_at_night, same, steady, sunday
from tests.support.watch.world import APPS, World

API, CONSOLE, VELVET = APPS
# Just after a canary, so that the next one comes as late as it can.
_NOON = datetime(2026, 11, 24, 12, 1, tzinfo=UTC)
_MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
# A POST every minute and app.
_BUSY = App(steady)
_FIVE_LINES = App(lambda time: 0.0035, lines=1)
SILENT = tuple(f"silent-{app}" for app in APPS)
Act = Callable[["Day"], None]


@dataclass(frozen=True, eq=False)
class Scenario:
    """A day: what happens after some minutes, and which alarms it makes within how many minutes; no others.

    Whether those in `also` come depends on the minute at which it begins. `hours` is how long the day goes on after
    that. `told_in` is the longest that the first of the alarms may take, in minutes; None if nothing is wrong.
    `each_minute` happens from then on in every minute.
    """

    name: str
    what: str
    alarms: frozenset[str]
    act: Act = lambda _: None
    each_minute: Act = lambda _: None
    hours: float = 1.0
    told_in: int | None = 20
    begin: datetime = _NOON
    warm_up: int = 60
    also: frozenset[str] = frozenset()
    app: App = _BUSY
    apps: dict[str, App] | None = None
    silence_hours: dict[str, int] = field(default_factory=lambda: dict.fromkeys(APPS, 2))
    drains_enabled: bool = True


class Day:
    """One run of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.world = World(
            scenario.begin - timedelta(minutes=scenario.warm_up),
            scenario.silence_hours,
            drains_enabled=scenario.drains_enabled,
        )
        self.traffic = Traffic(self.world, scenario.apps or same(scenario.app, scenario.silence_hours))
        self.since = 0

    def live(self) -> list[dict[str, int]]:
        """Let it happen, and give how many minutes after that each alarm came, for each range of EXTRAS."""
        self._minutes(self.scenario.warm_up, self.traffic.send)
        self.since = self.world.minute
        self.scenario.act(self)
        self._minutes(round(self.scenario.hours * 60), self._send)
        found = self.world.alarmed(self.since)
        return [{name: minute - self.since for name, minute in each.items()} for each in found]

    def _send(self, minute: int) -> None:
        self.scenario.each_minute(self)
        self.traffic.send(minute)

    def _minutes(self, number: int, send: Callable[[int], None]) -> None:
        for _ in range(number):
            self.world.step(send)

    def post(self, path: str, times: int = 1) -> None:
        """Somebody else posts to the endpoint."""
        for _ in range(times):
            self.world.post(Post(path, b""))

    def log(self, app: str, text: bytes, lines: int, times: int = 1) -> None:
        """An app logs some batches more."""
        line = message(text, datetime.fromtimestamp(self.world.clock.now, UTC))
        for _ in range(times):
            self.world.logplex.send(app, self.world.token(app), [line] * lines)

    def malformed(self, app: str, lines: int) -> None:
        """An app sends what is not syslog."""
        self.world.logplex.send(app, self.world.token(app), [b"no header"] * lines)

    def storm(self, app: str) -> None:
        """An app logs more than Logplex can keep."""
        self.world.logplex.lost[app] += 500
        self.log(app, b"storm\n", 500)


# ---------------------------------------------------------------- what happens


def _set(**faults: object) -> Act:
    def act(day: Day) -> None:
        for name, value in faults.items():
            setattr(day.world.faults, name, value)

    return act


def _refuse(code: str, *services: str, of: Iterable[str] = (), caller: str = "") -> Act:
    """Let calls of services fail, or of these operations only, or of one function only."""
    operations = set(of)

    def act(day: Day) -> None:
        day.world.network.trouble = lambda service, label: (
            code
            if service in services
            and (not operations or label[0] in operations)
            and caller in ("", day.world.network.caller)
            else None
        )

    return act


def _all(*acts: Act) -> Act:
    def act(day: Day) -> None:
        for each in acts:
            each(day)

    return act


def _silence(*apps: str) -> Act:
    return lambda day: day.traffic.silent.update(apps)


def _restart(day: Day) -> None:
    day.world.restart()


def _only_batches(day: Day) -> None:
    """Refuse what is written to slots and let all else through, as a throttled partition does."""
    day.world.network.trouble = lambda service, label: (
        "ThrottlingException" if service == "dynamodb" and label[0] == "put" and "/" in str(label[1]) else None
    )


def _spill(day: Day, text: str) -> None:
    day.world.cloud.messages.send(text)


def _for_minutes(minutes: int) -> Act:
    def act(day: Day) -> None:
        if day.world.minute == day.since + minutes:
            day.world.network.trouble = lambda *_: None

    return act


def _lose(day: Day) -> None:
    day.world.logplex.lost[API] = 12


def _delete(objects: int, *, versions: bool) -> Act:
    """Delete objects: a delete marker is one object more, until the version is gone."""

    def act(day: Day) -> None:
        day.world.deletions += objects
        day.world.other_objects += -objects if versions else objects

    return act


def _alarms(*names: str) -> frozenset[str]:
    return frozenset(names)


# Silence is counted up to the last flushed slot; the alarm comes within its hours and this many minutes.
_SILENCE_AND = 2 * 60 + 15
_LONG = 2.4
# A canary that was stored is too old when the second one after it is sent.
_TWO_CANARIES = 31

HEALTHY = (
    Scenario("healthy", "a healthy day", _alarms(), hours=24, told_in=None, begin=_MIDNIGHT, app=App(by_day)),
    Scenario(
        "quiet-night", "a night in which an app with 24 hours of silence logs nothing", _alarms(), hours=10,
        told_in=None, begin=_MIDNIGHT, apps={API: App(by_day), VELVET: App(quiet_at_night)},
        silence_hours={API: 2, VELVET: 24},
    ),
    Scenario(
        "five-lines", "an app of five lines per day, with no alarm of silence", _alarms(), hours=24, told_in=None,
        begin=_MIDNIGHT, apps={API: App(by_day), VELVET: _FIVE_LINES}, silence_hours={API: 2, VELVET: 0},
    ),
    Scenario("sunday", "a Sunday", _alarms(), hours=24, told_in=None, begin=_MIDNIGHT, app=App(sunday)),
    Scenario("deploy", "a new version of the functions", _alarms(), _restart, told_in=None),
    Scenario(
        "clock-change", "the users' clocks change by an hour", _alarms(),
        lambda day: setattr(day.traffic, "utc_offset_h", lambda _: 1), hours=6, told_in=None, app=App(by_day),
    ),
    Scenario("stray-probe", "somebody tries ten paths", _alarms(), lambda day: day.post("/.env", 10), told_in=None),
    Scenario(
        "queries", "an operator runs 300 queries", _alarms(),
        lambda day: setattr(day.world, "other_objects", 600), hours=13, told_in=None,
    ),
    Scenario(
        "receivers-clock", "the receiver's clock is ten minutes ahead", _alarms(), _set(receiver_ahead_s=600.0),
        hours=2, told_in=None,
    ),
    Scenario(
        "only-spilled", "the receiver alone may not write to the buffer: all goes through the spill queue", _alarms(),
        _refuse("AccessDeniedException", "dynamodb", caller="receiver"), hours=2, told_in=None,
    ),
    Scenario("drains-disabled", "the drains are disabled", _alarms(), _silence(*APPS), hours=3, told_in=None,
             drains_enabled=False),
)  # fmt: skip

FAULTS = (
    Scenario("app-dead", "one app is dead", _alarms(f"silent-{API}"), _silence(API), hours=_LONG, told_in=_SILENCE_AND),
    Scenario("all-dead", "all apps are dead", _alarms(*SILENT), _silence(*APPS), hours=_LONG, told_in=_SILENCE_AND),
    Scenario(
        "drain-removed", "somebody removes an app's drain", _alarms(f"silent-{CONSOLE}"), _silence(CONSOLE),
        hours=_LONG, told_in=_SILENCE_AND,
    ),
    Scenario("logplex-loses", "Logplex loses twelve lines of an app", _alarms("lines-lost"), _lose),
    Scenario(
        "prober-of-paths", "somebody tries a hundred paths per minute", _alarms("api-4xx"),
        each_minute=lambda day: day.post("/wp-login.php", 100),
    ),
    Scenario(
        "prober-of-tokens", "somebody tries ten tokens per minute", _alarms("refused"),
        each_minute=lambda day: day.post(f"/prod/drain?app={API}&token=guess", 10),
    ),
    Scenario(
        "old-token-of-one",
        "after a bad rotation, the drain of an app that sends up to two POSTs per minute has an old token",
        _alarms(f"silent-{API}"), _set(old_token={API}), hours=_LONG, told_in=_SILENCE_AND,
    ),
    Scenario(
        "old-token", "after a bad rotation, the drains of all apps have old tokens",
        _alarms("refused", *SILENT), _set(old_token=set(APPS)), hours=_LONG,
    ),
    Scenario(
        "s3-refused", "S3 refuses objects for a day", _alarms("behind", "flusher-errors", "canary", "digester"),
        _refuse("AccessDenied", "s3"), hours=24,
    ),
    Scenario(
        "s3-refused-at-night", "S3 refuses objects, and no app logs anything",
        _alarms("behind", "flusher-errors", "canary"),
        _all(_silence(*APPS), _refuse("AccessDenied", "s3")), hours=1.5,
    ),
    Scenario(
        "buffer-throttled", "DynamoDB throttles what is written to slots",
        _alarms("buffer-throttled", "behind", "flusher-errors", "spill-age", "canary"), _only_batches, hours=2,
    ),
    Scenario(
        "buffer-denied", "DynamoDB refuses everything",
        _alarms("behind", "flusher-errors", "spill-age", "canary"), _refuse("AccessDeniedException", "dynamodb"),
        hours=2,
    ),
    Scenario(
        "buffer-refuses-briefly", "DynamoDB refuses what is written to slots for four minutes",
        _alarms("flusher-errors"), _refuse("InternalServerError", "dynamodb", of=["put"]), _for_minutes(4),
        # A canary that was spilled meanwhile is received again after a quarter of an hour.
        also=_alarms("canary"),
    ),
    Scenario(
        "buffer-hangs", "DynamoDB does not answer writes",
        _alarms("receiver-slow", "behind", "flusher-errors", "spill-age", "canary"),
        _refuse(HANGS, "dynamodb", of=["put"]), hours=2,
    ),
    Scenario(
        "nothing-takes-batches", "neither DynamoDB nor SQS takes batches",
        _alarms("api-5xx", "canary", "behind", "flusher-errors"),
        _refuse("AccessDeniedException", "dynamodb", "sqs"),
    ),
    Scenario("flusher-dead", "the flusher is not invoked any more", _alarms("behind", "canary"),
             _set(flusher_stopped=True), hours=1.5),
    Scenario("flusher-import-fails", "the flusher fails at its import", _alarms("behind", "flusher-errors", "canary"),
             _set(flusher_import_fails=True), hours=1.5),
    Scenario("queue-refused", "SQS refuses everything", _alarms("flusher-errors"), _refuse("AccessDenied", "sqs")),
    Scenario(
        "stuck", "a spilled batch cannot be read, and stays in the queue", _alarms("spill-age"),
        lambda day: _spill(day, "not a batch"), hours=2,
    ),
    Scenario(
        "import-fails", "the receiver fails at its import", _alarms("receiver-errors", "api-5xx", "canary"),
        _set(import_fails=True),
    ),
    Scenario(
        "import-fails-at-night", "the receiver fails at its import, and no app logs anything",
        _alarms("receiver-errors", "api-5xx", "canary"), _all(_silence(*APPS), _set(import_fails=True)),
    ),
    Scenario(
        "receiver-throttled", "Lambda has no concurrency left", _alarms("receiver-throttled", "api-5xx", "canary"),
        _set(throttled=True),
    ),
    Scenario(
        "not-permitted", "API Gateway may not invoke the receiver", _alarms("api-5xx", "canary"),
        _set(not_permitted=True),
    ),
    Scenario(
        "keys-unreadable", "a new receiver cannot read the keys", _alarms("api-5xx", "canary"),
        _all(_set(hashes_unreadable=True), _restart),
    ),
    Scenario(
        "urls-unreadable", "the canary cannot read the drain URLs", _alarms("canary"), _set(urls_unreadable=True),
    ),
    Scenario(
        "elsewhere", "the endpoint answers 200 and stores nothing here", _alarms("canary"), _set(elsewhere=True),
        hours=1.5, told_in=_TWO_CANARIES,
    ),
    Scenario("canary-stopped", "the canary is not invoked any more, and the doctor alone tells", _alarms(),
             _set(canary_stopped=True), hours=2, told_in=None),
    Scenario("digester-stopped", "the digester is not invoked any more", _alarms("digester"),
             _set(digester_stopped=True), hours=15, told_in=785),
    Scenario("slow", "every POST takes 3 s", _alarms("receiver-slow"), _set(slow_s=3.0)),
    Scenario(
        "malformed", "an app logs 30 lines per minute that are not valid syslog", _alarms("quarantined"),
        each_minute=lambda day: day.malformed(API, 30),
    ),
    Scenario(
        "storm", "an app logs so much that Logplex loses lines", _alarms("lines-lost"),
        each_minute=lambda day: day.storm(API),
    ),
    Scenario("flood", "an app logs fifty POSTs per minute", _alarms(), told_in=None,
             each_minute=lambda day: day.log(API, b"flood\n", 90, times=50)),
    Scenario(
        "beyond-limits", "an app logs more than the stage's limits: nine of ten POSTs are refused",
        _alarms("api-4xx", "lines-lost", "canary"), _set(admitted=10),
        lambda day: day.log(API, b"flood\n", 90, times=50),
    ),
    Scenario("dead-letters", "spilled batches become dead letters", _alarms("dead-letters"),
             lambda day: setattr(day.world, "dead_letters", 3)),
    Scenario("deleted", "somebody deletes one object", _alarms("deleted"), _delete(1, versions=False), hours=13),
    Scenario(
        "month-deleted", "somebody deletes a month of logs", _alarms("deleted", "objects"),
        _delete(25_920, versions=False), hours=13,
    ),
    Scenario(
        "versions-deleted", "somebody deletes a month of logs with all versions", _alarms("deleted", "objects"),
        _delete(25_920, versions=True), hours=13,
    ),
)  # fmt: skip
SCENARIOS = (*HEALTHY, *FAULTS)
