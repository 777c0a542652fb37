"""A keep-alive connection to a drain, with Logplex's two timeouts."""

import socket
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from time import monotonic
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CONNECT_TIMEOUT_S = 3.0
RESPONSE_TIMEOUT_S = 5.0

# Errors without a response.
NO_RESPONSE = (OSError, HTTPException)


class DrainConnection:
    """Posts to one host, one request at a time, and reconnects after any error. A context manager."""

    def __init__(self, url: str, response_timeout_s: float = RESPONSE_TIMEOUT_S) -> None:
        """Make a connection for the host of `url`; ValueError if it is not a plain HTTP URL."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            # Without the URL, which contains a token.
            raise ValueError("a local drain URL must be http://<host>[:<port>]/<path>?<query>")
        self._http = HTTPConnection(parts.hostname, parts.port, timeout=CONNECT_TIMEOUT_S)
        self._response_timeout_s = response_timeout_s

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post to a URL of this host, read the whole response and give its status.

        One of NO_RESPONSE if there is none: TimeoutError if connecting, or everything after it, takes too long.
        """
        parts = urlsplit(url)
        try:
            if not isinstance(self._http.sock, _LimitedSocket):
                self._http.connect()
                # http.client limits each read, not the whole response: so it gets a socket that does.
                self._http.sock = _LimitedSocket(fileno=self._http.sock.detach())
            self._http.sock.deadline = monotonic() + self._response_timeout_s
            self._http.putrequest("POST", parts._replace(scheme="", netloc="").geturl(), skip_accept_encoding=True)
            for name, value in headers.items():
                self._http.putheader(name, value)
            self._http.putheader("Content-Length", str(len(body)))
            self._http.endheaders(body)
            response = self._http.getresponse()
            response.read()
        except NO_RESPONSE:
            self._http.close()
            raise
        return response.status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


class _LimitedSocket(socket.socket):
    """A socket whose reads and writes all end by `deadline`, in monotonic seconds."""

    deadline: float

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        self._limit()
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        self._limit()
        super().sendall(data, flags)

    def _limit(self) -> None:
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("the response is not complete in time")
        self.settimeout(left)
