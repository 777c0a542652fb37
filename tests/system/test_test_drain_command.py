"""`test-drain`: a line goes the whole way of each app's lines, and what became of it is said."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from contract import canary
from local.stack import LocalStack, Options
from runbook.canary import send_canary
from runbook.clients import aws
from tests.support.later import flush_later
from tests.support.policy_evaluation import Ask, allows
from tests.support.runbook_cli import Run, check_transcript, runner
from tests.support.watch_state import deletions_url
from tools.deploy_policies.__main__ import settings_of
from tools.deploy_policies.documents import Names, Role, documents
from tools.deploy_policies.needs import identified, is_allowed, needs
from tools.deploy_policies.requests import Call

NOW = datetime.now(UTC)
API, CONSOLE, VELVET = "raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod"
LONGEST_WAIT_S = 2 * 5 * 60 + 20


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack(Options(with_canary=True)) as running:
        yield running


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(stack, monkeypatch, capfd, NOW)


@pytest.fixture
def waits(stack: LocalStack, runbook: Run, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the command waits; the slots become due at once."""
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        flush_later(stack, seconds)

    monkeypatch.setattr(send_canary, "pause", pause)
    return waited


def changed(runbook: Run, function: str, change: Callable[[dict[str, Any]], dict[str, Any]], **error: str) -> None:
    """Change what a function answers."""
    make = runbook.make_client
    asked: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["FunctionName"])

    def answer(parsed: dict[str, Any], **_: Any) -> None:
        if asked[-1] == function:
            payload = change(json.load(parsed["Payload"]))
            parsed.update(Payload=io.BytesIO(json.dumps(payload).encode()), **error)

    def changing(session: Any, service: str) -> Any:
        client = make(session, service)
        client.meta.events.register("before-parameter-build.lambda.Invoke", note)
        client.meta.events.register("after-call.lambda.Invoke", answer)
        return client

    runbook.make_client = changing


def mixed(answer: dict[str, Any]) -> dict[str, Any]:
    """The first app's line as it is, another's never seen, and the last one's refused."""
    sent = answer["sent"]
    failed = [{"what": VELVET, "reason": "status-401"}, {"what": VELVET, "reason": "not-stored"}]
    return {"sent": {API: sent[API], CONSOLE: sent[CONSOLE] - 1}, "failed": failed}


def test_a_line_of_each_app_is_sent_stored_and_found(runbook: Run, waits: list[float]) -> None:
    answer = runbook("test-drain", "--json")
    assert answer.code == 0, answer.err
    found = {"sent": True, "stored": True, "found": True, "wrong": "", "remedy": ""}
    assert json.loads(answer.out) == {"seconds": 0, "apps": [{"app": app, **found} for app in (API, CONSOLE, VELVET)]}
    [waited] = waits
    assert 20 < waited < LONGEST_WAIT_S


def test_the_line_is_a_canary_and_this_ones(runbook: Run, waits: list[float]) -> None:
    """An older canary in the archive must not be taken for it."""
    assert runbook("test-drain").code == 0
    changed(runbook, "raxx-log-canary", mixed)
    answer = runbook("test-drain", "--json")
    apps = {each["app"]: each for each in json.loads(answer.out)["apps"]}
    assert answer.code == 1
    assert [apps[app]["found"] for app in (API, CONSOLE, VELVET)] == [True, False, False]
    assert apps[CONSOLE]["wrong"] == "answered 200, and neither in the buffer nor found by Athena"
    assert apps[VELVET]["wrong"] == "not sent: status-401"


def test_what_was_not_flushed_is_in_the_buffer(runbook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_canary, "pause", lambda _: None)
    answer = runbook("test-drain", "--json")
    for each in json.loads(answer.out)["apps"]:
        assert (each["stored"], each["found"], each["remedy"]) == (True, False, "hla flush")
    assert answer.code == 1


def test_a_flusher_that_fails_is_said(runbook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_canary, "pause", lambda _: None)
    failed = {"errorType": "FlusherFailed", "errorMessage": f"{API}: SlowDown"}
    changed(runbook, "raxx-log-flusher", lambda _: failed, FunctionError="Unhandled")
    answer = runbook("test-drain")
    assert (answer.code, f"could not flush everything: {API}: SlowDown" in answer.err) == (1, True)


