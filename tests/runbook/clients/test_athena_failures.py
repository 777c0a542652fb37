"""What Athena's reasons mean. Each message is one that AWS documents or somebody reported; see the source beside it."""

import pytest

from runbook.clients import athena_failures
from runbook.clients.athena_failures import Kind

BUCKET = "raxx-heroku-logs-prod"
KEY = "logs/raxx-api-prod/2026/11/24/1795496400000-0f3d5bd2-5d0f-5a7e-9e4c-3a3c4b1f6a77.gz"
URL = f"s3://{BUCKET}/{KEY}"
SPLIT = f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {URL} (offset=0, length=18614): "
CURSOR = "HIVE_CURSOR_ERROR: com.amazonaws.services.s3.model.AmazonS3Exception: "
S3 = "(Service: Amazon S3; Status Code: {}; Error Code: {}; Request ID: W0; S3 Extended Request ID: NY; Proxy: null)"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        # re:Post, "HIVE_CANNOT_OPEN_SPLIT" (503).
        (SPLIT + "Slow Down " + S3.format(503, "503 Slow Down"), Kind.TRANSIENT),
        # Athena user guide, "Troubleshooting in Athena", throttling.
        (CURSOR + "Please reduce your request rate. " + S3.format(503, "SlowDown"), Kind.TRANSIENT),
        ("HIVE_METASTORE_ERROR: com.amazonaws.services.glue.model.AWSGlueException: Rate exceeded.", Kind.TRANSIENT),
        ("You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.", Kind.TRANSIENT),
        (
            SPLIT + "We encountered an internal error. Please try again. " + S3.format(500, "InternalError"),
            Kind.TRANSIENT,
        ),
        (SPLIT + "Unable to execute HTTP request: Read timed out", Kind.TRANSIENT),
        ("GENERIC_INTERNAL_ERROR: null", Kind.TRANSIENT),
        # "Troubleshooting in Athena"; trinodb/trino #19638.
        (CURSOR + "The specified key does not exist. " + S3.format(404, "NoSuchKey"), Kind.VANISHED),
        (f"HIVE_FILESYSTEM_ERROR: Incorrect fileSize 1234567 for file {URL}", Kind.VANISHED),
        # dev.classmethod.jp, "athena-glacier-deep-archive-error".
        (
            CURSOR
            + "The operation is not valid for the object's storage class "
            + S3.format(403, "InvalidObjectState")
            + f", S3 Extended Request ID: NY (Path: {URL})",
            Kind.ARCHIVED,
        ),
        # "Troubleshooting in Athena", permissions.
        (SPLIT + "Access Denied " + S3.format(403, "AccessDenied"), Kind.DENIED),
        # KMS developer guide, "Troubleshooting key access".
        (
            SPLIT + "User: arn:aws:sts::1:assumed-role/x/y is not authorized to perform: kms:Decrypt on the resource "
            "associated with this ciphertext because no identity-based policy allows the kms:Decrypt action "
            + S3.format(403, "AccessDenied"),
            Kind.DENIED,
        ),
        # apache/superset #15894.
        (
            "Insufficient permissions to execute the query. Insufficient Lake Formation permission(s) on syslog",
            Kind.DENIED,
        ),
        # re:Post; dbt-labs/dbt-adapters #1820.
        ("Query exhausted resources at this scale factor", Kind.TOO_LARGE),
        ("EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit of 24GB", Kind.TOO_LARGE),
        ("Bytes scanned limit was exceeded", Kind.TOO_LARGE),
        # aws-solutions-library-samples/cloud-intelligence-dashboards-data-collection #391; prestodb/presto #14208.
        (
            (
                "VIEW_IS_STALE: line 1:15: View 'awsdatacatalog.cid_cur.euc_view' is stale or in invalid state: column "
                "[x] of type boolean projected from query view at position 8 cannot be coerced to column [x]"
            ),
            Kind.STALE_VIEW,
        ),
        ("View 'awsdatacatalog.d.router_requests' is stale; it must be re-created", Kind.STALE_VIEW),
        # hashicorp/terraform-provider-aws #28517.
        ("HIVE_METASTORE_ERROR: Table storage descriptor is missing SerDe info", Kind.NO_SERDE),
        # java.util.zip; "Troubleshooting in Athena".
        (SPLIT + "Not in GZIP format", Kind.UNREADABLE),
        (SPLIT + "incorrect header check", Kind.UNREADABLE),
        ("HIVE_CURSOR_ERROR: Unexpected end of input stream", Kind.UNREADABLE),
        (f"HIVE_CURSOR_ERROR: Failed to read file at {URL}: Unexpected end of ZLIB input stream", Kind.UNREADABLE),
        # trinodb/trino #22201 (the cause is not in the message), #19225 (it passed).
        (f"HIVE_CURSOR_ERROR: Failed to read file at {URL}", Kind.UNREADABLE),
        (f"HIVE_FILESYSTEM_ERROR: Error reading from {URL} at position 12345.", Kind.UNREADABLE),
        (SPLIT + "GENERIC_INTERNAL_ERROR", Kind.UNREADABLE),
    ],
)
def test_a_reason_has_a_cause_and_a_remedy(reason: str, kind: Kind) -> None:
    cause = athena_failures.cause_of(reason)
    assert cause
    assert (cause.kind, bool(cause.remedy)) == (kind, True)


