"""AWS's prices: one table, in US dollars, for us-east-1, with what AWS gives away every month."""

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
    """`usd` per `per` units of `what`; `source` is the title of AWS's page.

    `free` units cost nothing each month, in the whole account, however old the account is.
    """

    what: str
    usd: float
    per: int
    unit: str
    source: str
    free: float = 0

    def cost(self, quantity: float) -> float:
        """The cost of a quantity of units without the free ones, in US dollars."""
        return quantity / self.per * self.usd

    @property
    def free_text(self) -> str:
        """What is free each month, such as `25 GB-month`; empty if nothing is."""
        return f"{self.free / self.per:,g} {self.unit}" if self.free else ""

    def __str__(self) -> str:
        """The price as text, such as `$5.00 per TB scanned`."""
        usd = f"{self.usd:.2f}" if self.usd == round(self.usd, 2) else f"{self.usd:.10f}".rstrip("0")
        return f"${usd} per {self.unit}"


_S3, _ATHENA, _CLOUDWATCH = "Amazon S3 pricing", "Amazon Athena pricing", "Amazon CloudWatch pricing"
_LAMBDA, _API, _SQS = "AWS Lambda pricing", "Amazon API Gateway pricing", "Amazon SQS pricing"
_DYNAMODB, _EVENTS = "Amazon DynamoDB pricing", "Amazon EventBridge pricing"
_KMS = "AWS Key Management Service pricing"

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

# The HTTP API's free million of requests ends after twelve months, so it is not counted as free.
HTTP_API = Price("requests to the HTTP API", 1.0, MILLION, "million requests", _API)
LAMBDA_REQUEST = Price("invocations of the functions", 0.20, MILLION, "million requests", _LAMBDA, MILLION)
LAMBDA_GB_SECOND = Price("compute of the functions, arm64", 0.0000133334, 1, "GB-second", _LAMBDA, 400_000)
SCHEDULER = Price("invocations by EventBridge Scheduler", 1.0, MILLION, "million invocations", _EVENTS, 14 * MILLION)
DYNAMODB_WRITE = Price("write units of the buffer, on demand", 0.625, MILLION, "million units of 1 KB", _DYNAMODB)
DYNAMODB_READ = Price("read units of the buffer, on demand", 0.125, MILLION, "million units of 4 KB", _DYNAMODB)
DYNAMODB_STORAGE = Price("storage of the buffer", 0.25, GB, "GB-month", _DYNAMODB, 25 * GB)
SQS_REQUEST = Price("requests to the queues", 0.40, MILLION, "million requests", _SQS, MILLION)

CLOUDWATCH_METRIC = Price("custom metrics", 0.30, 1, "metric-month", _CLOUDWATCH, 10)
CLOUDWATCH_ALARM = Price("metrics of alarms", 0.10, 1, "alarm metric-month", _CLOUDWATCH, 10)
CLOUDWATCH_DASHBOARD = Price("dashboards", 3.0, 1, "dashboard-month", _CLOUDWATCH, 3)
LOGS_SCAN = Price("log data scanned by Logs Insights", 0.005, GB, "GB scanned", _CLOUDWATCH)
CLOUDWATCH_LOGS = Price("ingested log data", 0.50, GB, "GB", _CLOUDWATCH, 5 * GB)

KMS_REQUEST = Price("requests to KMS", 0.03, 10_000, "ten thousand requests", _KMS, 20_000)
KMS_KEY = Price("a key of the account in KMS", 1.0, 1, "key-month", _KMS)

# A machine for `python -m receiver`, which the stack does not create.
EC2_T4G_SMALL = Price("a t4g.small machine, on demand, Linux", 0.0168, 1, "hour", "Amazon EC2 On-Demand pricing")
EBS_GP3 = Price("a disk of type gp3", 0.08, GB, "GB-month", "Amazon EBS pricing")
PUBLIC_IPV4 = Price("a public IPv4 address", 0.005, 1, "hour", "Amazon VPC pricing")

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Price))

# S3 user guide, "Managing your storage lifecycle": an object in Glacier adds 32 KB there and 8 KB of metadata in
# Standard, and is charged for at least 90 days.
GLACIER_OVERHEAD_BYTES = 32 * 1024
GLACIER_STANDARD_OVERHEAD_BYTES = 8 * 1024
GLACIER_LEAST_DAYS = 90

# DynamoDB developer guide, "DynamoDB item sizes and formats" and "Read and write operations": a write unit is 1 KB of
# an item, a read unit 4 KB of all items of a strongly consistent query. An item is stored with 100 bytes more.
WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
ITEM_OVERHEAD_BYTES = 100

# CloudWatch Logs charges 26 bytes more for each log event ("PutLogEvents").
LOG_EVENT_OVERHEAD_BYTES = 26

# Above this minimum Athena rounds up to whole megabytes, which we ignore. We take its megabyte as 2^20 bytes.
ATHENA_LEAST_BYTES = 10 * 2**20


def query_cost(scanned_bytes: int) -> float:
    """The cost of a query that scanned so many bytes, in US dollars; Athena charges at least 10 MB."""
    return ATHENA_SCAN.cost(max(scanned_bytes, ATHENA_LEAST_BYTES))
