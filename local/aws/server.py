"""AWS on this machine: a moto server on loopback whose Athena runs its queries.

`python -m local.aws.server` serves it as a child process (local/child.py). It takes {"host", "port", "clock"}: port 0
means any free one, clock is the fixed time of SQL's now() in ISO 8601 (null: the real time). It says {"url"}.
"""

import io
import socket
import socketserver
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from http.server import HTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.datastructures import Headers
from werkzeug.test import run_wsgi_app

from local.aws import moto_gaps
from local.aws.athena.api import AthenaFront, Clock
from local.child import LocalError, Parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication
    from flask import Flask


class LocalAws:
    """The server, from its making to `stop`. moto keeps its state by process, so have one at a time in a process."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, clock: Clock | None = None) -> None:
        """Listen and serve; LocalError when the port cannot be had."""
        moto_gaps.close()
        front = AthenaFront(
            _Dispatcher(create_backend_app),
            clock=clock or _real_time,
            read=_read_object,
        )
        try:
            self._server = _Server((host, port), front)
        except (OSError, OverflowError) as error:
            front.close()
            raise LocalError(
                f"cannot listen on {host}:{port} ({error}): choose another port, or 0 for any free one"
            ) from None
        self._front = front
        self.url = front.endpoint_url = f"http://{host}:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=[0.02], daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop all queries, give the port back and forget all that was stored."""
        self._front.close()
        self._server.shutdown()
        self._thread.join()
        self._server.close()
        moto_api_backend.reset()


def _real_time() -> datetime:
    return datetime.now(UTC)


def _read_object(bucket: str, key: str) -> bytes:
    # Straight from memory: thousands of small objects over sockets would cost a query many seconds.
    stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(bucket, key)
    if stored is None:
        raise LocalError(f"s3://{bucket}/{key} was deleted while a query was about to read it: query again")
    return bytes(stored.value)


class _Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which looks into moto's folder for each request: here once for each host name."""

    def __init__(self, create_app: "Callable[..., Flask]") -> None:
        super().__init__(create_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


class _Server(socketserver.ThreadingMixIn, HTTPServer):
    """A thread a connection, and connections are kept: a thousand PutObjects need not connect a thousand times."""

    daemon_threads = True
    request_queue_size = 128
    # What werkzeug's handler asks of its server.
    ssl_context = None
    multithread = True
    multiprocess = False
    _server_version = "moto"

    def __init__(self, address: tuple[str, int], app: "WSGIApplication") -> None:
        self.app = app
        self._lock = Lock()
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer would ask the name server for our name.
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close(self) -> None:
        """Close the port and all connections."""
        self.server_close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(MotoRequestHandler):
    """moto's handler, but connections are kept: a request is read, and answered in one send, as a whole."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_expect_100(self) -> bool:
        answer = super().handle_expect_100()
        self.wfile.flush()
        return answer

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        if environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read()
        else:
            body = self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        try:
            answer, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        except Exception:  # noqa: BLE001  a fault of the emulator must not look like one of the network
            self.log_error("%s", traceback.format_exc())
            answer, status, headers = [], "500 Internal Server Error", Headers()
        body = b"".join(answer)
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in headers and code not in {"204", "304"}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Keep quiet: thousands of requests are no news."""


def main() -> None:
    """Serve as a child process, until the parent is gone."""
    parent = Parent()
    config = parent.config
    try:
        fixed = datetime.fromisoformat(config["clock"]).astimezone(UTC) if config.get("clock") else None
        aws = LocalAws(config["host"], config["port"], (lambda: fixed) if fixed else None)
    except ValueError:
        parent.tell_error(f"clock {config['clock']!r} is no ISO 8601 time, such as 2026-11-24T01:00:00Z")
    except LocalError as error:
        parent.tell_error(str(error))
    parent.tell_ready(url=aws.url)
    for _ in parent.messages():
        pass
    aws.stop()


if __name__ == "__main__":
    main()
