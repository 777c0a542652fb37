"""boto3 calls that another thread can abort, wherever they wait.

A read timeout limits one read of a socket, so an answer of one byte per second never ends. Aborting a call shuts its
socket down: the read returns, the call fails, and neither its thread nor its descriptor is left behind.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool

Result = TypeVar("Result")

_LOCK = threading.Lock()
_OF_THREAD = threading.local()


class Aborted(OSError):
    """The call was aborted before it could use a connection."""


class Call:
    """One call: `run` makes it in the current thread, and `abort` ends it from any other."""

    def __init__(self) -> None:
        self._aborted = False
        self._connection: Any = None
        self._socket: socket.socket | None = None

    def run(self, function: Callable[[], Result]) -> Result:
        """Call the function; an exception that it raises after `abort` says nothing about the service."""
        _OF_THREAD.call = self
        try:
            return function()
        finally:
            _OF_THREAD.call = None
            with _LOCK:
                self._connection = self._socket = None

    def abort(self) -> None:
        """Make the call fail soon; no effect on a call that is over."""
        with _LOCK:
            self._aborted = True
            # Once an answer was read to its end, another call may use its connection.
            if self._socket and self._connection.call is self:
                with suppress(OSError):
                    # The base class's method: SSLSocket's own discards the TLS session, which the other thread reads.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def use(self, connection: Any) -> None:
        """Note the connection that the call uses from now on; Aborted after `abort`."""
        with _LOCK:
            if self._aborted:
                raise Aborted("aborted")
            connection.call = self
            self._connection = connection
            # When an answer ends with its connection, http.client forgets the socket but continues to read from it.
            self._socket = connection.sock if isinstance(connection.sock, socket.socket) else None


class _Abortable:
    """Mixed into a connection: the call of the thread that uses it can be aborted.

    An abort does not interrupt a name look-up, a connect or a TLS handshake; each of them has its own timeout.
    """

    call: Call | None = None
    sock: Any

    def connect(self) -> None:
        _use(self)
        super().connect()  # type: ignore[misc]
        _use(self)

    def request(self, *args: Any, **kwargs: Any) -> Any:
        _use(self)
        return super().request(*args, **kwargs)  # type: ignore[misc]


class _HttpConnection(_Abortable, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _HttpsConnection(_Abortable, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _HttpPool(AWSHTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


def make_abortable(client: Any) -> None:
    """Let a boto3 client's calls be aborted, from its next connection on."""
    # botocore has no public way to set the class of its connections, and Lambda's botocore can differ from the one that
    # the tests run. If the attribute disappears, callers still stop waiting, but a call that trickles keeps its thread.
    with suppress(AttributeError):
        client._endpoint.http_session._pool_classes_by_scheme.update(http=_HttpPool, https=_HttpsPool)


def _use(connection: Any) -> None:
    call = getattr(_OF_THREAD, "call", None)
    if call:
        call.use(connection)
