"""Why Athena did not finish a query and what to do, from Athena's words. Pure.

Athena passes on what S3, Glue, KMS and Lake Formation answer, in words that AWS does not promise to keep. A cause that is
not in the table is None, and the reason is shown as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto

from contract.object_keys import LOGS_PREFIX


class Kind(StrEnum):
    """What a failure says about the object, the view or the query."""

    TRANSIENT = auto()
    VANISHED = auto()
    ARCHIVED = auto()
    DENIED = auto()
    UNREADABLE = auto()
    STALE_VIEW = auto()
    NO_SERDE = auto()
    TOO_LARGE = auto()


@dataclass(frozen=True)
class Cause:
    """Why a query failed and what to do; `repeat` says whether the same query may succeed at once."""

    kind: Kind
    what: str
    remedy: str
    repeat: bool = False


_DOCTOR = "run `python -m runbook doctor --only lines`, which reads the object before it says what to do with it"

_BUSY = Cause(
    Kind.TRANSIENT,
    "S3 or another AWS service was too busy; the objects are not the cause",
    "run it again in a few minutes, or with a shorter window",
    repeat=True,
)
_INTERNAL = Cause(
    Kind.TRANSIENT,
    "Athena had an internal error",
    "run it again in a few minutes; if it still fails, give AWS Support the query execution id",
    repeat=True,
)
_VANISHED = Cause(
    Kind.VANISHED,
    "an object expired, or was moved or replaced, while the query ran",
    "run it again",
    repeat=True,
)
_ARCHIVED = Cause(
    Kind.ARCHIVED,
    "an object is archived, so Athena cannot read it; the object is good",
    "restore its day with `python -m runbook restore`, and run it again when the copies are ready",
)
_LAKE_FORMATION = Cause(
    Kind.DENIED,
    "Lake Formation denies access",
    "an administrator of Lake Formation grants DESCRIBE on the database and SELECT on its table and view to your role",
)
_KMS = Cause(
    Kind.DENIED,
    "you are not allowed to use the KMS key of an object; the object is good",
    "the administrator of that key grants kms:Decrypt",
)
_DENIED = Cause(
    Kind.DENIED,
    "access is denied; the objects are not the cause",
    "add --assume to use the reader role; if that is denied too, an administrator runs `pulumi up --refresh`, and checks "
    "who owns the object and which KMS key it has",
)
_TOO_LARGE = Cause(
    Kind.TOO_LARGE,
    "the query needs more memory or time than Athena gives one query",
    "use a shorter window or fewer columns, or sort and group less",
)
_OVER_LIMIT = Cause(
    Kind.TOO_LARGE,
    "the query scans more than the workgroup allows",
    "use a shorter window, or filter by app, year, month and day",
)
_STALE_VIEW = Cause(
    Kind.STALE_VIEW,
    "the view no longer fits its table",
    "run `pulumi up --refresh`; if it still fails, `python -m runbook doctor --only catalog`",
)
_NO_SERDE = Cause(Kind.NO_SERDE, "a table or view has no SerDe in Glue", "run `pulumi up --refresh`, which restores it")
_BROKEN = Cause(Kind.UNREADABLE, "Athena cannot decompress an object", _DOCTOR)
_UNREADABLE = Cause(Kind.UNREADABLE, "Athena cannot read an object, and does not say why", _DOCTOR, repeat=True)

# The first match counts: S3 answers InvalidObjectState, and Lake Formation and KMS a denial, with the status of another.
_CAUSES: tuple[tuple[str, Cause], ...] = (
    # "How can I resolve the 'View is stale; it must be re-created' error in Athena?" (re:Post); trinodb/trino #5909.
    (r"^VIEW_IS_STALE|view '?\S* ?is stale", _STALE_VIEW),
    # hashicorp/terraform-provider-aws #28517.
    (r"missing SerDe info", _NO_SERDE),
    # Lake Formation developer guide, "Troubleshooting Lake Formation"; apache/superset #15894.
    (r"Lake ?Formation permission|lakeformation:", _LAKE_FORMATION),
    # "Troubleshooting in Athena" (throttling): KMS too. Before the denials, which also name KMS.
    (r"exceeded the rate at which you may call KMS", _BUSY),
    # KMS developer guide, "Troubleshooting key access"; a denial names the action.
    (r"kms:Decrypt|KMS\.?AccessDenied|ciphertext refers to a customer master key|Service: A?W?S?KMS\b", _KMS),
    # S3 API reference, "GetObject"; dev.classmethod.jp "athena-glacier-deep-archive-error" has Athena's whole message.
    (r"InvalidObjectState|not valid for the object's storage class|archived and inaccessible", _ARCHIVED),
    # Troubleshooting in Athena: "The specified key does not exist", "Incorrect fileSize for file"; trinodb/trino #19638.
    (
        r"NoSuchKey|specified key does not exist|FileNotFoundException|Status Code: 404(?!.*NoSuchBucket)"
        r"|Incorrect fileSize",
        _VANISHED,
    ),
    # "How do I resolve the 'HIVE_CANNOT_OPEN_SPLIT' query error in Athena?" (re:Post, knowledge center);
    # "Troubleshooting in Athena" (throttling); S3 API reference, "Error responses", for the other codes.
    (
        r"Slow ?Down|reduce your request rate|Rate exceeded|Throttling|TooManyRequests|Status Code: (?:429|50[0-4])"
        r"|ServiceUnavailable|InternalError\b|RequestTimeout|(?:Read|Connect|Connection) timed out|Connection reset"
        r"|Unable to execute HTTP request|Timeout waiting for connection",
        _BUSY,
    ),
    # Troubleshooting in Athena, "Permissions".
    (r"Access ?Denied|Status Code: 403|not authorized to perform|Insufficient permissions|Permission denied", _DENIED),
    # "How do I resolve the 'Query exhausted resources at this scale factor' error" (re:Post). A repeat would fail too:
    # dbt-labs/dbt-adapters #1820.
    (
        r"exhausted resources|^(?:EXCEEDED|CLUSTER_OUT_OF_MEMORY)|exceeded (?:distributed|per-node|local|maximum)"
        r"|Query (?:timeout|timed out)",
        _TOO_LARGE,
    ),
    # Athena user guide, "Configure data usage controls".
    (r"Bytes scanned limit", _OVER_LIMIT),
    # java.util.zip's words, in which Trino's reader of gzip fails; Troubleshooting in Athena has the second.
    (
        r"Not in GZIP format|Unexpected end of (?:\w+ )?input stream|incorrect (?:header|data|length) check"
        r"|invalid (?:block type|stored block|distance|code|bit length|literal)|Corrupt GZIP",
        _BROKEN,
    ),
    (r"INTERNAL_ERROR|internal (?:service )?error", _INTERNAL),
)
_TABLE = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), cause) for pattern, cause in _CAUSES)

# Athena user guide, "Athena error catalog", for what the words do not say.
_BY_TYPE: Mapping[int, Cause] = {
    **dict.fromkeys(range(9), _TOO_LARGE),
    **dict.fromkeys((206, 210), _TOO_LARGE),
    **dict.fromkeys((1400, 1401, 1403, 1404, 1405, 1406), _BUSY),
    **dict.fromkeys((1500, 1501), _DENIED),
    **dict.fromkeys((100, 300, 301, 302, 303, 400, 1010, 9999), _INTERNAL),
    234: _LAKE_FORMATION,
    1302: _VANISHED,
}

# Reasons with other codes, such as SYNTAX_ERROR or INVALID_CAST_ARGUMENT, quote the query or a stored line, which can
# contain any of the words above.
_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?=:)")
_NOT_QUOTING = re.compile(
    r"HIVE_(?!BAD_DATA)|GENERIC_(?!USER)|VIEW_IS_STALE|EXCEEDED_|CLUSTER_|REMOTE_|.*(?:INTERNAL|RESOURCE|DENIED|THROTTL|REQUESTS|TIMEOUT)"
)

# "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://... (offset=0, length=1): why", "Failed to read file at s3://...",
# "(Path: s3://...)", "Error reading from s3://... at position 1. If a data manifest file was ..." (trinodb/trino #19225).
# A key can contain anything, so what this finds may be cut short.
_OBJECT = re.compile(
    rf"s3://(?P<bucket>[a-z0-9.-]+)/(?P<key>{LOGS_PREFIX}.+?)"
    r"(?= \(offset=\d| at position \d|: |\. If a data manifest|\)?\.?\s*$)",
    re.DOTALL,
)


def cause_of(reason: str, error: Mapping[str, object] | None = None) -> Cause | None:
    """Find why a query failed; `error` is AthenaError of GetQueryExecution. None if the reason is not a known one."""
    code = _CODE.match(reason)
    if code and not _NOT_QUOTING.match(code[0]):
        return None
    # The name of an object is not a reason.
    words = re.sub(r"s3://\S+", "", _OBJECT.sub("", reason))
    cause = next((cause for pattern, cause in _TABLE if pattern.search(words)), None) or _by_type(error or {})
    # The doctor can say more than that: it reads the object.
    return _UNREADABLE if cause in {None, _INTERNAL} and _OBJECT.search(reason) else cause


def _by_type(error: Mapping[str, object]) -> Cause | None:
    kind = error.get("ErrorType")
    known = _BY_TYPE.get(kind) if isinstance(kind, int) else None
    return known or (_INTERNAL if error.get("Retryable") is True else None)


def object_of(reason: str, bucket: str) -> str | None:
    """Find the key of the object that a query failed on, under logs/ of this bucket; None if the reason names none.

    The key may be cut short if it contains characters that the receiver does not write.
    """
    found = _OBJECT.search(reason)
    return found["key"] if found and found["bucket"] == bucket else None
