"""A small HTTP/1.1 server for the stand-ins of this machine: whole requests in, whole answers out."""

import socket
import string
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from socketserver import ThreadingTCPServer
from typing import Any, NamedTuple

from local.child import LocalError

# How long what a refused client is still sending is read away, so that it comes to see the answer.
_LINGER_S = 2
_LINE_LIMIT = 65_536
_LONGEST_NUMBER = 20


class Request(NamedTuple):
    """A request as it was sent; `path` and `query` are not decoded, header names keep their case."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""
    client: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """Give the first value of a header, by its name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Answer(NamedTuple):
    """An answer without its Date, Content-Length and Connection, which the server adds."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


class HttpServer(ABC):
    """Serves on one port, a thread a connection. A subclass says what is answered; nothing is logged here."""

    def __init__(self, *, host: str, port: int, body_limit: int) -> None:
        """Listen, which takes the port (0: any free one); LocalError when it can't be had. Bodies are in bytes."""
        try:
            self._server = _Server(self, host, port, body_limit)
        except (OSError, OverflowError) as error:
            raise LocalError(
                f"cannot listen on {host}:{port} ({error}): choose another port, or 0 for any free one"
            ) from None
        self.origin = f"http://{host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)

    @abstractmethod
    def respond(self, request: Request) -> Answer:
        """Answer a request; called from several threads, and must not raise."""

    @abstractmethod
    def refuse(self, status: HTTPStatus) -> Answer:
        """Say that a request can't be taken: malformed (400, 431, ...) or over the body limit (413)."""

    def start(self) -> None:
        """Serve from now on, in threads of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Give the port back and close all connections, those with a request under way too."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.close()


class _Refused(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: HttpServer, host: str, port: int, body_limit: int) -> None:
        self.service, self.body_limit = service, body_limit
        self.connections: set[socket.socket] = set()
        super().__init__((host, port), _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def close(self) -> None:
        self.server_close()
        for connection in self.connections.copy():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with suppress(OSError):  # the client went away
            super().handle()

    def _answer(self) -> None:
        try:
            body = _body(self.rfile, self.headers, self.server.body_limit)
        except _Refused as refused:
            self._refuse(refused.status)
            return
        path, _, query = self.path.partition("?")
        self._write(
            self.server.service.respond(
                Request(
                    self.command,
                    path,
                    query,
                    self.headers.items(),
                    body,
                    self.client_address[0],
                    self.request_version,
                )
            )
        )

    # The names under which the base class looks methods up.
    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = _answer  # noqa: N815

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what the base class finds malformed; its own words would hold the query string."""
        self._refuse(HTTPStatus(code))

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._write(self.server.service.refuse(status))
        # A socket that is closed with bytes unread resets the connection, and the answer is lost.
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(_LINGER_S)
        while self.connection.recv(65_536):
            pass

    def _write(self, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        has_body = answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        if has_body:
            lines.append(f"Content-Length: {len(answer.body)}")
        lines.append(f"Connection: {'close' if self.close_connection else 'keep-alive'}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head + (answer.body if has_body and self.command != "HEAD" else b""))


def _body(stream: BufferedIOBase, headers: Any, limit: int) -> bytes:
    match headers.get("Transfer-Encoding", "").strip().lower():
        case "":
            return _read(stream, _number(headers.get("Content-Length", "0").strip(), string.digits), limit)
        case "chunked":
            return _chunked(stream, limit)
    raise _Refused(HTTPStatus.NOT_IMPLEMENTED)


def _chunked(stream: BufferedIOBase, limit: int) -> bytes:
    body = bytearray()
    # RFC 9112, section 7.1: size in hexadecimal, extensions after a semicolon, trailers after the last chunk.
    while size := _number(_line(stream).partition(";")[0].strip(), string.hexdigits):
        body += _read(stream, size, limit - len(body))
        if _line(stream):
            raise _Refused(HTTPStatus.BAD_REQUEST)
    while _line(stream):
        pass
    return bytes(body)


def _line(stream: BufferedIOBase) -> str:
    line = stream.readline(_LINE_LIMIT)
    if not line.endswith(b"\n"):
        raise _Refused(HTTPStatus.BAD_REQUEST)
    return line.decode("latin-1").strip()


def _number(text: str, digits: str) -> int:
    if not 0 < len(text) <= _LONGEST_NUMBER or text.strip(digits):
        raise _Refused(HTTPStatus.BAD_REQUEST)
    return int(text, 16 if digits is string.hexdigits else 10)


def _read(stream: BufferedIOBase, size: int, limit: int) -> bytes:
    if size > limit:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body = stream.read(size)
    if len(body) < size:
        raise ConnectionAbortedError("the client went away in the middle of its request")
    return body
