"""The runbook's command line in tests: run against a local stack, and held against reviewed transcripts."""

import difflib
import os
import re
import shlex
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from local.stack import LocalStack
from runbook import cli
from runbook.clients import aws
from runbook.terminal import times
from tests.support.paths import GOLDEN

TRANSCRIPTS = GOLDEN / "runbook"
RENEW = "RENEW_GOLDEN"


class Answer(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


class Run:
    """`runbook("query", "list")` runs the command line; `make_client` makes its AWS clients."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd
        self.make_client: aws.MakeClient = aws.make_client

    def watch(self, note: Callable[..., None]) -> None:
        """Call `note` before each call to AWS, with its parameters and botocore's model of it."""

        def watched(session: Any, service: str) -> Any:
            client = aws.make_client(session, service)
            client.meta.events.register("before-parameter-build", note)
            return client

        self.make_client = watched

    def __call__(self, *arguments: str) -> Answer:
        self._capfd.readouterr()
        code = cli.run(arguments, make_client=self.make_client)
        printed = self._capfd.readouterr()
        return Answer(code, printed.out, printed.err)


def runner(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], now: datetime) -> Run:
    """Give a `Run` against a local stack, at a time."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws_url)
    monkeypatch.setenv("HEROKU_API_URL", stack.heroku.url)
    monkeypatch.setenv("HEROKU_API_KEY", "local")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(times, "now", lambda: now)
    return Run(capfd)


def check_transcript(name: str, arguments: Sequence[str], answer: Answer) -> None:
    """Hold an answer against tests/golden/runbook/<name>.txt, which is renewed on purpose with RENEW_GOLDEN=1.

    Nothing has colour: this is a pipe.
    """
    found = settled(
        f"$ hla {shlex.join(arguments)}\n{answer.out}"
        + (f"--- stderr\n{answer.err}" if answer.err else "")
        + f"--- exit code {answer.code}\n"
    )
    path = TRANSCRIPTS / f"{name}.txt"
    if os.environ.get(RENEW):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(found, encoding="utf-8")
    reviewed = path.read_text(encoding="utf-8")
    diff = "\n".join(difflib.unified_diff(reviewed.splitlines(), found.splitlines(), "reviewed", "found", lineterm=""))
    assert found == reviewed, f"{diff}\nif this is meant: {RENEW}=1 make test"
    assert "\x1b" not in found
    assert "\x9b" not in found


def settled(text: str) -> str:
    """A transcript without what differs from run to run: ids, tokens, ports and durations."""
    for pattern, constant in (
        (r"token=[\w-]+", "token=TOKEN"),
        (r"http://127\.0\.0\.1:\d+", "http://LOCAL"),
        (r"(?<=query_execution_id\": \")[\w-]+|(?<=query execution )[\w-]{36}", "ID"),
        (r"(?<=/history/)[\w-]{36}|(?<=athena-results/)[\w-]{36}", "ID"),
        (r"(?<=\"milliseconds\": )\d+", "0"),
        (r"(?<=token, in at most )\d+\.\d(?= s)", "0.0"),
        (r"(?<= scanned in )\d+\.\d(?= s)", "0.0"),
        # The length of the stored object is zlib's.
        (r"\b\d+(?= B scanned)|(?<=\"scanned_bytes\": )\d+", "0"),
    ):
        text = re.sub(pattern, constant, text)
    return text
