"""The answer to each request: 200 when, and only when, its lines are stored; a 4xx never for what a body holds."""

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contract.drain_url import token
from local.logplex.field_bodies import FieldBody, field_bodies
from receiver import handler as entry
from receiver.aws import Archive, Unavailable
from receiver.drain_keys import DrainKeys
from receiver.handler import Receiver, handler
from receiver.settings import MissingSetting, Settings
from tests.support.fakes import (
    APP,
    FRAME_ID,
    KEY,
    PREVIOUS_KEY,
    QUERY,
    FakeArchive,
    FakeParameter,
    FakeQueue,
    Reply,
    aws_endpoint,
    drain_event,
    gateway_context,
)
from tests.support.logplex_frames import NOON_MS, body, message
from tests.support.paths import PROJECT


class LambdaContext:
    """A function with half a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


CONTEXT = LambdaContext()
APPS = frozenset({APP, "raxx-console-prod"})
KEYS = json.dumps([KEY, PREVIOUS_KEY])
SECRET_LINE = b"password=hunter2"
POSTED = body(message(SECRET_LINE + b"\n"))
ANSWER_S = 4.0  # from the request's timeEpoch
PATIENCE_S = 5.0  # for what has to end in tenths of a second, on a machine that is busy

# What AWS says of a request can quote it, so only the code is for the log.
DENIED = Unavailable("s3-AccessDenied", f"refused: {QUERY}")


def receiver(archive: Archive, *keys: str | Unavailable, queue: FakeQueue | None = None) -> Receiver:
    return Receiver(APPS, DrainKeys(FakeParameter(*keys or (KEYS,)).read), archive, queue or FakeQueue(DENIED))


def answered(event: dict[str, Any], *keys: str | Unavailable) -> tuple[int, dict[str, bytes]]:
    """The status of an answer, and what was stored."""
    archive = FakeArchive()
    return receiver(archive, *keys).receive(event)["statusCode"], archive.stored


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
def test_an_accepted_request_is_stored_and_200(event: dict[str, Any]) -> None:
    status, stored = answered(event)
    assert status == 200
    assert len(stored) == 1


def test_what_is_stored_is_the_line() -> None:
    event = drain_event(POSTED, requestContext=gateway_context(timeEpoch=NOON_MS))
    _, stored = answered(event)
    [(key, data)] = stored.items()
    assert key.startswith(f"logs/{APP}/2026/11/24/{NOON_MS}-")
    assert gzip.decompress(data) == b"<190>1 2026-11-24T12:00:00.000000+00:00 host app web.1 - - password=hunter2\n"


@pytest.mark.parametrize("event", [drain_event(), drain_event(body=None)], ids=["empty", "absent"])
def test_an_empty_body_is_200_and_nothing_to_store(event: dict[str, Any]) -> None:
    assert answered(event) == (200, {})


@pytest.mark.parametrize("post", field_bodies(), ids=lambda post: post.name)
def test_any_body_from_the_field_is_200(post: FieldBody) -> None:
    status, stored = answered(drain_event(post.body))
    assert status == 200
    assert bool(stored) == bool(post.body)


# One answer for all: it tells a prober nothing. And nothing of it is stored.
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
def test_a_sender_that_is_not_proven_is_401_and_nothing_is_stored(bad_query: str) -> None:
    assert answered(drain_event(POSTED, query=bad_query)) == (401, {})


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
    assert answered(drain_event(POSTED, **changes), outage) == (status, {})


@pytest.mark.parametrize("event", [{}, {"rawPath": "/drain"}, {"requestContext": {}}], ids=str)
def test_a_strange_event_is_refused_and_not_an_error(event: dict[str, Any]) -> None:
    status, stored = answered(event)
    assert status in (404, 405)
    assert stored == {}


def test_lines_that_are_nowhere_are_never_200() -> None:
    assert receiver(FakeArchive(DENIED)).receive(drain_event(POSTED))["statusCode"] == 503


@pytest.mark.parametrize(
    "keys", [Unavailable("ssm-deadline", "no answer in time"), "not json"], ids=["outage", "malformed"]
)
def test_without_keys_it_is_503_and_nothing_is_stored(keys: str | Unavailable) -> None:
    assert answered(drain_event(POSTED), keys) == (503, {})


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(drain_event(POSTED), id="200"),
        pytest.param(drain_event(POSTED, query=""), id="401"),
        pytest.param(drain_event(POSTED, rawPath="/"), id="404"),
    ],
)
@pytest.mark.parametrize("archive", [FakeArchive(), FakeArchive(DENIED)], ids=["stored", "503"])
def test_an_answer_is_a_status_and_an_empty_body(event: dict[str, Any], archive: FakeArchive) -> None:
    """Logplex reads no chunks and wants no text."""
    answer = receiver(archive).receive(event)
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
def test_what_is_left_to_store_in(waited_s: float, least_s: float, most_s: float) -> None:
    archive = FakeArchive()
    context = gateway_context(timeEpoch=now_ms() - int(waited_s * 1000))
    assert receiver(archive).receive(drain_event(POSTED, requestContext=context))["statusCode"] == 200
    [budget_s] = archive.budgets
    assert least_s < budget_s <= most_s


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """The function's environment with AWS at a URL; its clients are made anew."""
    monkeypatch.setenv("LOG_BUCKET", "a-bucket")
    monkeypatch.setenv("LOG_APPS", ",".join(APPS))
    monkeypatch.setenv("DRAIN_KEYS_PARAMETER", "/raxx/log-drain/drain_keys")
    monkeypatch.setenv("SPILL_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/spill")
    entry._receiver.cache_clear()
    yield lambda url: monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    entry._receiver.cache_clear()


