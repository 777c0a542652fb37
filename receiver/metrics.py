"""The metrics of receiver and flusher, as lines in CloudWatch's Embedded Metric Format.

CloudWatch turns such a log line into metrics ("Specification: Embedded metric format"): this calls no API and waits
for nothing.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from contract.metrics import Dimension, Metric
from contract.stored_line import Reason
from receiver.tally import Tally


class Point(NamedTuple):
    """One value of a metric, with the value of its dimension if it has one."""

    metric: Metric
    value: int
    dimension: str | None = None


Emit = Callable[[Sequence[Point]], None]


def of_response(status: int) -> list[Point]:
    """Give the points of a response with an HTTP status; none of a POST that went well."""
    metric = {401: Metric.UNAUTHORISED, 503: Metric.UNAVAILABLE}.get(status)
    return [Point(metric, 1)] if metric else []


def of_stored(tally: Tally, bytes_stored: int) -> list[Point]:
    """Give the points of batches that are stored, in objects of so many bytes."""
    app = tally.app
    points = [
        Point(Metric.BATCHES, tally.batches, app),
        Point(Metric.LINES, tally.lines, app),
        Point(Metric.BYTES_RECEIVED, tally.bytes, app),
        Point(Metric.BYTES_STORED, bytes_stored, app),
        Point(Metric.LAG, tally.lag_ms, app),
    ]
    faults = [
        *(Point(Metric.QUARANTINED, tally.quarantined[reason], reason) for reason in Reason),
        Point(Metric.LINES_LOST, tally.lost, app),
        Point(Metric.LINES_LOST_ELSEWHERE, tally.lost_elsewhere),
        Point(Metric.COUNT_MISMATCH, tally.mismatches, app),
    ]
    return points + [point for point in faults if point.value]


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


def printer(namespace: str) -> Emit:
    """Give a function that prints points."""

    def emit(points: Sequence[Point]) -> None:
        sys.stdout.write(lines(points, namespace, time.time_ns() // 1_000_000))

    return emit
