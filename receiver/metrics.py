"""The metrics of receiver and flusher, as lines in CloudWatch's Embedded Metric Format.

CloudWatch turns such a log line into metrics ("Specification: Embedded metric format"): this calls no API and waits
for nothing.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from contract.metrics import Dimension, Field, Metric
from contract.slots import Slot
from receiver.tally import Tally


class Point(NamedTuple):
    """One value of a metric, with the value of its dimension if it has one."""

    metric: Metric
    value: int
    dimension: str | None = None


class Entry(NamedTuple):
    """An entry of the log: points of metrics, and fields that are only in the log."""

    points: Sequence[Point]
    fields: Mapping[str, Any] = {}


Emit = Callable[[Entry], None]


def of_stored(tally: Tally, bytes_stored: int, slot: Slot | None) -> Entry:
    """Give the entry of stored batches; `bytes_stored` is the size of their objects. A large batch has no slot."""
    counts = {
        Field.LOST_ELSEWHERE: tally.lost_elsewhere,
        Field.MISMATCHES: tally.mismatches,
        Field.CANARIES: tally.canaries,
    }
    fields: dict[str, Any] = {
        **({Field.SLOT: str(slot)} if slot else {}),
        Field.BATCHES: tally.batches,
        Field.BYTES_RECEIVED: tally.bytes,
        Field.BYTES_STORED: bytes_stored,
        Field.LAG: tally.lag_ms,
        **{name: count for name, count in counts.items() if count},
        **({Field.REASONS: dict(tally.quarantined)} if tally.quarantined else {}),
    }
    faults = [
        Point(Metric.LINES_LOST, tally.lost),
        Point(Metric.QUARANTINED, tally.quarantined.total()),
    ]
    return Entry([Point(Metric.LINES, tally.lines, tally.app), *(each for each in faults if each.value)], fields)


def lines(entry: Entry, namespace: str, time_ms: int) -> str:
    """Write an entry as lines of Embedded Metric Format, each ended by LF, at a time in milliseconds since 1970.

    Usually that is one line. A line has one value for each metric and each dimension; points that do not fit on one
    line go on several, and the first has the fields. ValueError for a point without its dimension, or with one that its
    metric does not have.
    """
    documents: list[dict[Metric, Point]] = []
    for point in entry.points:
        if (point.dimension is None) != (point.metric.dimension is None):
            raise ValueError(
                f"{point.metric.title} has the dimension {point.metric.dimension}, and the point {point.dimension!r}"
            )
        document = next((each for each in documents if _goes_with(each, point)), None)
        if document is None:
            documents.append(document := {})
        document[point.metric] = point
    described = [_document(each.values(), namespace, time_ms) for each in documents]
    if described:
        described[0].update(entry.fields)
    return "".join(json.dumps(each) + "\n" for each in described)


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
    """Give a function that prints entries."""

    def emit(entry: Entry) -> None:
        sys.stdout.write(lines(entry, namespace, time.time_ns() // 1_000_000))

    return emit