@pytest.mark.parametrize(
    "reason",
    [
        "COLUMN_NOT_FOUND: line 1:8: Column 'Slow Down' cannot be resolved",
        "INVALID_CAST_ARGUMENT: Cannot cast 'Access Denied (Status Code: 403; InvalidObjectState)' to BIGINT",
        "HIVE_BAD_DATA: Error parsing field value 'Slow Down' for field 3",
        "SYNTAX_ERROR: line 1:1: Table awsdatacatalog.d.timed_out does not exist",
        "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.d.nosuchkey' does not exist",
        "FUNCTION_NOT_FOUND: line 1:8: Function 'accessdenied' not registered",
        "NOT_SUPPORTED: Casting a Timestamp with Time Zone to Timestamp is not supported.",
        "no reason given",
        "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket)",
    ],
)
def test_a_reason_that_quotes_a_query_or_a_line_is_not_taken_for_another(reason: str) -> None:
    assert athena_failures.cause_of(reason) is None


def test_a_name_is_not_a_reason() -> None:
    key = KEY.replace(".gz", " Slow Down 403 Access Denied.gz")
    cause = athena_failures.cause_of(f"HIVE_CURSOR_ERROR: Failed to read file at s3://{BUCKET}/{key}")
    assert cause
    assert cause.kind is Kind.UNREADABLE


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"ErrorCategory": 1, "ErrorType": 1403, "Retryable": True}, Kind.TRANSIENT),
        ({"ErrorCategory": 2, "ErrorType": 3, "Retryable": False}, Kind.TOO_LARGE),
        ({"ErrorCategory": 2, "ErrorType": 1501}, Kind.DENIED),
        ({"ErrorCategory": 1, "ErrorType": 234}, Kind.DENIED),
        ({"ErrorCategory": 1, "ErrorType": 100}, Kind.TRANSIENT),
        ({"ErrorCategory": 3, "Retryable": True}, Kind.TRANSIENT),
        ({"ErrorCategory": 2, "ErrorType": 1006, "Retryable": False}, None),
        ({}, None),
        (None, None),
    ],
)
def test_where_words_do_not_tell_the_catalog_does(error: dict[str, object] | None, kind: Kind | None) -> None:
    """Athena user guide, "Athena error catalog"."""
    cause = athena_failures.cause_of("Something new", error)
    assert (cause and cause.kind) == kind


@pytest.mark.parametrize(
    ("reason", "key"),
    [
        (SPLIT + "Slow Down", KEY),
        (f"HIVE_CURSOR_ERROR: Failed to read file at {URL}", KEY),
        (f"HIVE_CURSOR_ERROR: Failed to read file: {URL}: x", KEY),
        (f"(Path: {URL})", KEY),
        (
            f"Failed to read Parquet file: {URL}. If a data manifest file was generated at 's3://r/q-manifest.csv'",
            KEY,
        ),
        (f"Error reading from {URL} at position 12345. If a data manifest", KEY),
        (
            f"Error opening Hive split s3://{BUCKET}/logs/a b; (it's) 'x',1.gz (offset=0, length=1): x",
            "logs/a b; (it's) 'x',1.gz",
        ),
        (f"Error opening Hive split s3://{BUCKET}/logs/two  blanks.gz (offset=0, length=1): x", "logs/two  blanks.gz"),
        (f"Access Denied s3://{BUCKET}/athena-results/x.csv", None),
        (f"Error opening Hive split s3://another-bucket/{KEY} (offset=0, length=1): x", None),
        ("no object", None),
    ],
)
def test_only_an_object_of_the_archive_is_named(reason: str, key: str | None) -> None:
    """What is elsewhere must never be moved."""
    assert athena_failures.object_of(reason, BUCKET) == key


@pytest.mark.parametrize("error_type", range(9))
def test_a_query_that_is_too_large_is_not_repeated(error_type: int) -> None:
    """It would fail again (dbt-labs/dbt-adapters #1820)."""
    cause = athena_failures.cause_of("x", {"ErrorType": error_type})
    assert cause
    assert not cause.repeat
