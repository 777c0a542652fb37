"""What the functions print: lines of metrics go to CloudWatch, all are kept."""

import io
import json
from collections import Counter
from typing import Any

from receiver.metrics import Emit, Entry, lines
from tests.support.watch.clock import Clock
from tests.support.watch.cloudwatch import Metrics


class Console(io.TextIOBase):
    """Takes faults as text; `reasons` counts them. Metrics come as text too, at the world's time."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.reasons: Counter[str] = Counter()

    def write(self, text: str) -> int:
        """Take a line of the log."""
        for line in text.splitlines():
            self._metrics.put_log_line(line)
            if (reason := _reason(line)) is not None:
                self.reasons[reason] += 1
        return len(text)

    def emit(self, namespace: str, clock: Clock) -> Emit:
        """Give a function that prints entries."""

        def emit(entry: Entry) -> None:
            self.write(lines(entry, namespace, clock.time_ns() // 1_000_000))

        return emit


def _reason(line: str) -> Any:
    if '"reason"' not in line:
        return None
    return json.loads(line).get("reason")
