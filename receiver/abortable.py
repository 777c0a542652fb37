"""boto3 calls that another thread can abort, wherever they wait.

A read time-out bounds one read of a socket, so an answer of one byte a second never ends. A call that is aborted has
its socket shut down: the read returns, the call fails, and neither its thread nor its descriptor stays behind.
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
    """One call, which `run` makes in the thread that it is in and `abort` ends from any other."""

    def __init__(self) -> None:
        self._aborted = False
        self._connection: Any = None
        self._socket: socket.socket | None = None

    def run(self, function: Callable[[], Result]) -> Result:
        """Call the function; what it raises once it is aborted says nothing about the service."""
        _OF_THREAD.call = self
        try:
            return function()
        finally:
            _OF_THREAD.call = None
            with _LOCK:
                self._connection = self._socket = None

    def abort(self) -> None:
        """Make the call fail soon; without effect on one that is over."""
        with _LOCK:
            self._aborted = True
            # The connection of an answer that was read to its end may be another call's by now.
            if self._socket and self._connection.call is self:
                with suppress(OSError):
                    # The base class's: SSLSocket's own takes the TLS session from under the thread that reads.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def use(self, connection: Any) -> None:
        """Note the connection that the call waits for from now on; Aborted when it must not."""
        with _LOCK:
            if self._aborted:
                raise Aborted("aborted")
            connection.call = self
            self._connection = connection
            # http.client forgets the socket of an answer that ends with its connection, but goes on reading from it.
            self._socket = connection.sock if isinstance(connection.sock, socket.socket) else None


class _Abortable:
    """Mixed into a connection: the call of the thread that uses it can be aborted.

    Looking up a name, connecting and the TLS handshake are not cut off; each ends at a time-out of its own.
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
    # botocore has no public way to say of which class connections are. Lambda's botocore is not the one that is tested
    # here: should the attribute go, calls still end for those who wait, but a trickling one keeps its thread.
    with suppress(AttributeError):
        client._endpoint.http_session._pool_classes_by_scheme.update(http=_HttpPool, https=_HttpsPool)


def _use(connection: Any) -> None:
    call = getattr(_OF_THREAD, "call", None)
    if call:
        call.use(connection)
