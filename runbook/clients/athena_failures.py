"""Why Athena did not finish a query and what to do, from Athena's words. Pure.

Athena passes on what S3, Glue, KMS and Lake Formation answer, in words that AWS does not promise to keep. A reason that
is not in the table has no cause, and is shown as it is.
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


_DOCTOR = "run `hla doctor --only lines`, which reads the object before it says what to do with it"

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
    "restore its day with `hla restore`, and run it again when the copies are ready",
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
    "add --assume to use the reader role; if that is denied too, an administrator runs `pulumi up --refresh`, and then "
    "checks who owns the object and which KMS key it has",
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
    "run `pulumi up --refresh`; if it still fails, `hla doctor --only catalog`",
)
_NO_SERDE = Cause(Kind.NO_SERDE, "a table or view has no SerDe in Glue", "run `pulumi up --refresh`, which restores it")
_BROKEN = Cause(Kind.UNREADABLE, "Athena cannot decompress an object", _DOCTOR)
_UNREADABLE = Cause(Kind.UNREADABLE, "Athena cannot read an object, and does not say why", _DOCTOR, repeat=True)

# Words of each cause, as patterns. The first cause counts: S3 also answers InvalidObjectState with 403, and Lake
# Formation and KMS also say that access is denied.
_WORDS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    # re:Post, "View is stale; it must be re-created"; trinodb/trino #5909.
    (_STALE_VIEW, (r"^VIEW_IS_STALE", r"view '?\S* ?is stale")),
    # hashicorp/terraform-provider-aws #28517.
    (_NO_SERDE, (r"missing SerDe info",)),
    # Lake Formation developer guide, "Troubleshooting Lake Formation"; apache/superset #15894.
    (_LAKE_FORMATION, (r"Lake ?Formation permission", r"lakeformation:")),
    # re:Post, "HIVE_CANNOT_OPEN_SPLIT"; Athena user guide, "Troubleshooting in Athena" (throttling); S3 API reference,
    # "Error responses".
    (
        _BUSY,
        (
            *(r"Slow ?Down", r"reduce your request rate", r"Rate exceeded", r"exceeded the rate", r"Throttling"),
            *(r"TooManyRequests", r"Status Code: (?:429|50[0-4])", r"ServiceUnavailable", r"InternalError\b"),
            *(r"RequestTimeout", r"(?:Read|Connect|Connection) timed out", r"Timeout waiting for connection"),
            *(r"Connection reset", r"Unable to execute HTTP request"),
        ),
    ),
    # KMS developer guide, "Troubleshooting key access".
    (
        _KMS,
        (r"kms:Decrypt", r"KMS\.?AccessDenied", r"ciphertext refers to a customer", r"Service: (?:AWS)?KMS"),
    ),
    # S3 API reference, "GetObject"; dev.classmethod.jp, "athena-glacier-deep-archive-error".
    (_ARCHIVED, (r"InvalidObjectState", r"not valid for the object's storage class", r"inaccessible until restored")),
    # Athena user guide, "Troubleshooting in Athena" (data file issues); trinodb/trino #19638.
    (
        _VANISHED,
        (
            *(r"NoSuchKey", r"specified key does not exist", r"Status Code: 404(?!.*NoSuchBucket)"),
            *(r"FileNotFoundException", r"Incorrect fileSize"),
        ),
    ),
    # Athena user guide, "Troubleshooting in Athena" (permissions).
    (
        _DENIED,
        (
            *(r"Access ?Denied", r"Status Code: 403", r"not authorized to perform", r"Insufficient permissions"),
            r"Permission denied",
        ),
    ),
    # re:Post, "Query exhausted resources at this scale factor"; a repeat would fail too (dbt-labs/dbt-adapters #1820).
    (
        _TOO_LARGE,
        (
            *(r"exhausted resources", r"^(?:EXCEEDED|CLUSTER_OUT_OF_MEMORY)", r"Query (?:timeout|timed out)"),
            r"exceeded (?:distributed|per-node|local|maximum)",
        ),
    ),
    # Athena user guide, "Configure data usage controls".
    (_OVER_LIMIT, (r"Bytes scanned limit",)),
    # Java's java.util.zip, which Trino decompresses with; "Troubleshooting in Athena" has the second.
    (
        _BROKEN,
        (
            *(r"Not in GZIP format", r"Unexpected end of (?:\w+ )?input stream", r"Corrupt GZIP"),
            *(
                r"incorrect (?:header|data|length) check",
                r"invalid (?:block type|stored block|distance|code|bit length)",
            ),
        ),
    ),
    (_INTERNAL, (r"INTERNAL_ERROR", r"internal (?:service )?error")),
)
_TABLE = tuple((re.compile("|".join(words), re.IGNORECASE | re.DOTALL), cause) for cause, words in _WORDS)

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
    r"HIVE_(?!BAD_DATA)|GENERIC_(?!USER)|VIEW_IS_STALE|EXCEEDED_|CLUSTER_|REMOTE_"
    r"|.*(?:INTERNAL|RESOURCE|DENIED|THROTTL|REQUESTS|TIMEOUT)"
)

# "Error opening Hive split s3://... (offset=0, length=1): why", "Failed to read file at s3://...", "(Path: s3://...)",
# "Error reading from s3://... at position 1. If a data manifest file was ..." (trinodb/trino #19225).
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
