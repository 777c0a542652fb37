"""Checks the digester: its function, its schedule, and the age of the newest digest."""

from datetime import timedelta

from contract import digests, names
from contract.digests import Digest, InvalidDigest
from runbook.clients import digest_objects
from runbook.doctor import faults
from runbook.doctor.checks import scheduled_function
from runbook.doctor.context import Context, Finding, Findings, Unknown, explained
from runbook.errors import RunbookError
from runbook.terminal import times

_FAULTS = scheduled_function.Faults(faults.DIGESTER_MISSING, faults.DIGESTER_INACTIVE, faults.DIGESTER_SCHEDULE_OFF)
_DAY = timedelta(days=1)


def check(context: Context) -> Findings:
    """Ask for function and schedule, and read the newest digest."""
    function = names.digester_function(context.outputs.name_prefix)
    try:
        yield from scheduled_function.findings(context, function, names.DIGESTER_SCHEDULE, _FAULTS)
    except RunbookError as error:
        yield Unknown(f"whether the digester runs: {Unknown.because(error).reason}")
    with explained():
        newest = _newest(context)
    if newest is None or context.now - newest.made > digests.LATEST:
        age = f"the newest digest is {times.age(context.now - newest.made)} old" if newest else "there is no digest"
        yield Finding.of(faults.DIGEST_OVERDUE, newest=age, function=function)
        return ""
    age = times.age(context.now - newest.made)
    return f"{function} is active, its schedule is enabled, and digest {newest.number} is {age} old"


def _newest(context: Context) -> Digest | None:
    s3, bucket = context.s3, context.outputs.bucket
    # Usually the digest before the newest was made today or yesterday.
    recent = digests.day_prefix(context.now.date() - _DAY)
    found = digest_objects.keys(s3, bucket, recent) or digest_objects.keys(s3, bucket)
    if not found:
        return None
    try:
        return Digest.decode(digest_objects.read(s3, bucket, found[-1]))
    except InvalidDigest as error:
        raise RunbookError(f"{found[-1]} is {error}: no digest can follow it; docs/verify.md says what to do") from None
