"""Creates what the stack declares in the local stand-ins."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from local.child import LocalError
from local.pulumi.preview import PreviewCloud
from local.pulumi.resources import compute, heroku, random_values, simple_calls, storage, watch
from local.pulumi.resources.account import ACCOUNT_ID, Account, Creator, Finder, Outputs
from local.pulumi.resources.spelling import Inputs

CREATE: dict[str, Creator] = {
    **simple_calls.CREATE,
    **storage.CREATE,
    **compute.CREATE,
    **heroku.CREATE,
    **random_values.CREATE,
    **watch.CREATE,
}
# The types that support tags get the provider's default tags, too.
TAGGED = {
    "aws:apigatewayv2/api:Api",
    "aws:apigatewayv2/stage:Stage",
    "aws:athena/workgroup:Workgroup",
    "aws:budgets/budget:Budget",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:dynamodb/table:Table",
    "aws:glue/catalogDatabase:CatalogDatabase",
    "aws:iam/role:Role",
    "aws:iam/user:User",
    "aws:kms/key:Key",
    "aws:lambda/function:Function",
    "aws:s3/bucket:Bucket",
    "aws:scheduler/scheduleGroup:ScheduleGroup",
    "aws:sns/topic:Topic",
    "aws:sqs/queue:Queue",
    "aws:ssm/parameter:Parameter",
}


def _get_user(account: Account, inputs: Inputs) -> dict[str, Any]:
    user = account.clients["iam"].get_user(UserName=inputs.take("userName"))["User"]
    return {"arn": user["Arn"], "userName": user["UserName"], "userId": user["UserId"], "path": user["Path"]}


def _get_caller_identity(account: Account, _: Inputs) -> dict[str, Any]:
    identity = account.clients["sts"].get_caller_identity()
    return {"accountId": identity["Account"], "arn": identity["Arn"], "userId": identity["UserId"]}


LOOK_UP: dict[str, Finder] = {
    **heroku.LOOK_UP,
    "aws:iam/getUser:getUser": _get_user,
    "aws:index/getCallerIdentity:getCallerIdentity": _get_caller_identity,
}
# Inputs that matter only when the resource is destroyed.
_FOR_DESTROYING = ("forceDestroy",)


class LocalCloud:
    """An account in which the program's resources are created.

    `created` lists their types, `made` has their ids and computed outputs by name.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._preview = PreviewCloud(account.region, ACCOUNT_ID, "")
        self._default_tags: dict[str, str] = {}
        self.created: list[str] = []
        self.made: dict[str, Outputs] = {}

    def configure(self, token: str, inputs: Mapping[str, Any]) -> None:
        """Accept a provider's configuration; LocalError for a setting that is not served here.

        Allowed accounts are not checked, because the emulator's account is not real. Heroku's key is not needed.
        """
        if not token.endswith(":aws"):
            return
        given = Inputs(inputs)
        given.pop("allowedAccountIds", None)
        for of_the_sdk in ("skipCredentialsValidation", "skipRegionValidation"):  # its defaults
            given.pop(of_the_sdk, None)
        if (region := given.pop("region", self._account.region)) != self._account.region:
            raise LocalError(f"the local stack is in {self._account.region}, but a provider is in {region}")
        self._default_tags = {**given.pop("defaultTags", {}).get("tags", {})}
        if given:
            raise LocalError(f"the local stack does not serve {', '.join(given)}; add it to local/pulumi/resources/")

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> Outputs:
        """Create a resource; LocalError for a type or input that is not served here, and if AWS refuses it."""
        if token not in CREATE:
            raise LocalError("the local stack has no such resource type; add it to local/pulumi/resources/")
        given = Inputs(inputs)
        for key in _FOR_DESTROYING:
            given.pop(key, None)
        if token in TAGGED and self._default_tags:
            given["tags"] = {**self._default_tags, **given.get("tags", {})}
        try:
            _, computed = self._preview.create(token, name, inputs)
            id_, made = CREATE[token](self._account, given)
        except (ClientError, ParamValidationError) as error:
            raise LocalError(" ".join(str(error).split())) from error
        except KeyError as error:
            raise LocalError(f"{error.args[0]} is missing") from error
        _refuse_rest(given)
        self.created.append(token)
        self.made[name] = id_, {**computed, **made}
        return self.made[name]

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an invoke; LocalError for one that is not served here, or that finds nothing."""
        if token not in LOOK_UP:
            raise LocalError("the local stack has no such lookup; add it to local/pulumi/resources/")
        given = Inputs(arguments)
        try:
            found = LOOK_UP[token](self._account, given)
        except ClientError as error:
            raise LocalError(str(error)) from error
        _refuse_rest(given)
        return found


def _refuse_rest(given: Inputs) -> None:
    if given:
        raise LocalError(f"the local stack does not serve {', '.join(given)}; add it to local/pulumi/resources/")
