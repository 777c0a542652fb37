"""What a failed query says about the object that it names: only an object that we cannot read either is to be moved."""

import re
from datetime import date, timedelta

from contract.object_keys import LOGS_PREFIX
from runbook.clients import athena_failures, s3_objects
from runbook.clients.athena import QueryFailed
from runbook.clients.athena_failures import Kind
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Unknown, explained

_OF_A_DAY = re.compile(rf"{LOGS_PREFIX}([^/]+)/(\d{{4}})/(\d\d)/(\d\d)/")


def names_object(context: Context, failed: QueryFailed) -> str | None:
    """The key of the object that the query failed on for the object's sake; None if it failed for another reason."""
    if failed.cause is None or failed.cause.kind not in {Kind.UNREADABLE, Kind.ARCHIVED}:
        return None
    return athena_failures.object_of(failed.reason, context.outputs.bucket)


def meaning(context: Context, failed: QueryFailed) -> Finding | Unknown:
    """Explain a failed query; read the object that it names, if that can be the cause. RunbookError, Denied."""
    key = names_object(context, failed)
    if failed.cause is None or key is None:
        return Unknown.because(failed)
    if failed.cause.kind is Kind.ARCHIVED:
        return _archived(context, failed, key)
    s3, bucket = context.s3, context.outputs.bucket
    url = f"s3://{bucket}/{key}"
    with explained():
        try:
            fault = s3_objects.gzip_fault(s3, bucket, key)
        except s3.exceptions.InvalidObjectState:
            return _archived(context, failed, key)
        except s3.exceptions.NoSuchKey:
            return Unknown(f"Athena could not read {url}, which no longer exists: run the doctor again")
    if fault is not None:
        return Finding.of(faults.OBJECT_UNREADABLE, url=url, reason=fault)
    return Unknown(
        f"Athena could not read {url}, but the doctor can: the object is good, do not move it; run the doctor again; "
        f"if the query still fails, give AWS Support the query execution id {failed.id}"
    )


def _archived(context: Context, failed: QueryFailed, key: str) -> Finding | Unknown:
    place = _OF_A_DAY.match(key)
    try:
        day = date(*map(int, place.groups()[1:])) if place else None
    except ValueError:
        day = None
    if not place or not day:
        return Unknown.because(failed)
    return Finding.of(
        faults.OBJECT_ARCHIVED,
        url=f"s3://{context.outputs.bucket}/{key}", app=place[1], day=day, next_day=day + timedelta(days=1),
    )  # fmt: skip