def test_when_nothing_is_sent_nothing_is_waited_for(runbook: Run, waits: list[float]) -> None:
    apps = (API, CONSOLE, VELVET)
    report = {"sent": {}, "failed": [{"what": app, "reason": "TimeoutError"} for app in apps]}
    changed(runbook, "raxx-log-canary", lambda _: report)
    answer = runbook("test-drain", "--json")
    assert (answer.code, waits) == (1, [])
    assert {each["wrong"] for each in json.loads(answer.out)["apps"]} == {"not sent: TimeoutError"}


@pytest.mark.parametrize(
    ("payload", "error", "said"),
    [
        ({"errorType": "Sandbox.Timedout", "errorMessage": "timed out after 120 s"}, True, "timed out after 120 s"),
        ({"sent": 3}, False, "another version"),
    ],
    ids=["fails", "older"],
)
def test_a_canary_that_gives_no_report_is_not_known(
    runbook: Run, payload: dict[str, Any], error: bool, said: str
) -> None:
    changed(runbook, "raxx-log-canary", lambda _: payload, **({"FunctionError": "Unhandled"} if error else {}))
    answer = runbook("test-drain")
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert "aws logs tail /aws/lambda/raxx-log-canary" in answer.err


def test_the_reader_role_suffices(runbook: Run, waits: list[float], reader: dict[str, Any], asked: list[Ask]) -> None:
    assert runbook("--assume", "test-drain").code == 0
    functions = [f"arn:aws:lambda:us-east-1:123456789012:function:raxx-log-{name}" for name in ("canary", "flusher")]
    assert all(allows(reader, Ask("lambda:InvokeFunction", function)) for function in functions)
    needed = [ask for ask in asked if not ask.action.startswith(("sts:", "lambda:"))]
    assert [ask for ask in needed if not allows(reader, ask)] == []


def test_the_alarms_of_the_canary_are_left_alone(stack: LocalStack, runbook: Run, waits: list[float]) -> None:
    """A run that reports is no error, whatever failed: Lambda counts errors, and an alarm tells of them."""
    event = json.dumps({canary.REPORT: True})
    ran = stack.client("lambda").invoke(FunctionName="raxx-log-canary", Payload=event)
    assert "FunctionError" not in ran
    assert json.load(ran["Payload"]).keys() == {"sent", "failed"}


def test_the_role_that_deploys_may_make_the_calls_of_the_test_after_a_deployment(
    stack: LocalStack, runbook: Run, waits: list[float]
) -> None:
    """Those of the doctor and of this command, but those that the reader role makes, which it assumes."""
    made: set[Call] = set()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        texts = tuple((name, value) for name, value in params.items() if isinstance(value, str))
        made.add(identified(Call(model.service_model.service_name, model.name, texts)))

    def watched(session: Any, service: str) -> Any:
        client = aws.make_client(session, service)
        if not session.get_credentials().token:
            client.meta.events.register("before-parameter-build", note)
        return client

    runbook.make_client = watched
    # The doctor reads messages if there are any.
    stack.client("sqs").send_message(QueueUrl=deletions_url(stack), MessageBody='{"Records": []}')
    for command in ("doctor", "test-drain"):
        runbook("--assume", command)
    policies = documents(Role.DEPLOY, Names.of(settings_of("prod")))
    wanted = {need for call in made for need in needs(call)}
    assert {need.action for need in wanted} >= {"iam:SimulatePrincipalPolicy", "sts:AssumeRole", "sqs:ReceiveMessage"}
    assert sorted(need.action for need in wanted if not is_allowed(policies, need)) == []


def test_it_says_what_was_reviewed(runbook: Run, waits: list[float]) -> None:
    check_transcript("test-drain", ["test-drain"], runbook("test-drain"))


def test_it_says_what_went_wrong(runbook: Run, waits: list[float]) -> None:
    changed(runbook, "raxx-log-canary", mixed)
    check_transcript("test-drain-wrong", ["test-drain"], runbook("test-drain"))
