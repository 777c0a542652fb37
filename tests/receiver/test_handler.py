"""The answer to each request: 200 when, and only when, its lines are durable; a 4xx never for what a body holds."""

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from contract import names
from contract.buffer_table import Item, batch_key, batch_of
from contract.drain_url import token
from contract.logplex.batch import Batch, identity
from contract.slots import Slot
from local.logplex.field_bodies import FieldBody, field_bodies
from receiver import spill
from receiver.accepted_tokens import AcceptedTokens
from receiver.aws import NoBuffer, Unavailable
from receiver.handler import Handler, Receiver, make_receiver
from receiver.intake import Intake
from receiver.pace import NO_PACE, Pace
from receiver.settings import MissingSetting, Settings
from tests.support.fakes import (
    APP,
    FRAME_ID,
    KEY,
    PREVIOUS_KEY,
    QUERY,
    FakeBuffer,
    FakeLogBucket,
    FakeParameter,
    FakeQueue,
    aws,
    drain_event,
    gateway_context,
    hashes_of,
)
from tests.support.logplex_frames import NOON_MS, body, message
from tests.support.paths import PROJECT


class LambdaContext:
    """A function with half a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


CONTEXT = LambdaContext()
APPS = frozenset({APP, "raxx-console-prod"})
SECRET_LINE = b"password=hunter2"
POSTED = body(message(SECRET_LINE + b"\n"))
ANSWER_S = 4.0  # from the request's timeEpoch
PATIENCE_S = 5.0  # for what has to end in tenths of a second, on a machine that is busy

# What AWS says of a request can quote it, so only the code is for the log.
DENIED = Unavailable("dynamodb-AccessDenied", f"refused: {QUERY}")


def receiver(
    buffer: FakeBuffer | NoBuffer, *hashes: str | Unavailable, queue: FakeQueue | None = None, pace: Pace = NO_PACE
) -> Receiver:
    intake = Intake(buffer, FakeLogBucket(DENIED), 5, clock=lambda: NOON_MS)
    accepted = {
        app: AcceptedTokens(FakeParameter(*hashes or (hashes_of(app, KEY, PREVIOUS_KEY),)).read) for app in APPS
    }
    return Receiver(accepted, intake, queue or FakeQueue(DENIED), pace=pace)


def answered(event: dict[str, Any], *hashes: str | Unavailable) -> tuple[int, list[Item]]:
    """The status of an answer, and the batches that are in the buffer."""
    buffer = FakeBuffer()
    return receiver(buffer, *hashes).receive(event)["statusCode"], buffer.batch_items()


def query(app: str, key: str = KEY) -> str:
    return f"app={app}&token={token(key, app)}"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(drain_event(POSTED), id="current-token"),
        pytest.param(drain_event(POSTED, query=query(APP, PREVIOUS_KEY)), id="previous-token"),
        pytest.param(drain_event(POSTED, query=query("raxx-console-prod")), id="another-app"),
        pytest.param(drain_event(POSTED, headers=None), id="no-headers"),
        pytest.param(drain_event(body=POSTED.decode(), isBase64Encoded=False), id="not-base64"),
        pytest.param(drain_event(body="!", isBase64Encoded=True), id="base64-that-is-none"),
        pytest.param(drain_event(b"garbage"), id="garbage"),
        pytest.param(drain_event(b"\xff" * 1000), id="no-text"),
    ],
)
def test_an_accepted_request_is_in_the_buffer_and_200(event: dict[str, Any]) -> None:
    status, kept = answered(event)
    assert status == 200
    assert len(kept) == 1


def test_what_is_in_the_buffer_is_the_batch() -> None:
    """Nothing is formatted while Logplex waits."""
    _, [item] = answered(drain_event(POSTED))
    batch = Batch(APP, FRAME_ID, NOON_MS, POSTED)
    assert batch_of(item, APP) == batch
    assert item.items() >= batch_key(APP, Slot.of(NOON_MS, 5), identity(batch)).item.items()


@pytest.mark.parametrize("event", [drain_event(), drain_event(body=None)], ids=["empty", "absent"])
def test_an_empty_body_is_200_and_nothing_to_keep(event: dict[str, Any]) -> None:
    assert answered(event) == (200, [])


@pytest.mark.parametrize("post", field_bodies(), ids=lambda post: post.name)
def test_any_body_from_the_field_is_200(post: FieldBody) -> None:
    status, kept = answered(drain_event(post.body))
    assert status == 200
    assert bool(kept) == bool(post.body)


# One answer for all: it tells a prober nothing. And nothing of it is kept.
@pytest.mark.parametrize(
    "bad_query",
    [
        pytest.param("", id="none"),
        pytest.param(f"app={APP}", id="no-token"),
        pytest.param(f"app={APP}&token=", id="empty-token"),
        pytest.param(f"app={APP}&token=guess", id="wrong-token"),
        pytest.param(f"token={token(KEY, APP)}", id="no-app"),
        pytest.param(query(APP, "another-key"), id="token-of-another-key"),
        pytest.param(f"app={APP}&token={token(KEY, 'raxx-console-prod')}", id="token-of-another-app"),
        pytest.param(query("raxx-velvet-prod"), id="app-that-does-not-drain"),
        pytest.param(f"app=../{APP}&token={token(KEY, f'../{APP}')}", id="path-as-app"),
        pytest.param(f"{QUERY}&app={APP}", id="app-twice"),
        pytest.param(f"{QUERY}&token={token(KEY, APP)}", id="token-twice"),
        pytest.param(f"app=\ud800&token={token(KEY, APP)}", id="no-character-in-app"),
        pytest.param(f"app={APP}&token=\ud800", id="no-character-in-token"),
    ],
)
def test_a_sender_that_is_not_proven_is_401_and_nothing_is_kept(bad_query: str) -> None:
    assert answered(drain_event(POSTED, query=bad_query)) == (401, [])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"rawPath": "/prod/other"}, 404, id="another-path"),
        pytest.param({"requestContext": gateway_context(http={"method": "GET"})}, 405, id="another-method"),
        pytest.param({"requestContext": None}, 404, id="no-context"),
    ],
)
def test_not_the_drain_is_404_or_405_before_any_key_is_read(changes: dict[str, Any], status: int) -> None:
    outage = Unavailable("ssm-deadline", "no answer in time")
    assert answered(drain_event(POSTED, **changes), outage) == (status, [])


@pytest.mark.parametrize("event", [{}, {"rawPath": "/drain"}, {"requestContext": {}}], ids=str)
def test_a_strange_event_is_refused_and_not_an_error(event: dict[str, Any]) -> None:
    status, kept = answered(event)
    assert status in (404, 405)
    assert kept == []


def test_lines_that_are_nowhere_are_never_200() -> None:
    assert receiver(FakeBuffer(DENIED)).receive(drain_event(POSTED))["statusCode"] == 503


@pytest.mark.parametrize("buffer", [FakeBuffer(DENIED), NoBuffer()], ids=["in-trouble", "not-set"])
def test_what_the_buffer_does_not_take_is_spilled_and_200(buffer: FakeBuffer | NoBuffer) -> None:
    """Without a table: while a stack goes back to the version before, the settings change before the code."""
    queue = FakeQueue()
    assert receiver(buffer, queue=queue).receive(drain_event(POSTED))["statusCode"] == 200
    assert [spill.decode(text).body for text in queue.sent] == [POSTED]


def test_what_the_buffer_takes_is_not_spilled() -> None:
    queue = FakeQueue()
    assert receiver(FakeBuffer(), queue=queue).receive(drain_event(POSTED))["statusCode"] == 200
    assert queue.sent == []


@pytest.mark.parametrize(
    "keys", [Unavailable("ssm-deadline", "no answer in time"), "not json"], ids=["outage", "malformed"]
)
def test_without_keys_it_is_503_and_nothing_is_kept(keys: str | Unavailable) -> None:
    assert answered(drain_event(POSTED), keys) == (503, [])


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(drain_event(POSTED), id="200"),
        pytest.param(drain_event(POSTED, query=""), id="401"),
        pytest.param(drain_event(POSTED, rawPath="/"), id="404"),
    ],
)
@pytest.mark.parametrize("buffer", [FakeBuffer(), FakeBuffer(DENIED)], ids=["kept", "503"])
def test_an_answer_is_a_status_and_an_empty_body(event: dict[str, Any], buffer: FakeBuffer) -> None:
    """Logplex reads no chunks and wants no text."""
    answer = receiver(buffer).receive(event)
    assert answer == {"statusCode": answer["statusCode"], "headers": {}, "body": "", "isBase64Encoded": False}
    assert type(answer["statusCode"]) is int


# ---------------------------------------------------------------- time


# Four seconds from the gateway's time, less what is gone of them already and what the queue may need; a clock's skew
# takes nothing off.
@pytest.mark.parametrize(
    ("waited_s", "least_s", "most_s"),
    [
        pytest.param(0, 2.0, ANSWER_S - 1, id="at-once"),
        pytest.param(2.5, 0.4, ANSWER_S - 2.5 - 0.5, id="after-a-cold-start"),
        pytest.param(3.7, 0.02, ANSWER_S - 3.7, id="after-a-very-slow-one"),
        pytest.param(10, 0.02, 1.0, id="too-late-for-Logplex"),
        pytest.param(-60, 2.0, ANSWER_S - 1, id="gateway-ahead"),
        pytest.param(3600, 2.0, ANSWER_S - 1, id="gateway-behind"),
    ],
)
def test_what_is_left_to_keep_it_in(waited_s: float, least_s: float, most_s: float) -> None:
    buffer = FakeBuffer()
    context = gateway_context(timeEpoch=now_ms() - int(waited_s * 1000))
    assert receiver(buffer).receive(drain_event(POSTED, requestContext=context))["statusCode"] == 200
    budget_s = buffer.budgets[0]
    assert least_s < budget_s <= most_s


def test_a_post_that_waited_until_logplex_gave_up_is_503(capsys: pytest.CaptureFixture[str]) -> None:
    """Outside Lambda it can wait for a thread. Working on it would delay the next one."""
    buffer = FakeBuffer()
    knows_keys = receiver(buffer)
    knows_keys.receive(drain_event())
    assert knows_keys.receive(drain_event(POSTED), seconds=0)["statusCode"] == 503
    assert buffer.calls == []
    assert '"reason": "late"' in capsys.readouterr().out


class Sleeps:
    """What a pace slept, in seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def test_an_answer_is_paced_once_the_batch_is_in_the_buffer() -> None:
    sleeps = Sleeps()
    pace = Pace(1000, 1, sleeps)
    context = gateway_context(timeEpoch=now_ms())
    event = drain_event(POSTED, requestContext=context)
    receiver(FakeBuffer(), pace=pace).receive(event)
    [slept_s] = sleeps.seconds
    assert 0 < slept_s <= 1
    # Whoever has no batch waits for nothing, and a spilled one has taken long enough.
    receiver(FakeBuffer(DENIED), queue=FakeQueue(), pace=pace).receive(event)
    receiver(FakeBuffer(), pace=pace).receive(drain_event(POSTED, query="", requestContext=context))
    assert sleeps.seconds == [slept_s]


