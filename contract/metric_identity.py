"""What CloudWatch tells metrics apart by: the namespace, the name, and all dimensions."""

from collections.abc import Mapping
from typing import TypeVar

from contract import names
from contract.metrics import Metric
from contract.vended_metrics import Resource, Vended

Name = TypeVar("Name")


def resource_names(name_prefix: str, api: str, bucket: str) -> dict[Resource, str]:
    """Give the names of a stack's resources; the prefix says all but the API's id and the bucket's name."""
    return {
        Resource.API: api,
        Resource.RECEIVER: names.receiver_function(name_prefix),
        Resource.FLUSHER: names.flusher_function(name_prefix),
        Resource.CANARY: names.canary_function(name_prefix),
        Resource.DIGESTER: names.digester_function(name_prefix),
        Resource.BUFFER: names.buffer_table(name_prefix),
        Resource.SPILL_QUEUE: names.spill_queue(name_prefix),
        Resource.DEAD_LETTERS: names.dead_letter_queue(name_prefix),
        Resource.DELETIONS: names.deletions_queue(name_prefix),
        Resource.BUCKET: bucket,
    }


def identity(
    metric: Metric | Vended, name_prefix: str, resources: Mapping[Resource, Name], app: str | None
) -> tuple[str, dict[str, Name | str]]:
    """Give the namespace and the dimensions of a metric in a stack; `app` is whose it is, if it has that dimension."""
    if isinstance(metric, Vended):
        return metric.namespace, metric.dimensions_in(resources)
    return names.receiver_function(name_prefix), {metric.dimension: app} if metric.dimension and app else {}
