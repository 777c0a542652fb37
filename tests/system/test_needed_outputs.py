"""Each command needs only the outputs that it uses: one that is missing takes no other command away.

A command runs once with all outputs, which notes those that it reads. What it does not read cannot matter to it, so it
runs again without each of those that it read. An output with an odd value is like one that is missing:
tests/contract/test_outputs.py.
"""

import io
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from contract.buffer_table import Seen
from contract.outputs import MEANINGS, Outputs
from local.logplex.nodes import post
from local.stack import LocalStack, Options
from runbook.alarms import send_test
from runbook.canary import send_canary
from runbook.cli import COMMANDS
from runbook.clients import aws
from runbook.doctor.faults import CHECKS
from tests.support.later import flush_later
from tests.support.logplex_frames import body, message
from tests.support.runbook_cli import Answer, Run, runner
from tests.support.watch_state import confirm_subscriptions, put_seen

NOW = datetime.now(UTC)
API, CONSOLE, VELVET = "raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod"
NAMES = dict(zip(Outputs.__dataclass_fields__, MEANINGS, strict=True))
STATE = json.dumps({"version": 3, "deployment": {"resources": []}})


class Use(NamedTuple):
    """A command line, the outputs without which it could not tell, and those that it does without."""

    arguments: str
    needs: str
    spares: str = ""


WATCH = "apps namePrefix parameterPrefix drainsEnabled silenceHours silenceHoursByApp flushMinutes"
SEARCH = "apps database workgroup"
# Any ARN of the stack tells its account.
ACCOUNT = "readerRoleArn"
USES: Mapping[str, Use] = {
    "query": Use("query errors-by-surface --last 1h", f"{SEARCH} bucket table", f"{ACCOUNT} retiredApps buffer"),
    "sql": Use("sql 'SELECT 1' --yes", f"{SEARCH} retiredApps table view", "buffer"),
    "schema": Use("schema", "table view"),
    "lines": Use("lines --last 1h", f"{SEARCH} bucket table", f"{ACCOUNT} retiredApps buffer flushMinutes"),
    "restore": Use("restore --last 1d --yes", "apps bucket restorerRoleArn retiredApps", ACCOUNT),
    "verify": Use("verify --last 1d", "bucket expireAfterDays", ACCOUNT),
    "flush": Use("flush", "flushMinutes flusher"),
    "test-alarm": Use("test-alarm --yes", f"{WATCH} alarmTopicArn"),
    "test-drain": Use("test-drain", f"{SEARCH} flushMinutes flusher namePrefix region table"),
    "cost": Use(
        "cost",
        f"{WATCH} bucket region workgroup archiveAfterDays expireAfterDays resultsExpireAfterDays",
        f"{ACCOUNT} budgetUsd buffer endpoint flusher receiver",
    ),
    "stop": Use(f"stop --app {API} --yes", "apps endpoint", "stack"),
    "start": Use(f"start --app {API} --yes", "apps endpoint drainsEnabled parameterPrefix project stack"),
    "forget-drains": Use("forget-drains", ""),
    "drain-url": Use(f"drain-url {API}", "apps parameterPrefix"),
    # A runbook with gaps would mislead.
    "render": Use("render", " ".join(MEANINGS)),
}


@pytest.fixture(scope="module")
def running() -> Iterator[LocalStack]:
    with LocalStack(Options(with_canary=True)) as stack:
        for app in (API, CONSOLE, VELVET):
            line = message(b"a line", datetime.now(UTC) - timedelta(minutes=10))
            assert post(stack.drain_urls[app], body(line), uuid4().hex) == 200
            for is_canary in (False, True):
                put_seen(stack, Seen(app, canary=is_canary), int(NOW.timestamp() * 1000))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", stack.aws_url)
            patch.setenv("AWS_DEFAULT_REGION", stack.outputs["region"])
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                patch.setenv(name, "local")
            flush_later(stack, 600)
        stack.digest()
        confirm_subscriptions(stack)
        yield stack


