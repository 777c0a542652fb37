"""The flusher on this machine: Lambda's Invoke runs it, and a schedule, from its zip."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from local.child import LocalError
from local.logplex.nodes import post
from local.stack import LocalStack, Options
from tests.support.logplex_frames import body, message
from tests.support.stored import keys, lines

APP = "raxx-api-prod"
HOUR = timedelta(hours=1)


def send(stack: LocalStack, text: bytes, at: datetime) -> None:
    assert post(stack.drain_urls[APP], body(message(text, time=at)), uuid4().hex, at) == 200


def test_what_is_due_is_flushed_and_what_is_present_stays_in_the_buffer(stack: LocalStack) -> None:
    now = datetime.now(UTC)
    send(stack, b"an hour ago\n", now - HOUR)
    send(stack, b"just now\n", now)
    answer = stack.client("lambda").invoke(FunctionName=stack.outputs["flusher"])
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"])["slots"] >= 1
    [line] = lines(stack, sorted(keys(stack)))
    assert line.endswith(b" - an hour ago")


def test_a_run_that_fails_is_a_function_error_with_its_reason() -> None:
    """As Lambda's Invoke gives it, and as the runbook shows it."""
    with LocalStack(Options()) as stack:
        send(stack, b"an hour ago\n", datetime.now(UTC) - HOUR)
        stack.client("s3").delete_bucket(Bucket=stack.outputs["bucket"])
        answer = stack.client("lambda").invoke(FunctionName=stack.outputs["flusher"])
        assert answer["FunctionError"] == "Unhandled"
        told = json.load(answer["Payload"])
        assert (told["errorType"], told["errorMessage"]) == ("FlusherFailed", f"{APP}: NoSuchBucket")
        with pytest.raises(LocalError, match="NoSuchBucket"):
            stack.flush()


def test_a_function_that_does_not_exist_is_lambdas_own_error(stack: LocalStack) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        stack.client("lambda").invoke(FunctionName="another")


def test_the_schedules_run_flusher_canary_and_digester(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call that is made every so many seconds is an Invoke of the schedule's target."""
    tickers: list[tuple[Callable[[], object], float]] = []

    class Ticker:
        def __init__(self, call: Callable[[], object], every_s: float) -> None:
            tickers.append((call, every_s))

        def stop(self) -> None:
            tickers.clear()

    monkeypatch.setattr("local.stack.Ticker", Ticker)
    with LocalStack(Options(scheduled=True)) as stack:
        [flush] = [call for call, every_s in tickers if every_s == 60]
        [digest] = [call for call, every_s in tickers if every_s == 3600]
        [send_canaries] = [call for call, every_s in tickers if every_s == 900]
        send(stack, b"an hour ago\n", datetime.now(UTC) - HOUR)
        flush()
        assert len(keys(stack)) == 1
        digest()
        assert stack.digest()["number"] == 1
        send_canaries()
        canaries = [
            item
            for item in stack.client("dynamodb").scan(TableName=stack.outputs["buffer"])["Items"]
            if "canary" in item
        ]
        assert len(canaries) == len(stack.outputs["apps"])
    assert tickers == []
