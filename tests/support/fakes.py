"""Stand-ins for what receiver and flusher work with: requests, the buffer, the archive, a parameter, AWS."""

import json
import os
import socket
import ssl
import struct
import threading
from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from contract import buffer_table
from contract.buffer_table import BATCH_PREFIX, PARTITION_KEY, RECORD_PREFIX, SORT_KEY, Heading, Item, Key, Record, Seen
from contract.drain_url import token
from contract.logplex.batch import Batch
from contract.object_keys import ObjectKey
from contract.slots import DEFAULT_MINUTES, Slot
from contract.token_hashes import CURRENT, NEXT, PREVIOUS, format_hashes, token_hash
from receiver.accepted_tokens import AcceptedTokens
from receiver.aws import Queue, Unavailable
from receiver.deadline import Deadline
from receiver.flusher.drain import Message
from receiver.flusher.flush import Contents
from receiver.flusher.run import Outcome, run
from receiver.stored_object import StoredObject
from receiver.tally import Tally
from tests.support.logplex_frames import NOON_MS

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
    """The `requestContext` of such an event, with changes. It arrives at NOON, where messages are from."""
    fixed = {"stage": "prod", "http": {"method": "POST", "path": "/prod/drain"}, "timeEpoch": NOON_MS}
    return fixed | changes


class FakeBuffer:
    """The table in memory, `items` by their keys, for receiver and flusher; `born` is when it was created.

    A receiver's calls raise its `trouble`, and are done all the same while `unseen` is set, as calls whose answer comes
    too late. `calls` are the names of all that were made, `budgets` the seconds that puts of batches were given.
    """

    def __init__(self, trouble: Unavailable | None = None, born: int = NOON_MS - 60_000) -> None:
        self.items: dict[Key, Item] = {}
        self.calls: list[str] = []
        self.budgets: list[float] = []
        self.trouble, self.unseen, self.born = trouble, False, born

    # The receiver's calls.

    def put_batch(self, item: Item, deadline: Deadline) -> None:
        """Put it, unless it is there."""
        self.budgets.append(deadline.remaining())
        self._meet("put_batch", lambda: self.items.setdefault(_key(item), item))

    def put_marker(self, item: Item, deadline: Deadline) -> None:
        """Put it."""
        self._meet("put_marker", lambda: self.items.update({_key(item): item}))

    def holds(self, key: Key, deadline: Deadline) -> bool:
        """Look."""
        self._meet("holds", lambda: None)
        return key in self.items

    def _meet(self, name: str, deed: Callable[[], object]) -> None:
        self.calls.append(name)
        if self.unseen or not self.trouble:
            deed()
        if self.trouble:
            raise self.trouble

    # The flusher's calls.

    def born_ms(self) -> int:
        """When it was created."""
        self.calls.append("born_ms")
        return self.born

    def untils(self) -> dict[str, list[Slot]]:
        """Those that are noted."""
        self.calls.append("untils")
        untils: dict[str, list[Slot]] = {}
        for app, slot in map(buffer_table.until_of, self._of(buffer_table.FLUSHED_PARTITION)):
            untils.setdefault(app, []).append(slot)
        return untils

    def advance(self, app: str, until: Slot) -> None:
        """Note it, unless a later one is noted."""
        self.calls.append(f"advance {until}")
        key = buffer_table.until_key(app, until.minutes)
        if key not in self.items or buffer_table.until_of(self.items[key])[1] < until:
            self.items[key] = buffer_table.until_item(app, until)

    def seen(self) -> dict[Seen, int]:
        """What is noted."""
        self.calls.append("seen")
        return dict(map(buffer_table.seen_of, self._of(buffer_table.SEEN_PARTITION)))

    def note_seen(self, seen: Seen, arrival_ms: int) -> None:
        """Note it, unless a later time is noted."""
        self.calls.append(f"note_seen {seen.key.sort}")
        if seen.key not in self.items or buffer_table.seen_of(self.items[seen.key])[1] < arrival_ms:
            self.items[seen.key] = buffer_table.seen_item(seen, arrival_ms)

    def markers(self, app: str) -> list[Key]:
        """The app's markers."""
        self.calls.append("markers")
        return [_key(item) for item in self._of(buffer_table.late_partition(app))]

    def delete(self, keys: Iterable[Key]) -> None:
        """Delete items."""
        for key in keys:
            self.calls.append(f"delete {key.sort}")
            self.items.pop(key, None)

    def contents(self, app: str, slot: Slot) -> Contents:
        """What the slot holds, by what DynamoDB would give of its items."""
        self.calls.append(f"contents {slot}")
        items = [
            {name: value for name, value in item.items() if name in buffer_table.HEADING}
            for item in self._of(buffer_table.slot_partition(app, slot))
        ]
        return Contents(
            [Heading.of(item) for item in items if item[SORT_KEY]["S"].startswith(BATCH_PREFIX)],
            [Record.of(item) for item in items if item[SORT_KEY]["S"].startswith(RECORD_PREFIX)],
        )

    def batches(self, app: str, slot: Slot, batch_ids: Collection[UUID]) -> list[Batch]:
        """Those that are asked for."""
        self.calls.append(f"batches {slot}")
        keys = (buffer_table.batch_key(app, slot, batch_id) for batch_id in batch_ids)
        return [buffer_table.batch_of(self.items[key], app) for key in keys if key in self.items]

    def create_record(self, app: str, slot: Slot, number: int, batch_ids: Sequence[UUID], now_ms: int) -> bool:
        """Create it, unless it is there."""
        self.calls.append(f"create_record {number}")
        item = buffer_table.record_item(app, slot, number, batch_ids, now_ms)
        return self.items.setdefault(_key(item), item) is item

    def mark_stored(self, app: str, slot: Slot, number: int) -> bool:
        """Mark it, unless it is marked."""
        self.calls.append(f"mark_stored {number}")
        record = self.items[buffer_table.record_key(app, slot, number)]
        marked = record["stored"]["BOOL"]
        record["stored"] = {"BOOL": True}
        return not marked

    # For tests.

    def batch_items(self) -> list[Item]:
        """The items of batches, in order of their keys."""
        return [item for key, item in sorted(self.items.items()) if key.sort.startswith(BATCH_PREFIX)]

    def marker_keys(self) -> list[Key]:
        """The keys of late markers of all apps."""
        return sorted(key for key in self.items if key.partition.startswith("late/"))

    def _of(self, partition: str) -> list[Item]:
        return [item for key, item in sorted(self.items.items()) if key.partition == partition]


