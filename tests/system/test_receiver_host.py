"""The receiver outside Lambda answers as it does in Lambda, and ends without a request unanswered."""

import base64
import http.client
import io
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest
from waitress.adjustments import Adjustments

from contract.slots import DEFAULT_MINUTES
from local.pulumi.project import FOLDER
from receiver.aws import Unavailable
from receiver.handler import Handler, Receiver
from receiver.intake import Intake
from receiver.request import BODY_LIMIT, batch
from receiver.server.host import CONNECTIONS, RECEIVE_BYTES, Host, Limits, TooFewFiles, files_needed, reserve_files
from receiver.server.main import parse
from receiver.server.wsgi import RESPONSE_S, WAITED_S, Application, event
from tests.support.fakes import (
    APP,
    DYNAMODB_TAKES,
    FRAME_ID,
    KEY,
    QUERY,
    Endpoint,
    FakeBuffer,
    FakeLogBucket,
    FakeQueue,
    Reply,
    accepted_tokens,
    aws_endpoint,
    hashes_of,
)
from tests.support.logplex_frames import NOON_MS, body, message

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The process has the real clock, and a batch without a valid time makes it look for another try, which is not what is
# tested here.
POSTED = body(message(b"caf\xc3\xa9 \xff\x00\n", datetime.now(UTC)))
SETTINGS = {
    "LOG_BUCKET": "a-bucket",
    "LOG_APPS": APP,
    "TOKEN_HASHES_PATH": "/hashes/",
    "SPILL_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/spill",
    "BUFFER_TABLE": "a-table",
    "AWS_DEFAULT_REGION": "us-east-1",
}
HASHES = Reply(200, json.dumps({"Parameter": {"Value": hashes_of(APP, KEY)}}).encode())
DENIED = Unavailable("denied", "")
LIMITS = Limits()
PATIENCE_S = 30.0  # for what takes a second, on a machine that is busy


def environ(
    method: str = "POST", path: str = "/drain", query: str = QUERY, posted: bytes = POSTED
) -> "WSGIEnvironment":
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(posted)),
        "CONTENT_TYPE": "application/logplex-1",
        "HTTP_LOGPLEX_FRAME_ID": FRAME_ID,
        "wsgi.input": io.BytesIO(posted),
    }


def ask(application: Application, sent: "WSGIEnvironment") -> tuple[str, dict[str, str], bytes]:
    """The status, headers and body with which the application answers."""
    answers: list[tuple[str, dict[str, str]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        answers.append((status, dict(headers)))
        return io.BytesIO().write

    content = b"".join(application(sent, start_response))
    [(status, headers)] = answers
    return status, headers, content


def keeping(buffer: FakeBuffer, queue: FakeQueue | None = None) -> Application:
    """An application that keeps batches in stand-ins."""
    intake = Intake(buffer, FakeLogBucket(), DEFAULT_MINUTES)
    receiver = Receiver(accepted_tokens(), intake, queue or FakeQueue())
    return Application(Handler(lambda: receiver))


# ---------------------------------------------------------------- the application


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(environ(), "200 OK", id="accepted"),
        pytest.param(environ(query=f"app={APP}&token=wrong"), "401 Unauthorized", id="wrong token"),
        pytest.param(environ(query=""), "401 Unauthorized", id="no token"),
        pytest.param(environ(query=f"{QUERY}&token=again"), "401 Unauthorized", id="two tokens"),
        pytest.param(environ(path="/prod/drain"), "404 Not Found", id="with a stage"),
        pytest.param(environ(path="/"), "404 Not Found", id="elsewhere"),
        pytest.param(environ(method="GET"), "405 Method Not Allowed", id="not POST"),
        pytest.param(environ(method="POST", path="/health"), "404 Not Found", id="POST to health"),
    ],
)
def test_a_request_is_answered_as_in_lambda_with_an_empty_body(sent: "WSGIEnvironment", status: str) -> None:
    """Logplex reads no chunks and wants no text."""
    assert ask(keeping(FakeBuffer()), sent) == (status, {"Content-Length": "0"}, b"")


