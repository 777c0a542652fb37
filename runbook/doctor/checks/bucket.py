"""Checks the bucket's settings against this version of the stack."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contract import lifecycle, policies
from contract.outputs import Outputs
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, explained

_PUBLIC_ACCESS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# S3's error codes for settings that a bucket does not have.
_ABSENT = {"NoSuchBucketPolicy", "NoSuchLifecycleConfiguration", "NoSuchPublicAccessBlockConfiguration"}


def check(context: Context) -> Findings:
    """Compare policy, lifecycle, public access block and versioning."""
    outputs = context.outputs
    s3 = context.break_glass_s3

    def ask(call: Callable[..., Any]) -> dict[str, Any]:
        with explained():
            try:
                return dict(call(Bucket=outputs.bucket))
            except s3.exceptions.ClientError as error:
                if error.response["Error"]["Code"] not in _ABSENT:
                    raise
                return {}

    yield from _policy(ask(s3.get_bucket_policy), outputs)
    yield from _lifecycle(ask(s3.get_bucket_lifecycle_configuration), outputs)
    blocked = ask(s3.get_public_access_block).get("PublicAccessBlockConfiguration", {})
    if not all(blocked.get(lock) for lock in _PUBLIC_ACCESS):
        yield Finding.of(faults.BUCKET_OPEN)
    if ask(s3.get_bucket_versioning).get("Status") != "Enabled":
        yield Finding.of(faults.VERSIONING_OFF)
    return "policy, lifecycle, public access block and versioning are as declared"


def _policy(answer: Mapping[str, Any], outputs: Outputs) -> Iterator[Finding]:
    if not answer:
        yield Finding.of(faults.POLICY_DIFFERS, difference="is missing")
        return
    declared = _by_name(policies.archive_bucket(outputs.bucket_arn, outputs.principals)["Statement"], "Sid")
    found = _by_name(json.loads(answer["Policy"])["Statement"], "Sid")
    if difference := _difference(declared, found):
        yield Finding.of(faults.POLICY_DIFFERS, difference=difference)


def _lifecycle(answer: Mapping[str, Any], outputs: Outputs) -> Iterator[Finding]:
    if not answer:
        yield Finding.of(faults.LIFECYCLE_DIFFERS, difference="is missing")
        return
    rules = lifecycle.rules(outputs.archive_after_days, outputs.expire_after_days, outputs.results_expire_after_days)
    declared = _by_name([_as_s3_has_it(rule) for rule in rules], "ID")
    if difference := _difference(declared, _by_name(answer["Rules"], "ID")):
        yield Finding.of(faults.LIFECYCLE_DIFFERS, difference=difference)
    elif answer.get("TransitionDefaultMinimumObjectSize") != lifecycle.MINIMUM_SIZE:
        yield Finding.of(faults.LIFECYCLE_DIFFERS, difference="keeps objects under 128 KB in Standard")


def _by_name(items: list[dict[str, Any]], key: str) -> dict[str, Any]:
    return {str(item.get(key)): _normal(item) for item in items}


def _normal(value: Any) -> Any:
    """Normalise what makes no difference: the order of a list, a list of one, false and empty values."""
    if isinstance(value, Mapping):
        return {key: kept for key, item in value.items() if (kept := _normal(item)) not in (False, "", {}, [])}
    if isinstance(value, list):
        items = sorted(map(_normal, value), key=str)
        return items[0] if len(items) == 1 else items
    return value


def _difference(declared: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    differences = (
        ("lacks", declared.keys() - found.keys()),
        ("also has", found.keys() - declared.keys()),
        ("has a different", {name for name in declared.keys() & found.keys() if declared[name] != found[name]}),
    )
    return ", ".join(f"{verb} {', '.join(sorted(names))}" for verb, names in differences if names)


def _as_s3_has_it(value: Any) -> Any:
    """A lifecycle rule with the names of S3's API: `noncurrent_days` becomes NoncurrentDays."""
    if isinstance(value, Mapping):
        return {_pascal(key): _as_s3_has_it(item) for key, item in value.items()}
    return [_as_s3_has_it(item) for item in value] if isinstance(value, list) else value


def _pascal(name: str) -> str:
    return "ID" if name == "id" else "".join(word.capitalize() for word in name.split("_"))
