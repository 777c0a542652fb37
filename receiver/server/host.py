"""An HTTP server for the receiver that ends without leaving a request unanswered. No part of Lambda."""

import logging
import resource
import socket
import time
from threading import Event
from typing import TYPE_CHECKING, Any, cast

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer, create_server
from waitress.task import WSGITask

from receiver.aws import CALLS_AT_ONCE
from receiver.request import BODY_LIMIT
from receiver.server.wsgi import WAITED_S

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from waitress.adjustments import Adjustments
    from waitress.wasyncore import _SocketMap

# Each Logplex node keeps a connection of its own to each drain, and there are many nodes.
CONNECTIONS = 1000
# waitress reads 8 KB by default, once per turn of its loop over all connections: a body of 1 MB would take 128 turns.
_RECEIVE_BYTES = 256 * 1024
# For a request to arrive completely: Logplex gives up after 5 s.
RECEIVE_S = 10.0
# For a connection without a request. Proxies in front should close first (nginx's "keepalive_timeout": 60 s), or a
# request may meet a connection that is being closed.
IDLE_S = 75.0
# Both limits while the server has no room for another connection.
_FULL_S = 5.0
# Calls to three services, and everything else but clients. A client can need two: waitress writes a body of over 512 KB
# to a file.
_OTHER_FILES = 3 * CALLS_AT_ONCE + 64
# Twice what the receiver takes for an answer, and what process managers wait at the least before they kill.
_GRACE_S = 10.0
_TURN_S = 1.0
_LAST_TURNS_S = 0.05


class TooFewFiles(Exception):
    """The process may not open as many files as it could come to need."""


def files_needed(connections: int) -> int:
    """Give the number of files that a server with this many connections may have open."""
    return 2 * connections + _OTHER_FILES


def reserve_files(connections: int) -> None:
    """Raise the process's limit of open files to what the connections need; TooFewFiles where that is refused."""
    needed = files_needed(connections)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise TooFewFiles(
            f"{connections} connections need {needed} open files and the limit is {hard}: raise it (ulimit -Hn), or "
            f"set --connections to {max(0, hard - _OTHER_FILES) // 2} or less"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class Host:
    """Serves a WSGI application on one address. A body over BODY_LIMIT is answered 413, and not waited for."""

    def __init__(
        self, application: "WSGIApplication", host: str, port: int, threads: int, connections: int = CONNECTIONS
    ) -> None:
        """Listen, but answer from `run` on; OSError when the address cannot be had. Port 0 is any that is free."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
        self._sockets: _SocketMap = {}
        self._connections = connections
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
                connection_limit=connections + 2,  # it counts the listening socket and its own pipe, too
                recv_bytes=_RECEIVE_BYTES,
                # A client that hangs up in the middle of something is no news.
                log_socket_errors=False,
            ),
        )
        self._server.channel_class = _Channel
        self.port: int = listening.getsockname()[1]

    def run(self) -> int:
        """Serve until `stop`, then answer what is in flight; gives the number of requests that 10 s were too short for.

        A client that keeps its connection is let go once it has nothing in flight.
        """
        while not self._stopping.is_set():
            self._turn(_TURN_S)
            self._close_stale()
        # Not the server's own `close`, after which answers could not wake the loop.
        wasyncore.dispatcher.close(self._server)
        end = time.monotonic() + _GRACE_S
        while self._channels() and time.monotonic() < end:
            # First a turn: a request that has come but was not read is in flight too.
            self._turn(_LAST_TURNS_S)
            for channel in self._channels():
                if not _busy(channel):
                    channel.handle_close()
        return len(self._channels())

    def stop(self) -> None:
        """Make `run` return. Safe to call from a signal handler or another thread, and more than once."""
        self._stopping.set()
        self._server.pull_trigger()

    def _turn(self, seconds: float) -> None:
        # select() refuses descriptors from 1,024 on, and the process would end.
        wasyncore.loop(seconds, use_poll=True, map=self._sockets, count=1)

    def _close_stale(self) -> None:
        channels = self._channels()
        full = len(channels) >= self._connections
        now = time.monotonic()
        for channel in channels:
            if channel.is_stale(now, *((_FULL_S, _FULL_S) if full else (RECEIVE_S, IDLE_S))):
                channel.handle_close()

    def _channels(self) -> "list[_Channel]":
        return [channel for channel in self._sockets.values() if isinstance(channel, _Channel)]


class _Request(HTTPRequestParser):
    """A request, from its first bytes on: waitress makes its parser when they come."""

    def __init__(self, adj: "Adjustments") -> None:
        super().__init__(adj)
        self.began = time.monotonic()


class _Task(WSGITask):
    """Says in the environment how long a request has been there: being sent, and waiting for a thread."""

    def get_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = super().get_environment()
        environment[WAITED_S] = time.monotonic() - cast("_Request", self.request).began
        return environment


class _Channel(HTTPChannel):
    """A client's connection."""

    parser_class = _Request
    task_class = _Task

    def is_stale(self, now: float, receive_s: float, idle_s: float) -> bool:
        """Whether a request takes longer than that to come, or there has been none for that long."""
        if self.requests or self.total_outbufs_len:
            return False
        if self.request:
            return now - cast("_Request", self.request).began > receive_s
        return time.time() - self.last_activity > idle_s


def _busy(channel: HTTPChannel) -> bool:
    """Whether a request is being read, worked on, or answered."""
    return bool(channel.request or channel.requests or channel.total_outbufs_len)