def test_what_can_be_kept_nowhere_is_answered_503() -> None:
    assert ask(keeping(FakeBuffer(DENIED), FakeQueue(DENIED)), environ())[0] == "503 Service Unavailable"


def test_a_post_is_the_batch_that_it_would_be_in_lambda() -> None:
    """Same id, same slot, same bytes: a drain may be moved between the two with tries under way."""
    made = event(environ(), NOON_MS)
    in_lambda = {
        "headers": {"content-type": "application/logplex-1", "logplex-frame-id": FRAME_ID},
        "body": base64.b64encode(POSTED).decode(),
        "isBase64Encoded": True,
    }
    assert batch(made, APP, NOON_MS) == batch(in_lambda, APP, NOON_MS)
    assert made["requestContext"]["timeEpoch"] == NOON_MS


def test_health_says_whether_the_settings_are_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a look at AWS, whose troubles a restart would not end."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    assert ask(Application(Handler()), environ("GET", "/health", "", b""))[0] == "200 OK"
    monkeypatch.delenv("LOG_BUCKET")
    assert ask(Application(Handler()), environ("GET", "/health", "", b""))[0] == "503 Service Unavailable"


def test_a_post_that_has_waited_too_long_is_503_at_once_and_nothing_is_asked() -> None:
    """Its sender is about to try again; what is done for it now, the next ones would have to wait for."""
    buffer, queue = FakeBuffer(), FakeQueue()
    application = keeping(buffer, queue)
    assert ask(application, environ())[0] == "200 OK", "the keys are known from now on"
    assert ask(application, environ() | {WAITED_S: RESPONSE_S})[0] == "503 Service Unavailable"
    assert (len(buffer.budgets), queue.sent) == (1, [])


def test_the_time_that_a_post_has_waited_is_gone_of_its_budget() -> None:
    buffer = FakeBuffer()
    application = keeping(buffer)
    for waited_s in (0, 2.0, RESPONSE_S - 0.1):
        assert ask(application, environ() | {WAITED_S: waited_s})[0] == "200 OK"
    assert all(
        budget_s < RESPONSE_S - waited_s
        for budget_s, waited_s in zip(buffer.budgets, (0, 2.0, RESPONSE_S - 0.1), strict=True)
    )
    assert buffer.budgets[0] > 2.0


# ---------------------------------------------------------------- the server


@contextmanager
def served(answer: "WSGIApplication", connections: int = CONNECTIONS, limits: Limits = LIMITS) -> Iterator[Host]:
    """A server in this process."""
    server = Host(answer, "127.0.0.1", 0, 1, connections, limits)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def hello(server: Host, sent: bytes = b"") -> socket.socket:
    """A connection that has sent something."""
    connection = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
    connection.sendall(sent)
    return connection


