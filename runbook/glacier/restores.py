"""Restores from Glacier: how long a tier takes, what it costs, and the requests, many at a time."""

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

# A list is under way beside them, and a client has 32 connections.
_REQUESTERS = 24
_AHEAD = 4 * _REQUESTERS
_DAYS_A_MONTH = 30

# What a request came to: this, or S3's code of why it did not.
TAKEN = "taken"
# Another request was there first: it is what was wanted.
IN_PROGRESS = "RestoreAlreadyInProgress"

_BUSY = "S3 was too busy: repeat the command, it asks only for these"
ADVICE = {
    "GlacierExpeditedRetrievalNotAvailable": (
        "AWS has no expedited capacity just now: repeat the command later, or with --tier standard"
    ),
    "NoSuchKey": "deleted meanwhile, as all logs are at their age: there is nothing left of them to restore",
    "InvalidObjectState": "no longer archived: queries read them as they are",
    **dict.fromkeys(
        ("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "ThrottlingException"), _BUSY
    ),
}
ADVICE_ELSE = "repeat the command, it asks only for these; the code is explained in the S3 API reference"


@dataclass(frozen=True)
class Tier:
    """A retrieval tier: S3's name, the usual time until objects can be read, and prices."""

    name: "TierType"
    takes: str
    a_request: Price
    a_byte: Price


# S3 user guide, "Archive retrieval options", of S3 Glacier Flexible Retrieval.
TIERS = {
    "bulk": Tier("Bulk", "5 to 12 hours", prices.RESTORE_BULK_REQUEST, prices.RESTORE_BULK_BYTES),
    "standard": Tier("Standard", "3 to 5 hours", prices.RESTORE_STANDARD_REQUEST, prices.RESTORE_STANDARD_BYTES),
    "expedited": Tier("Expedited", "1 to 5 minutes", prices.RESTORE_EXPEDITED_REQUEST, prices.RESTORE_EXPEDITED_BYTES),
}


@dataclass(frozen=True)
class Cost:
    """What a restore costs, in US dollars: its requests, the bytes that leave Glacier, and their copies in Standard."""

    requests: float
    retrieval: float
    copies: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.requests + self.retrieval + self.copies


def cost(tier: Tier, *, requests: int, retrieved_bytes: int, copied_bytes: int, days: int) -> Cost:
    """Compute the cost; where a copy is only kept longer, its bytes are copied and not retrieved."""
    return Cost(
        tier.a_request.cost(requests),
        tier.a_byte.cost(retrieved_bytes),
        prices.S3_STANDARD.cost(copied_bytes) * days / _DAYS_A_MONTH,
    )


def request(s3: "S3Client", bucket: str, keys: Iterable[str], tier: Tier, days: int) -> Generator[str, None, None]:
    """Ask for each key once, and give what each request came to, TAKEN or S3's code, in the order of the keys.

    `keys` is read only as far as requests can follow. A refusal that every request would get is raised.
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
        # Ctrl-C does not wait for requests that were not sent yet.
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
    return TAKEN
