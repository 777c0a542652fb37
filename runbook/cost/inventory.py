"""What each day added, as the bucket and the workgroup still know it: listed in parallel, summed on the fly."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date
from typing import TYPE_CHECKING

from contract.object_keys import LOGS_PREFIX, PARTITION_KEYS, RESULTS_PREFIX
from runbook import prices
from runbook.cost import usage
from runbook.cost.usage import Day

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef
    from mypy_boto3_s3 import S3Client

_LISTERS = 16

Watch = Callable[[int], object]


@dataclass
class _Sum:
    """Objects that came on one day; `hours` has a bit for each hour in which one did."""

    objects: int = 0
    bytes: int = 0
    archived: int = 0
    archived_bytes: int = 0
    hours: int = 0

    def add(self, other: "_Sum") -> None:
        self.objects += other.objects
        self.bytes += other.bytes
        self.archived += other.archived
        self.archived_bytes += other.archived_bytes
        self.hours |= other.hours


def of_bucket(s3: "S3Client", bucket: str, watch: Watch = lambda _: None) -> dict[date, Day]:
    """Sum all objects by the UTC day on which they came; `watch` is told how many there are so far.

    Lines of apps that are no longer the stack's count too. Memory grows with the days, not with the objects.
    """
    found: defaultdict[tuple[str, date], _Sum] = defaultdict(_Sum)
    count = 0
    pool = ThreadPoolExecutor(_LISTERS)
    try:
        prefixes = [LOGS_PREFIX]
        for _ in PARTITION_KEYS:
            levels = pool.map(lambda prefix: _below(s3, bucket, prefix), prefixes)
            prefixes = [below for level in levels for below in level]
        prefixes.append(RESULTS_PREFIX)
        for prefix, part in zip(prefixes, pool.map(lambda prefix: _list(s3, bucket, prefix), prefixes), strict=True):
            for day, summed in part.items():
                found[_owner(prefix), day].add(summed)
                count += summed.objects + summed.archived
            watch(count)
    finally:
        # Ctrl-C does not wait for what is still to be listed.
        pool.shutdown(wait=False, cancel_futures=True)
    return {day: _day(found, day) for day in {day for _, day in found}}


def _owner(prefix: str) -> str:
    """The app of a partition's prefix; nothing for Athena's results."""
    return prefix.removeprefix(LOGS_PREFIX).partition("/")[0] if prefix.startswith(LOGS_PREFIX) else ""


def _below(s3: "S3Client", bucket: str, prefix: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    return [below["Prefix"] for page in pages for below in page.get("CommonPrefixes", [])]


def _list(s3: "S3Client", bucket: str, prefix: str) -> dict[date, _Sum]:
    sums: defaultdict[date, _Sum] = defaultdict(_Sum)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for stored in page.get("Contents", []):
            came = stored["LastModified"].astimezone(UTC)
            size, hour = stored["Size"], 1 << came.hour
            archived = stored.get("StorageClass") == "GLACIER"
            sums[came.date()].add(_Sum(0, 0, 1, size, hour) if archived else _Sum(1, size, 0, 0, hour))
    return sums


def _day(found: Mapping[tuple[str, date], _Sum], day: date) -> Day:
    lines, results, app_hours = _Sum(), _Sum(), 0
    for (owner, of_day), summed in found.items():
        if of_day == day:
            (lines if owner else results).add(summed)
            app_hours += summed.hours.bit_count() if owner else 0
    return Day(
        objects=lines.objects,
        bytes=lines.bytes,
        archived=lines.archived,
        archived_bytes=lines.archived_bytes,
        hours=lines.hours.bit_count(),
        app_hours=app_hours,
        results=results.objects + results.archived,
        result_bytes=results.bytes + results.archived_bytes,
    )


# ---------------------------------------------------------------- queries


def of_workgroup(athena: "AthenaClient", workgroup: str) -> dict[date, Day]:
    """Sum all queries of a workgroup by the UTC day on which they were asked, as far back as Athena remembers."""
    days: dict[date, Day] = {}
    for page in athena.get_paginator("list_query_executions").paginate(WorkGroup=workgroup):
        if ids := page.get("QueryExecutionIds"):
            executions = athena.batch_get_query_execution(QueryExecutionIds=ids).get("QueryExecutions", [])
            days = usage.merged(days, *map(_query, executions))
    return days


def _query(execution: "QueryExecutionTypeDef") -> dict[date, Day]:
    status = execution["Status"]
    scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
    day = status["SubmissionDateTime"].astimezone(UTC).date()
    charged = charged_bytes(execution.get("StatementType", "DML"), status["State"], scanned)
    return {day: Day(queries=1, scanned_bytes=scanned, charged_bytes=charged)}


def charged_bytes(statement: str, state: str, scanned_bytes: int) -> int:
    """Give the bytes that a query is charged for, by its type of statement and its state.

    Athena pricing: 10 MB at least; what was cancelled costs what it had scanned; what failed is free, as DDL is.
    """
    if statement == "DDL" or state not in {"SUCCEEDED", "CANCELLED"}:
        return 0
    if not scanned_bytes and (statement != "DML" or state == "CANCELLED"):
        return 0
    return max(scanned_bytes, prices.ATHENA_LEAST_BYTES)