def says_ok(_: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    start_response("200 OK", [("Content-Length", "0")])
    return []


def is_answered(connection: socket.socket) -> bool:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    return connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_the_time_begins_when_a_request_comes_and_not_when_a_thread_is_free() -> None:
    waited: dict[str, float] = {}
    busy, go_on = threading.Event(), threading.Event()

    def note(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        waited[environ["PATH_INFO"]] = environ[WAITED_S]
        if environ["PATH_INFO"] == "/first":
            busy.set()
            go_on.wait(PATIENCE_S)
        return says_ok(environ, start_response)

    with (
        served(note) as server,
        hello(server, b"GET /first HTTP/1.1\r\n\r\n") as first,
        hello(server, b"GET /second HTTP/1.1\r\nX: ") as second,
        hello(server) as other,
    ):
        assert busy.wait(PATIENCE_S)
        # The server takes connections in their order: the second's first bytes have been read by the time that what
        # follows them is, and the clock below starts in between.
        until_read(server, 3)
        begin = time.monotonic()
        threading.Timer(0.2, go_on.set).start()
        second.sendall(b"y\r\n\r\n")
        for connection in (first, second):
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        ended = time.monotonic()
        assert is_answered(other)
    assert waited["/first"] < waited["/second"]
    assert waited["/second"] >= 0.2
    assert ended - begin >= 0.2


def until_read(server: Host, connections: int) -> None:
    """Wait until so many connections are there, and one of them has begun a request that is not complete."""
    end = time.monotonic() + PATIENCE_S
    while True:
        there = server.connections()
        if len(there) >= connections and any(connection.request for connection in there):
            return
        assert time.monotonic() < end


@pytest.mark.parametrize("sent", [b"", b"POST /drain HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"])
def test_a_connection_without_a_whole_request_is_closed_in_time(sent: bytes) -> None:
    with (
        served(says_ok, limits=Limits(turn=0.05, receive=0.05, idle=0.05)) as server,
        hello(server, sent) as connection,
    ):
        assert connection.recv(1) == b""


def test_a_request_that_comes_a_byte_at_a_time_has_no_more_time() -> None:
    """It is active all the time, so a limit on inactivity would not end it."""
    begun = b"POST /drain HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"
    with served(says_ok, limits=Limits(turn=0.1, receive=0.1)) as server, hello(server, begun) as slow:
        slow.settimeout(0.01)
        end = time.monotonic() + PATIENCE_S
        with suppress(ConnectionError):
            while time.monotonic() < end:
                slow.sendall(b"x")
                with suppress(TimeoutError):
                    if slow.recv(1) == b"":
                        break
        assert time.monotonic() < end


def test_a_connection_with_a_request_under_way_stays() -> None:
    busy, go_on = threading.Event(), threading.Event()

    def wait(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        busy.set()
        go_on.wait(PATIENCE_S)
        return says_ok(environ, start_response)

    limits = Limits(turn=0.01, receive=0.01, idle=0.01)
    with served(wait, limits=limits) as server, hello(server, b"GET / HTTP/1.1\r\n\r\n") as connection:
        assert busy.wait(PATIENCE_S)
        with hello(server) as idle:
            assert idle.recv(1) == b"", "the server has looked for stale connections"
        go_on.set()
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_expects_to_continue_with_an_empty_body_is_answered() -> None:
    """waitress sends the "100 Continue", and would then wait for a body that is already complete."""
    head = b"POST /drain HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    with served(says_ok) as server, hello(server, head) as client:
        assert b"200 OK" in b"".join(iter(lambda: client.recv(1024), b""))


def test_when_there_is_no_room_idle_and_half_open_connections_make_some() -> None:
    """Or whoever opens enough of them keeps every drain out."""
    limits = Limits(turn=0.05, full=0.5)
    with (
        served(says_ok, connections=2, limits=limits) as server,
        hello(server) as idle,
        hello(server, b"POST /drain HT") as half_open,
    ):
        until_read(server, 2)
        with hello(server) as good:
            assert is_answered(good)
        assert (idle.recv(1), half_open.recv(1)) == (b"", b"")


def test_a_request_that_takes_longer_than_the_grace_is_counted_as_unanswered() -> None:
    busy, go_on = threading.Event(), threading.Event()

    def wait(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        busy.set()
        go_on.wait(PATIENCE_S)
        return says_ok(environ, start_response)

    server = Host(wait, "127.0.0.1", 0, 1, limits=Limits(grace=0.1))
    unanswered: list[int] = []
    thread = threading.Thread(target=lambda: unanswered.append(server.run()))
    thread.start()
    with hello(server, b"GET / HTTP/1.1\r\n\r\n") as connection:
        assert busy.wait(PATIENCE_S)
        server.stop()
        thread.join(PATIENCE_S)
        assert unanswered == [1]
        go_on.set()
        assert connection.recv(100).startswith(b"HTTP/1.1 200 "), "the process would have ended by now"
    for each in server.connections():
        each.handle_close()


def test_descriptors_from_1024_on_are_served() -> None:
    """select() takes none of those, and would end the process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this process may open {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        with ExitStack() as others:
            while (descriptor := os.open(os.devnull, os.O_RDONLY)) < 1024:
                others.callback(os.close, descriptor)
            others.callback(os.close, descriptor)
            with served(says_ok) as server, hello(server) as connection:
                assert connection.fileno() > 1024
                assert is_answered(connection)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to"),
    [
        pytest.param(1024, 524_288, 2576, id="raised"),
        pytest.param(1024, resource.RLIM_INFINITY, 2576, id="raised-without-a-limit"),
        pytest.param(4096, 4096, None, id="enough"),
        pytest.param(resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, id="no-limit"),
    ],
)
def test_the_process_may_open_what_its_connections_need(
    soft: int, hard: int, raised_to: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: set_to.append(limits))
    reserve_files(CONNECTIONS)
    assert set_to == ([(raised_to, hard)] if raised_to else [])


def test_too_few_files_are_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    with pytest.raises(TooFewFiles) as refused:
        reserve_files(CONNECTIONS)
    assert str(refused.value) == (
        "1000 connections need 2576 open files and the limit is 1024: raise it (ulimit -Hn), or set --connections to "
        "224 or less"
    )
    reserve_files(224)


def test_the_limits_in_the_docs_are_the_servers() -> None:
    design = (FOLDER / "docs" / "design.md").read_text()
    [section] = re.findall(r"^## Outside Lambda\n(.*?)^## ", design, re.MULTILINE | re.DOTALL)
    told = {
        name: float(number) for name, number in re.findall(r"^\| ([^|]+) \| ([\d.]+) s? *\|", section, re.MULTILINE)
    }
    options = parse([])
    assert told == {
        "connections": options.connections,
        "threads": options.threads,
        "open files": files_needed(CONNECTIONS),
        "receive": LIMITS.receive,
        "idle": LIMITS.idle,
        "full": LIMITS.full,
        "read size": RECEIVE_BYTES,
        "body": BODY_LIMIT,
        "headers": Adjustments.max_request_header_size,
    }


# ---------------------------------------------------------------- the process


def start(settings: dict[str, str], *options: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.Popen(
        [sys.executable, "-m", "receiver", "--port", "0", *options],
        cwd=FOLDER,
        env=inherited | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(aws_url: str) -> Iterator[tuple[subprocess.Popen[str], http.client.HTTPConnection]]:
    """The process, and a connection to it."""
    process = start(SETTINGS | {"AWS_ENDPOINT_URL": aws_url})
    try:
        assert process.stderr
        port = int(process.stderr.readline().rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        yield process, connection
        connection.close()
    finally:
        process.kill()
        process.communicate()


class SlowBuffer:
    """DynamoDB that answers when it is told to; `asked` is set once it was asked."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def __call__(self, endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
        self.asked.set()
        self.go_on.wait(PATIENCE_S)
        request.send_response(200)
        [takes] = DYNAMODB_TAKES
        request.send_header("Content-Length", str(len(takes.body)))
        request.end_headers()
        request.wfile.write(takes.body)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_at_a_signal_is_answered_and_the_process_exits_0(number: signal.Signals) -> None:
    """A new version is rolled out this way, and none of it may cost a line."""
    buffer = SlowBuffer()
    with aws_endpoint(HASHES, buffer) as (url, _), running(url) as (process, connection):
        connection.request("POST", f"/drain?{QUERY}", POSTED)
        assert buffer.asked.wait(PATIENCE_S)
        with socket.create_connection((connection.host, connection.port), PATIENCE_S) as idle:
            process.send_signal(number)
            assert idle.recv(1) == b"", "connections without a request are closed first"
        wait_until_refused(connection.host, connection.port)
        buffer.go_on.set()
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Length"), answer.read()) == (200, "0", b"")
        _, said = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, said) == (0, "")


def wait_until_refused(host: str, port: int) -> None:
    """Connect until nobody listens any more."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        other = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
        try:
            other.connect()
        except OSError:
            return
        finally:
            other.close()
    pytest.fail("it still accepts connections")


def test_a_kept_connection_does_not_hold_up_the_end() -> None:
    """Logplex keeps its connections for as long as it has lines."""
    with aws_endpoint(HASHES) as (url, _), running(url) as (process, connection):
        connection.request("GET", "/health")
        assert connection.getresponse().read() == b""
        process.send_signal(signal.SIGTERM)
        # Less than the ten seconds that requests in flight are given.
        assert process.wait(timeout=8) == 0


def test_what_is_logged_holds_no_query() -> None:
    """The token is in it."""
    refused = Reply(400, b'{"__type": "AccessDenied"}')
    with aws_endpoint(HASHES, refused) as (url, _), running(url) as (process, connection):
        for path in (f"/drain?{QUERY}", f"/elsewhere?{QUERY}", f"/drain?{QUERY}&token=x"):
            connection.request("POST", path, POSTED)
            connection.getresponse().read()
        process.terminate()
        logged = "".join(process.communicate(timeout=PATIENCE_S))
        assert "dynamodb-AccessDenied" in logged
        assert QUERY.rpartition("=")[2] not in logged
        assert "token" not in logged


@pytest.mark.parametrize(("size", "status"), [(BODY_LIMIT, 200), (BODY_LIMIT + 1, 413)])
def test_a_body_may_be_as_large_as_the_gateway_takes(size: int, status: int) -> None:
    """What is too large is refused at its headers."""
    posted = body(message(time=datetime.now(UTC))).ljust(size, b"\n")
    with aws_endpoint(HASHES, *DYNAMODB_TAKES) as (url, _), running(url) as (_, connection):
        connection.putrequest("POST", f"/drain?{QUERY}")
        connection.putheader("Content-Length", str(size))
        connection.endheaders(posted if status == 200 else None)
        assert connection.getresponse().status == status


@pytest.mark.parametrize(
    ("settings", "options", "reason"),
    [
        ({}, (), "LOG_BUCKET, LOG_APPS, TOKEN_HASHES_PATH, SPILL_QUEUE_URL, BUFFER_TABLE"),
        # In Lambda it would spill without one.
        ({**SETTINGS, "BUFFER_TABLE": ""}, (), "BUFFER_TABLE"),
        ({**SETTINGS, "SPILL_QUEUE_URL": ""}, (), "SPILL_QUEUE_URL"),
        ({name: SETTINGS[name] for name in SETTINGS if name != "AWS_DEFAULT_REGION"}, (), "AWS_DEFAULT_REGION"),
        (SETTINGS, ("--host", "192.0.2.1"), "choose another --host or --port"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line_and_exit_2(
    settings: dict[str, str], options: tuple[str, ...], reason: str
) -> None:
    process = start({"AWS_CONFIG_FILE": os.devnull} | settings, *options)
    out, said = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, said.count("\n")) == (2, "", 1)
    assert reason in said


def test_too_few_files_keep_it_from_starting() -> None:
    """Else it would end, or refuse drains, on the first busy day."""
    process = subprocess.run(
        ["bash", "-c", 'ulimit -n 700 && exec "$@"', "-", sys.executable, "-m", "receiver", "--port", "0"],
        cwd=FOLDER,
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (process.returncode, process.stdout, process.stderr.count("\n")) == (2, "", 1)
    assert "the limit is 700: raise it (ulimit -Hn), or set --connections to 62 or less" in process.stderr


@pytest.mark.parametrize("options", [("--port", "65536"), ("--port", "x"), ("--threads", "0")])
def test_an_option_that_makes_no_sense_is_named(options: tuple[str, ...]) -> None:
    process = start(SETTINGS, *options)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert f"argument {options[0]}: invalid value {options[1]!r}" in said
