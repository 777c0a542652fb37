"""Every metric that the receiver writes: one table, for the receiver, the docs and the bill.

CloudWatch charges a metric without a dimension once, and a metric with a dimension once per value. So every dimension
has few values, and no sender can choose one.
"""

from enum import Enum
from typing import Literal

from contract.stored_line import Reason

Unit = Literal["Count", "Bytes", "Milliseconds"]
Dimension = Literal["answer", "app", "reason"]

# The HTTP statuses of the receiver's responses.
RESPONSE_STATUSES = (200, 401, 404, 405, 503)


class Metric(Enum):
    """Each metric: its name in CloudWatch, its unit, its dimension or None, and its meaning."""

    REQUESTS = "Requests", "Count", "answer", "Requests, by the HTTP status of the response."
    UNAUTHORISED = "Unauthorised", "Count", None, "Requests answered 401: no token, a wrong one, or an unknown app."
    BATCHES = "Batches", "Count", "app", "Batches that were answered 200, stored or spilled."
    LINES = "Lines", "Count", "app", "Lines of these batches, including quarantine lines."
    BYTES_RECEIVED = "BytesReceived", "Bytes", "app", "Size of the bodies of these batches."
    BYTES_STORED = (
        "BytesStored",
        "Bytes",
        "app",
        "Size of the objects written to S3, at once or by a redrive.",
    )
    QUARANTINED = "Quarantined", "Count", "reason", "Quarantine lines in batches that were answered 200."
    LINES_LOST = (
        "LinesLost", "Count", "app",
        "Messages that Logplex (L10) or log-shuttle (L12, L13) reports as lost on the way to this stack.",
    )  # fmt: skip
    LINES_LOST_ELSEWHERE = (
        "LinesLostElsewhere", "Count", None,
        "Messages that another drain of an app lost: their L10 names a drain other than the one that sent the POST.",
    )  # fmt: skip
    COUNT_MISMATCH = (
        "CountMismatch", "Count", "app",
        "Batches with more or fewer frames than Logplex-Msg-Count says; a leading L10 may be one too many.",
    )  # fmt: skip
    LAG = "Lag", "Milliseconds", "app", "From the time of a batch's newest line to the arrival of its POST."
    WRITE_LATENCY = (
        "WriteLatency",
        "Milliseconds",
        None,
        "From the first byte to S3 until all is stored or given up.",
    )
    SPILLED = "Spilled", "Count", None, "Batches that S3 did not take in time and that went to the spill queue."
    REDRIVEN = "Redriven", "Count", None, "Spilled batches that a redrive stored."

    def __init__(self, title: str, unit: Unit, dimension: Dimension | None, meaning: str) -> None:
        self.title, self.unit, self.dimension, self.meaning = title, unit, dimension, meaning


def series(metric: Metric, apps: int) -> int:
    """Count the time series of a metric in a stack with so many apps; CloudWatch charges for each."""
    return {None: 1, "answer": len(RESPONSE_STATUSES), "app": apps, "reason": len(Reason)}[metric.dimension]
