"""A circuit breaker: a service that lets calls time out gets no more of them, except for a probe from time to time."""

import threading
import time
from collections.abc import Callable

# Each has cost a POST most of its time. Fewer can be coincidence.
FAILURES = 3


class Breaker:
    """Opens after FAILURES slow failures in a row; then one call every `probe_s` seconds probes the service."""

    def __init__(self, probe_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._probe_s, self._clock = probe_s, clock
        self._failures, self._probe_at = 0, float("-inf")
        self._lock = threading.Lock()

    def allow(self) -> bool:
        """Say whether to make a call. While the breaker is open, an allowed call is the probe."""
        with self._lock:
            if self._failures < FAILURES:
                return True
            if self._clock() < self._probe_at:
                return False
            self._probe_at = self._clock() + self._probe_s
            return True

    def answered(self) -> None:
        """Note a call that the service answered, or refused at once: no POST had to wait."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Note a call that took long and failed."""
        with self._lock:
            self._failures += 1
            self._probe_at = self._clock() + self._probe_s
