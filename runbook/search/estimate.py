"""What a query will scan at most: the objects that lie where it looks, summed before it runs."""

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from contract.object_keys import LOGS_PREFIX, PROJECTED_YEARS, partition_prefix
from contract.window import Window
from runbook import prices
from runbook.errors import RunbookError
from runbook.glacier import objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LISTERS = 16
# Of an archive of very many objects it is enough to know that there are so many.
_MOST_PAGES = 10
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|KB|MB|GB|TB)", re.IGNORECASE)
_UNITS = {unit: 1000**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))}


@dataclass(frozen=True)
class Estimate:
    """Objects that a query reads and their bytes; `archived_objects` lie in Glacier and are not restored (yet).

    Where `complete` is false there are more than were counted.
    """

    objects: int = 0
    scanned_bytes: int = 0
    archived_objects: int = 0
    complete: bool = True

    @property
    def usd(self) -> float:
        """What a query that scans all of it costs, in US dollars."""
        return prices.query_cost(self.scanned_bytes)

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            self.objects + other.objects,
            self.scanned_bytes + other.scanned_bytes,
            self.archived_objects + other.archived_objects,
            self.complete and other.complete,
        )


def of_window(s3: "S3Client", bucket: str, apps: Iterable[str], window: Window) -> Estimate:
    """Sum all objects under the partitions of a window."""
    prefixes = [partition_prefix(app, day) for app in apps for day in window.days]
    return _sum(s3, bucket, prefixes, most_bytes=None, most_pages=None)


def of_archive(s3: "S3Client", bucket: str, apps: Iterable[str], today: date, most_bytes: int) -> Estimate:
    """Sum all objects, newest months first, until `most_bytes` are exceeded or a month has very many objects."""
    months = [
        (year, month)
        for year in range(today.year, PROJECTED_YEARS[0] - 1, -1)
        for month in range(today.month if year == today.year else 12, 0, -1)
    ]
    prefixes = [f"{LOGS_PREFIX}{app}/{year:04}/{month:02}/" for year, month in months for app in apps]
    return _sum(s3, bucket, prefixes, most_bytes=most_bytes, most_pages=_MOST_PAGES)


def size(text: str) -> int:
    """Read `500MB` or `1.5 GB`, in powers of a thousand; RunbookError says what is accepted."""
    if not (found := _SIZE.fullmatch(text.strip())):
        raise RunbookError(f"{text!r} is no size: write 500MB, 1GB or 1.5TB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _sum(
    s3: "S3Client", bucket: str, prefixes: Sequence[str], *, most_bytes: int | None, most_pages: int | None
) -> Estimate:
    total = Estimate()
    pool = ThreadPoolExecutor(_LISTERS)
    try:
        for part in pool.map(lambda prefix: _list(s3, bucket, prefix, most_pages), prefixes):
            total += part
            if most_bytes is not None and total.scanned_bytes > most_bytes:
                return total + Estimate(complete=False)
    finally:
        # Neither Ctrl-C nor a sum that is large enough waits for what is still to be listed.
        pool.shutdown(wait=False, cancel_futures=True)
    return total


def _list(s3: "S3Client", bucket: str, prefix: str, most_pages: int | None) -> Estimate:
    total = Estimate()
    for number, page in enumerate(objects.pages(s3, bucket, prefix), start=1):
        stored = page.get("Contents", [])
        readable = [found["Size"] for found in stored if objects.state(found) in objects.READABLE]
        total += Estimate(len(readable), sum(readable), len(stored) - len(readable))
        if number == most_pages and page.get("IsTruncated"):
            return total + Estimate(complete=False)
    return total
