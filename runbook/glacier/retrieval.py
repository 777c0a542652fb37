"""Retrieval from Glacier: the tiers with their duration and cost, and the requests, many at a time."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook import prices
from runbook.clients import aws
from runbook.prices import Price

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import TierType

# A client has 32 connections, and a list runs at the same time.
_REQUESTERS = 24
_AHEAD = 4 * _REQUESTERS
_DAYS_PER_MONTH = 30

# The result of a request: this, or S3's error code.
ACCEPTED = "accepted"
# Somebody else requested the restore first, so it is on its way.
IN_PROGRESS = "RestoreAlreadyInProgress"

_BUSY = "S3 was too busy: run the command again, it requests only these"
ADVICE = {
    "GlacierExpeditedRetrievalNotAvailable": (
        "AWS has no expedited capacity now: run the command again later, or with --tier standard"
    ),
    "NoSuchKey": "expired in the meantime: there is nothing left to restore",
    "InvalidObjectState": "no longer in Glacier: queries can read them",
    **dict.fromkeys(
        ("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "ThrottlingException"), _BUSY
    ),
}
ADVICE_ELSE = "run the command again, it requests only these; see the code in the S3 API reference"


@dataclass(frozen=True)
class Tier:
    """A retrieval tier: its name in S3, how long it usually takes, and its prices.

    `deep` is the same for objects in S3 Glacier Deep Archive; None if Deep Archive lacks the tier.
    """

    name: "TierType"
    takes: str
    per_request: Price
    per_byte: Price
    deep: "Tier | None" = None


_DEEP_BULK = Tier("Bulk", "48 hours", prices.RESTORE_DEEP_BULK_REQUEST, prices.RESTORE_DEEP_BULK_BYTES)
_DEEP_STANDARD = Tier("Standard", "12 hours", prices.RESTORE_DEEP_STANDARD_REQUEST, prices.RESTORE_DEEP_STANDARD_BYTES)

# S3 user guide, "Archive retrieval options", for S3 Glacier Flexible Retrieval and Deep Archive.
TIERS = {
    "bulk": Tier("Bulk", "5 to 12 hours", prices.RESTORE_BULK_REQUEST, prices.RESTORE_BULK_BYTES, _DEEP_BULK),
    "standard": Tier(
        "Standard", "3 to 5 hours", prices.RESTORE_STANDARD_REQUEST, prices.RESTORE_STANDARD_BYTES, _DEEP_STANDARD
    ),
    "expedited": Tier("Expedited", "1 to 5 minutes", prices.RESTORE_EXPEDITED_REQUEST, prices.RESTORE_EXPEDITED_BYTES),
}


@dataclass(frozen=True)
class Cost:
    """The cost of a restore, in US dollars: requests, retrieved bytes, and copies in Standard."""

    requests: float
    retrieval: float
    copies: float

    @property
    def total(self) -> float:
        """The sum."""
        return self.requests + self.retrieval + self.copies


def cost(
    tier: Tier,
    *,
    requests: int,
    retrieved_bytes: int,
    copied_bytes: int,
    days: int,
    deep_requests: int = 0,
    deep_bytes: int = 0,
) -> Cost:
    """Compute the cost. To extend a copy, its bytes are copied but not retrieved.

    `deep_requests` and `deep_bytes` are the part that is retrieved from Deep Archive.
    """
    deep = tier.deep or tier
    return Cost(
        tier.per_request.cost(requests - deep_requests) + deep.per_request.cost(deep_requests),
        tier.per_byte.cost(retrieved_bytes - deep_bytes) + deep.per_byte.cost(deep_bytes),
        prices.S3_STANDARD.cost(copied_bytes) * days / _DAYS_PER_MONTH,
    )


def request_all(s3: "S3Client", bucket: str, keys: Iterable[str], tier: Tier, days: int) -> Generator[str, None, None]:
    """Request a restore of each key once, and give the results, ACCEPTED or S3's code, in the order of the keys.

    Reads `keys` only as fast as requests are sent. Raises an error that every request would get.
    """
    pool = ThreadPoolExecutor(_REQUESTERS)
    under_way: deque[Future[str]] = deque()
    try:
        for key in keys:
            under_way.append(pool.submit(_request, s3, bucket, key, tier, days))
            if len(under_way) == _AHEAD:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        # On Ctrl-C, do not send the requests that have not begun.
        pool.shutdown(wait=False, cancel_futures=True)


def _request(s3: "S3Client", bucket: str, key: str, tier: Tier, days: int) -> str:
    from botocore.exceptions import ClientError

    try:
        s3.restore_object(
            Bucket=bucket, Key=key, RestoreRequest={"Days": days, "GlacierJobParameters": {"Tier": tier.name}}
        )
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        if aws.refuses_all(code):
            raise
        return code
    return ACCEPTED
