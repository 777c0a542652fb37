"""The keys whose tokens are accepted: read from SSM, kept for minutes, and read again when a token does not match."""

import hmac
import json
import threading
import time
from collections.abc import Callable

from contract.drain import token
from receiver.aws import Unavailable
from receiver.deadline import Deadline

_FRESH_S = 300
# A rotation is published before drains change, so this wait is for a key set by hand; it keeps a prober's
# requests from becoming requests to SSM.
_RETRY_S = 30


class DrainKeys:
    """Checks tokens against the keys that `read` gives: the text of a JSON array of strings, current one first."""

    def __init__(self, read: Callable[[Deadline], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._keys: tuple[str, ...] = ()
        self._read_at = self._tried_at = float("-inf")
        self._reading = threading.Lock()

    def accept(self, app: str, presented: str, deadline: Deadline) -> bool:
        """Say whether a token is the app's, by any of the keys; Unavailable when there are no keys to tell by."""
        if not self._keys:
            self._load(deadline)
        elif self._clock() - self._read_at > _FRESH_S:
            self._reload(deadline)
        return self._matches(app, presented) or (self._reload(deadline) and self._matches(app, presented))

    def _matches(self, app: str, presented: str) -> bool:
        offered = presented.encode("utf-8", "surrogatepass")
        # Each key is tried, so that the time taken does not tell which one was right.
        matches = [hmac.compare_digest(token(key, app).encode(), offered) for key in self._keys]
        return any(matches)

    def _reload(self, deadline: Deadline) -> bool:
        """Read the keys again, unless that was tried just now; without success the ones there are stay good."""
        if self._clock() - self._tried_at <= _RETRY_S or not self._reading.acquire(blocking=False):
            return False
        try:
            self._load(deadline)
        except Unavailable:
            return False
        finally:
            self._reading.release()
        return True

    def _load(self, deadline: Deadline) -> None:
        self._tried_at = self._clock()
        self._keys = _parse(self._read(deadline))
        self._read_at = self._clock()


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
