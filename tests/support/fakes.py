"""Stand-ins for what the receiver works with: requests, the archive, a parameter, an AWS endpoint."""

import json
import os
import socket
import ssl
import struct
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from contract.drain_url import token
from contract.object_keys import ObjectKey
from receiver.aws import Archive, Queue, Unavailable
from receiver.deadline import Deadline
from receiver.logplex.batch import StoredObject

APP = "raxx-api-prod"
KEY = "current-key"
PREVIOUS_KEY = "previous-key"
QUERY = f"app={APP}&token={token(KEY, APP)}"
FRAME_ID = "DA37BFA502AFA196A479F50990BA3E2C"


def drain_event(body: bytes = b"", /, *, query: str = QUERY, **changes: Any) -> dict[str, Any]:
    """What API Gateway hands over for `POST /prod/drain?QUERY`; `changes` are other top-level keys."""
    return {
        "version": "2.0",
        "routeKey": "POST /drain",
        "rawPath": "/prod/drain",
        "rawQueryString": query,
        "headers": {"content-type": "application/logplex-1", "logplex-frame-id": FRAME_ID},
        "requestContext": gateway_context(),
        "body": b64encode(body).decode(),
        "isBase64Encoded": True,
    } | changes


def gateway_context(**changes: Any) -> dict[str, Any]:
    """The `requestContext` of such an event, with changes."""
    return {"stage": "prod", "http": {"method": "POST", "path": "/prod/drain"}} | changes


class FakeArchive(Archive):
    """Keeps objects in `stored`, key -> bytes, or raises its `trouble`; `budgets` are the seconds it was given."""

    def __init__(self, trouble: Unavailable | None = None) -> None:
        self.stored: dict[str, bytes] = {}
        self.budgets: list[float] = []
        self._trouble = trouble

    def put(self, objects: Sequence[StoredObject], deadline: Deadline) -> None:
        """Store, or fail as `Archive.put` does."""
        self.budgets.append(deadline.remaining())
        if self._trouble:
            raise self._trouble
        self.stored |= {str(stored.key): stored.data for stored in objects}

    def holds_any(self, keys: Sequence[ObjectKey], deadline: Deadline) -> bool:
        """Look, or fail as `Archive.holds_any` does."""
        if self._trouble:
            raise self._trouble
        return any(str(key) in self.stored for key in keys)


class FakeQueue(Queue):
    """Keeps messages in `sent`, or raises its `trouble`."""

    def __init__(self, trouble: Unavailable | None = None) -> None:
        self.sent: list[str] = []
        self._trouble = trouble

    def send(self, text: str, deadline: Deadline) -> None:
        """Take a message, or fail as `Queue.send` does."""
        if self._trouble:
            raise self._trouble
        self.sent.append(text)


class FakeParameter:
    """Answers each read with the next of its script, and with the last of it from then on; counts the reads."""

    def __init__(self, *script: str | Unavailable) -> None:
        self._script, self.reads = script, 0

    def read(self, deadline: Deadline) -> str:
        """Give the text, or fail as `Parameter.read` does."""
        answer = self._script[min(self.reads, len(self._script) - 1)]
        self.reads += 1
        if isinstance(answer, Unavailable):
            raise answer
        return answer


# ---------------------------------------------------------------- an AWS endpoint


class Request(NamedTuple):
    """What the endpoint was asked."""

    method: str
    path: str
    target: str | None
    body: bytes
    headers: Mapping[str, str] = {}  # by their names in lower case


class Reply(NamedTuple):
    """A status with a body. What is not from AWS lacks the header by which S3 says that it has an object."""

    status: int
    body: bytes = b""
    from_aws: bool = True


Deed = Callable[["Endpoint", BaseHTTPRequestHandler], None]
Serve = Callable[["Endpoint", BaseHTTPRequestHandler, bytes], None]


class Endpoint:
    """Does to each request the next of its script, and the last of it from then on.

    `requests` are all that came, `kept` those that it did what they ask for; `over` is set when the test is done.
    `left` counts the connections that the client hung up on while it was waiting for an answer.
    """

    def __init__(self, script: Sequence[Reply | Deed], serve: Serve | None = None) -> None:
        self._script, self._serve, self._lock = script, serve, threading.Lock()
        self.requests: list[Request] = []
        self.left = threading.Semaphore(0)
        self.kept: list[Request] = []
        self.over = threading.Event()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Note a request and do to it what is next."""
        body = _body(request)
        if self._serve:
            with suppress(OSError):
                self._serve(self, request, body)
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.command, request.path, headers.get("x-amz-target"), body, headers)
        with self._lock:
            deed = self._script[min(len(self.requests), len(self._script) - 1)]
            self.requests.append(asked)
            if deed is late_success or (isinstance(deed, Reply) and deed.status == 200 and deed.from_aws):
                self.kept.append(asked)
        if not isinstance(deed, Reply):
            with suppress(OSError):  # the client has gone
                deed(self, request)
            return
        request.send_response(deed.status)
        request.send_header("Content-Length", str(len(deed.body)))
        if deed.status == 200 and deed.from_aws:
            request.send_header("ETag", '"an-etag"')
        request.end_headers()
        request.wfile.write(deed.body)


def _body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    body = b""
    while size := int(request.rfile.readline(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


def hang(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Say nothing."""
    endpoint.over.wait()
    request.close_connection = True


