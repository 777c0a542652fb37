"""An HTTP server for the receiver, which answers the requests in flight before it ends. Not used in Lambda."""

import logging
import resource
import socket
import time
from dataclasses import dataclass
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
RECEIVE_BYTES = 256 * 1024
# The calls to four services, and everything else except clients. A client can need two files: waitress writes a body
# of more than 512 KB to one.
_OTHER_FILES = 4 * CALLS_AT_ONCE + 64
_LAST_TURNS_S = 0.05


@dataclass(frozen=True)
class Limits:
    """Seconds after which the server closes a connection, looks for such connections, or ends."""

    # For a request to arrive completely: Logplex gives up after 5 s.
    receive: float = 10.0
    # For a connection without a request. Proxies in front should close first (nginx's "keepalive_timeout": 60 s), or a
    # request may meet a connection that is being closed.
    idle: float = 75.0
    # Both of these while the server has no room for another connection.
    full: float = 5.0
    # For the requests in flight at the end: twice what the receiver takes for a response, and the shortest time that
    # process managers wait before they kill.
    grace: float = 10.0
    # Between two looks for connections to close.
    turn: float = 1.0


class TooFewFiles(Exception):
    """The process may not open as many files as it can need."""


def files_needed(connections: int) -> int:
    """Give the number of files that a server with this many connections may have open."""
    return 2 * connections + _OTHER_FILES


def reserve_files(connections: int) -> None:
    """Raise the process's limit of open files to what the connections need; TooFewFiles if its hard limit is lower."""
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
    """Serves a WSGI application on one address. A body over BODY_LIMIT is answered 413 before it arrives."""

    def __init__(
        self,
        application: "WSGIApplication",
        host: str,
        port: int,
        threads: int,
        connections: int = CONNECTIONS,
        limits: Limits = Limits(),
    ) -> None:
        """Listen, but do not answer before `run`; OSError when the address is not available. Port 0 is any free one."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
        self._sockets: _SocketMap = {}
        self._most_connections, self._limits = connections, limits
        self._stopping = Event()
        # It warns of each request that waits for a thread, even for a microsecond.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        # With one socket waitress makes a server of this type; for a name with several addresses it would make another.
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
                recv_bytes=RECEIVE_BYTES,
                # Clients that hang up are normal.
                log_socket_errors=False,
            ),
        )
        self._server.channel_class = Connection
        self.port: int = listening.getsockname()[1]

    def run(self) -> int:
        """Serve until `stop`, then answer the requests in flight; gives the number of those left after `grace`.

        A connection that a client keeps open is closed once it has no request in flight.
        """
        while not self._stopping.is_set():
            self._turn(self._limits.turn)
            self._close_stale()
        # Not the server's own `close`, after which answers could not wake the loop.
        wasyncore.dispatcher.close(self._server)
        end = time.monotonic() + self._limits.grace
        while self.connections() and time.monotonic() < end:
            # First a turn: a request that has arrived but was not read is in flight too.
            self._turn(_LAST_TURNS_S)
            for connection in self.connections():
                if not _busy(connection):
                    connection.handle_close()
        unanswered = len(self.connections())
        if not unanswered:
            self._server.task_dispatcher.shutdown()
            wasyncore.close_all(self._sockets)
        return unanswered

    def stop(self) -> None:
        """Make `run` return. Safe to call from a signal handler or another thread, and more than once."""
        self._stopping.set()
        self._server.pull_trigger()

    def connections(self) -> "list[Connection]":
        """Give the clients' connections that are open now."""
        # A copy first: the thread that serves goes on adding to it.
        return [each for each in list(self._sockets.values()) if isinstance(each, Connection)]

    def _turn(self, seconds: float) -> None:
        # select() refuses descriptors from 1,024 on, which would end the process.
        wasyncore.loop(seconds, use_poll=True, map=self._sockets, count=1)

    def _close_stale(self) -> None:
        connections = self.connections()
        limits = self._limits
        full = len(connections) >= self._most_connections
        receive_s, idle_s = (limits.full, limits.full) if full else (limits.receive, limits.idle)
        now = time.monotonic()
        for connection in connections:
            if connection.is_stale(now, receive_s, idle_s):
                connection.handle_close()


class _Request(HTTPRequestParser):
    """A request, from its first bytes on: waitress makes its parser when they arrive."""

    def __init__(self, adj: "Adjustments") -> None:
        super().__init__(adj)
        self.began = time.monotonic()

    def received(self, data: bytes) -> int:
        consumed = super().received(data)
        # A client that waits for "100 Continue" before an empty body would get no response: waitress sends that line,
        # and then waits for a body itself.
        self.expect_continue = self.expect_continue and not self.completed
        return consumed


class _Task(WSGITask):
    """Says in the environment how long ago a request began to arrive: it was being sent, and waited for a thread."""

    def get_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = super().get_environment()
        environment[WAITED_S] = time.monotonic() - cast("_Request", self.request).began
        return environment


class Connection(HTTPChannel):
    """A client's connection."""

    parser_class = _Request
    task_class = _Task

    def is_stale(self, now: float, receive_s: float, idle_s: float) -> bool:
        """Whether a request takes longer than `receive_s` to arrive, or there has been none for `idle_s`."""
        if self.requests or self.total_outbufs_len:
            return False
        if self.request:
            return now - cast("_Request", self.request).began > receive_s
        return time.time() - self.last_activity > idle_s


def _busy(connection: HTTPChannel) -> bool:
    """Whether a request is being read, processed or answered."""
    return bool(connection.request or connection.requests or connection.total_outbufs_len)
