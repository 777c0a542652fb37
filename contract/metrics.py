"""What receiver and flusher measure: the metrics in CloudWatch, and the fields of the log lines that have the rest.

CloudWatch charges for each time series: a metric without a dimension is one, a metric with one is as many as there are
apps. Ten are free, so that three apps have ten. What no alarm and no graph needs is a field of the flusher's log, which
`contract/log_queries.py` reads.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Literal

Unit = Literal["Count", "Seconds"]
Dimension = Literal["app"]


class Writer(StrEnum):
    """When a metric is written."""

    POST = "by the receiver, for a POST that is refused"
    OBJECT = "by the flusher, once for each record that it stores: a slot of an app"
    RUN = "by the flusher, once for each run"


class Metric(Enum):
    """Each metric: its name in CloudWatch, its unit, its dimension or None, its writer, and its meaning."""

    UNAUTHORISED = (
        "Unauthorised", "Count", None, Writer.POST,
        "Requests answered 401: no token, a wrong one, or an unknown app.",
    )  # fmt: skip
    LINES = (
        "Lines", "Count", "app", Writer.OBJECT,
        "Lines that are stored, with quarantine lines and without canaries.",
    )  # fmt: skip
    LINES_LOST = (
        "LinesLost", "Count", None, Writer.OBJECT,
        "Messages that Logplex (L10) or log-shuttle (L12, L13) reports as lost on the way to this stack.",
    )  # fmt: skip
    QUARANTINED = (
        "Quarantined", "Count", None, Writer.OBJECT,
        "Quarantine lines among the lines that are stored.",
    )  # fmt: skip
    SILENCE = (
        "Silence", "Seconds", "app", Writer.RUN,
        "How long the app has sent no line of its own, up to the first slot that is not flushed.",
    )  # fmt: skip
    BEHIND = (
        "Behind", "Seconds", None, Writer.RUN,
        "How long the oldest slot that is not flushed has been due; 0 if none is due.",
    )  # fmt: skip

    def __init__(self, title: str, unit: Unit, dimension: Dimension | None, writer: Writer, meaning: str) -> None:
        self.title, self.unit, self.dimension, self.writer, self.meaning = title, unit, dimension, writer, meaning


class Field(StrEnum):
    """The fields of log lines with metrics, beside these; those that count something rare only if there is some."""

    SLOT = "slot"
    BATCHES = "batches"
    CANARIES = "canaries"
    BYTES_RECEIVED = "bytesReceived"
    BYTES_STORED = "bytesStored"
    LAG = "lagMs"
    LOST_ELSEWHERE = "lostElsewhere"
    MISMATCHES = "countMismatches"
    REASONS = "reasons"
    DRAINED = "drained"


MEANINGS: Mapping[Field, str] = {
    Field.SLOT: "The slot of the record; none for a large batch, which the receiver stores itself.",
    Field.BATCHES: "Batches of the record, with canaries.",
    Field.CANARIES: "How many of them are canaries.",
    Field.BYTES_RECEIVED: "Size of the bodies of these batches.",
    Field.BYTES_STORED: "Size of the objects that store them.",
    Field.LAG: "The longest time from a batch's newest line to the arrival of its POST, in milliseconds.",
    Field.LOST_ELSEWHERE: (
        "Messages that another drain of the app lost: their L10 names a drain other than the one that sent the POST."
    ),
    Field.MISMATCHES: (
        "Batches with more or fewer frames than Logplex-Msg-Count says; a leading L10 may be one too many."
    ),
    Field.REASONS: "Quarantine lines by their reason, such as `bad-count`.",
    Field.DRAINED: "Spilled batches that the run put into the buffer.",
}


def series(metric: Metric, apps: int) -> int:
    """Count the time series of a metric in a stack with so many apps; CloudWatch charges for each."""
    return apps if metric.dimension else 1
