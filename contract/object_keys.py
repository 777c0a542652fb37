"""Object keys, `logs/<app>/<YYYY>/<MM>/<DD>/<epoch_ms>-<uuid>.gz`, and the partitions that they make.

The receiver writes such keys, the Glue table's projection computes their prefixes, the runbook lists them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self
from uuid import UUID, uuid5

LOGS_PREFIX = "logs/"
RESULTS_PREFIX = "athena-results/"

# Heroku app names ("Naming an app"): 3 to 30 characters, which is also safe in a key, in a comma-separated
# projection enum and in SQL.
APP_NAME = re.compile(r"[a-z][a-z0-9-]{1,28}[a-z0-9]")

# Fixed, because a range computed from the clock would be a diff in every preview of January.
PROJECTED_YEARS = range(2026, 2041)

_BATCH_NAMESPACE = UUID("0b1f5a4e-5d0f-5d0e-9e4c-3a3c4b1f6a77")
_DAY_MS = 86_400_000
_SLOT_MS = 5 * 60_000
_KEY = re.compile(
    r"logs/(?P<app>[^/]+)/(?P<year>\d{4})/(?P<month>\d{2})/(?P<day>\d{2})/"
    r"(?P<epoch_ms>0|[1-9]\d{0,14})-(?P<batch>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.gz",
    re.ASCII,
)
# Every key that the receiver writes, in IAM's wildcards: `*` is any text, `?` any character.
KEY_WILDCARDS = f"{LOGS_PREFIX}*/????/??/??/*-????????-????-????-????-????????????.gz"


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """The key of one object: the lines that one batch of one app holds for one UTC day.

    `epoch_ms` is the time of the object's newest line, in milliseconds since 1970, and lies in the day. Where no line
    of the batch has a valid time it is the beginning of the slot in which the batch arrived.
    `batch` is the same for all objects of one batch and for each try of it.
    """

    app: str
    epoch_ms: int
    batch: UUID

    def __str__(self) -> str:
        return f"{LOGS_PREFIX}{self.app}/{self.day:%Y/%m/%d}/{self.epoch_ms}-{self.batch}.gz"

    @property
    def time(self) -> datetime:
        """The time of the newest line, UTC, in whole milliseconds."""
        seconds, milliseconds = divmod(self.epoch_ms, 1000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)

    @property
    def day(self) -> date:
        """The UTC day under which the object lies."""
        return self.time.date()

    @classmethod
    def parse(cls, key: str) -> Self:
        """Read a key back; ValueError, saying what is wrong, when the receiver cannot have written it."""
        match = _KEY.fullmatch(key)
        if not match or not APP_NAME.fullmatch(match["app"]):
            raise ValueError(f"{key!r} is no object key: expected logs/<app>/<YYYY>/<MM>/<DD>/<epoch_ms>-<uuid>.gz")
        parsed = cls(match["app"], int(match["epoch_ms"]), UUID(match["batch"]))
        try:
            in_its_day = str(parsed) == key
        except (OverflowError, ValueError, OSError):
            in_its_day = False
        if not in_its_day:
            raise ValueError(f"{key!r} is no object key: its epoch_ms is not a time of its day")
        return parsed


def batch_id(app: str, frame_id_or_digest: str) -> UUID:
    """Name a batch by its app and Logplex-Frame-Id, or by its body's SHA-256 where there is no frame id."""
    # uuid5 encodes strictly; a header may hold what no UTF-8 can.
    name = f"{app}\n{frame_id_or_digest}".encode("utf-8", "backslashreplace").decode()
    return uuid5(_BATCH_NAMESPACE, name)


def slot_ms(epoch_ms: int) -> int:
    """Give the beginning of a time's slot: the time rounded down to five minutes, UTC."""
    return epoch_ms // _SLOT_MS * _SLOT_MS


def neighbouring_slots(slot: int) -> tuple[int, ...]:
    """Give the beginnings of the slots before and after a slot, which is given by its beginning; none before 1970."""
    return tuple(neighbour for neighbour in (slot - _SLOT_MS, slot + _SLOT_MS) if neighbour >= 0)


def day_number(epoch_ms: int) -> int:
    """Count the UTC days from 1970-01-01 to a time: what groups lines into objects."""
    return epoch_ms // _DAY_MS


# ---------------------------------------------------------------- partitions

PARTITION_KEYS = ("app", "year", "month", "day")


def partition(app: str, day: date) -> dict[str, str]:
    """Give the partition values of an app's day, as the table spells them: {"app", "year", "month", "day"}."""
    return {"app": app, "year": f"{day:%Y}", "month": f"{day:%m}", "day": f"{day:%d}"}


def partition_prefix(app: str, day: date) -> str:
    """Give the key prefix of an app's day, with its trailing slash."""
    return f"{LOGS_PREFIX}{app}/{day:%Y/%m/%d}/"


def storage_template(bucket: str) -> str:
    """Give the table's storage.location.template: the prefix of a partition in Athena's own placeholders."""
    return f"s3://{bucket}/{LOGS_PREFIX}${{app}}/${{year}}/${{month}}/${{day}}/"


def projection(bucket: str, apps: Iterable[str]) -> dict[str, str]:
    """Give the table parameters of partition projection (Athena user guide, "Supported types for projection").

    A date that is split over three keys cannot use the type `date`; `integer` with `digits` pads with zeros.
    White space counts as part of an enum value, so there is none.
    """
    return {
        "projection.enabled": "true",
        "projection.app.type": "enum",
        "projection.app.values": ",".join(apps),
        "projection.year.type": "integer",
        "projection.year.range": f"{PROJECTED_YEARS[0]},{PROJECTED_YEARS[-1]}",
        "projection.year.digits": "4",
        "projection.month.type": "integer",
        "projection.month.range": "1,12",
        "projection.month.digits": "2",
        "projection.day.type": "integer",
        "projection.day.range": "1,31",
        "projection.day.digits": "2",
        "storage.location.template": storage_template(bucket),
    }