# ---------------------------------------------------------------- with clients


@pytest.mark.parametrize("headers", [{}, {"logplex-frame-id": FRAME_ID}], ids=["no frame id", "frame id"])
def test_the_handler_reads_the_keys_then_fills_the_buffer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], headers: dict[str, str]
) -> None:
    """A POST that goes well is not told: Lambda charges for each line of the log."""
    event = drain_event(
        body(message(SECRET_LINE, time=datetime.now(UTC))),
        headers=headers,
        requestContext=gateway_context(timeEpoch=now_ms()),
    )
    with aws(monkeypatch) as stand_in:
        handler = Handler()
        answers = [handler(event, CONTEXT), handler(event, CONTEXT)]
    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert [request.target for request in stand_in.ssm.requests] == ["AmazonSSM.GetParameter"]
    assert [request.target for request in stand_in.dynamodb.requests] == ["DynamoDB_20120810.PutItem"] * 2
    assert stand_in.s3.requests == stand_in.sqs.requests == []
    assert capsys.readouterr().out == ""


def test_all_messages_of_the_queue_are_left_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until an update is complete, the event source mapping of an earlier version may deliver them here."""
    text = spill.encode(Batch(APP, "f", NOON_MS, POSTED))
    records = [{"messageId": message_id, "body": body} for message_id, body in (("m1", text), ("m2", "no batch"))]
    with aws(monkeypatch) as stand_in:
        answer = Handler()({"Records": records}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}
    assert stand_in.dynamodb.requests == []


def test_a_receiver_without_a_table_spills(monkeypatch: pytest.MonkeyPatch) -> None:
    with aws(monkeypatch) as stand_in:
        monkeypatch.delenv("BUFFER_TABLE")
        assert make_receiver().receive(drain_event(POSTED))["statusCode"] == 200
    assert len(stand_in.sqs.requests) == 1
    assert stand_in.dynamodb.requests == []


# ---------------------------------------------------------------- what is printed


def test_trouble_is_one_line_of_json_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    receiver(FakeBuffer(DENIED), queue=FakeQueue()).receive(drain_event(POSTED))
    line, spilled = capsys.readouterr().out.splitlines()
    assert json.loads(spilled) == {"level": "WARN", "reason": "spilled", "app": APP, "frame_id": FRAME_ID}
    assert json.loads(line).items() >= {"reason": "dynamodb-AccessDenied", "app": APP, "frame_id": FRAME_ID}.items()


# ---------------------------------------------------------------- environment


VARIABLES = {
    "LOG_BUCKET": "b",
    "LOG_APPS": "one-app,two-app",
    "TOKEN_HASHES_PATH": "/p/",
    "SPILL_QUEUE_URL": "q",
    "BUFFER_TABLE": "t",
    "DRAIN_URLS_PATH": "/p/",
    "DELETIONS_QUEUE_URL": "d",
    "FLUSH_MINUTES": "10",
    "ANSWER_AFTER_MS": "300",
    "METRICS_NAMESPACE": "n",
}


def test_settings_are_the_environments() -> None:
    settings = Settings.from_environment(VARIABLES, VARIABLES)
    assert settings == Settings("b", frozenset({"one-app", "two-app"}), "/p/", "q", "t", "/p/", "d", 10, 300, "n")


def test_what_may_be_missing_has_a_default() -> None:
    needed = {name: VARIABLES[name] for name in names.RECEIVER_VARIABLES}
    settings = Settings.from_environment(needed | {"FLUSH_MINUTES": "", "ANSWER_AFTER_MS": ""}, needed)
    assert (settings.buffer_table, settings.flush_minutes, settings.answer_after_ms) == ("", 5, 0)
    assert settings.namespace == "heroku-log-receiver"


def test_each_variable_that_is_missing_is_named() -> None:
    with pytest.raises(MissingSetting) as missing:
        Settings.from_environment({"LOG_BUCKET": "b", "LOG_APPS": ""}, names.OUTSIDE_VARIABLES)
    assert str(missing.value) == (
        "set the environment variable(s) LOG_APPS, TOKEN_HASHES_PATH, SPILL_QUEUE_URL, BUFFER_TABLE"
    )


IMPORT = """
import sys, boto3