SSM_ANSWER = Reply(200, json.dumps({"Parameter": {"Value": KEYS}}).encode())


def test_the_handler_reads_the_keys_then_stores(environment: Callable[[str], None]) -> None:
    with aws_endpoint(SSM_ANSWER, Reply(200)) as (url, endpoint):
        environment(url)
        answers = [handler(drain_event(POSTED), CONTEXT), handler(drain_event(POSTED), CONTEXT)]
    assert [answer["statusCode"] for answer in answers] == [200, 200]
    ssm, *puts = endpoint.requests
    assert ssm.target == "AmazonSSM.GetParameter"
    assert len({put.path for put in puts}) == 1
    assert puts[0].path.startswith(f"/a-bucket/logs/{APP}/")
    assert SECRET_LINE in gzip.decompress(puts[0].body)


# ---------------------------------------------------------------- what is printed


def test_trouble_is_one_line_of_json_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    receiver(FakeArchive(DENIED), queue=FakeQueue()).receive(drain_event(POSTED))
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line).items() >= {"reason": "s3-AccessDenied", "app": APP, "frame_id": FRAME_ID}.items()


# ---------------------------------------------------------------- environment


def test_settings_are_the_environments() -> None:
    variables = {"LOG_BUCKET": "b", "LOG_APPS": "one-app,two-app", "DRAIN_KEYS_PARAMETER": "/p", "SPILL_QUEUE_URL": "q"}
    settings = Settings.from_environment(variables)
    assert settings == Settings("b", frozenset({"one-app", "two-app"}), "/p", "q")


def test_each_variable_that_is_missing_is_named() -> None:
    with pytest.raises(MissingSetting) as missing:
        Settings.from_environment({"LOG_BUCKET": "b", "LOG_APPS": ""})
    assert str(missing.value) == "set the environment variable(s) LOG_APPS, DRAIN_KEYS_PARAMETER, SPILL_QUEUE_URL"


IMPORT_ONLY = """
import os, boto3

def refuse(*args, **kwargs):
    raise AssertionError("the import reads the environment or makes a client")

class Unreadable(dict):
    __getitem__ = __contains__ = __iter__ = get = refuse

os.environ = Unreadable()
os.getenv = boto3.client = boto3.resource = boto3.Session = refuse
import receiver.handler
"""


def test_importing_the_handler_reads_no_environment_and_makes_no_client() -> None:
    """A missing variable is an error of a request, told in the log, and not of the import."""
    subprocess.run([sys.executable, "-c", IMPORT_ONLY], cwd=PROJECT, env=dict(os.environ), check=True)


def test_first_requests_at_a_time_make_the_clients_once(
    environment: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3's default session is not safe to use from several threads, and a host outside Lambda has several."""
    made: list[str] = []

    class SlowArchive(FakeArchive):
        def __init__(self, bucket: str) -> None:
            made.append(bucket)
            if len(made) > 1:
                another.set()
            another.wait(0.2)
            super().__init__()

    another = threading.Event()
    monkeypatch.setattr(entry, "Archive", SlowArchive)
    environment("http://127.0.0.1:9")
    threads = [threading.Thread(target=handler, args=(drain_event(query=""), CONTEXT)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["a-bucket"]
