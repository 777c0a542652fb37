"""`lines` on the local stack: what was acknowledged is shown, in S3 or not, and followed as it comes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Timer
from typing import IO, Any

import duckdb
import pytest

from contract import canary
from local.logplex.nodes import post
from local.stack import LocalStack
from tests.support.logplex_frames import body, message
from tests.support.paths import PROJECT
from tests.support.policy_evaluation import Ask, allows
from tests.support.runbook_cli import Run, runner

API = "raxx-api-prod"
LONGEST_S = 30


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    # Lines that the test is about to send are in its windows.
    return runner(stack, monkeypatch, capfd, datetime.now(UTC) + timedelta(minutes=1))


def send(stack: LocalStack, text: str, age: timedelta = timedelta(0), app: str = API) -> None:
    """Post a line of a time, which arrives at that time."""
    time = datetime.now(UTC) - age
    posted = body(message(f"{text}\n".encode(), time))
    assert post(stack.drain_urls[app], posted, os.urandom(16).hex(), time if age else None) == 200


def shown(runbook: Run, *options: str) -> list[str]:
    answer = runbook("lines", "--last", "2h", "--json", *options)
    assert answer.code == 0, answer.err
    return [line["message"] for line in json.loads(answer.out)["lines"]]


def test_a_line_is_shown_at_once_and_after_its_flush_and_once(stack: LocalStack, runbook: Run) -> None:
    only = ("--match", "of one: ")
    send(stack, "of one: an hour ago", timedelta(hours=1))
    send(stack, "of one: now")
    assert shown(runbook, *only) == ["of one: an hour ago", "of one: now"]
    assert "1 line is from the buffer, not in S3 yet" in runbook("lines", "--match", "of one: now").err
    stack.flush()
    assert shown(runbook, *only) == ["of one: an hour ago", "of one: now"]
    send(stack, "of one: late for its slot", timedelta(hours=1))
    assert shown(runbook, *only) == ["of one: an hour ago", "of one: late for its slot", "of one: now"]


def test_canaries_are_shown_only_to_who_asks_for_them(stack: LocalStack, runbook: Run) -> None:
    only, canaries = ("--match", "of canaries"), ("--dyno", "canary", "--app", API)
    send(stack, "of canaries: none")
    sent = datetime.now(UTC)
    sent_ms = round(sent.timestamp() * 1000)
    posted = body(canary.message(sent_ms))
    assert post(stack.drain_urls[API], posted, canary.frame_id(sent_ms)) == 200
    [found] = shown(runbook, *canaries)
    assert found.startswith("canary of ")
    assert [shown(runbook, "--match", text) for text in ("of canaries", found)] == [["of canaries: none"], []]
    long_ago = sent - timedelta(hours=1)
    long_ago_ms = round(long_ago.timestamp() * 1000)
    assert post(stack.drain_urls[API], body(canary.message(long_ago_ms)), canary.frame_id(1), long_ago) == 200
    stack.flush()
    assert len(shown(runbook, *canaries)) == 2
    assert shown(runbook, *only) == ["of canaries: none"]
    assert shown(runbook, "--match", "canary of ") == []


def test_the_reader_role_may_read_what_lines_reads(runbook: Run, asked: list[Ask], reader: dict[str, Any]) -> None:
    runbook("lines")
    read = {ask.action for ask in asked if ask.action.startswith("dynamodb:")}
    assert read == {"dynamodb:Query"}
    table = next(each["Resource"] for each in reader["Statement"] if each.get("Sid") == "ReadBuffer")
    assert allows(reader, Ask("dynamodb:Query", table))


def test_without_the_buffer_it_shows_what_is_in_s3(stack: LocalStack, runbook: Run, tmp_path: Any) -> None:
    """Somebody without the right to read the buffer still sees the past."""
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({**stack.outputs, "buffer": "no-such-table"}))
    answer = runbook("--outputs", str(outputs), "lines", "--last", "2h")
    assert answer.code == 0
    assert "lines that are not in S3 yet are missing" in answer.err
    assert ", not all, " in answer.err
    document = json.loads(runbook("--outputs", str(outputs), "lines", "--last", "2h", "--json").out)
    assert (document["complete"], document["not_in_s3"]) == (False, None)


def test_an_export_has_lines_of_the_buffer_in_their_place(stack: LocalStack, runbook: Run, tmp_path: Any) -> None:
    only = ("--last", "2h", "--match", "of export: ")
    send(stack, "of export: an hour ago", timedelta(hours=1))
    stack.flush()
    send(stack, "of export: now")
    send(stack, "of export: late", timedelta(minutes=90))
    ordered = ["of export: late", "of export: an hour ago", "of export: now"]
    answer = runbook("lines", *only, "--jsonl")
    assert [json.loads(line)["message"] for line in answer.out.splitlines()] == ordered
    assert "3 lines, all that match" in answer.err
    assert "2 lines are from the buffer" in answer.err
    stack.flush()
    assert [line.rpartition(",")[2] for line in runbook("lines", *only, "--csv").out.splitlines()[1:]] == ordered
    path = tmp_path / "lines.parquet"
    assert runbook("lines", *only, "--parquet", str(path)).code == 0
    assert duckdb.execute("SELECT message FROM read_parquet($1)", [str(path)]).fetchall() == [
        (each,) for each in ordered
    ]


@contextmanager
def following(stack: LocalStack, *options: str) -> Iterator["tuple[subprocess.Popen[str], IO[str]]"]:
    """`lines --follow` as a process, once it shows something."""
    with subprocess.Popen(
        [sys.executable, "-m", "runbook", "lines", "--follow", *options],
        cwd=PROJECT,
        env={
            **os.environ,
            "AWS_ENDPOINT_URL": stack.aws_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": stack.settings.region,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        killer = Timer(LONGEST_S, process.kill)
        killer.start()
        try:
            assert process.stdout
            yield process, process.stdout
        finally:
            killer.cancel()
            process.kill()


def test_follow_shows_lines_as_they_come_until_ctrl_c(stack: LocalStack) -> None:
    send(stack, "before it began")
    with following(stack, "--match", "it ") as (process, out):
        assert out.readline().endswith(" raxx-api-prod     web.1     before it began\n")
        send(stack, "what is left out")
        send(stack, "as it comes")
        assert out.readline().endswith(" raxx-api-prod     web.1     as it comes\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(LONGEST_S) == 130
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


def test_follow_writes_one_document_per_line(stack: LocalStack) -> None:
    with following(stack, "--json", "--app", API) as (_, out):
        send(stack, "a document")
        told: dict[str, Any] = {}
        while told.get("message") != "a document":
            told = json.loads(out.readline())
        assert told["app"] == API


@pytest.mark.parametrize(
    ("options", "other"),
    [
        (["--last", "1m", "--to", "2026-11-24"], "--to"),
        (["--around", "now"], "--around"),
        (["--first", "1"], "--first"),
        (["-m", "x", "-C", "1"], "-A, -B and -C"),
        (["--csv"], "--csv"),
    ],
)
def test_follow_has_no_end(runbook: Run, options: list[str], other: str) -> None:
    answer = runbook("lines", "--follow", *options)
    assert (answer.code, f"--follow and {other} are mutually exclusive" in answer.err) == (2, True)


def test_lines_around_a_match_in_the_buffer_can_be_in_s3(stack: LocalStack, runbook: Run) -> None:
    for number in range(3):
        send(stack, f"of context: {number}", timedelta(hours=1))
    stack.flush()
    send(stack, "of context: a match")
    answer = runbook("lines", "--last", "2h", "--source", "app", "-m", "of context: a match", "-B", "2", "--jsonl")
    assert [json.loads(line)["message"] for line in answer.out.splitlines()][-1] == "of context: a match"
    assert len(answer.out.splitlines()) == 3
    assert "all that match" in answer.err
