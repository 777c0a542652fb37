"""The bucket's lifecycle rules, as a plain function."""

from typing import TYPE_CHECKING

from contract.object_keys import LOGS_PREFIX, RESULTS_PREFIX

if TYPE_CHECKING:
    from pulumi_aws import s3

# By default S3 moves no object under 128 KB ("Transitioning objects using Amazon S3 Lifecycle"), and most batches are
# smaller: they would stay in Standard until they are deleted.
MINIMUM_SIZE = "varies_by_storage_class"
# What was overwritten or deleted can be had back for a week.
_UNDO_DAYS = 7


def rules(
    archive_after_days: int, expire_after_days: int, results_expire_after_days: int
) -> "list[s3.BucketLifecycleConfigurationRuleArgsDict]":
    """Logs move to Glacier Flexible Retrieval and are deleted; Athena's results are deleted; leftovers go.

    Housekeeping has rules of its own: S3 takes no expired_object_delete_marker beside days (S3 API reference,
    "LifecycleExpiration").
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
            "id": "noncurrent-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": _UNDO_DAYS},
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
