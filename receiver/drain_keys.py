"""The keys whose tokens are accepted: read from SSM, kept for minutes, and read again when a token does not match."""

import hmac
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from contract.drain_url import token
from receiver.aws import Unavailable
from receiver.deadline import Deadline

_FRESH_S = 300
# A rotation is published before drains change, so this wait is for a key set by hand; it keeps a prober's
# requests from becoming requests to SSM.
_RETRY_S = 30
# A read may take longer than any POST waits for it: the next POST then has the keys.
_READ_S = 10.0
# Three tries of Logplex, which follow each other at once, wait 1.2 s each. A read that takes longer will most likely
# fail, and POSTs that wait for it would keep others from getting a thread.
_WORTH_WAITING_S = 3.6


class DrainKeys:
    """Checks tokens against the keys that `read` gives: the text of a JSON array of strings, current one first.

    One read is under way at a time, in a thread of its own, and all requests that need keys wait for it. It stores the
    keys when it ends, even if no request waits any more. Lambda freezes it between two events and resumes it with the
    next one.
    """

    def __init__(self, read: Callable[[Deadline], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._keys: tuple[str, ...] = ()
        self._read_at = self._tried_at = float("-inf")
        self._reading: Future[tuple[str, ...]] | None = None
        self._lock = threading.Lock()

    def accept(self, app: str, presented: str, deadline: Deadline) -> bool:
        """Say whether a token is the app's, by any of the keys; Unavailable when there are no keys to tell by."""
        if not self._keys:
            with self._lock:
                # A read can have ended since keys were looked for.
                reading = None if self._keys else self._reading or self._begin()
            if reading:
                self._wait(reading, deadline)
        elif self._clock() - self._read_at > _FRESH_S:
            self._reload(deadline)
        return self._matches(app, presented) or (self._reload(deadline, join=True) and self._matches(app, presented))

    def _matches(self, app: str, presented: str) -> bool:
        offered = presented.encode("utf-8", "surrogatepass")
        # Each key is tried, so that the time taken does not tell which one was right.
        matches = [hmac.compare_digest(token(key, app).encode(), offered) for key in self._keys]
        return any(matches)

    def _reload(self, deadline: Deadline, *, join: bool = False) -> bool:
        """Read the keys again, unless that was tried just now; on failure the cached keys stay in use.

        With `join` it also waits for a read that another request began; without, it goes on with the keys there are.
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

    def _wait(self, reading: "Future[tuple[str, ...]]", deadline: Deadline) -> None:
        age_s = self._clock() - self._tried_at
        try:
            reading.result(min(deadline.remaining(), max(0.0, _WORTH_WAITING_S - age_s)))
        except TimeoutError:
            raise Unavailable("ssm-deadline", "no answer in time; the read goes on") from None

    def _begin(self) -> "Future[tuple[str, ...]]":
        """Begin a read, with the lock held."""
        reading: Future[tuple[str, ...]] = Future()
        self._tried_at = self._clock()
        try:
            threading.Thread(target=self._load, args=[reading], daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            raise Unavailable("ssm-busy", "no thread to read in") from error
        self._reading = reading
        return reading

    def _load(self, reading: "Future[tuple[str, ...]]") -> None:
        try:
            keys = _parse(self._read(Deadline(_READ_S)))
        except Exception as error:  # noqa: BLE001  raised again, in the threads that wait
            with self._lock:
                self._reading = None
            reading.set_exception(error)
            return
        with self._lock:
            self._keys, self._read_at, self._reading = keys, self._clock(), None
        reading.set_result(keys)


def _parse(text: str) -> tuple[str, ...]:
    try:
        keys = json.loads(text)
    except ValueError:
        keys = None
    if not isinstance(keys, list) or not keys or not all(_is_key(key) for key in keys):
        raise Unavailable("drain-keys-malformed", "the parameter is no JSON array of keys")
    return tuple(keys)


def _is_key(value: object) -> bool:
    # JSON can escape half a surrogate pair, which is not printable and has no UTF-8.
    return isinstance(value, str) and value != "" and value.isprintable()
