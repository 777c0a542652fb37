"""What a deployment will have: the program, run in a cloud in which nothing is created."""

import base64
from collections.abc import Mapping
from typing import Any

from local.pulumi import program, project

# In the place of what only a deployment knows.
ACCOUNT_ID, API_ID = "<account-id>", "<api-id>"

# Type -> output -> what it is made of: inputs, `account`, `region` and `api`, and `key`, which is 32 bytes in base64. A
# type that is not here has an id and no other output.
COMPUTED = {
    "aws:s3/bucket:Bucket": {"arn": "arn:aws:s3:::{bucket}"},
    "aws:glue/catalogDatabase:CatalogDatabase": {"arn": "arn:aws:glue:{region}:{account}:database/{name}"},
    "aws:glue/catalogTable:CatalogTable": {"arn": "arn:aws:glue:{region}:{account}:table/{databaseName}/{name}"},
    "aws:athena/workgroup:Workgroup": {"arn": "arn:aws:athena:{region}:{account}:workgroup/{name}"},
    "aws:iam/role:Role": {"arn": "arn:aws:iam::{account}:role/{name}"},
    "aws:iam/user:User": {"arn": "arn:aws:iam::{account}:user/{name}"},
    "aws:ssm/parameter:Parameter": {"arn": "arn:aws:ssm:{region}:{account}:parameter{name}"},
    "aws:sqs/queue:Queue": {
        "arn": "arn:aws:sqs:{region}:{account}:{name}",
        "url": "https://sqs.{region}.amazonaws.com/{account}/{name}",
    },
    "aws:sns/topic:Topic": {"arn": "arn:aws:sns:{region}:{account}:{name}"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"},
    "aws:cloudwatch/logGroup:LogGroup": {"arn": "arn:aws:logs:{region}:{account}:log-group:{name}"},
    "aws:lambda/function:Function": {
        "arn": "arn:aws:lambda:{region}:{account}:function:{name}",
        "invokeArn": "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{name}/invocations",
    },
    "aws:apigatewayv2/api:Api": {"executionArn": "arn:aws:execute-api:{region}:{account}:{api}"},
    "aws:apigatewayv2/stage:Stage": {"invokeUrl": "https://{api}.execute-api.{region}.amazonaws.com/{name}"},
    "random:index/randomBytes:RandomBytes": {"base64": "{key}"},
}
LOOK_UPS = {
    "aws:iam/getUser:getUser": {"arn": "arn:aws:iam::{account}:user/{userName}"},
    "heroku:app/getApp:getApp": {"uuid": "uuid-of-{name}"},
}


def made_of(forms: Mapping[str, str], inputs: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    """The outputs of one resource or lookup; `known` are account, region, api and key."""
    texts = {name: value for name, value in inputs.items() if isinstance(value, str)}
    return {output: form.format(**texts, **known) for output, form in forms.items()}


def outputs(stack: str, overrides: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The outputs that a stack will have, with ACCOUNT_ID and API_ID; LocalError when it cannot be deployed."""
    loaded = project.load(stack, overrides)
    return program.run(loaded, _Cloud(project.settings(loaded).region))


class _Cloud:
    def __init__(self, region: str) -> None:
        key = base64.b64encode(bytes(32)).decode()
        self._known = {"account": ACCOUNT_ID, "api": API_ID, "region": region, "key": key}

    def configure(self, token: str, inputs: Mapping[str, Any]) -> None:
        """Nothing is created, so no setting of a provider counts."""

    def create(self, token: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return "planned", dict(made_of(COMPUTED.get(token, {}), inputs, self._known))

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return dict(made_of(LOOK_UPS[token], arguments, self._known))