def trickle(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Say a byte now and a byte then, so that no single read of the client's takes long."""
    request.close_connection = True
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not endpoint.over.wait(0.02):
        request.wfile.write(b"x")


def headers_only(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Promise a body, and say no more."""
    request.close_connection = True
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    endpoint.over.wait()


def _until_left(endpoint: "Endpoint", request: BaseHTTPRequestHandler, say: bytes = b"") -> None:
    """Say something again and again until the client hangs up, which is counted, or the test is done."""
    request.close_connection = True
    request.connection.settimeout(0.02)
    while not endpoint.over.is_set():
        try:
            request.wfile.write(say)
            if request.connection.recv(1) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    else:
        return
    endpoint.left.release()


def silence(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Say nothing for as long as the client waits."""
    _until_left(endpoint, request)


def trickling_headers(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Say a header byte by byte, for as long as the client waits."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _until_left(endpoint, request, b"x")


def trickling_body(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Say a long body byte by byte, for as long as the client waits."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    _until_left(endpoint, request, b"x")


def trickling_last_body(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Say a body that ends with its connection byte by byte, for as long as the client waits."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    _until_left(endpoint, request, b"x")


def continuing_for_ever(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Say 100 Continue again and again, for as long as the client waits."""
    _until_left(endpoint, request, b"HTTP/1.1 100 Continue\r\n\r\n")


def end_within_continue(_: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """End the connection within a 100 Continue."""
    request.close_connection = True
    request.wfile.write(b"HTTP/1.1 100 Continue\r\n")


def late_success(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Do what is asked for, and say so when nobody waits any more."""
    request.close_connection = True
    endpoint.over.wait()
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def no_http(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Say something that is no answer."""
    request.close_connection = True
    request.wfile.write(b"\x00\xff garbage\r\n\r\n")


def reset(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Reset the connection."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(request.connection.detach())
    request.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has hung up is no news."""


@contextmanager
def aws_endpoint(
    *script: Reply | Deed,
    serve: Serve | None = None,
    tls: ssl.SSLContext | None = None,
    dies_in_continue: bool = False,
) -> Iterator[tuple[str, Endpoint]]:
    """Serve a script over HTTP or HTTPS; gives the URL, for AWS_ENDPOINT_URL, and what was asked.

    `serve` is called with each request and its body in the place of a script. `dies_in_continue` ends the connection
    within the 100 Continue of whoever asks for one.
    """
    endpoint = Endpoint(script, serve)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            endpoint.serve(self)

        def do_POST(self) -> None:
            endpoint.serve(self)

        def handle_expect_100(self) -> bool:
            if not dies_in_continue:
                return super().handle_expect_100()
            end_within_continue(endpoint, self)
            return False

        def log_message(self, *args: object) -> None:
            """Keep the captured output to what the receiver prints."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            # The handshake is for the thread of the connection.
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", endpoint
        finally:
            endpoint.over.set()
            server.shutdown()
            serving.join()


@contextmanager
def deaf_endpoint() -> Iterator[tuple[str, Endpoint]]:
    """Listen, and accept no connection: the client is connected all the same, by the kernel."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", Endpoint([])


# ---------------------------------------------------------------- the AWS that the receiver knows

Script = Sequence[Reply | Deed] | None  # None: a deaf endpoint

S3_TAKES = [Reply(200)]
SQS_TAKES = [Reply(200, json.dumps({"MessageId": "a-message"}).encode())]
SSM_GIVES_KEYS = [Reply(200, json.dumps({"Parameter": {"Value": json.dumps([KEY, PREVIOUS_KEY])}}).encode())]


class Aws(NamedTuple):
    """Three endpoints."""

    s3: Endpoint
    sqs: Endpoint
    ssm: Endpoint


@contextmanager
def aws(
    monkeypatch: pytest.MonkeyPatch,
    *,
    s3: Script = S3_TAKES,
    sqs: Script = SQS_TAKES,
    ssm: Script = SSM_GIVES_KEYS,
) -> Iterator[Aws]:
    """Serve what the function's environment names, which is set too; clients that are made from now on ask it."""
    for name, value in {
        "LOG_BUCKET": "a-bucket",
        "LOG_APPS": APP,
        "DRAIN_KEYS_PARAMETER": "/drain_keys",
        "SPILL_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/spill",
    }.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as serving:
        endpoints = []
        for service, script in {"S3": s3, "SQS": sqs, "SSM": ssm}.items():
            url, endpoint = serving.enter_context(deaf_endpoint() if script is None else aws_endpoint(*script))
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)
            endpoints.append(endpoint)
        yield Aws(*endpoints)
