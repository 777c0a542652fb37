"""Checks how many functions the account may run at a time."""

from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, explained

# AWS reduces the quota of new accounts and raises it with use ("Lambda quotas"). The page names no number; 10 is what
# new accounts report.
_NEW_ACCOUNT = 10


def check(context: Context) -> Findings:
    """Ask Lambda for the account's limit of concurrent executions."""
    with explained():
        settings = context.reader.client("lambda").get_account_settings()
    limit = settings["AccountLimit"]["ConcurrentExecutions"]
    if limit <= _NEW_ACCOUNT:
        yield Finding.of(faults.CONCURRENCY_SMALL, limit=limit)
    return f"the account may run {limit:,} functions at a time"
