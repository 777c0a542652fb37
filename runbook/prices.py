"""What AWS charges: one table, in US dollars, for us-east-1, without free tiers."""

from dataclasses import dataclass
from datetime import date

REGION = "us-east-1"
# The day on which all prices were last compared with their pages.
AS_OF = date(2026, 11, 24)

# As AWS counts them.
GB = 2**30
TB = 2**40
MILLION = 10**6


@dataclass(frozen=True)
class Price:
    """`usd` for each `per` units of what is charged; `source` is the title of AWS's page."""

    what: str
    usd: float
    per: int
    unit: str
    source: str

    def cost(self, quantity: float) -> float:
        """What a quantity of units costs, in US dollars."""
        return quantity / self.per * self.usd

    def __str__(self) -> str:
        """The price in words, such as `$5.00 a TB scanned`."""
        usd = f"{self.usd:.2f}" if self.usd == round(self.usd, 2) else f"{self.usd:.10f}".rstrip("0")
        return f"${usd} {self.unit}"


_S3, _ATHENA, _CLOUDWATCH = "Amazon S3 pricing", "Amazon Athena pricing", "Amazon CloudWatch pricing"
_LAMBDA, _API, _SQS = "AWS Lambda pricing", "Amazon API Gateway pricing", "Amazon SQS pricing"

ATHENA_SCAN = Price("bytes scanned by queries", 5.0, TB, "a TB scanned", _ATHENA)

# Storage: bytes kept for a month.
S3_STANDARD = Price("storage in S3 Standard", 0.023, GB, "a GB and month", _S3)
S3_GLACIER = Price("storage in S3 Glacier Flexible Retrieval", 0.0036, GB, "a GB and month", _S3)
S3_PUT = Price("PUT, COPY, POST and LIST requests to S3", 0.005, 1000, "a thousand requests", _S3)
S3_GET = Price("GET and other requests to S3", 0.0004, 1000, "a thousand requests", _S3)
S3_TO_GLACIER = Price("lifecycle transitions to Glacier Flexible Retrieval", 0.03, 1000, "a thousand objects", _S3)

# Restores, by tier; the copy is kept at S3_STANDARD for as long as was asked.
RESTORE_BULK_REQUEST = Price("bulk restore requests", 0.0, 1000, "a thousand objects", _S3)
RESTORE_BULK_BYTES = Price("bytes restored in bulk", 0.0, GB, "a GB", _S3)
RESTORE_STANDARD_REQUEST = Price("standard restore requests", 0.05, 1000, "a thousand objects", _S3)
RESTORE_STANDARD_BYTES = Price("bytes restored at the standard tier", 0.01, GB, "a GB", _S3)
RESTORE_EXPEDITED_REQUEST = Price("expedited restore requests", 10.0, 1000, "a thousand objects", _S3)
RESTORE_EXPEDITED_BYTES = Price("bytes restored at the expedited tier", 0.03, GB, "a GB", _S3)

HTTP_API = Price("requests to the HTTP API", 1.0, MILLION, "a million requests", _API)
LAMBDA_REQUEST = Price("invocations of the receiver", 0.20, MILLION, "a million requests", _LAMBDA)
LAMBDA_GB_SECOND = Price("compute of the receiver, arm64", 0.0000133334, 1, "a GB-second", _LAMBDA)
SQS_REQUEST = Price("requests to the queues", 0.40, MILLION, "a million requests", _SQS)

CLOUDWATCH_METRIC = Price("custom metrics", 0.30, 1, "a metric and month", _CLOUDWATCH)
CLOUDWATCH_ALARM = Price("alarms", 0.10, 1, "an alarm and month", _CLOUDWATCH)
CLOUDWATCH_DASHBOARD = Price("dashboards", 3.0, 1, "a dashboard and month", _CLOUDWATCH)
CLOUDWATCH_LOGS = Price("log data taken in", 0.50, GB, "a GB", _CLOUDWATCH)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Price))

# S3 user guide, "Managing your storage lifecycle": an archived object is 32 KB longer in Glacier, and has 8 KB of
# metadata in Standard; it is charged for 90 days at least.
GLACIER_OVERHEAD_BYTES = 32 * 1024
GLACIER_STANDARD_OVERHEAD_BYTES = 8 * 1024
GLACIER_LEAST_DAYS = 90

# Above that Athena rounds up to whole megabytes, which is left out. Its megabyte is taken to be 2^20 bytes.
ATHENA_LEAST_BYTES = 10 * 2**20


def query_cost(scanned_bytes: int) -> float:
    """What a query costs, in US dollars, by the bytes that it scanned: at least 10 MB are charged."""
    return ATHENA_SCAN.cost(max(scanned_bytes, ATHENA_LEAST_BYTES))
