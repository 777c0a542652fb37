"""AWS's prices: one table, in US dollars, for us-east-1, without free tiers."""

from dataclasses import dataclass
from datetime import date

REGION = "us-east-1"
# The day on which all prices were last checked against AWS's pages.
AS_OF = date(2026, 11, 24)

# AWS's units.
GB = 2**30
TB = 2**40
MILLION = 10**6


@dataclass(frozen=True)
class Price:
    """`usd` per `per` units of `what`; `source` is the title of AWS's page."""

    what: str
    usd: float
    per: int
    unit: str
    source: str

    def cost(self, quantity: float) -> float:
        """The cost of a quantity of units, in US dollars."""
        return quantity / self.per * self.usd

    def __str__(self) -> str:
        """The price as text, such as `$5.00 per TB scanned`."""
        usd = f"{self.usd:.2f}" if self.usd == round(self.usd, 2) else f"{self.usd:.10f}".rstrip("0")
        return f"${usd} per {self.unit}"


_S3, _ATHENA, _CLOUDWATCH = "Amazon S3 pricing", "Amazon Athena pricing", "Amazon CloudWatch pricing"
_LAMBDA, _API, _SQS = "AWS Lambda pricing", "Amazon API Gateway pricing", "Amazon SQS pricing"

ATHENA_SCAN = Price("bytes scanned by queries", 5.0, TB, "TB scanned", _ATHENA)

# Storage: bytes per month.
S3_STANDARD = Price("storage in S3 Standard", 0.023, GB, "GB-month", _S3)
S3_GLACIER = Price("storage in S3 Glacier Flexible Retrieval", 0.0036, GB, "GB-month", _S3)
S3_PUT = Price("PUT, COPY, POST and LIST requests to S3", 0.005, 1000, "thousand requests", _S3)
S3_GET = Price("GET and other requests to S3", 0.0004, 1000, "thousand requests", _S3)
S3_TO_GLACIER = Price("lifecycle transitions to Glacier Flexible Retrieval", 0.03, 1000, "thousand objects", _S3)

# Restores, by tier; the copy costs S3_STANDARD until it expires.
RESTORE_BULK_REQUEST = Price("bulk restore requests", 0.0, 1000, "thousand objects", _S3)
RESTORE_BULK_BYTES = Price("bytes restored in bulk", 0.0, GB, "GB", _S3)
RESTORE_STANDARD_REQUEST = Price("standard restore requests", 0.05, 1000, "thousand objects", _S3)
RESTORE_STANDARD_BYTES = Price("bytes restored at the standard tier", 0.01, GB, "GB", _S3)
RESTORE_DEEP_BULK_REQUEST = Price("bulk restore requests, Deep Archive", 0.025, 1000, "thousand objects", _S3)
RESTORE_DEEP_BULK_BYTES = Price("bytes restored in bulk, Deep Archive", 0.0025, GB, "GB", _S3)
RESTORE_DEEP_STANDARD_REQUEST = Price("standard restore requests, Deep Archive", 0.10, 1000, "thousand objects", _S3)
RESTORE_DEEP_STANDARD_BYTES = Price("bytes restored at the standard tier, Deep Archive", 0.02, GB, "GB", _S3)
RESTORE_EXPEDITED_REQUEST = Price("expedited restore requests", 10.0, 1000, "thousand objects", _S3)
RESTORE_EXPEDITED_BYTES = Price("bytes restored at the expedited tier", 0.03, GB, "GB", _S3)

HTTP_API = Price("requests to the HTTP API", 1.0, MILLION, "million requests", _API)
LAMBDA_REQUEST = Price("invocations of the receiver", 0.20, MILLION, "million requests", _LAMBDA)
LAMBDA_GB_SECOND = Price("compute of the receiver, arm64", 0.0000133334, 1, "GB-second", _LAMBDA)
SQS_REQUEST = Price("requests to the queues", 0.40, MILLION, "million requests", _SQS)

CLOUDWATCH_METRIC = Price("custom metrics", 0.30, 1, "metric-month", _CLOUDWATCH)
CLOUDWATCH_LOGS = Price("ingested log data", 0.50, GB, "GB", _CLOUDWATCH)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Price))

# S3 user guide, "Managing your storage lifecycle": an object in Glacier adds 32 KB there and 8 KB of metadata in
# Standard, and is charged for at least 90 days.
GLACIER_OVERHEAD_BYTES = 32 * 1024
GLACIER_STANDARD_OVERHEAD_BYTES = 8 * 1024
GLACIER_LEAST_DAYS = 90

# Above this minimum Athena rounds up to whole megabytes, which we ignore. We take its megabyte as 2^20 bytes.
ATHENA_LEAST_BYTES = 10 * 2**20


def query_cost(scanned_bytes: int) -> float:
    """The cost of a query that scanned so many bytes, in US dollars; Athena charges at least 10 MB."""
    return ATHENA_SCAN.cost(max(scanned_bytes, ATHENA_LEAST_BYTES))
