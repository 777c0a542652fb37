"""Estimates how much a query will scan at most, from the sizes of the objects that it can read."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from contract.object_keys import LOGS_PREFIX, PROJECTED_YEARS, partition_prefix
from contract.window import Window
from runbook import prices
from runbook.clients import s3_objects
from runbook.errors import RunbookError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Stop listing a month after so many pages: that is enough to know that the archive is large.
_MOST_PAGES = 10
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|KB|MB|GB|TB)", re.IGNORECASE)
_UNITS = {unit: 1000**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))}


@dataclass(frozen=True)
class Estimate:
    """Objects that a query reads, and their bytes; it skips `objects_in_glacier`, which are not restored.

    If `complete` is false, there are more objects than were counted.
    """

    objects: int = 0
    scanned_bytes: int = 0
    objects_in_glacier: int = 0
    complete: bool = True

    @property
    def usd(self) -> float:
        """The cost of a query that scans all these bytes, in US dollars."""
        return prices.query_cost(self.scanned_bytes)

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            self.objects + other.objects,
            self.scanned_bytes + other.scanned_bytes,
            self.objects_in_glacier + other.objects_in_glacier,
            self.complete and other.complete,
        )


def of_window(s3: "S3Client", bucket: str, apps: Iterable[str], window: Window) -> Estimate:
    """Sum the objects in the partitions of a window."""
    prefixes = [partition_prefix(app, day) for app in apps for day in window.days]
    return _sum(s3, bucket, prefixes, most_bytes=None, most_pages=None)


def of_archive(s3: "S3Client", bucket: str, apps: Iterable[str], today: date, most_bytes: int) -> Estimate:
    """Sum all objects, newest months first; stop above `most_bytes`, and in a month with very many objects."""
    months = [
        (year, month)
        for year in range(today.year, PROJECTED_YEARS[0] - 1, -1)
        for month in range(today.month if year == today.year else 12, 0, -1)
    ]
    prefixes = [f"{LOGS_PREFIX}{app}/{year:04}/{month:02}/" for year, month in months for app in apps]
    return _sum(s3, bucket, prefixes, most_bytes=most_bytes, most_pages=_MOST_PAGES)


def size(text: str) -> int:
    """Parse `500MB` or `1.5 GB`, in powers of 1000. RunbookError if invalid."""
    if not (found := _SIZE.fullmatch(text.strip())):
        raise RunbookError(f"invalid size {text!r}: write 500MB, 1GB or 1.5TB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _sum(
    s3: "S3Client", bucket: str, prefixes: Sequence[str], *, most_bytes: int | None, most_pages: int | None
) -> Estimate:
    total = Estimate()
    with s3_objects.list_pool() as pool:
        for part in pool.map(lambda prefix: _list(s3, bucket, prefix, most_pages), prefixes):
            total += part
            if most_bytes is not None and total.scanned_bytes > most_bytes:
                return total + Estimate(complete=False)
    return total


def _list(s3: "S3Client", bucket: str, prefix: str, most_pages: int | None) -> Estimate:
    total = Estimate()
    for number, page in enumerate(s3_objects.pages(s3, bucket, prefix, restores=True), start=1):
        readable = [each.size for each in page.objects if each.state.readable]
        total += Estimate(len(readable), sum(readable), len(page.objects) - len(readable))
        if number == most_pages and page.more:
            return total + Estimate(complete=False)
    return total