def _key(item: Item) -> Key:
    return Key(item[PARTITION_KEY]["S"], item[SORT_KEY]["S"])


class FakeLogBucket:
    """Keeps objects in `stored`, key -> bytes, or raises its `trouble`; `budgets` are the seconds it was given.

    It is the receiver's bucket, and without deadlines the flusher's.
    """

    def __init__(self, trouble: Unavailable | None = None) -> None:
        self.stored: dict[str, bytes] = {}
        self.budgets: list[float] = []
        self.trouble = trouble

    def put(self, objects: Sequence[StoredObject], deadline: Deadline | None = None) -> None:
        """Store what is not there, or fail as `LogBucket.put` does."""
        if deadline:
            self.budgets.append(deadline.remaining())
        if self.trouble:
            raise self.trouble
        for stored in objects:
            self.stored.setdefault(str(stored.key), stored.data)

    def holds_any(self, keys: Sequence[ObjectKey], deadline: Deadline) -> bool:
        """Look, or fail as `LogBucket.holds_any` does."""
        if self.trouble:
            raise self.trouble
        return any(str(key) in self.stored for key in keys)


class FakeQueue(Queue):
    """Keeps messages in `sent`, or raises its `trouble`; it is the receiver's queue, and the flusher's.

    What is received and not deleted is in `received` until it is given back.
    """

    def __init__(self, trouble: Unavailable | None = None) -> None:
        self.sent: list[str] = []
        self.received: dict[str, str] = {}
        self.trouble = trouble
        self._receipts = 0

    def send(self, text: str, deadline: Deadline) -> None:
        """Take a message, or fail as `Queue.send` does."""
        if self.trouble:
            raise self.trouble
        self.sent.append(text)

    def receive(self) -> list[Message]:
        """Give at most ten messages, as SQS does."""
        given, self.sent = self.sent[:10], self.sent[10:]
        messages = []
        for text in given:
            self._receipts += 1
            messages.append(Message(f"m{self._receipts}", f"receipt-{self._receipts}", text))
        self.received |= {message.receipt: message.text for message in messages}
        return messages

    def delete(self, message: Message) -> None:
        """Delete a message that was received."""
        del self.received[message.receipt]

    def give_back(self) -> None:
        """Let what was received and not deleted be received again."""
        self.sent += self.received.values()
        self.received.clear()


