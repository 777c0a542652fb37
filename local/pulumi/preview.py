"""The outputs that a deployment will have: runs the program without creating anything."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from local.pulumi import program, project

# Placeholders for what only a deployment knows.
ACCOUNT_ID, API_ID = "<account-id>", "<api-id>"

# Type -> output -> a format of inputs, `account`, `region`, `api`, and `key`, which is 32 bytes in base64. A type that
# is not here has an id and no other output.
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
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"},
    "aws:sns/topic:Topic": {"arn": "arn:aws:sns:{region}:{account}:{name}"},
    "aws:kms/key:Key": {"arn": "arn:aws:kms:{region}:{account}:key/{key}"},
    "aws:dynamodb/table:Table": {"arn": "arn:aws:dynamodb:{region}:{account}:table/{name}"},
    "aws:scheduler/scheduleGroup:ScheduleGroup": {"arn": "arn:aws:scheduler:{region}:{account}:schedule-group/{name}"},
    "aws:cloudwatch/logGroup:LogGroup": {"arn": "arn:aws:logs:{region}:{account}:log-group:{name}"},
    "aws:lambda/function:Function": {
        "arn": "arn:aws:lambda:{region}:{account}:function:{name}",
        "invokeArn": "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{name}/invocations",
    },
    "aws:apigatewayv2/api:Api": {"executionArn": "arn:aws:execute-api:{region}:{account}:{api}"},
    "aws:apigatewayv2/stage:Stage": {"invokeUrl": "https://{api}.execute-api.{region}.amazonaws.com/{name}"},
    "random:index/randomBytes:RandomBytes": {"base64": "{key}"},
    "random:index/randomPassword:RandomPassword": {"result": "{key}"},
    "aws:index/getCallerIdentity:getCallerIdentity": {
        "accountId": "{account}",
        "arn": "arn:aws:iam::{account}:user/deployer",
    },
    "aws:iam/getUser:getUser": {"arn": "arn:aws:iam::{account}:user/{userName}"},
    "heroku:app/getApp:getApp": {"uuid": "uuid-of-{name}"},
}

# The random provider gives a RandomBytes its own value as its id.
_RANDOM_IDS = {"random:index/randomBytes:RandomBytes": "{base64}", "random:index/randomPassword:RandomPassword": "none"}


def outputs(stack: str, overrides: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The outputs that a stack will have, with ACCOUNT_ID and API_ID; LocalError if its settings are invalid."""
    loaded = project.load_local(stack, overrides)
    cloud = PreviewCloud(project.settings(loaded).region, ACCOUNT_ID, API_ID)
    return program.run(loaded, cloud)


class PreviewCloud:
    """Creates nothing; the outputs that AWS, Heroku or the random provider would compute are made from the inputs."""

    def __init__(self, region: str, account: str, api: str) -> None:
        self._known = {"region": region, "account": account, "api": api}

    def configure(self, token: str, inputs: Mapping[str, Any]) -> None:
        """Ignore the provider's settings, as nothing is created."""

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Give the outputs that depend on the inputs; random values depend on the resource's name alone."""
        key = b64encode(hashlib.sha256(name.encode()).digest()).decode()
        computed = self._computed(token, inputs, key=key)
        return _RANDOM_IDS.get(token, f"{name}-id").format(**computed), computed

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer any lookup."""
        return self._computed(token, arguments)

    def _computed(self, token: str, inputs: Mapping[str, Any], **known: str) -> dict[str, Any]:
        texts = {name: value for name, value in inputs.items() if isinstance(value, str)}
        forms = COMPUTED.get(token, {})
        return {output: form.format(**texts, **self._known, **known) for output, form in forms.items()}
