"""The bucket's settings, against what this version declares."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contract import lifecycle, policies
from contract.outputs import Outputs
from runbook.doctor import faults
from runbook.doctor.examination import Examination, Finding, Surroundings, explained

_PUBLIC_ACCESS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# S3's answers for what a bucket does not have.
_ABSENT = {"NoSuchBucketPolicy", "NoSuchLifecycleConfiguration", "NoSuchPublicAccessBlockConfiguration"}


def examine(surroundings: Surroundings) -> Examination:
    """Read the settings and compare them."""
    outputs = surroundings.outputs
    s3 = surroundings.break_glass.client("s3")

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
    return "policy, lifecycle, public access block and versioning are this version's"


def _policy(answer: Mapping[str, Any], outputs: Outputs) -> Iterator[Finding]:
    if not answer:
        yield Finding.of(faults.POLICY_DIFFERS, difference="is not there")
        return
    declared = _by_name(policies.archive_bucket(outputs.bucket_arn)["Statement"], "Sid")
    found = _by_name(json.loads(answer["Policy"])["Statement"], "Sid")
    if told := _difference(declared, found):
        yield Finding.of(faults.POLICY_DIFFERS, difference=told)


def _lifecycle(answer: Mapping[str, Any], outputs: Outputs) -> Iterator[Finding]:
    if not answer:
        yield Finding.of(faults.LIFECYCLE_DIFFERS, difference="is not there")
        return
    rules = lifecycle.rules(outputs.archive_after_days, outputs.expire_after_days, outputs.results_expire_after_days)
    declared = _by_name([_as_s3_has_it(rule) for rule in rules], "ID")
    if told := _difference(declared, _by_name(answer["Rules"], "ID")):
        yield Finding.of(faults.LIFECYCLE_DIFFERS, difference=told)
    elif answer.get("TransitionDefaultMinimumObjectSize") != lifecycle.MINIMUM_SIZE:
        yield Finding.of(faults.LIFECYCLE_DIFFERS, difference="leaves objects under 128 KB in Standard")


def _by_name(items: list[dict[str, Any]], key: str) -> dict[str, Any]:
    return {str(item.get(key)): _normal(item) for item in items}


def _normal(value: Any) -> Any:
    """A value without what makes no difference: the order of a list, a list of one, what is false or empty."""
    if isinstance(value, Mapping):
        return {key: kept for key, item in value.items() if (kept := _normal(item)) not in (False, "", {}, [])}
    if isinstance(value, list):
        items = sorted(map(_normal, value), key=str)
        return items[0] if len(items) == 1 else items
    return value


def _difference(declared: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    told = (
        ("lacks", declared.keys() - found.keys()),
        ("has besides", found.keys() - declared.keys()),
        ("has otherwise", {name for name in declared.keys() & found.keys() if declared[name] != found[name]}),
    )
    return ", ".join(f"{verb} {', '.join(sorted(names))}" for verb, names in told if names)


def _as_s3_has_it(value: Any) -> Any:
    """A lifecycle rule with the API's names: `noncurrent_days` is NoncurrentDays."""
    if isinstance(value, Mapping):
        return {_pascal(key): _as_s3_has_it(item) for key, item in value.items()}
    return [_as_s3_has_it(item) for item in value] if isinstance(value, list) else value


def _pascal(name: str) -> str:
    return "ID" if name == "id" else "".join(word.capitalize() for word in name.split("_"))
