"""A keep-alive connection to a drain, with Logplex's two time-outs."""

import socket
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from time import monotonic
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 5.0

# What may keep an answer from coming.
NO_ANSWER = (OSError, HTTPException)


class DrainConnection:
    """Posts to one host, one request at a time; connects anew after any fault. A context manager."""

    def __init__(
        self,
        url: str,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        """Make a connection for the host of `url`; ValueError when it is no plain HTTP URL."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            # Without the URL, which holds a token.
            raise ValueError("a local drain URL must be http://<host>[:<port>]/<path>?<query>")
        self._http = _Connection(parts.hostname, parts.port, timeout=connect_timeout_s)
        self._answer_timeout_s = answer_timeout_s

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post to a URL of this host and read the whole answer; give its status.

        One of NO_ANSWER when there is none: TimeoutError when connecting, or all that follows, takes too long.
        """
        parts = urlsplit(url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        try:
            self._http.start(self._answer_timeout_s)
            self._http.putrequest("POST", target, skip_accept_encoding=True)
            for name, value in headers.items():
                self._http.putheader(name, value)
            self._http.putheader("Content-Length", str(len(body)))
            self._http.endheaders(body)
            response = self._http.getresponse()
            response.read()
        except NO_ANSWER:
            self._http.close()
            raise
        return response.status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


class _Connection(HTTPConnection):
    """Has its own socket class put in, as http.client times single reads only and never a whole answer."""

    _limited: "_LimitedSocket"

    def start(self, timeout_s: float) -> None:
        if self.sock is None:
            self.connect()
        self._limited.deadline = monotonic() + timeout_s

    def connect(self) -> None:
        super().connect()
        self._limited = _LimitedSocket(fileno=self.sock.detach())
        self.sock = self._limited


class _LimitedSocket(socket.socket):
    """A socket all of whose reads and writes together end by `deadline`, in monotonic seconds."""

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
            raise TimeoutError("the answer is not complete in time")
        self.settimeout(left)
