"""IAM."""

from typing import Any

from local.pulumi.resources.account import Account, Creator, Finder, Outputs
from local.pulumi.resources.inputs import Inputs


def _role(account: Account, inputs: Inputs) -> Outputs:
    name = inputs["name"]
    role = account.clients["iam"].create_role(
        **inputs.renamed(name="RoleName", assumeRolePolicy="AssumeRolePolicyDocument"),
        **inputs.rest("description", "maxSessionDuration", "path"),
        **inputs.tag_list(),
    )["Role"]
    return name, {"arn": role["Arn"]}


def _role_policy(account: Account, inputs: Inputs) -> Outputs:
    role, name = inputs.take("role"), inputs.take("name")
    account.clients["iam"].put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=inputs.take("policy"))
    return f"{role}:{name}", {}


def _user(account: Account, inputs: Inputs) -> Outputs:
    name = inputs.take("name")
    user = account.clients["iam"].create_user(UserName=name, **inputs.rest("path"), **inputs.tag_list())["User"]
    return name, {"arn": user["Arn"]}


def _user_policy(account: Account, inputs: Inputs) -> Outputs:
    user, name = inputs.take("user"), inputs.take("name")
    account.clients["iam"].put_user_policy(UserName=user, PolicyName=name, PolicyDocument=inputs.take("policy"))
    return f"{user}:{name}", {}


def _get_user(account: Account, inputs: Inputs) -> dict[str, Any]:
    user = account.clients["iam"].get_user(UserName=inputs.take("userName"))["User"]
    return {"arn": user["Arn"], "userName": user["UserName"], "userId": user["UserId"], "path": user["Path"]}


CREATE: dict[str, Creator] = {
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:iam/user:User": _user,
    "aws:iam/userPolicy:UserPolicy": _user_policy,
}

LOOK_UP: dict[str, Finder] = {
    "aws:iam/getUser:getUser": _get_user,
}
