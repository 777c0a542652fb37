"""An HTTP server for the receiver that ends without leaving a request unanswered. No part of Lambda."""

import logging
import socket
import time
from threading import Event
from typing import TYPE_CHECKING, cast

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer, create_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from waitress.wasyncore import _SocketMap

BODY_LIMIT = 10 * 1024 * 1024  # API Gateway's: "Quotas for configuring and running an HTTP API"
# Twice what the receiver takes for an answer, and what process managers wait at the least before they kill.
_GRACE_S = 10.0
_TURN_S = 1.0
_LAST_TURNS_S = 0.05


class Host:
    """Serves a WSGI application on one address. A body over BODY_LIMIT is answered 413, and not waited for."""

    def __init__(self, application: "WSGIApplication", host: str, port: int, threads: int) -> None:
        """Listen, but answer from `run` on; OSError when the address cannot be had. Port 0 is any that is free."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
        self._sockets: _SocketMap = {}
        self._stopping = Event()
        # It warns of each request that has to wait for a thread, be it for a microsecond.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        # One socket makes one server of this type; for a name with several addresses waitress would make another.
        self._server = cast(
            "TcpWSGIServer",
            create_server(
                application,
                map=self._sockets,
                sockets=[listening],
                threads=threads,
                ident=None,
                max_request_body_size=BODY_LIMIT + 1,  # the first size that is refused
            ),
        )
        self.port: int = listening.getsockname()[1]

    def run(self) -> int:
        """Serve until `stop`, then answer what is in flight; gives the number of requests that 10 s were too short for.

        A client that keeps its connection is let go once it has nothing in flight.
        """
        while not self._stopping.is_set():
            wasyncore.loop(_TURN_S, map=self._sockets, count=1)
        # Not the server's own `close`, after which answers could not wake the loop.
        wasyncore.dispatcher.close(self._server)
        end = time.monotonic() + _GRACE_S
        while self._channels() and time.monotonic() < end:
            # First a turn: a request that has come but was not read is in flight too.
            wasyncore.loop(_LAST_TURNS_S, map=self._sockets, count=1)
            for channel in self._channels():
                if not _busy(channel):
                    channel.handle_close()
        return len(self._channels())

    def stop(self) -> None:
        """Make `run` return. Safe to call from a signal handler or another thread, and more than once."""
        self._stopping.set()
        self._server.pull_trigger()

    def _channels(self) -> list[HTTPChannel]:
        return [channel for channel in self._sockets.values() if isinstance(channel, HTTPChannel)]


def _busy(channel: HTTPChannel) -> bool:
    """Whether a request is being read, worked on, or answered."""
    return bool(channel.request or channel.requests or channel.total_outbufs_len)
