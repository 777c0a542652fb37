"""The receiver's metrics, as lines in CloudWatch's Embedded Metric Format.

CloudWatch turns such a log line into metrics ("Specification: Embedded metric format"): the receiver calls no API and
waits for nothing.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from contract.metrics import Dimension, Metric
from contract.stored_line import Reason
from receiver.logplex import loss_reports
from receiver.logplex.batch import Batch, StoredObject, leading_reports

# For a receiver outside Lambda. In Lambda the namespace is the function's name, so that two stacks do not add up.
DEFAULT_NAMESPACE = "heroku-log-receiver"

_NOT_FRAMES = {*Reason} - {Reason.BAD_HEADER, Reason.BAD_TIME}


class Point(NamedTuple):
    """One value of a metric, with the value of its dimension if it has one."""

    metric: Metric
    value: int
    dimension: str | None = None


def of_response(status: int) -> list[Point]:
    """Give the points of a response with an HTTP status."""
    points = [Point(Metric.REQUESTS, 1, str(status))]
    return [*points, Point(Metric.UNAUTHORISED, 1)] if status == 401 else points


def of_batch(batch: Batch, stored: Sequence[StoredObject] | None, announced: int | None) -> list[Point]:
    """Give the points of a batch that is stored or spilled.

    `stored` are its objects, or None if there was no time to make them: then its content is not known. `announced` is
    the number of frames that its POST announced, or None.
    """
    app = batch.app
    points = [Point(Metric.BATCHES, 1, app), Point(Metric.BYTES_RECEIVED, len(batch.body), app)]
    if stored is None:
        return points
    lines = sum(each.lines for each in stored)
    quarantined = sum((each.quarantined for each in stored), Counter[Reason]())
    lost = sum((each.lost for each in stored), Counter[str | None]())
    ours = sum(count for drain, count in lost.items() if loss_reports.is_of(drain, batch.drain))
    points += [
        Point(Metric.LINES, lines, app),
        *(Point(Metric.QUARANTINED, quarantined[reason], reason) for reason in Reason if reason in quarantined),
    ]
    if ours:
        points.append(Point(Metric.LINES_LOST, ours, app))
    if others := lost.total() - ours:
        points.append(Point(Metric.LINES_LOST_ELSEWHERE, others))
    # The rest of a body after a framing fault is a line but not a frame.
    unannounced = lines - sum(quarantined[reason] for reason in _NOT_FRAMES) - (announced or 0)
    if announced is not None and unannounced != 0 and not 0 < unannounced <= len(leading_reports(batch)[0]):
        points.append(Point(Metric.COUNT_MISMATCH, 1, app))
    # The key of a batch without a valid time has its arrival's time, which says nothing about lag.
    if dated_ms := [each.key.epoch_ms for each in stored if not each.earlier]:
        points.append(Point(Metric.LAG, max(0, batch.arrival_ms - max(dated_ms)), app))
    return points


def lines(points: Iterable[Point], namespace: str, time_ms: int) -> str:
    """Write points as lines of Embedded Metric Format, each ended by LF, at a time in milliseconds since 1970.

    Usually that is one line. A line has one value for each metric and each dimension; points that do not fit on one
    line go on several. ValueError for a point without its dimension, or with one that its metric does not have.
    """
    documents: list[dict[Metric, Point]] = []
    for point in points:
        if (point.dimension is None) != (point.metric.dimension is None):
            raise ValueError(
                f"{point.metric.title} has the dimension {point.metric.dimension}, and the point {point.dimension!r}"
            )
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
