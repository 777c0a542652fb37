"""Stopping and starting drains: only ours, again and again, and never a token on the screen."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from contract.outputs import Outputs
from local.stack import LocalStack, Options
from runbook import stack_outputs
from runbook.clients.heroku import Heroku
from runbook.drains import pulumi_state, urls
from runbook.errors import RunbookError
from tests.support.doctor_faults import API, CONSOLE, NOW, VELVET
from tests.support.recording_monitor import run
from tests.support.runbook_cli import Run, check_transcript, runner

APPS = (API, CONSOLE, VELVET)
FOREIGN = "https://logs.example.com/drain?token=a-foreign-token"


@pytest.fixture(scope="module")
def running() -> Iterator[LocalStack]:
    with LocalStack(Options(clock=NOW)) as stack:
        yield stack


@pytest.fixture
def stack(running: LocalStack) -> Iterator[LocalStack]:
    """A stack whose drains are put back afterwards, with ids that are the same in each run."""
    drains = running.heroku.drains_by_app
    before = {app: list(found) for app, found in drains.items()}
    for app in APPS:
        drains[app] = [drain | {"id": f"{app}-drain"} for drain in drains[app]]
    yield running
    drains.update(before)


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(stack, monkeypatch, capfd, NOW)


def add(stack: LocalStack, app: str, url: str, **changes: Any) -> None:
    drains = stack.heroku.drains_by_app[app]
    drains.append(drains[0] | {"id": f"more-{len(drains)}", "url": url} | changes)


def hosts(stack: LocalStack, app: str) -> list[str]:
    return [drain["url"].partition("?")[0] for drain in stack.heroku.drains(app)]


def outputs(stack: LocalStack) -> Outputs:
    return stack_outputs.parse(json.dumps(stack.outputs), "x")


# ---------------------------------------------------------------- stop


def test_all_drains_are_stopped_and_started_again(runbook: Run, stack: LocalStack) -> None:
    before = stack.drain_urls
    assert runbook("stop", "--yes").code == 0
    assert stack.drain_urls == {}
    assert runbook("start", "--yes").code == 0
    assert stack.drain_urls == before


def test_one_apps_drain_is_stopped(runbook: Run, stack: LocalStack) -> None:
    assert runbook("stop", "--app", API, "--yes").code == 0
    assert set(stack.drain_urls) == {CONSOLE, VELVET}


def test_drains_to_elsewhere_stay(runbook: Run, stack: LocalStack) -> None:
    """Somebody else's, and an add-on's wherever it goes."""
    add(stack, API, FOREIGN)
    add(stack, API, stack.outputs["endpoint"] + "?app=x", addon={"id": "x"})
    assert all(drain.addon for drain in Heroku("local", stack.heroku.url).drains(API) if drain.id == "more-2")
    answer = runbook("stop", "--app", API, "--yes")
    assert [drain["id"] for drain in stack.heroku.drains(API)] == ["more-1", "more-2"]
    assert f"to keep: {API}  2 other drains" in answer.err


def test_a_drain_with_an_older_token_is_ours(runbook: Run, stack: LocalStack) -> None:
    """A rotation that did not finish leaves one."""
    add(stack, API, stack.outputs["endpoint"] + f"?app={API}&token=older")
    runbook("stop", "--app", API, "--yes")
    assert stack.heroku.drains(API) == []


def test_nothing_is_removed_without_a_yes(runbook: Run, stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stack.drain_urls
    assert runbook("stop").code == 2
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    answer = runbook("stop")
    assert (answer.code, stack.drain_urls) == (2, before)
    assert "nothing was changed" in answer.err


def test_where_nothing_drains_nothing_is_asked(runbook: Run) -> None:
    runbook("stop", "--yes")
    answer = runbook("stop")
    assert answer.code == 0
    assert "removed" not in answer.out


def test_an_app_that_is_none_of_the_stacks_is_refused(runbook: Run) -> None:
    for command in ("stop", "start"):
        answer = runbook(command, "--app", "someone-elses-app", "--yes")
        assert answer.code == 2
        assert all(app in answer.err for app in APPS)


# ---------------------------------------------------------------- start


def test_a_drain_that_is_there_stays(runbook: Run, stack: LocalStack) -> None:
    ids = {app: stack.heroku.drains(app) for app in APPS}
    answer = runbook("start")
    assert answer.code == 0
    assert "All drains exist: nothing was registered." in answer.out
    assert "pulumi" not in answer.out
    assert json.loads(runbook("start", "--json").out)["state"] == []
    assert {app: stack.heroku.drains(app) for app in APPS} == ids


def test_only_the_drains_that_were_registered_are_imported(runbook: Run, stack: LocalStack) -> None:
    """The others exist in Pulumi's state, unless an earlier start registered them: --state is for those."""
    runbook("stop", "--app", API, "--yes")
    answer = runbook("start", "--yes")
    assert f"hla forget-drains --app {API} |" in answer.out
    assert [app for app in APPS if f"drains-{app} " in answer.out] == [API]
    assert "hla start --state" in answer.err
    again = runbook("start", "--state")
    assert [app for app in APPS if f"drains-{app} " in again.out] == list(APPS)
    assert "pulumi config set drainsEnabled true" in again.out


