"""Where policies are: in which input of which type of resource, and whose they are.

A policy in a place that is not known here is an error, so that no right is overlooked.
"""

import json
from collections.abc import Callable
from typing import Any

from tools.access.declared import Declared, UnknownPolicy
from tools.access.managed_policies import managed_policy
from tools.policy_evaluation.statements import statements


def collect(found: Declared, kind: str, name: str, properties: dict[str, Any]) -> None:
    """Take the policies out of one resource."""
    service_and_type = kind.split(":")[1]
    if refused := _NOT_EVALUATED.get(service_and_type, set()) & properties.keys():
        raise UnknownPolicy(f"{kind} {name}: {', '.join(sorted(refused))}")
    holder = _HOLDERS.get(service_and_type)
    if holder:
        holder(found, properties)
    elif any(isinstance(value, str) and '"Statement"' in value for value in properties.values()):
        raise UnknownPolicy(f"a policy in {kind} {name}")


def _of_identity(found: Declared, kind: str, name: str, title: str, document: Any) -> None:
    arn = found.arn(kind, name)
    found.identities.setdefault(arn, []).extend(statements(title, _loaded(document)))


def _of_resource(found: Declared, arn: str, title: str, document: Any) -> None:
    found.own_policies.setdefault(arn, []).extend(statements(title, _loaded(document)))


def _role(found: Declared, its: dict[str, Any]) -> None:
    found.identities.setdefault(its["arn"], [])
    _of_resource(found, its["arn"], f"trust policy of `{its['name']}`", its["assumeRolePolicy"])


def _user(found: Declared, its: dict[str, Any]) -> None:
    found.identities.setdefault(its["arn"], [])


def _role_policy(found: Declared, its: dict[str, Any]) -> None:
    _of_identity(found, "iam/role", its["role"], f"policy `{its['name']}` of `{its['role']}`", its["policy"])


def _user_policy(found: Declared, its: dict[str, Any]) -> None:
    _of_identity(found, "iam/user", its["user"], f"policy `{its['name']}` of `{its['user']}`", its["policy"])


def _role_attachment(found: Declared, its: dict[str, Any]) -> None:
    _of_identity(found, "iam/role", its["role"], *_attached(found, its["policyArn"]))


def _user_attachment(found: Declared, its: dict[str, Any]) -> None:
    _of_identity(found, "iam/user", its["user"], *_attached(found, its["policyArn"]))


def _attached(found: Declared, arn: str) -> tuple[str, Any]:
    name = arn.rpartition("/")[2]
    if arn.startswith("arn:aws:iam::aws:"):
        return f"`{name}`", managed_policy(name).document
    return f"policy `{name}`", found.find("iam/policy", name)["policy"]


def _bucket_policy(found: Declared, its: dict[str, Any]) -> None:
    _of_resource(found, found.arn("s3/bucket", its["bucket"]), "the bucket's policy", its["policy"])


def _queue_policy(found: Declared, its: dict[str, Any]) -> None:
    queue = found.find("sqs/queue", its["queueUrl"])
    _of_resource(found, queue["arn"], f"policy of the queue `{queue['name']}`", its["policy"])


def _topic_policy(found: Declared, its: dict[str, Any]) -> None:
    name = its["arn"].rpartition(":")[2]
    _of_resource(found, its["arn"], f"policy of the topic `{name}`", its["policy"])


def _table_policy(found: Declared, its: dict[str, Any]) -> None:
    name = its["resourceArn"].rpartition("/")[2]
    _of_resource(found, its["resourceArn"], f"policy of the table `{name}`", its["policy"])


def _key(found: Declared, its: dict[str, Any]) -> None:
    if its.get("policy"):
        _of_resource(found, its["arn"], f'policy of the key "{its["description"]}"', its["policy"])


def _key_policy(found: Declared, its: dict[str, Any]) -> None:
    key = found.find("kms/key", its["keyId"])
    _of_resource(found, key["arn"], f'policy of the key "{key["description"]}"', its["policy"])


def _permission(found: Declared, its: dict[str, Any]) -> None:
    """A Lambda permission is a statement of the function's policy ("AddPermission", Lambda API Reference)."""
    function = found.find("lambda/function", its["function"])
    conditions: dict[str, Any] = {}
    if "sourceArn" in its:
        conditions["ArnLike"] = {"aws:SourceArn": its["sourceArn"]}
    if "sourceAccount" in its:
        conditions["StringEquals"] = {"aws:SourceAccount": its["sourceAccount"]}
    by_service = its["principal"].endswith(".amazonaws.com")
    statement = {
        "Sid": its.get("statementId", ""),
        "Effect": "Allow",
        "Principal": {"Service" if by_service else "AWS": its["principal"]},
        "Action": its["action"],
        "Resource": function["arn"],
        "Condition": conditions,
    }
    _of_resource(found, function["arn"], f"policy of the function `{function['name']}`", {"Statement": statement})


def _nothing(found: Declared, its: dict[str, Any]) -> None:
    """Its policy is read where it is attached."""


def _loaded(document: Any) -> Any:
    return json.loads(document) if isinstance(document, str) else document


_HOLDERS: dict[str, Callable[[Declared, dict[str, Any]], None]] = {
    "iam/role": _role,
    "iam/user": _user,
    "iam/rolePolicy": _role_policy,
    "iam/userPolicy": _user_policy,
    "iam/rolePolicyAttachment": _role_attachment,
    "iam/userPolicyAttachment": _user_attachment,
    "iam/policy": _nothing,
    "s3/bucketPolicy": _bucket_policy,
    "sqs/queuePolicy": _queue_policy,
    "sns/topicPolicy": _topic_policy,
    "dynamodb/resourcePolicy": _table_policy,
    "kms/key": _key,
    "kms/keyPolicy": _key_policy,
    "lambda/permission": _permission,
}
_NOT_EVALUATED = {
    "iam/role": {"inlinePolicies", "managedPolicyArns", "permissionsBoundary"},
    "iam/user": {"permissionsBoundary"},
    "iam/group": {"name"},
    "sqs/queue": {"policy"},
    "sns/topic": {"policy"},
    "kms/grant": {"keyId"},
    "kms/externalKey": {"policy"},
    "lambda/functionUrl": {"authorizationType"},
    "s3/bucket": {"policy"},
    "s3/accessPoint": {"bucket"},
}
