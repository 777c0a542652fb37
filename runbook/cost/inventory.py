"""What each day added, from the list of the bucket and the query history of the workgroup."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import TYPE_CHECKING

from contract.object_keys import LOGS_PREFIX, PARTITION_KEYS, RESULTS_PREFIX
from contract.slots import DEFAULT_MINUTES
from runbook import prices
from runbook.clients import s3_objects
from runbook.clients.s3_objects import State
from runbook.cost import usage
from runbook.cost.traffic import MINUTES_PER_DAY
from runbook.cost.usage import Day

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef
    from mypy_boto3_s3 import S3Client

Watch = Callable[[int], object]


@dataclass
class _Sum:
    """Objects that arrived on one day; `slots` has one bit per slot of the day, set when it has an object."""

    objects: int = 0
    bytes: int = 0
    glacier_objects: int = 0
    glacier_bytes: int = 0
    slots: int = 0

    def add(self, other: "_Sum") -> None:
        self.objects += other.objects
        self.bytes += other.bytes
        self.glacier_objects += other.glacier_objects
        self.glacier_bytes += other.glacier_bytes
        self.slots |= other.slots


def of_bucket(
    s3: "S3Client", bucket: str, watch: Watch = lambda _: None, minutes: int = DEFAULT_MINUTES
) -> dict[date, Day]:
    """Sum all objects by the UTC day on which they arrived; `watch` gets the number of objects so far.

    A slot has so many minutes; an object is in the slot of its newest line.

    Includes apps that were removed from the stack. Memory grows with the days, not with the objects.
    """
    found: defaultdict[tuple[str, date], _Sum] = defaultdict(_Sum)
    count = 0
    with s3_objects.list_pool() as pool:
        prefixes = [LOGS_PREFIX]
        for _ in PARTITION_KEYS:
            levels = pool.map(lambda prefix: _folders(s3, bucket, prefix), prefixes)
            prefixes = [folder for level in levels for folder in level]
        prefixes.append(RESULTS_PREFIX)
        for prefix, part in zip(
            prefixes, pool.map(lambda prefix: _list(s3, bucket, prefix, minutes), prefixes), strict=True
        ):
            for day, summed in part.items():
                found[_owner(prefix), day].add(summed)
                count += summed.objects + summed.glacier_objects
            watch(count)
    return {day: _day(found, day) for day in {day for _, day in found}}


def _owner(prefix: str) -> str:
    """The app of a partition's prefix; empty for query results."""
    return prefix.removeprefix(LOGS_PREFIX).partition("/")[0] if prefix.startswith(LOGS_PREFIX) else ""


def _folders(s3: "S3Client", bucket: str, prefix: str) -> list[str]:
    return [folder for page in s3_objects.pages(s3, bucket, prefix, folders=True) for folder in page.folders]


def _list(s3: "S3Client", bucket: str, prefix: str, minutes: int) -> dict[date, _Sum]:
    sums: defaultdict[date, _Sum] = defaultdict(_Sum)
    for each in s3_objects.objects(s3, bucket, prefix):
        came = each.modified.astimezone(UTC)
        in_glacier = each.state is not State.NOT_IN_GLACIER
        slot = _slot(each.key, minutes)
        sums[came.date()].add(_Sum(0, 0, 1, each.size, slot) if in_glacier else _Sum(1, each.size, 0, 0, slot))
    return sums


def _slot(key: str, minutes: int) -> int:
    """Give the bit of a key's slot in its day, by the time in it; 0 for a key without."""
    epoch_ms = key.rpartition("/")[2].partition("-")[0]
    return 1 << int(epoch_ms) // 60_000 % MINUTES_PER_DAY // minutes if epoch_ms.isdecimal() else 0


def _day(found: Mapping[tuple[str, date], _Sum], day: date) -> Day:
    lines, results, app_slots = _Sum(), _Sum(), 0
    for (owner, of_day), summed in found.items():
        if of_day == day:
            (lines if owner else results).add(summed)
            app_slots += summed.slots.bit_count() if owner else 0
    return Day(
        objects=lines.objects,
        bytes=lines.bytes,
        glacier_objects=lines.glacier_objects,
        glacier_bytes=lines.glacier_bytes,
        app_slots=app_slots,
        results=results.objects + results.glacier_objects,
        result_bytes=results.bytes + results.glacier_bytes,
    )


# ---------------------------------------------------------------- queries


def of_workgroup(athena: "AthenaClient", workgroup: str) -> dict[date, Day]:
    """Sum all queries of a workgroup by the UTC day of their submission, as far back as Athena's history goes."""
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
    """Give the bytes that Athena charges for a query of this statement type and state.

    Athena pricing: at least 10 MB; a cancelled query costs what it scanned; failed queries and DDL are free.
    """
    if statement == "DDL" or state not in {"SUCCEEDED", "CANCELLED"}:
        return 0
    if not scanned_bytes and (statement != "DML" or state == "CANCELLED"):
        return 0
    return max(scanned_bytes, prices.ATHENA_LEAST_BYTES)