def test_several_apps_are_stopped_and_started(runbook: Run, stack: LocalStack) -> None:
    several = ["--app", API, "-a", VELVET, "--yes"]
    runbook("stop", *several)
    assert set(stack.drain_urls) == {CONSOLE}
    assert f"hla forget-drains --app {API} --app {VELVET} |" in runbook("start", *several).out
    assert set(stack.drain_urls) == set(APPS)


def test_another_token_of_ours_is_not_enough(runbook: Run, stack: LocalStack) -> None:
    """The right drain is registered; the other one is the operator's to remove, and how is said."""
    url = stack.drain_urls[API]
    [drain] = stack.heroku.drains_by_app[API]
    stack.heroku.drains_by_app[API] = [drain | {"id": "other", "url": url + "x"}]
    answer = runbook("start", "--app", API, "--yes")
    assert url in [found["url"] for found in stack.heroku.drains(API)]
    assert f"heroku drains:remove other --app {API}" in answer.out


def test_a_stack_that_its_setting_stopped_is_started_by_its_setting(runbook: Run, stack: LocalStack) -> None:
    """Otherwise the next `pulumi up` finds a drain that it cannot register again."""
    ssm, name = stack.client("ssm"), "/raxx/log-drain/outputs"
    ssm.put_parameter(Name=name, Value=json.dumps(stack.outputs | {"drainsEnabled": False}), Overwrite=True)
    try:
        answer = runbook("start", "--yes")
        assert answer.code == 2
        assert "`pulumi config set drainsEnabled true --stack prod && pulumi up --stack prod`" in answer.err
        assert runbook("start", "--yes", "--anyway").code == 0
    finally:
        ssm.put_parameter(Name=name, Value=json.dumps(stack.outputs), Overwrite=True)


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("command", ["stop", "start"])
def test_an_app_that_fails_does_not_keep_the_others(
    runbook: Run, stack: LocalStack, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    if command == "start":
        runbook("stop", "--yes")
    name = {"stop": "remove_drain", "start": "add_drain"}[command]
    call = getattr(Heroku, name)

    def fails(self: Heroku, app: str, what: str) -> Any:
        if app == API:
            raise RunbookError("Heroku's API answered 500")
        return call(self, app, what)

    monkeypatch.setattr(Heroku, name, fails)
    answer = runbook(command, "--yes")
    assert answer.code == 1
    assert f"{API}  Heroku's API answered 500" in answer.out
    assert set(stack.drain_urls) == ({API} if command == "stop" else {CONSOLE, VELVET})
    assert f"drains-{API}'" not in answer.out
    monkeypatch.undo()


@pytest.mark.parametrize("command", ["stop", "start"])
def test_an_app_that_cannot_be_seen_does_not_keep_the_others(runbook: Run, stack: LocalStack, command: str) -> None:
    if command == "start":
        runbook("stop", "--yes")
    drains = stack.heroku.drains_by_app.pop(API)
    try:
        answer = runbook(command, "--yes", "--json")
        assert answer.code == 1
        assert json.loads(answer.out)["failed"].keys() == {API}
        assert all(bool(stack.heroku.drains(app)) == (command == "start") for app in (CONSOLE, VELVET))
    finally:
        stack.heroku.drains_by_app[API] = drains


def test_an_app_whose_url_is_not_there_does_not_keep_the_others(runbook: Run, stack: LocalStack) -> None:
    runbook("stop", "--yes")
    ssm, name = stack.client("ssm"), f"/raxx/log-drain/drain_url/{API}"
    url = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value="https://example.com/prod/drain?token=x", Type="SecureString", Overwrite=True)
    try:
        answer = runbook("start", "--yes")
        assert answer.code == 1
        assert f"{API}  the URL in SSM leads to another endpoint" in answer.out
        assert set(stack.drain_urls) == {CONSOLE, VELVET}
    finally:
        ssm.put_parameter(Name=name, Value=url, Type="SecureString", Overwrite=True)


