"""Every metric that the receiver writes: one table, for the receiver, the docs and the bill.

A metric without a dimension costs once; one with it, once for each value, so every dimension has few values, none of
which a stranger can choose.
"""

from enum import Enum
from typing import Literal

from contract.stored_line import Reason

Unit = Literal["Count", "Bytes", "Milliseconds"]
Dimension = Literal["answer", "app", "reason"]

# HTTP statuses that the receiver gives.
ANSWERS = (200, 401, 404, 405, 503)


class Metric(Enum):
    """Every metric there is: its name in CloudWatch, its unit, its dimension if it has one, its meaning."""

    REQUESTS = "Requests", "Count", "answer", "Requests that were answered, by HTTP status."
    UNAUTHORISED = "Unauthorised", "Count", None, "Requests answered 401: no token, a wrong one, or an unknown app."
    BATCHES = "Batches", "Count", "app", "Batches that were answered 200, stored or spilled."
    LINES = "Lines", "Count", "app", "Lines of these batches, quarantine lines included."
    BYTES_RECEIVED = "BytesReceived", "Bytes", "app", "Bodies of these batches."
    BYTES_STORED = "BytesStored", "Bytes", "app", "Objects written to S3, compressed; at once or by a redrive."
    QUARANTINED = "Quarantined", "Count", "reason", "Quarantine lines in batches that were answered 200."
    LINES_LOST = "LinesLost", "Count", "app", "Messages that Logplex (L10) or log-shuttle (L12, L13) say were dropped."
    COUNT_MISMATCH = (
        "CountMismatch", "Count", "app",
        "Batches with more or fewer frames than Logplex-Msg-Count says; a leading L10 may be one too many.",
    )  # fmt: skip
    LAG = "Lag", "Milliseconds", "app", "From the time of a batch's newest line to the arrival of its POST."
    WRITE_LATENCY = "WriteLatency", "Milliseconds", None, "From the first byte to S3 until all is stored or given up."
    SPILLED = "Spilled", "Count", None, "Batches that S3 did not take in time and the spill queue did."
    REDRIVEN = "Redriven", "Count", None, "Spilled batches that were stored after all."

    def __init__(self, title: str, unit: Unit, dimension: Dimension | None, meaning: str) -> None:
        self.title, self.unit, self.dimension, self.meaning = title, unit, dimension, meaning


def series(metric: Metric, apps: int) -> int:
    """Count the time series of a metric, each of which CloudWatch charges for, in a stack of so many apps."""
    return {None: 1, "answer": len(ANSWERS), "app": apps, "reason": len(Reason)}[metric.dimension]
