"""The rights of the stack's roles."""

from typing import Any

from local.stack import LocalStack


def reader_policy(stack: LocalStack) -> dict[str, Any]:
    """The reader role's policies, as the stack has them, in one."""
    return role_policy(stack, "readerRoleArn")


def role_policy(stack: LocalStack, output: str) -> dict[str, Any]:
    """The policies of the role that an output names, in one."""
    iam, role = stack.client("iam"), stack.outputs[output].rpartition("/")[2]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return {"Statement": [statement for document in documents for statement in document["Statement"]]}