def flush_due(
    buffer: FakeBuffer,
    bucket: FakeLogBucket,
    now_ms: int,
    apps: Iterable[str] = (),
    report: Callable[[Tally, int], None] = lambda *_: None,
    minutes: int = DEFAULT_MINUTES,
) -> Outcome:
    """Flush all that is due at a time into a bucket; without `apps`, of APP."""
    return run(
        tuple(apps) or [APP],
        minutes,
        buffer,
        bucket,
        lambda tally, size, _: report(tally, size),
        lambda: now_ms,
        lambda: True,
    )


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


def hashes_of(app: str, *keys: str) -> str:
    """The value of an app's parameter while the tokens of these keys are accepted: current, previous, next."""
    tokens = {whose: token(key, app) for whose, key in zip((CURRENT, PREVIOUS, NEXT), keys, strict=False)}
    return format_hashes({whose: token_hash(each) for whose, each in tokens.items()})


def accepted_tokens(app: str = APP, key: str = KEY) -> dict[str, AcceptedTokens]:
    """What a receiver accepts that knows one app and one key."""
    return {app: AcceptedTokens(FakeParameter(hashes_of(app, key)).read)}


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
    tls: ssl.SSLContext | None = None

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls:
            try:
                # SSLSocket would be left open if the client has reset its connection before it was accepted.
                connection.getpeername()
            except OSError:
                connection.close()
                raise
            # The handshake is for the thread of the connection.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

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

        def do_GET(self) -> None:
            endpoint.serve(self)

        def handle_expect_100(self) -> bool:
            if not dies_in_continue:
                return super().handle_expect_100()
            end_within_continue(endpoint, self)
            return False

        def log_message(self, *args: object) -> None:
            """Keep the captured output to what the receiver prints."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        server.tls = tls
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
DYNAMODB_TAKES = [Reply(200, json.dumps({"ConsumedCapacity": {"TableName": "a-table"}}).encode())]
SQS_TAKES = [Reply(200, json.dumps({"MessageId": "a-message"}).encode())]
SSM_GIVES_HASHES = [Reply(200, json.dumps({"Parameter": {"Value": hashes_of(APP, KEY, PREVIOUS_KEY)}}).encode())]


class Aws(NamedTuple):
    """An endpoint for each service."""

    dynamodb: Endpoint
    s3: Endpoint
    sqs: Endpoint
    ssm: Endpoint


@contextmanager
def aws(
    monkeypatch: pytest.MonkeyPatch,
    *,
    dynamodb: Script = DYNAMODB_TAKES,
    s3: Script = S3_TAKES,
    sqs: Script = SQS_TAKES,
    ssm: Script = SSM_GIVES_HASHES,
) -> Iterator[Aws]:
    """Serve what the function's environment names, which is set too; clients that are made from now on ask it."""
    for name, value in {
        "LOG_BUCKET": "a-bucket",
        "LOG_APPS": APP,
        "TOKEN_HASHES_PATH": "/token_hashes/",
        "SPILL_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/spill",
        "BUFFER_TABLE": "a-table",
    }.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as serving:
        endpoints = []
        for service, script in {"DYNAMODB": dynamodb, "S3": s3, "SQS": sqs, "SSM": ssm}.items():
            url, endpoint = serving.enter_context(deaf_endpoint() if script is None else aws_endpoint(*script))
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)
            endpoints.append(endpoint)
        yield Aws(*endpoints)
