"""Checks the objects in the bucket: the newest of each app, and those that no query finds or can read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from contract.buffer_table import Seen
from contract.object_keys import LOGS_PREFIX, PROJECTED_YEARS, ObjectKey, partition_prefix
from contract.window import Window
from runbook.clients import s3_objects
from runbook.clients.s3_objects import StoredObject
from runbook.doctor import faults
from runbook.doctor.checks import arrivals, canary
from runbook.doctor.context import Context, Finding, Findings, Unknown
from runbook.terminal import times

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# How far back to look for the newest object; the usual place is tried first.
_LOOK_BACK_DAYS = 7
_JUST_NOW = timedelta(minutes=15)
# Findings of the same fault to report at most.
_MOST = 10
_MONTHS = tuple(f"{month:02}" for month in range(1, 13))
_DAYS = tuple(f"{day:02}" for day in range(1, 32))


def newest(context: Context) -> Findings:
    """Find each app's newest object, by the time of its newest line, and since when the app itself is silent."""
    outputs, now = context.outputs, context.now
    if not outputs.drains_enabled:
        return "none expected, because drainsEnabled is false"
    s3 = context.s3
    ages = []
    for app in outputs.apps:
        time = _newest(s3, outputs.bucket, app, now)
        if time is not None and now - time <= timedelta(hours=outputs.silence_hours):
            ages.append(f"{app} {times.age(now - time)}")
            continue
        newest = f"the newest object is {times.age(now - time)} old" if time else f"no object in {_LOOK_BACK_DAYS} days"
        yield Finding.of(faults.OBJECTS_OLD, app=app, newest=newest)
    yield from _silent(context)
    return f"no app is silent; age of the newest: {', '.join(ages)}"


def _silent(context: Context) -> Iterator[Finding | Unknown]:
    """Find apps that have sent nothing of their own for too long. Canaries make objects, too."""
    outputs = context.outputs
    seen, known_until = arrivals.newest(context), arrivals.known_until(context)
    for app in outputs.apps:
        hours, newest = outputs.silence_of(app), seen.get(Seen(app))
        if not hours:
            continue
        if newest is None:
            yield Unknown(f"since when {app} is silent: the flusher has noted nothing of it")
            continue
        age = known_until.get(app, context.now) - newest
        if age > timedelta(hours=hours):
            arrival = seen.get(Seen(app, canary=True))
            works = arrival is not None and context.now - arrival <= canary.limit(context)
            yield Finding.of(
                faults.APP_SILENT, app=app, age=times.age(age), hours=hours,
                canary="its canaries arrive, so the endpoint works" if works else "its canaries do not arrive, either",
            )  # fmt: skip


def _newest(s3: "S3Client", bucket: str, app: str, now: datetime) -> datetime | None:
    today = partition_prefix(app, now.date())
    first = f"{today}{int((now - _JUST_NOW).timestamp() * 1000)}"
    days = [partition_prefix(app, now.date() - timedelta(days)) for days in range(_LOOK_BACK_DAYS)]
    for prefix, start_after in [(today, first), *((day, day) for day in days)]:
        last = None
        # The keys of a day are in order of time.
        for stored in s3_objects.objects(s3, bucket, prefix, start_after=start_after):
            last = _parse(stored.key) or last
        if last:
            return last.time
    return None


def count(s3: "S3Client", bucket: str, app: str, window: Window) -> int:
    """Count an app's objects whose newest line is in a window."""
    listed = (stored for day in window.days for stored in s3_objects.objects(s3, bucket, partition_prefix(app, day)))
    return sum(1 for stored in listed if (key := _parse(stored.key)) and window.since <= key.time <= window.until)


def _parse(key: str) -> ObjectKey | None:
    try:
        return ObjectKey.parse(key)
    except ValueError:
        return None


# ---------------------------------------------------------------- layout


def layout(context: Context) -> Findings:
    """List the folders down to the days, and the objects of today and yesterday."""
    outputs = context.outputs
    s3 = context.s3
    folders = _folders(s3, outputs.bucket, LOGS_PREFIX, (outputs.all_apps, _years(), _MONTHS, _DAYS))
    yield from islice(folders, _MOST)
    listed = 0
    for app in outputs.apps:
        for days in (0, 1):
            prefix = partition_prefix(app, context.now.date() - timedelta(days))
            objects = list(s3_objects.objects(s3, outputs.bucket, prefix))
            listed += len(objects)
            foreign = [each for each in objects if _counts(each) and not _parse(each.key)]
            for each in foreign[:_MOST]:
                yield Finding.of(faults.OBJECT_FOREIGN, url=_url(outputs.bucket, each.key))
    return f"only apps and days of the table; the receiver wrote all {listed:,} objects since yesterday"


def _years() -> tuple[str, ...]:
    return tuple(map(str, PROJECTED_YEARS))


def _folders(s3: "S3Client", bucket: str, prefix: str, levels: tuple[tuple[str, ...], ...]) -> Iterator[Finding]:
    """Find what does not belong to the table, level by level; `levels` are the valid folder names of each."""
    known, *below = levels
    for page in s3_objects.pages(s3, bucket, prefix, folders=True):
        for stored in filter(_counts, page.objects):
            yield Finding.of(faults.OBJECT_FOREIGN, url=_url(bucket, stored.key))
        for folder in page.folders:
            if folder.removeprefix(prefix).removesuffix("/") not in known:
                fault = faults.APP_UNKNOWN if prefix == LOGS_PREFIX else faults.DAY_UNKNOWN
                yield Finding.of(fault, url=_url(bucket, folder))
            elif below:
                yield from _folders(s3, bucket, folder, tuple(below))


def _counts(stored: StoredObject) -> bool:
    """Whether Athena reads an object: it skips empty and hidden ones (docs/design.md)."""
    return stored.size > 0 and not stored.key.rpartition("/")[2].startswith(("_", "."))


def _url(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"
