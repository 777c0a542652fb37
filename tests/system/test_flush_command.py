"""Flushing by hand: all that is due is in the archive afterwards, and what could not be done is said."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from infra.flusher import TIMEOUT_S
from local.logplex.nodes import post
from local.stack import LocalStack
from runbook.clients import aws
from tests.support.doctor_faults import API, CONSOLE, NOW
from tests.support.logplex_frames import body, message
from tests.support.policy_evaluation import Ask, allows
from tests.support.runbook_cli import Run, check_transcript, runner
from tests.support.stored import keys, lines


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The flusher's clock is the real one; NOW only says which slot is the present one."""
    stack.flush()
    return runner(stack, monkeypatch, capfd, NOW)


def send(stack: LocalStack, app: str, text: bytes, minutes_ago: int) -> None:
    time = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    assert post(stack.drain_urls[app], body(message(text, time)), uuid4().hex) == 200


def answers(runbook: Run, *payloads: dict[str, Any]) -> None:
    """Have the flusher answer this, run after run; the last one for ever. One with an error message failed."""
    left = list(payloads)

    def change(parsed: dict[str, Any], **_: Any) -> None:
        payload = left.pop(0) if len(left) > 1 else left[0]
        parsed["Payload"] = io.BytesIO(json.dumps(payload).encode())
        if "errorMessage" in payload:
            parsed["FunctionError"] = "Unhandled"

    make = runbook.make_client

    def changing(session: Any, service: str) -> Any:
        client = make(session, service)
        client.meta.events.register("after-call.lambda.Invoke", change)
        return client

    runbook.make_client = changing


def summary(slots: int = 0, drained: int = 0, behind: int = 0) -> dict[str, Any]:
    return {"slots": slots, "drained": drained, "behindSeconds": behind}


NOTHING = summary()
FAILED = {"errorMessage": f"{API}: SlowDown", "errorType": "FlusherFailed", "stackTrace": []}


def test_what_is_due_is_in_the_archive_and_what_is_not_stays(runbook: Run, stack: LocalStack) -> None:
    before = keys(stack)
    for app in (API, CONSOLE):
        send(stack, app, b"due\n", 30)
        send(stack, app, b"present\n", 0)
    answer = runbook("flush", "--json")
    stored = lines(stack, sorted(keys(stack) - before))
    assert [line.rpartition(b" ")[2] for line in stored] == [b"due", b"due"]
    document = json.loads(answer.out)
    assert (document["slots"], document["behind_seconds"], document["done"], answer.code) == (2, 0, True, 0)


def test_it_runs_again_until_nothing_is_due(runbook: Run) -> None:
    """The flusher ends a run after 40 s; and what it drains last may be due."""
    answers(runbook, summary(slots=700, behind=9000), summary(slots=300), summary(drained=2), summary(slots=1), NOTHING)
    document = json.loads(runbook("flush", "--json").out)
    found = {name: document[name] for name in ("runs", "slots", "drained", "done")}
    assert found == {"runs": 5, "slots": 1001, "drained": 2, "done": True}


def test_it_gives_up_after_so_many_runs(runbook: Run) -> None:
    answers(runbook, summary(slots=700, behind=9000))
    answer = runbook("flush", "--runs", "3")
    assert answer.code == 1
    assert "2,100 slots" in answer.out
    assert "has been due for 9,000 s" in answer.out
    assert "run this again" in answer.err


def test_what_the_flusher_could_not_do_is_said(runbook: Run) -> None:
    """It does not run again: the cause is not gone within a second."""
    answers(runbook, summary(slots=2, behind=60), FAILED)
    answer = runbook("flush")
    assert answer.code == 1
    assert "flushed  2 slots" in answer.out
    assert f"{API}: SlowDown" in answer.out
    assert "nothing is due" not in answer.out
    assert "aws logs tail /aws/lambda/raxx-log-flusher" in answer.err
    document = json.loads(runbook("flush", "--json").out)
    assert (document["failed"], document["behind_seconds"], document["done"]) == (f"{API}: SlowDown", None, False)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"errorMessage": "2026-11-24 Task timed out after 120.00 seconds"}, "timed out after 120.00 seconds"),
        ({"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"}, "Runtime.ExitError: signal: killed"),
        ({"errorType": "MissingSetting", "errorMessage": "LOG_BUCKET\nis not set"}, "LOG_BUCKET is not set"),
    ],
)
def test_a_function_that_breaks_is_told_apart(runbook: Run, payload: dict[str, Any], said: str) -> None:
    """ "Troubleshoot execution issues in Lambda": these have no errorType, or one of Lambda's."""
    answers(runbook, payload)
    answer = runbook("flush")
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert "aws logs tail /aws/lambda/raxx-log-flusher" in answer.err


def test_a_flusher_that_is_not_there_is_said(runbook: Run, stack: LocalStack, tmp_path: Any) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(stack.outputs | {"flusher": "raxx-gone-flusher"}))
    answer = runbook("--outputs", str(file), "flush")
    assert answer.code == 2
    assert "there is no function raxx-gone-flusher in us-east-1" in answer.err


def test_the_reader_role_suffices(runbook: Run, reader: dict[str, Any], asked: list[Ask], stack: LocalStack) -> None:
    assert runbook("--assume", "flush").code == 0
    account = f"{stack.settings.region}:123456789012"
    function = f"arn:aws:lambda:{account}:function:{stack.outputs['flusher']}"
    # The permission's name differs from the call's ("Actions, resources, and condition keys for AWS Lambda").
    invoke = Ask("lambda:InvokeFunction", function)
    needed = [invoke if ask.action == "lambda:Invoke" else ask for ask in asked if not ask.action.startswith("sts:")]
    assert invoke in needed
    assert [ask for ask in needed if not allows(reader, ask)] == []


def test_a_run_may_take_as_long_as_the_function() -> None:
    session = boto3.Session(region_name="us-east-1")
    assert aws.make_client(session, "lambda").meta.config.read_timeout > TIMEOUT_S


TRANSCRIPTS = {
    "flush": ([summary(slots=12, drained=3, behind=240), summary(slots=1), NOTHING], ["flush"]),
    "flush-json": ([summary(slots=12, behind=240), NOTHING], ["flush", "--json"]),
    "flush-failed": ([summary(slots=12, behind=240), FAILED], ["flush"]),
}


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_command_says_what_was_reviewed(runbook: Run, name: str) -> None:
    payloads, arguments = TRANSCRIPTS[name]
    answers(runbook, *payloads)
    check_transcript(name, arguments, runbook(*arguments))