def test_without_a_key_nothing_can_be_told(runbook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEROKU_API_KEY")
    monkeypatch.setenv("HOME", "/nonexistent")
    answer = runbook("stop", "--yes")
    assert answer.code == 2
    assert "HEROKU_API_KEY" in answer.err


@pytest.mark.parametrize("command", ["stop", "start"])
@pytest.mark.parametrize("after", [False, True], ids=["before-it-is-done", "after-it-is-done"])
@pytest.mark.parametrize("call", range(3))
def test_what_was_interrupted_a_repeat_finishes(
    runbook: Run, stack: LocalStack, monkeypatch: pytest.MonkeyPatch, command: str, call: int, *, after: bool
) -> None:
    """Ctrl-C at each call that changes something, before and after it; then Pulumi can be told of all drains."""
    urls = stack.drain_urls
    if command == "start":
        runbook("stop", "--yes")
    name = {"stop": "remove_drain", "start": "add_drain"}[command]
    real, calls = getattr(Heroku, name), iter(range(3))

    def interrupted(self: Heroku, app: str, what: str) -> Any:
        last = next(calls) == call
        if last and not after:
            raise KeyboardInterrupt
        done = real(self, app, what)
        if last:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Heroku, name, interrupted)
        stopped = runbook(command, "--yes")
        assert stopped.code == 130
        assert command == "stop" or "run this next: hla start --state\n" in stopped.err
    answer = runbook(command, "--yes", *(["--state"] if command == "start" else []))
    assert answer.code == 0
    assert stack.drain_urls == ({} if command == "stop" else urls)
    assert all(len(stack.heroku.drains(app)) == len(stack.drain_urls) // 3 for app in APPS)
    assert "hla forget-drains" in answer.out
    assert command == "stop" or all(f"drains-{app} " in answer.out for app in APPS)


# ---------------------------------------------------------------- secrets, and Pulumi's state


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_no_token_is_shown(runbook: Run, stack: LocalStack, flags: list[str]) -> None:
    tokens = [url.partition("token=")[2] for url in stack.drain_urls.values()]
    add(stack, API, FOREIGN)
    said = [runbook(command, "--yes", *flags) for command in ("stop", "start", "start")]
    printed = "".join(answer.out + answer.err for answer in said)
    assert not any(token in printed for token in (*tokens, "a-foreign-token"))


def test_bash_passes_the_import_command_to_pulumi_unchanged(stack: LocalStack) -> None:
    """The type contains a $. The parent is the component that the program registers."""
    words = shlex.split(pulumi_state.import_command(outputs(stack), API, "app-id", "drain-id"))
    registered = [urn for urn, resource in run().resources.items() if resource.type == "heroku:drain/drain:Drain"]
    [component] = {urn.partition("$")[0] for urn in registered}
    assert words[:5] == ["pulumi", "import", "heroku:drain/drain:Drain", f"drains-{API}", "app-id:drain-id:sensitive"]
    assert words[words.index("--parent") + 1] == f"drains={component}::drains"


def test_started_drains_are_adopted_by_their_own_ids(runbook: Run, stack: LocalStack) -> None:
    runbook("stop", "--yes")
    state = json.loads(runbook("start", "--yes", "--json").out)["state"]
    for app in APPS:
        [drain] = stack.heroku.drains(app)
        assert any(f"{stack.heroku.app_id(app)}:{drain['id']}:sensitive" in line for line in state)


TRANSCRIPTS = {
    "stop": ["stop", "--yes"],
    "stop-json": ["stop", "--app", API, "--yes", "--json"],
    "start": ["start"],
    "start-state": ["start", "--state"],
}


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_command_says_what_was_reviewed(runbook: Run, name: str) -> None:
    check_transcript(name, TRANSCRIPTS[name], runbook(*TRANSCRIPTS[name]))


def test_a_stop_needs_no_secret(runbook: Run, stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may manage the apps' drains can stop them, without a right to read drain URLs."""

    def denied(*_: object) -> str:
        raise AssertionError("a drain URL was read")

    monkeypatch.setattr(urls, "read", denied)
    assert runbook("--assume", "stop", "--yes").code == 0
    assert stack.drain_urls == {}
