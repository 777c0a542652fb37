"""An app's accepted tokens: hashes read from SSM, cached for minutes, read again when a token does not match."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from contract.token_hashes import accepted_as, parse_hashes
from receiver.aws import Unavailable
from receiver.deadline import Deadline

_FRESH_S = 300
# A rotation publishes its token before it changes a drain, so only a token that was set by hand has to wait this long.
# The pause keeps someone who guesses tokens from causing a request to SSM for each guess.
_RETRY_S = 30
# A read may take longer than any POST waits for it: the next POST then has the hashes.
READ_S = 10.0
# Logplex's three tries follow each other at once, and each waits 1.2 s. A read that takes longer than all of them will
# most likely fail, and POSTs that wait for it would keep threads from others.
WORTH_WAITING_S = 3.6


class AcceptedTokens:
    """Checks an app's tokens against the hashes that `read` gives, as `contract.token_hashes.parse_hashes` reads them.

    One read runs at a time, in a thread of its own, and all requests that need hashes wait for it. It caches the hashes
    even if no request waits for it any more. Lambda freezes the thread between two events and resumes it with the next.
    """

    def __init__(self, read: Callable[[Deadline], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._hashes: dict[str, str] = {}
        self._read_at = self._tried_at = float("-inf")
        self._reading: Future[dict[str, str]] | None = None
        self._lock = threading.Lock()

    def accept(self, presented: str, deadline: Deadline) -> bool:
        """Say whether a token is one of the app's; Unavailable when no hashes are known."""
        if not self._hashes:
            with self._lock:
                # A read can have ended since the line above.
                reading = None if self._hashes else self._reading or self._begin()
            if reading:
                self._wait(reading, deadline)
        elif self._clock() - self._read_at > _FRESH_S:
            self._reload(deadline)
        return self._matches(presented) or (self._reload(deadline, join=True) and self._matches(presented))

    def _matches(self, presented: str) -> bool:
        return accepted_as(self._hashes, presented) is not None

    def _reload(self, deadline: Deadline, *, join: bool = False) -> bool:
        """Read the hashes again, unless that was tried just now; on failure the cached ones stay in use.

        With `join` it also waits for a read that another request began; without, it goes on with the cached hashes.
        """
        with self._lock:
            reading = self._reading if join else None
            if not reading:
                if self._reading or self._clock() - self._tried_at <= _RETRY_S:
                    return False
                reading = self._begin()
        try:
            self._wait(reading, deadline)
        except Unavailable:
            return False
        return True

    def _wait(self, reading: "Future[dict[str, str]]", deadline: Deadline) -> None:
        age_s = self._clock() - self._tried_at
        try:
            reading.result(min(deadline.remaining(), max(0.0, WORTH_WAITING_S - age_s)))
        except TimeoutError:
            raise Unavailable("ssm-deadline", "no answer in time; the read goes on") from None

    def _begin(self) -> "Future[dict[str, str]]":
        """Begin a read; the caller holds the lock."""
        reading: Future[dict[str, str]] = Future()
        self._tried_at = self._clock()
        try:
            threading.Thread(target=self._load, args=[reading], daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            raise Unavailable("ssm-busy", "no thread to read in") from error
        self._reading = reading
        return reading

    def _load(self, reading: "Future[dict[str, str]]") -> None:
        try:
            hashes = _parse(self._read(Deadline(READ_S)))
        except Exception as error:  # noqa: BLE001  raised again, in the threads that wait
            with self._lock:
                self._reading = None
            reading.set_exception(error)
            return
        with self._lock:
            self._hashes, self._read_at, self._reading = hashes, self._clock(), None
        reading.set_result(hashes)


def _parse(text: str) -> dict[str, str]:
    try:
        return parse_hashes(text)
    except ValueError as error:
        raise Unavailable("token-hashes-malformed", "the parameter is not a JSON object of hashes") from error
