"""EventBridge Scheduler on this machine: invokes functions at a rate, without a retry."""

import logging
import re
import threading
from collections.abc import Callable

from local.child import LocalError

_log = logging.getLogger(__name__)
_RATE = re.compile(r"rate\((\d+) minutes?\)")


def seconds_of(expression: str) -> int:
    """Read a schedule expression; LocalError for one that is not a rate in minutes ("Schedule types")."""
    if not (rate := _RATE.fullmatch(expression)):
        raise LocalError(f"the local scheduler does not serve {expression!r}: declare it as rate(N minutes)")
    return int(rate[1]) * 60


class Ticker:
    """Makes a call at once and then every so many seconds, until `stop`."""

    def __init__(self, call: Callable[[], object], every_s: float) -> None:
        self._call, self._every_s, self._stopped = call, every_s, threading.Event()
        # A daemon: a call that is under way does not keep the process alive.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Make no more calls."""
        self._stopped.set()

    def join(self) -> None:
        """Wait for the end of the call that was under way at the stop."""
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._call()
            except Exception:  # noqa: BLE001  the next call may go well
                if not self._stopped.is_set():
                    _log.exception("a scheduled call failed; the next one is in %g s", self._every_s)
            self._stopped.wait(self._every_s)
