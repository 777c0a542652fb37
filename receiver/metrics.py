"""What the receiver counts and measures: one table, and its lines in CloudWatch's Embedded Metric Format.

Such a line on stdout is a log line that CloudWatch makes metrics of ("Specification: Embedded metric format"): no call
of an API, and nothing to wait for. A metric without a dimension costs once; one with it, once for each value, so
every dimension has few values, none of which a stranger can choose.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, Literal, NamedTuple

from contract.record import Reason
from receiver.batch import Batch, StoredObject
from receiver.framing import next_frame
from receiver.losses import is_drains_own

# For a receiver outside Lambda; in Lambda it is the function's name, so that two stacks do not add up.
DEFAULT_NAMESPACE = "heroku-log-receiver"

_DAY_MS = 86_400_000
_FRAMING_FAULTS = {Reason.BAD_BASE64, Reason.BAD_COUNT, Reason.TRUNCATED}

Unit = Literal["Count", "Bytes", "Milliseconds"]
Dimension = Literal["answer", "app", "reason"]


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


class Point(NamedTuple):
    """One value of a metric, with the value of its dimension if it has one."""

    metric: Metric
    value: int
    dimension: str | None = None


def of_answer(status: int) -> list[Point]:
    """Give the points of an answer, which is an HTTP status."""
    points = [Point(Metric.REQUESTS, 1, str(status))]
    return [*points, Point(Metric.UNAUTHORISED, 1)] if status == 401 else points


def of_batch(batch: Batch, stored: Sequence[StoredObject] | None, announced: int | None) -> list[Point]:
    """Give the points of a batch that is kept, from its objects and the frames that its POST announced, if it did.

    A batch that took too long to make objects of has none, and nobody knows what is in it.
    """
    app = batch.app
    points = [Point(Metric.BATCHES, 1, app), Point(Metric.BYTES_RECEIVED, len(batch.body), app)]
    if stored is None:
        return points
    lines = sum(each.lines for each in stored)
    quarantined = sum((each.quarantined for each in stored), Counter[Reason]())
    lost = sum(each.lost for each in stored)
    points += [
        Point(Metric.LINES, lines, app),
        *(Point(Metric.QUARANTINED, quarantined[reason], reason) for reason in Reason if reason in quarantined),
    ]
    if lost:
        points.append(Point(Metric.LINES_LOST, lost, app))
    # What a framing fault leaves over is a line, and no frame.
    unannounced = lines - sum(quarantined[reason] for reason in _FRAMING_FAULTS) - (announced or 0)
    if announced is not None and unannounced != 0 and (unannounced != 1 or not _leads_with_report(batch)):
        points.append(Point(Metric.COUNT_MISMATCH, 1, app))
    newest_ms = max((each.key.epoch_ms for each in stored), default=0)
    # A key at midnight is that of a batch without a time.
    if newest_ms % _DAY_MS:
        points.append(Point(Metric.LAG, max(0, batch.arrival_ms - newest_ms), app))
    return points


def _leads_with_report(batch: Batch) -> bool:
    first = next_frame(batch.body, 0)
    return first is not None and isinstance(first[0], bytes) and is_drains_own(first[0])


def lines(points: Iterable[Point], namespace: str, time_ms: int) -> str:
    """Write points as lines of Embedded Metric Format, each ended by LF, at a time in milliseconds since 1970.

    Usually that is one line. A line has one value for each metric and each dimension; what does not go together
    comes on lines of its own. ValueError for a point that lacks its dimension or has one too many.
    """
    documents: list[dict[Metric, Point]] = []
    for point in points:
        if (point.dimension is None) != (point.metric.dimension is None):
            raise ValueError(f"{point.metric.title} has the dimension {point.metric.dimension}: give its value")
        document = next((each for each in documents if _goes_with(each, point)), None)
        if document is None:
            documents.append(document := {})
        document[point.metric] = point
    return "".join(json.dumps(_document(each.values(), namespace, time_ms)) + "\n" for each in documents)


def _goes_with(document: dict[Metric, Point], point: Point) -> bool:
    return point.metric not in document and all(
        other.dimension == point.dimension
        for other in document.values()
        if other.metric.dimension == point.metric.dimension
    )


def _document(points: Iterable[Point], namespace: str, time_ms: int) -> dict[str, Any]:
    definitions: dict[Dimension | None, list[dict[str, str]]] = {}
    values: dict[str, str | int] = {}
    for metric, value, dimension_value in points:
        definitions.setdefault(metric.dimension, []).append({"Name": metric.title, "Unit": metric.unit})
        values[metric.title] = value
        if metric.dimension and dimension_value is not None:
            values[metric.dimension] = dimension_value
    directives = [
        {"Namespace": namespace, "Dimensions": [[dimension] if dimension else []], "Metrics": metrics}
        for dimension, metrics in definitions.items()
    ]
    return {"_aws": {"Timestamp": time_ms, "CloudWatchMetrics": directives}, **values}
