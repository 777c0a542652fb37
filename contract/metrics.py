"""Every metric that the receiver and the flusher write: one table, for the receiver, the docs and the bill.

CloudWatch charges a metric without a dimension once, and a metric with a dimension once per value. So every dimension
has few values, and no sender can choose one.
"""

from enum import Enum, StrEnum
from typing import Literal

from contract.stored_line import Reason

Unit = Literal["Count", "Bytes", "Milliseconds", "Seconds"]
Dimension = Literal["app", "reason"]


class Writer(StrEnum):
    """When a metric is written."""

    POST = "by the receiver, for a POST that is refused or spilled"
    OBJECT = "by the flusher, once for each record that it stores: a slot of an app"
    RUN = "by the flusher, once for each run"


class Metric(Enum):
    """Each metric: its name in CloudWatch, its unit, its dimension or None, its writer, and its meaning."""

    UNAUTHORISED = (
        "Unauthorised", "Count", None, Writer.POST,
        "Requests answered 401: no token, a wrong one, or an unknown app.",
    )  # fmt: skip
    UNAVAILABLE = (
        "Unavailable", "Count", None, Writer.POST,
        "Requests answered 503: neither the buffer nor the spill queue took the batch, or no drain keys are known.",
    )  # fmt: skip
    SPILLED = (
        "Spilled", "Count", None, Writer.POST,
        "Batches that the buffer did not take in time and that went to the spill queue.",
    )  # fmt: skip
    BATCHES = "Batches", "Count", "app", Writer.OBJECT, "Batches that are stored."
    LINES = "Lines", "Count", "app", Writer.OBJECT, "Lines of these batches, including quarantine lines."
    BYTES_RECEIVED = "BytesReceived", "Bytes", "app", Writer.OBJECT, "Size of the bodies of these batches."
    BYTES_STORED = "BytesStored", "Bytes", "app", Writer.OBJECT, "Size of the objects that store them."
    QUARANTINED = "Quarantined", "Count", "reason", Writer.OBJECT, "Quarantine lines in these batches."
    LINES_LOST = (
        "LinesLost", "Count", "app", Writer.OBJECT,
        "Messages that Logplex (L10) or log-shuttle (L12, L13) reports as lost on the way to this stack.",
    )  # fmt: skip
    LINES_LOST_ELSEWHERE = (
        "LinesLostElsewhere", "Count", None, Writer.OBJECT,
        "Messages that another drain of an app lost: their L10 names a drain other than the one that sent the POST.",
    )  # fmt: skip
    COUNT_MISMATCH = (
        "CountMismatch", "Count", "app", Writer.OBJECT,
        "Batches with more or fewer frames than Logplex-Msg-Count says; a leading L10 may be one too many.",
    )  # fmt: skip
    LAG = (
        "Lag", "Milliseconds", "app", Writer.OBJECT,
        "The longest time from a batch's newest line to the arrival of its POST.",
    )  # fmt: skip
    BEHIND = (
        "Behind", "Seconds", None, Writer.RUN,
        "How long the oldest slot that is not flushed has been due; 0 if none is due.",
    )  # fmt: skip
    DRAINED = "Drained", "Count", None, Writer.RUN, "Spilled batches that the flusher put into the buffer."

    def __init__(self, title: str, unit: Unit, dimension: Dimension | None, writer: Writer, meaning: str) -> None:
        self.title, self.unit, self.dimension, self.writer, self.meaning = title, unit, dimension, writer, meaning


def series(metric: Metric, apps: int) -> int:
    """Count the time series of a metric in a stack with so many apps; CloudWatch charges for each."""
    return {None: 1, "app": apps, "reason": len(Reason)}[metric.dimension]
