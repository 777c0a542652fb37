"""The bucket's lifecycle rules, as a plain function."""

from typing import TYPE_CHECKING

from contract.object_keys import DIGESTS_PREFIX, LOGS_PREFIX, RESULTS_PREFIX

if TYPE_CHECKING:
    from pulumi_aws import s3

# By default S3 does not move objects under 128 KB ("Transitioning objects using Amazon S3 Lifecycle"). Most objects are
# smaller: they would stay in Standard until they expire.
MINIMUM_SIZE = "varies_by_storage_class"
# Overwritten or deleted objects can be recovered for so long.
UNDO_DAYS = 30
# So that `verify` can tell a log that expired from one that was deleted: a digest outlives the logs that it records.
_DIGESTS_OUTLIVE_DAYS = 30


def rules(
    archive_after_days: int, expire_after_days: int, results_expire_after_days: int
) -> "list[s3.BucketLifecycleConfigurationRuleArgsDict]":
    """Give rules that move logs to Glacier Flexible Retrieval, delete logs, digests and Athena's results, and clean up.

    The clean-up has rules of its own, because S3 does not accept expired_object_delete_marker together with days (S3
    API reference, "LifecycleExpiration").
    """
    return [
        {
            "id": "logs",
            "status": "Enabled",
            "filter": {"prefix": LOGS_PREFIX},
            "transitions": [{"days": archive_after_days, "storage_class": "GLACIER"}],
            "expiration": {"days": expire_after_days},
        },
        {
            "id": "athena-results",
            "status": "Enabled",
            "filter": {"prefix": RESULTS_PREFIX},
            "expiration": {"days": results_expire_after_days},
        },
        {
            "id": "digests",
            "status": "Enabled",
            "filter": {"prefix": DIGESTS_PREFIX},
            "expiration": {"days": digests_expire_after_days(expire_after_days)},
        },
        {
            "id": "noncurrent-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": UNDO_DAYS},
        },
        {
            "id": "expired-delete-markers",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "expiration": {"expired_object_delete_marker": True},
        },
        {
            "id": "incomplete-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
        },
    ]


def digests_expire_after_days(expire_after_days: int) -> int:
    """Give the days after which digests are deleted, from those of logs."""
    return expire_after_days + _DIGESTS_OUTLIVE_DAYS
