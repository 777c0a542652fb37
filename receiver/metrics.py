"""What the receiver counts and measures, as lines in CloudWatch's Embedded Metric Format.

Such a line on stdout is a log line that CloudWatch makes metrics of ("Specification: Embedded metric format"): no call
of an API, and nothing to wait for.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from contract.metrics import Dimension, Metric
from contract.stored_line import Reason
from receiver.logplex.batch import Batch, StoredObject, leading_reports

# For a receiver outside Lambda; in Lambda it is the function's name, so that two stacks do not add up.
DEFAULT_NAMESPACE = "heroku-log-receiver"

_NO_FRAMES = {*Reason} - {Reason.BAD_HEADER, Reason.BAD_TIME}


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
    # What is left over after a framing fault is a line but not a frame.
    unannounced = lines - sum(quarantined[reason] for reason in _NO_FRAMES) - (announced or 0)
    if announced is not None and unannounced != 0 and not 0 < unannounced <= len(leading_reports(batch)[0]):
        points.append(Point(Metric.COUNT_MISMATCH, 1, app))
    # A batch without a valid time is filed under its arrival, which says nothing about its lag.
    if dated_ms := [each.key.epoch_ms for each in stored if not each.earlier]:
        points.append(Point(Metric.LAG, max(0, batch.arrival_ms - max(dated_ms)), app))
    return points


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
