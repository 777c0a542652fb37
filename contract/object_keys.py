"""Object keys, `logs/<app>/<YYYY>/<MM>/<DD>/<epoch_ms>-<uuid>.gz`, and the partitions that they form.

The flusher writes these keys, and so does the receiver for large batches. The Glue table's projection computes their
prefixes, and the runbook lists them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self
from uuid import UUID, uuid5

from contract.slots import Slot

LOGS_PREFIX = "logs/"
RESULTS_PREFIX = "athena-results/"
DIGESTS_PREFIX = "digests/"

# Heroku app names ("Naming an app"): 3 to 30 characters, all safe in a key, in a comma-separated projection enum and in
# SQL.
APP_NAME = re.compile(r"[a-z][a-z0-9-]{1,28}[a-z0-9]")

# Fixed, because a range computed from the clock would change the stack every January.
PROJECTED_YEARS = range(2026, 2041)

# Day 0 of times that count from 1970.
EPOCH_DAY = date(1970, 1, 1)

_BATCH_NAMESPACE = UUID("0b1f5a4e-5d0f-5d0e-9e4c-3a3c4b1f6a77")
_SLOT_NAMESPACE = UUID("6c0b1d56-8f7e-5c1b-9a57-2f3d0c9be1d4")
_KEY = re.compile(
    r"logs/(?P<app>[^/]+)/(?P<year>\d{4})/(?P<month>\d{2})/(?P<day>\d{2})/"
    r"(?P<epoch_ms>0|[1-9]\d{0,14})-(?P<name>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.gz",
    re.ASCII,
)
# All keys that the receiver writes, as an IAM pattern: `*` is any text, `?` any character.
KEY_WILDCARDS = f"{LOGS_PREFIX}*/????/??/??/*-????????-????-????-????-????????????.gz"


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """The key of one object, which holds lines of one app and one UTC day: of a slot, or of one large batch.

    `epoch_ms` is the time of the object's newest line, in milliseconds since 1970, and on that day. For a large batch
    in which no line has a valid time, it is the beginning of the slot in which the batch arrived. `name` follows from
    the slot and its batches (`slot_object_id`), or is the id of the large batch.
    """

    app: str
    epoch_ms: int
    name: UUID

    def __str__(self) -> str:
        return f"{LOGS_PREFIX}{self.app}/{self.day:%Y/%m/%d}/{self.epoch_ms}-{self.name}.gz"

    @property
    def time(self) -> datetime:
        """The time of the newest line, UTC, in whole milliseconds."""
        seconds, milliseconds = divmod(self.epoch_ms, 1000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)

    @property
    def day(self) -> date:
        """The UTC day under which the object is stored."""
        return self.time.date()

    @classmethod
    def parse(cls, key: str) -> Self:
        """Read a key back; ValueError says what is wrong with a key that the receiver cannot have written."""
        match = _KEY.fullmatch(key)
        if not match or not APP_NAME.fullmatch(match["app"]):
            raise ValueError(f"{key!r} is not an object key: expected logs/<app>/<YYYY>/<MM>/<DD>/<epoch_ms>-<uuid>.gz")
        parsed = cls(match["app"], int(match["epoch_ms"]), UUID(match["name"]))
        try:
            in_its_day = str(parsed) == key
        except (OverflowError, ValueError, OSError):
            in_its_day = False
        if not in_its_day:
            raise ValueError(f"{key!r} is not an object key: its epoch_ms is not on its day")
        return parsed


def batch_id(app: str, frame_id_or_digest: str) -> UUID:
    """Give a batch's id, from its app and Logplex-Frame-Id, or from its body's SHA-256 if it has no frame id."""
    # uuid5 encodes strictly; a header can hold text that has no UTF-8.
    name = f"{app}\n{frame_id_or_digest}".encode("utf-8", "backslashreplace").decode()
    return uuid5(_BATCH_NAMESPACE, name)


def slot_object_id(app: str, slot: Slot, number: int, day: date) -> UUID:
    """Give the id of an object of a slot: of its n-th one, and of a UTC day, as a slot can have lines of several."""
    return uuid5(_SLOT_NAMESPACE, f"{app}\n{slot}\n{number}\n{day}")


# ---------------------------------------------------------------- partitions

PARTITION_KEYS = ("app", "year", "month", "day")


def partition(app: str, day: date) -> dict[str, str]:
    """Give the values of the partition keys for an app's day, as the table writes them."""
    return {"app": app, "year": f"{day:%Y}", "month": f"{day:%m}", "day": f"{day:%d}"}


def partition_prefix(app: str, day: date) -> str:
    """Give the key prefix of an app's day, with a trailing slash."""
    return f"{LOGS_PREFIX}{app}/{day:%Y/%m/%d}/"


def storage_template(bucket: str) -> str:
    """Give the table's storage.location.template: the prefix of a partition, with Athena's placeholders."""
    return f"s3://{bucket}/{LOGS_PREFIX}${{app}}/${{year}}/${{month}}/${{day}}/"


def projection(bucket: str, apps: Iterable[str]) -> dict[str, str]:
    """Give the table parameters of partition projection (Athena user guide, "Supported types for projection").

    A date that is split into three keys cannot have the type `date`; `integer` with `digits` pads with zeros.
    White space would be part of an enum value, so there is none.
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
