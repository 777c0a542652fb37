"""Nothing secret that a sender sends, or AWS says, is printed, logged or raised, whatever the answer.

The receiver works with its own clients here: boto3 could warn of something, and errors of AWS quote what was asked.
"""

import base64
import gzip
import logging
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

import pytest
from botocore.config import Config

from contract.drain_url import token
from receiver import aws as clients
from receiver import handler as entry
from receiver import spill
from receiver.handler import handler
from receiver.logplex.batch import Batch
from tests.support.fakes import (
    APP,
    FRAME_ID,
    KEY,
    PREVIOUS_KEY,
    QUERY,
    S3_TAKES,
    SQS_TAKES,
    SSM_GIVES_KEYS,
    Reply,
    Script,
    aws,
    drain_event,
    gateway_context,
    reset,
)
from tests.support.logplex_frames import NOON_MS, body, message

MARKER = "s3cret-marker"
TOKEN = token(KEY, APP)
POSTED = body(message(f"password={MARKER}\n".encode()), MARKER.encode()) + MARKER.encode()
SPILLED = spill.encode(Batch(APP, FRAME_ID, NOON_MS, POSTED))
SECRETS = (
    MARKER,
    base64.b64encode(POSTED).decode(),
    base64.b64encode(MARKER.encode()).decode(),
    SPILLED,
    base64.b64encode(gzip.compress(POSTED, 6, mtime=0)).decode(),
    TOKEN,
    token(PREVIOUS_KEY, APP),
    KEY,
    PREVIOUS_KEY,
    "token=",
)
# An error of AWS can quote what it was asked.
QUOTES = f"you sent {QUERY} and {MARKER}"
S3_DENIES = [Reply(403, f"<Error><Code>AccessDenied</Code><Message>{escape(QUOTES)}</Message></Error>".encode())]
SQS_DENIES = [Reply(403, b'{"__type": "AccessDenied", "message": "%b"}' % QUOTES.encode())]
SSM_DENIES = [Reply(400, b'{"__type": "AccessDeniedException", "message": "%b"}' % QUOTES.encode())]
SSM_GIVES_NONSENSE = [Reply(200, b'{"Parameter": {"Value": "no JSON: %b"}}' % QUOTES.encode())]
SSM_GIVES_A_PAGE = [Reply(200, QUOTES.encode())]


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class Case(NamedTuple):
    """An event and what AWS does; `answer` is the status, or for messages of SQS the ids of those to keep."""

    answer: int | list[str]
    event: dict[str, Any]
    s3: Script = S3_TAKES
    sqs: Script = SQS_TAKES
    ssm: Script = SSM_GIVES_KEYS


def post(**changes: Any) -> dict[str, Any]:
    return drain_event(POSTED, **changes)


