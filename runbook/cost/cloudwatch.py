"""What CloudWatch knows of each day's traffic: AWS's own metrics, which cost nothing, and the flusher's."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from contract import names
from contract.metrics import Metric
from contract.outputs import Outputs
from contract.vended_metrics import Resource, Vended

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_DAY_S = 24 * 3600
_API_HOST = ".execute-api."
# What they measure, by the field of `usage.Day`. Of the API's bytes AWS says no more than "data processed".
_VENDED = {
    "posts": Vended.API_REQUESTS,
    "body_bytes": Vended.API_BYTES,
    "receiver_ms": Vended.RECEIVER_DURATION,
    "flusher_ms": Vended.FLUSHER_DURATION,
    "write_units": Vended.BUFFER_WRITE_UNITS,
    "read_units": Vended.BUFFER_READ_UNITS,
}


class Source(NamedTuple):
    """A metric whose daily sum is part of a field of `usage.Day`."""

    field: str
    namespace: str
    metric: str
    dimension: str
    value: str


def sources(outputs: Outputs) -> Iterator[Source]:
    """Name the metrics of a stack. Without an HTTP API in the endpoint's URL there is none of it."""
    host = urlsplit(outputs.endpoint).hostname or ""
    resources: dict[str, str] = {
        **({Resource.API: host.partition(".")[0]} if _API_HOST in host else {}),
        Resource.RECEIVER: outputs.receiver,
        Resource.FLUSHER: outputs.flusher,
        Resource.BUFFER: outputs.buffer,
    }
    for field, metric in _VENDED.items():
        for dimension, resource in metric.dimensions.items():
            if resource in resources:
                yield Source(field, metric.namespace, metric.title, dimension, resources[resource])
    for app in outputs.apps:
        yield Source("lines", names.receiver_function(outputs.name_prefix), Metric.LINES.title, "app", app)


def of_days(
    cloudwatch: "CloudWatchClient", outputs: Outputs, begin: date, now: datetime
) -> dict[date, dict[str, float]]:
    """Sum the metrics by UTC day and by field of `usage.Day`, from a day on; a field without any value is left out.

    botocore's ClientError or BotoCoreError if CloudWatch does not answer.
    """
    asked = {f"m{number}": source for number, source in enumerate(sources(outputs))}
    found: defaultdict[date, dict[str, float]] = defaultdict(dict)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[_query(key, source) for key, source in asked.items()],
        StartTime=datetime(begin.year, begin.month, begin.day, tzinfo=UTC),
        EndTime=now,
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            field = asked[result["Id"]].field
            for time, value in zip(result["Timestamps"], result["Values"], strict=True):
                of_day = found[time.astimezone(UTC).date()]
                of_day[field] = of_day.get(field, 0.0) + value
    return dict(found)


def _query(key: str, source: Source) -> "MetricDataQueryTypeDef":
    return {
        "Id": key,
        "MetricStat": {
            "Metric": {
                "Namespace": source.namespace,
                "MetricName": source.metric,
                "Dimensions": [{"Name": source.dimension, "Value": source.value}],
            },
            "Period": _DAY_S,
            "Stat": "Sum",
        },
    }
