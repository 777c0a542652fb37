"""Makes the policy documents of the roles that deploy, preview and compare the stack. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from contract.policies import Policy
from infra.settings import Settings
from tools.deploy_policies.rights import LOOKUPS, RIGHTS, SMOKE_TEST, STATE, Grant

# "IAM and AWS STS quotas": of a managed policy without its white space, and of managed policies of one role.
MOST_CHARACTERS, MOST_DOCUMENTS = 6144, 10
PROJECT = "heroku-log-archive"
EXAMPLE_ACCOUNT = "123456789012"
EXAMPLE_STATE_BUCKET, EXAMPLE_STATE_KEY = "raxx-iac-state-prod", "alias/heroku-log-archive-state"


@dataclass(frozen=True)
class Names:
    """What the ARNs are made of; `tag` and `tag_value` are one of the tags of every resource."""

    partition: str
    region: str
    account: str
    bucket: str
    database: str
    workgroup: str
    prefix: str
    parameters: str
    reader_role: str
    writer_user: str
    break_glass_user: str
    tag: str
    tag_value: str
    project: str
    stack: str
    state_bucket: str
    state_key: str

    @classmethod
    def of(
        cls,
        settings: Settings,
        stack: str = "prod",
        account: str = EXAMPLE_ACCOUNT,
        state_bucket: str = EXAMPLE_STATE_BUCKET,
        state_key: str = EXAMPLE_STATE_KEY,
        partition: str = "aws",
    ) -> "Names":
        """Take the names from a stack's settings."""
        tag, tag_value = next(iter(settings.tags.items()))
        return cls(
            partition=partition,
            region=settings.region,
            account=account,
            bucket=settings.bucket_name,
            database=settings.database_name,
            workgroup=settings.workgroup_name,
            prefix=settings.name_prefix,
            parameters=settings.parameter_prefix,
            reader_role=settings.reader_role_name,
            writer_user=settings.writer_user_name,
            break_glass_user=settings.break_glass_user,
            tag=tag,
            tag_value=tag_value,
            project=PROJECT,
            stack=stack,
            state_bucket=state_bucket,
            state_key=state_key,
        )


class Role(Enum):
    """Who a document is for; the value is the file's name."""

    DEPLOY = "deploy-policy"
    PREVIEW = "preview-policy"
    DRIFT = "drift-policy"


def documents(role: Role, names: Names) -> list[Policy]:
    """Make a role's documents, each within IAM's limit: for all types, so that no setting needs another document."""
    writes = role is Role.DEPLOY
    grants = [*STATE, *LOOKUPS]
    if role is not Role.PREVIEW:
        grants += [grant for _, of_type in sorted(RIGHTS.items()) for grant in of_type]
    if writes:
        grants += SMOKE_TEST
    return _packed(_statements(grants, names, write=writes))


def _statements(grants: Iterable[Grant], names: Names, *, write: bool) -> list[dict[str, Any]]:
    """One statement for each set of resources and conditions, in a fixed order."""
    merged: dict[str, tuple[Grant, set[str]]] = {}
    for grant in grants:
        if actions := grant.actions(write=write):
            key = json.dumps([grant.service, grant.on, grant.condition], sort_keys=True)
            merged.setdefault(key, (grant, set()))[1].update(actions)
    return [_statement(grant, actions, names) for _, (grant, actions) in sorted(merged.items())]


def _statement(grant: Grant, actions: set[str], names: Names) -> dict[str, Any]:
    on = [_filled(resource, names) for resource in grant.on]
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": on[0] if len(on) == 1 else on,
    }
    if grant.condition:
        statement["Condition"] = {
            operator: {_filled(key, names): _filled(value, names) for key, value in keys.items()}
            for operator, keys in grant.condition.items()
        }
    return statement


def _filled(text: str, names: Names) -> str:
    known: Mapping[str, str] = asdict(names)
    return text.format_map(known)


def _packed(statements: Iterable[dict[str, Any]]) -> list[Policy]:
    """Put statements into as few documents as they fit in, in their order."""
    packed: list[list[dict[str, Any]]] = [[]]
    for statement in statements:
        if size(_policy([*packed[-1], statement])) > MOST_CHARACTERS:
            packed.append([])
        packed[-1].append(statement)
    return [_policy(each) for each in packed]


def _policy(statements: list[dict[str, Any]]) -> Policy:
    return {"Version": "2012-10-17", "Statement": statements}


def size(policy: Policy) -> int:
    """Characters of a document without white space, which IAM does not count."""
    return len(json.dumps(policy, separators=(",", ":")))