def sqs_event(*texts: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{number}", "body": text} for number, text in enumerate(texts)]}


HEADERS = {
    "logplex-frame-id": FRAME_ID,
    "logplex-drain-token": MARKER,
    "logplex-msg-count": MARKER,
    "authorization": f"Bearer {TOKEN}",
    "cookie": MARKER,
    "user-agent": MARKER,
    f"x-{MARKER}": TOKEN,
}

CASES = {
    "stored": Case(200, post(headers=HEADERS)),
    "stored, by the previous token": Case(200, post(query=f"app={APP}&token={token(PREVIOUS_KEY, APP)}&x={MARKER}")),
    "stored, of a token in the body": Case(200, drain_event(body(message(TOKEN.encode())))),
    "stored, of no base64": Case(200, drain_event(body=MARKER, isBase64Encoded=True)),
    "spilled": Case(200, post(), s3=S3_DENIES),
    "spilled after a reset": Case(200, post(), s3=[reset]),
    "wrong token": Case(401, post(query=f"app={APP}&token={MARKER}")),
    "token of another app": Case(401, post(query=f"app={MARKER}&token={TOKEN}")),
    "token twice": Case(401, post(query=f"{QUERY}&token={MARKER}")),
    "right token twice": Case(401, post(query=f"{QUERY}&token={TOKEN}")),
    "token in a header only": Case(401, post(query="", headers=HEADERS)),
    "token in the body only": Case(401, drain_event(QUERY.encode(), query="")),
    "too many parameters": Case(401, post(query="&".join([QUERY, *[MARKER] * 20]))),
    "token in the path": Case(404, post(rawPath=f"/prod/drain/{TOKEN}/{MARKER}")),
    "token in the query of another path": Case(404, post(rawPath="/prod/", rawQueryString=f"{QUERY}&x={MARKER}")),
    "another method": Case(405, post(requestContext=gateway_context(http={"method": MARKER, "path": MARKER}))),
    "kept nowhere": Case(503, post(), s3=S3_DENIES, sqs=SQS_DENIES),
    "kept nowhere, of resets": Case(503, post(), s3=[reset], sqs=[reset]),
    "no keys": Case(503, post(), ssm=SSM_DENIES),
    "keys that are none": Case(503, post(), ssm=SSM_GIVES_NONSENSE),
    "a page in the place of keys": Case(503, post(), ssm=SSM_GIVES_A_PAGE),
    "redriven": Case([], sqs_event(SPILLED)),
    "redrive failed": Case(["m0", "m1"], sqs_event(SPILLED, SPILLED), s3=S3_DENIES),
    "redrive of what is malformed": Case(
        [f"m{number}" for number in range(5)],
        sqs_event(
            MARKER,
            f'"{MARKER}"',
            f'{{"v": "{MARKER}"}}',
            f'{{"v": 1, "app": "{APP}", "frame_id": null, "arrival_ms": "{MARKER}", "body": "{MARKER}"}}',
            SPILLED[:-9],
        ),
    ),
}


class Heard(logging.Handler):
    """Every record that our own code logs, and what other code says from a warning on, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name.partition(".")[0] in {"root", "receiver", "contract"}
        if ours or record.levelno >= logging.WARNING:
            self.lines.append(logging.Formatter().format(record))


@pytest.fixture
def heard() -> Iterator[Heard]:
    root, listening = logging.getLogger(), Heard()
    level = root.level
    root.addHandler(listening)
    root.setLevel(logging.DEBUG)
    yield listening
    root.setLevel(level)
    root.removeHandler(listening)


@pytest.fixture(autouse=True)
def receiver_made_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Nothing here is about the second try.
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(clients, "_CONFIG", clients._CONFIG.merge(once))
    entry._receiver.cache_clear()
    yield
    entry._receiver.cache_clear()


def found(texts: Sequence[str]) -> list[str]:
    return [secret for secret in SECRETS if any(secret in text for text in texts)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_token_query_body_or_key_is_printed_logged_or_raised(
    case: Case, heard: Heard, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with aws(monkeypatch, s3=case.s3, sqs=case.sqs, ssm=case.ssm):
        answer = handler(case.event, Context())
    printed = capfd.readouterr()
    if isinstance(case.answer, int):
        assert answer == {"statusCode": case.answer, "headers": {}, "body": "", "isBase64Encoded": False}
        assert '"Requests"' in printed.out
    else:
        assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == case.answer
    assert found([printed.out, printed.err, *heard.lines]) == []


def test_an_exception_of_the_receivers_own_holds_no_secret(
    heard: Heard, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda logs what the handler raises: a missing setting is all that it may raise."""
    monkeypatch.delenv("LOG_BUCKET", raising=False)
    with pytest.raises(Exception, match="LOG_BUCKET") as raised:
        handler(post(), Context())
    assert found([str(raised.getrepr(style="value")), *capfd.readouterr(), *heard.lines]) == []


def test_the_search_finds_what_is_said(heard: Heard, capfd: pytest.CaptureFixture[str]) -> None:
    """The tests above are worth what this search is."""
    logging.getLogger("receiver.handler").debug("a %s", MARKER)
    logging.getLogger("botocore.parsers").debug("theirs, and off in production: %s", QUERY)
    print(TOKEN)
    assert found(heard.lines) == [MARKER]
    assert found([capfd.readouterr().out]) == [TOKEN]
