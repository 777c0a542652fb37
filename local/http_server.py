"""The HTTP server of all stand-ins: waitress, in threads of this process."""

import logging
import socket
from threading import Event, Thread
from typing import TYPE_CHECKING, Self, cast

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer, create_server

from local.child import LocalError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from waitress.wasyncore import _SocketMap

_THREADS = 32
_CONNECTIONS = 1000
_RECEIVE_BYTES = 256 * 1024
_TURN_S = 1.0
_LAST_RESPONSES_S = 1


class _Request(HTTPRequestParser):
    def received(self, data: bytes) -> int:
        consumed = super().received(data)
        # A client that waits for "100 Continue" before an empty body would wait for ever: waitress sends that, and then
        # waits for a body itself.
        self.expect_continue = self.expect_continue and not self.completed
        return consumed


class _Channel(HTTPChannel):
    parser_class = _Request


class HttpServer:
    """Serves a WSGI application on one port until `stop`, or to the end of a `with`; `origin` is its URL."""

    def __init__(self, application: "WSGIApplication", *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen and serve; LocalError if the port is not available. Port 0 is any free one."""
        try:
            listening = socket.create_server((host, port), backlog=128)
        except (OSError, OverflowError) as error:
            raise LocalError(
                f"cannot listen on {host}:{port} ({error}): choose another port, or 0 for any free one"
            ) from None
        # It warns of each request that waits for a thread, however briefly.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._sockets: _SocketMap = {}
        self._server = cast(
            "TcpWSGIServer",
            create_server(
                application,
                map=self._sockets,
                sockets=[listening],
                threads=_THREADS,
                ident=None,
                connection_limit=_CONNECTIONS,
                recv_bytes=_RECEIVE_BYTES,
                clear_untrusted_proxy_headers=False,
                log_socket_errors=False,
            ),
        )
        self._server.channel_class = _Channel
        self.origin = f"http://{host}:{listening.getsockname()[1]}"
        self._stopping = Event()
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Free the port and close all connections, also those with a request in progress. Safe to call twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown(timeout=_LAST_RESPONSES_S)
        wasyncore.close_all(self._sockets)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(_TURN_S, use_poll=True, map=self._sockets, count=1)
