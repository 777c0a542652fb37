"""Logplex as a load: many connections, a batch now and then on each, three tries for it, and every answer timed."""

import http.client
import itertools
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Self
from uuid import uuid4

from tests.support.fakes import QUERY
from tests.support.logplex_frames import body, message

TRIES = 3
_GIVE_UP_S = 20.0  # long after Logplex, so that what is late is seen and not guessed
_TICK_S = 0.05
_SLOW_BYTE_S = 1.0

_numbers = itertools.count(1)


class Answer(NamedTuple):
    """An answer, or 0 for a connection that broke; and the seconds from the POST to it."""

    status: int
    seconds: float


class Drains:
    """Connections that POST; `answers` are all they got, `accepted` the numbers of the lines that were answered 200.

    `dropped` counts the batches that were not accepted in three tries.

    `pause_s` is the longest time that this process stood still: what it measured may be longer than it was by that.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self.answers: list[Answer] = []
        self.accepted: set[int] = set()
        self.dropped = self.slow_ones_closed = 0
        self.pause_s = 0.0
        self._start(self._tick)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add(self, connections: int, every_s: float, line_bytes: Callable[[], int] = lambda: 200) -> None:
        """Drain over so many connections, with a batch every so many seconds on each."""
        for number in range(connections):
            self._start(self._drain, every_s, every_s * number / connections, line_bytes)

    def add_slow(self, connections: int) -> None:
        """Send a POST a byte a second over so many connections each, until they are closed, which is counted."""
        for _ in range(connections):
            self._start(self._send_slowly)

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds, which is asked after each answer; whether it came to hold in so many seconds."""
        with self._changed:
            return self._changed.wait_for(holds, seconds)

    def stop(self) -> None:
        """End when the POSTs under way are answered."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def statuses(self) -> Counter[int]:
        """How often each answer came."""
        return Counter(answer.status for answer in self.answers)

    def slowest(self) -> float:
        """The longest time until an answer, less what this process stood still."""
        return max(answer.seconds for answer in self.answers) - self.pause_s

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _drain(self, every_s: float, begin_s: float, line_bytes: Callable[[], int]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_GIVE_UP_S)
        self._over.wait(begin_s)
        while not self._over.is_set():
            number = next(_numbers)
            posted = _batch(number, line_bytes())
            frame_id = uuid4().hex
            for _ in range(TRIES):
                answer = _post(connection, posted, frame_id)
                with self._changed:
                    self.answers.append(answer)
                    if answer.status == 200:
                        self.accepted.add(number)
                    self._changed.notify_all()
                if answer.status == 200:
                    break
            else:
                with self._changed:
                    self.dropped += 1
            self._over.wait(every_s)
        connection.close()

    def _send_slowly(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port), _GIVE_UP_S) as connection:
            connection.sendall(b"POST /drain HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")
            try:
                while not self._over.wait(_SLOW_BYTE_S):
                    connection.sendall(b"x")
            except OSError:
                with self._changed:
                    self.slow_ones_closed += 1

    def _tick(self) -> None:
        while not self._over.is_set():
            begin = time.monotonic()
            self._over.wait(_TICK_S)
            self.pause_s = max(self.pause_s, time.monotonic() - begin - _TICK_S)


def _post(connection: http.client.HTTPConnection, posted: bytes, frame_id: str) -> Answer:
    begin = time.monotonic()
    try:
        connection.request("POST", f"/drain?{QUERY}", posted, {"Logplex-Frame-Id": frame_id})
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return Answer(0, time.monotonic() - begin)
    return Answer(response.status, time.monotonic() - begin)


def _batch(number: int, size: int) -> bytes:
    # Random, so that what is large cannot be compressed into an item of the buffer.
    texts = (
        b"line %d of " % number + os.urandom(min(size, 900) // 2).hex().encode() + b"\n" for _ in range(0, size, 1000)
    )
    return body(*(message(text, datetime.now(UTC)) for text in texts))


def open_connections(port: int, count: int, sent: bytes = b"") -> Sequence[socket.socket]:
    """Open connections that say so much and no more."""
    made = [socket.create_connection(("127.0.0.1", port), _GIVE_UP_S) for _ in range(count)]
    for connection in made:
        connection.sendall(sent)
    return made