made = []
original = boto3.client

def client(service, **kwargs):
    made.append(service)
    return original(service, **kwargs)

boto3.client = client
import receiver.handler
print(*sorted(made))
"""


def clients_of_an_import(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=PROJECT,
        env={"AWS_DEFAULT_REGION": "us-east-1", **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split()


def test_the_import_makes_all_clients_in_lambda() -> None:
    """Lambda gives a whole CPU until the module is loaded, so that the first request is not slow."""
    made = clients_of_an_import(**VARIABLES, AWS_LAMBDA_FUNCTION_NAME="raxx-log-receiver")
    assert made == ["dynamodb", "s3", "sqs", "ssm"]


def test_the_import_makes_no_client_elsewhere() -> None:
    """The flusher, tests and `python -m receiver` import the module, too."""
    assert clients_of_an_import(**VARIABLES) == []
    assert clients_of_an_import() == []


def test_first_requests_at_a_time_make_the_receiver_once() -> None:
    """boto3's default session is not safe to use from several threads, and a host outside Lambda has several."""
    made: list[str] = []
    another = threading.Event()

    def make() -> Receiver:
        made.append("a receiver")
        if len(made) > 1:
            another.set()
        another.wait(0.2)
        return receiver(FakeBuffer())

    handler = Handler(make)
    threads = [threading.Thread(target=handler, args=(drain_event(query=""), CONTEXT)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["a receiver"]
