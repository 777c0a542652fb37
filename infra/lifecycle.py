"""The bucket's lifecycle rules, as a plain function."""

from pulumi_aws import s3

from contract.keys import LOGS_PREFIX, RESULTS_PREFIX

# What was overwritten or deleted can be had back for a week.
_UNDO_DAYS = 7


def rules(
    archive_after_days: int, expire_after_days: int, results_expire_after_days: int
) -> list[s3.BucketLifecycleConfigurationRuleArgsDict]:
    """Logs move to Glacier Flexible Retrieval and are deleted; Athena's results are deleted; leftovers go.

    Housekeeping has rules of its own: S3 takes no expired_object_delete_marker beside days.
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
