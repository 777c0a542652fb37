"""The reader role's rights."""

from typing import Any

from local.stack import LocalStack


def reader_policy(stack: LocalStack) -> dict[str, Any]:
    """The role's policies, as the stack has them, in one."""
    iam, role = stack.client("iam"), stack.outputs["readerRoleArn"].rpartition("/")[2]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return {"Statement": [statement for document in documents for statement in document["Statement"]]}
