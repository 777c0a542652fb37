"""The bucket's lifecycle rules, as a plain function."""

from pulumi_aws import s3

from contract.keys import LOGS_PREFIX, RESULTS_PREFIX


def rules(
    archive_after_days: int, expire_after_days: int, results_expire_after_days: int
) -> list[s3.BucketLifecycleConfigurationRuleArgsDict]:
    """Logs move to Glacier Flexible Retrieval and are deleted; Athena's results are deleted."""
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
    ]
