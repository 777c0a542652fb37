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
from contract.logplex.batch import Batch
from receiver import aws as clients
from receiver import spill
from receiver.handler import Handler, make_receiver
from tests.support.fakes import (
    APP,
    DYNAMODB_TAKES,
    FRAME_ID,
    KEY,
    PREVIOUS_KEY,
    QUERY,
    S3_TAKES,
    SQS_TAKES,
    SSM_GIVES_HASHES,
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
LINES = 1000  # that the buffer takes, here
LARGE = body(message()) + b"1 x" * LINES + MARKER.encode()
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
DYNAMODB_DENIES = [Reply(400, b'{"__type": "AccessDeniedException", "message": "%b"}' % QUOTES.encode())]
S3_DENIES = [Reply(403, f"<Error><Code>AccessDenied</Code><Message>{escape(QUOTES)}</Message></Error>".encode())]
SQS_DENIES = [Reply(403, b'{"__type": "AccessDenied", "message": "%b"}' % QUOTES.encode())]
SSM_DENIES = [Reply(400, b'{"__type": "AccessDeniedException", "message": "%b"}' % QUOTES.encode())]
SSM_GIVES_NONSENSE = [Reply(200, b'{"Parameter": {"Value": "no JSON: %b"}}' % QUOTES.encode())]
SSM_GIVES_A_PAGE = [Reply(200, QUOTES.encode())]


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class Case(NamedTuple):
    """An event and what AWS does; `answer` is the status, or for messages of SQS the ids of those to keep.

    `told` is whether something is printed: a POST that goes well is not told.
    """

    answer: int | list[str]
    event: dict[str, Any]
    dynamodb: Script = DYNAMODB_TAKES
    s3: Script = S3_TAKES
    sqs: Script = SQS_TAKES
    ssm: Script = SSM_GIVES_HASHES
    told: bool = True


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
    "kept": Case(200, post(headers=HEADERS), told=False),
    "kept, by the previous token": Case(
        200, post(query=f"app={APP}&token={token(PREVIOUS_KEY, APP)}&x={MARKER}"), told=False
    ),
    "kept, of a token in the body": Case(200, drain_event(body(message(TOKEN.encode()))), told=False),
    "kept, of no base64": Case(200, drain_event(body=MARKER, isBase64Encoded=True), told=False),
    "stored, as it is large": Case(200, drain_event(LARGE)),
    "spilled, as it is large": Case(200, drain_event(LARGE), s3=S3_DENIES),
    "spilled": Case(200, post(), dynamodb=DYNAMODB_DENIES),
    "spilled after a reset": Case(200, post(), dynamodb=[reset]),
    "wrong token": Case(401, post(query=f"app={APP}&token={MARKER}")),
    "token of another app": Case(401, post(query=f"app={MARKER}&token={TOKEN}")),
    "token twice": Case(401, post(query=f"{QUERY}&token={MARKER}")),
    "right token twice": Case(401, post(query=f"{QUERY}&token={TOKEN}")),
    "token in a header only": Case(401, post(query="", headers=HEADERS)),
    "token in the body only": Case(401, drain_event(QUERY.encode(), query="")),
    "too many parameters": Case(401, post(query="&".join([QUERY, *[MARKER] * 20]))),
    "token in the path": Case(404, post(rawPath=f"/prod/drain/{TOKEN}/{MARKER}"), told=False),
    "token in the query of another path": Case(
        404, post(rawPath="/prod/", rawQueryString=f"{QUERY}&x={MARKER}"), told=False
    ),
    "another method": Case(
        405, post(requestContext=gateway_context(http={"method": MARKER, "path": MARKER})), told=False
    ),
    "kept nowhere": Case(503, post(), dynamodb=DYNAMODB_DENIES, sqs=SQS_DENIES),
    "kept nowhere, of resets": Case(503, post(), dynamodb=[reset], sqs=[reset]),
    "no keys": Case(503, post(), ssm=SSM_DENIES),
    "keys that are none": Case(503, post(), ssm=SSM_GIVES_NONSENSE),
    "a page in the place of keys": Case(503, post(), ssm=SSM_GIVES_A_PAGE),
    "messages of the queue": Case(["m0", "m1"], sqs_event(SPILLED, MARKER), told=False),
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


@pytest.fixture
def handler() -> Handler:
    # Nothing here is about the second try.
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    return Handler(lambda: make_receiver(config=clients.CONFIG.merge(once)))


def found(texts: Sequence[str]) -> list[str]:
    return [secret for secret in SECRETS if any(secret in text for text in texts)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_token_query_body_or_key_is_printed_logged_or_raised(
    handler: Handler, case: Case, heard: Heard, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contract.buffer_table.BATCH_LINES", LINES)
    with aws(monkeypatch, dynamodb=case.dynamodb, s3=case.s3, sqs=case.sqs, ssm=case.ssm):
        answer = handler(case.event, Context())
    printed = capfd.readouterr()
    if isinstance(case.answer, int):
        assert answer == {"statusCode": case.answer, "headers": {}, "body": "", "isBase64Encoded": False}
    else:
        assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == case.answer
    assert bool(printed.out) == case.told
    assert found([printed.out, printed.err, *heard.lines]) == []


def test_an_exception_of_the_receivers_own_holds_no_secret(
    handler: Handler, heard: Heard, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
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