@pytest.fixture(scope="module")
def clients() -> Callable[[Any, str], Any]:
    """Clients are made once for all tests: that takes longer than what they do."""
    made: dict[str, Any] = {}

    def client(session: Any, service: str) -> Any:
        if service not in made:
            made[service] = aws.make_client(session, service)
        return made[service]

    return client


@pytest.fixture
def stack(running: LocalStack) -> Iterator[LocalStack]:
    """A stack whose drains are put back afterwards."""
    drains = running.heroku.drains_by_app
    before = {app: list(found) for app, found in drains.items()}
    yield running
    drains.update(before)


class Trial:
    """Runs commands with outputs from a file, and notes the outputs that they read."""

    def __init__(self, runbook: Run, stack: LocalStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._runbook, self._stack, self._path = runbook, stack, folder / "outputs.json"
        self._monkeypatch, self._drains = monkeypatch, {**stack.heroku.drains_by_app}
        self.read = set[str]()

        def noting(outputs: Outputs, name: str) -> Any:
            if name in NAMES:
                self.read.add(NAMES[name])
            return object.__getattribute__(outputs, name)

        monkeypatch.setattr(Outputs, "__getattribute__", noting, raising=False)

    def __call__(self, arguments: str, without: str = "") -> Answer:
        outputs = {name: value for name, value in self._stack.outputs.items() if name != without}
        self._path.write_text(json.dumps(outputs), encoding="utf-8")
        drains = {app: [] if arguments.startswith("start") else list(found) for app, found in self._drains.items()}
        self._stack.heroku.drains_by_app.update(drains)
        self._monkeypatch.setattr("sys.stdin", io.StringIO(STATE))
        return self._runbook("--outputs", str(self._path), *shlex.split(arguments))


@pytest.fixture
def trial(
    stack: LocalStack,
    clients: Callable[[Any, str], Any],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Trial:
    runbook = runner(stack, monkeypatch, capfd, NOW)
    runbook.make_client = clients
    monkeypatch.setattr(send_test, "PAUSE_S", 0)
    monkeypatch.setattr(send_canary, "pause", lambda seconds: flush_later(stack, seconds))
    return Trial(runbook, stack, tmp_path, monkeypatch)


def test_each_command_is_tried() -> None:
    """Of doctor, each check is tried by itself."""
    assert USES.keys() == COMMANDS.keys() - {"doctor"}


@pytest.mark.parametrize("command", USES)
def test_a_command_needs_only_what_it_uses(trial: Trial, command: str) -> None:
    use = USES[command]
    whole = trial(use.arguments)
    assert whole.code == 0, whole.err
    answers = {name: trial(use.arguments, without=name) for name in sorted(trial.read)}
    failed = {name for name, answer in answers.items() if answer.code == 2}
    assert failed == set(use.needs.split())
    assert answers.keys() - failed == set(use.spares.split())
    for name in failed:
        *_, last = answers[name].err.splitlines()
        assert f" has no output {name}: deploy this version of the stack, or" in last
        assert last.startswith("error: ")
    assert all(answers[name].code == whole.code for name in use.spares.split())


@pytest.mark.parametrize("check", [check.name for check in CHECKS])
def test_a_check_without_an_output_could_not_tell_and_says_which(trial: Trial, check: str) -> None:
    """The other checks do not read it, or could not tell either."""
    whole = verdict(trial(f"doctor --only {check} --json"))
    for name in sorted(trial.read):
        answer = trial(f"doctor --only {check} --json", without=name)
        said = verdict(answer)
        assert said == whole or f" has no output {name}: " in answer.out, name
        assert "the check itself failed" not in answer.out


def verdict(answer: Answer) -> list[Any]:
    """What a check found, without numbers."""
    document = json.loads(answer.out)
    return [[each["fault"] for each in document["findings"]], document["could_not_tell"], bool(document["fine"])]
