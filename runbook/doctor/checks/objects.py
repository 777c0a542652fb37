"""What lies in the bucket: the newest object of each app, and what no query finds or can read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from contract.object_keys import LOGS_PREFIX, PROJECTED_YEARS, ObjectKey, partition_prefix
from contract.window import Window
from runbook.doctor import faults
from runbook.doctor.examination import Examination, Finding, Surroundings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

# How far back the newest object is looked for, and first where it usually is.
_LOOK_BACK_DAYS = 7
_JUST_NOW = timedelta(minutes=15)
# Of the same fault, so many say it.
_MOST = 10
_MONTHS = tuple(f"{month:02}" for month in range(1, 13))
_DAYS = tuple(f"{day:02}" for day in range(1, 32))


def newest(surroundings: Surroundings) -> Examination:
    """Look for each app's newest object, by the time of its newest line."""
    outputs, now = surroundings.outputs, surroundings.now
    s3 = surroundings.reader.client("s3")
    ages = []
    for app in outputs.apps:
        time = _newest(s3, outputs.bucket, app, now)
        if time is not None and now - time <= timedelta(hours=outputs.silence_hours):
            ages.append(f"{app} {_age(now - time)}")
        elif outputs.drains_enabled:
            told = f"the newest object is {_age(now - time)} old" if time else f"no object of {_LOOK_BACK_DAYS} days"
            yield Finding.of(faults.APP_SILENT, app=app, newest=told)
    return f"age of the newest: {', '.join(ages)}" if ages else "none is expected, as drainsEnabled is false"


def _newest(s3: "S3Client", bucket: str, app: str, now: datetime) -> datetime | None:
    today = partition_prefix(app, now.date())
    first = f"{today}{int((now - _JUST_NOW).timestamp() * 1000)}"
    days = [partition_prefix(app, now.date() - timedelta(days)) for days in range(_LOOK_BACK_DAYS)]
    for prefix, start_after in [(today, first), *((day, day) for day in days)]:
        last = None
        # Keys of a day are listed in order of time.
        for stored in _objects(s3, bucket, prefix, start_after):
            last = _parse(stored["Key"]) or last
        if last:
            return last.time
    return None


def count(s3: "S3Client", bucket: str, app: str, window: Window) -> int:
    """Count an app's objects that have a line in a window: their newest one, at the least."""
    listed = (stored for day in window.days for stored in _objects(s3, bucket, partition_prefix(app, day)))
    return sum(1 for stored in listed if (key := _parse(stored["Key"])) and window.since <= key.time <= window.until)


def _parse(key: str) -> ObjectKey | None:
    try:
        return ObjectKey.parse(key)
    except ValueError:
        return None


def _age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds())) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


# ---------------------------------------------------------------- layout


def layout(surroundings: Surroundings) -> Examination:
    """Walk the folders down to the days, and list the objects of today and yesterday."""
    outputs = surroundings.outputs
    s3 = surroundings.reader.client("s3")
    yield from islice(_folders(s3, outputs.bucket, LOGS_PREFIX, (outputs.apps, _years(), _MONTHS, _DAYS)), _MOST)
    listed = 0
    for app in outputs.apps:
        for days in (0, 1):
            prefix = partition_prefix(app, surroundings.now.date() - timedelta(days))
            objects = list(_objects(s3, outputs.bucket, prefix))
            listed += len(objects)
            foreign = [each for each in objects if _counts(each) and not _parse(each["Key"])]
            for each in foreign[:_MOST]:
                yield Finding.of(faults.OBJECT_FOREIGN, url=_url(outputs.bucket, each["Key"]))
    return f"only apps and days of the table; all {listed:,} objects since yesterday are the receiver's"


def _years() -> tuple[str, ...]:
    return tuple(map(str, PROJECTED_YEARS))


def _folders(s3: "S3Client", bucket: str, prefix: str, levels: tuple[tuple[str, ...], ...]) -> Iterator[Finding]:
    """What is beside the folders that the table has, level by level: each level has the names that it may have."""
    known, *below = levels
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
        for stored in filter(_counts, page.get("Contents", [])):
            yield Finding.of(faults.OBJECT_FOREIGN, url=_url(bucket, stored["Key"]))
        for folder in (each["Prefix"] for each in page.get("CommonPrefixes", [])):
            if folder.removeprefix(prefix).removesuffix("/") not in known:
                fault = faults.APP_UNKNOWN if prefix == LOGS_PREFIX else faults.DAY_UNKNOWN
                yield Finding.of(fault, url=_url(bucket, folder))
            elif below:
                yield from _folders(s3, bucket, folder, tuple(below))


def _counts(stored: "ObjectTypeDef") -> bool:
    """Whether Athena reads an object at all: neither empty ones nor hidden ones (docs/design.md)."""
    return stored["Size"] > 0 and not stored["Key"].rpartition("/")[2].startswith(("_", "."))


def _objects(s3: "S3Client", bucket: str, prefix: str, start_after: str = "") -> Iterator["ObjectTypeDef"]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=start_after)
    for page in pages:
        yield from page.get("Contents", [])


def _url(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"
