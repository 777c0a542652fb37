"""What the stack declares, created in the local stand-ins: a table from resource type to the calls that create it."""

import base64
import json
import secrets
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from local.archive import zipped
from local.child import LocalError

Outputs = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Function:
    """A Lambda function as it was declared; `archive` is a zip file's bytes."""

    name: str
    handler: str
    archive: bytes
    environment: Mapping[str, str]
    timeout_s: int
    memory_mb: int


@dataclass(frozen=True)
class Stage:
    """A stage of an HTTP API: the routes that a gateway has to serve, and the function behind them."""

    api_id: str
    name: str
    routes: list[str]
    function: Function


class Inputs(dict[str, Any]):
    """A resource's inputs. Each is to be taken; one that is left over is not served here, and that is said."""

    def take(self, key: str) -> Any:
        """Remove and give an input that there has to be."""
        if key not in self:
            raise LocalError(f"{key} is missing")
        return self.pop(key)

    def rest(self, *keys: str) -> dict[str, Any]:
        """Remove and give those of these inputs that are there, as AWS spells names: `bucketName` is BucketName."""
        return {_pascal(key): _pascals(self.pop(key)) for key in keys if key in self}


class LocalCloud:
    """AWS in an emulator and Heroku in its stand-in, by their URLs; `serve` starts a stage's gateway, gives its URL."""

    def __init__(self, aws_url: str, heroku_url: str, region: str, serve: Callable[[Stage], str]) -> None:
        make: Any = boto3.Session("local", "local", region_name=region).client
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=20)
        # Made here, as a session is not safe to use from several threads, and a client is.
        self._clients = {name: make(name, endpoint_url=aws_url, config=config) for name in _SERVICES}
        self._heroku_url, self._serve, self._region = heroku_url, serve, region
        self.created: list[str] = []  # the types of the resources there are
        self._functions: dict[str, Function] = {}  # by invoke ARN
        self._integrations: dict[str, str] = {}  # id -> invoke ARN
        self._routes: dict[str, dict[str, str]] = {}  # API id -> route key -> integration id

    def create(self, token: str, inputs: Mapping[str, Any]) -> Outputs:
        """Create a resource; LocalError for a type or an input that is not served here, or when it is refused."""
        if token not in _CREATE:
            raise LocalError("the local stack has no such resource type; add it to local/cloud.py")
        given = Inputs(inputs)
        try:
            created = _CREATE[token](self, given)
        except (ClientError, ParamValidationError) as error:
            raise LocalError(" ".join(str(error).split())) from error
        if given:
            raise LocalError(f"the local stack does not serve {', '.join(given)}; add it to local/cloud.py")
        self.created.append(token)
        return created

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an invoke; LocalError for one that is not served here, or that finds nothing."""
        if token not in _LOOK_UP:
            raise LocalError("the local stack has no such lookup; add it to local/cloud.py")
        try:
            return _LOOK_UP[token](self, Inputs(arguments))
        except ClientError as error:
            raise LocalError(str(error)) from error

    # ------------------------------------------------------------ S3, SSM, IAM

    def _bucket(self, inputs: Inputs) -> Outputs:
        name = inputs.take("bucket")
        self._clients["s3"].create_bucket(Bucket=name)
        return name, {"arn": f"arn:aws:s3:::{name}"}

    def _bucket_lifecycle(self, inputs: Inputs) -> Outputs:
        bucket = inputs.take("bucket")
        rules = [{"ID": rule.pop("id"), **_pascals(rule)} for rule in inputs.take("rules")]
        self._clients["s3"].put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={"Rules": rules},
            **inputs.rest("transitionDefaultMinimumObjectSize"),
        )
        return bucket, {}

    def _bucket_ownership(self, inputs: Inputs) -> Outputs:
        bucket, rule = inputs.take("bucket"), _pascals(inputs.take("rule"))
        self._clients["s3"].put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [rule]})
        return bucket, {}

    def _bucket_public_access(self, inputs: Inputs) -> Outputs:
        bucket = inputs.take("bucket")
        locks = inputs.rest("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        self._clients["s3"].put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=locks)
        return bucket, {}

    def _bucket_policy(self, inputs: Inputs) -> Outputs:
        bucket = inputs.take("bucket")
        self._clients["s3"].put_bucket_policy(Bucket=bucket, Policy=inputs.take("policy"))
        return bucket, {}

    def _bucket_encryption(self, inputs: Inputs) -> Outputs:
        bucket = inputs.take("bucket")
        rules = [
            {
                "ApplyServerSideEncryptionByDefault": {
                    "SSEAlgorithm": rule.pop("applyServerSideEncryptionByDefault")["sseAlgorithm"]
                },
                **_pascals(rule),
            }
            for rule in inputs.take("rules")
        ]
        self._clients["s3"].put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
        return bucket, {}

    def _bucket_versioning(self, inputs: Inputs) -> Outputs:
        bucket, versioning = inputs.take("bucket"), _pascals(inputs.take("versioningConfiguration"))
        self._clients["s3"].put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
        return bucket, {}

    def _parameter(self, inputs: Inputs) -> Outputs:
        name = inputs["name"]
        ssm = self._clients["ssm"]
        ssm.put_parameter(**inputs.rest("name", "type", "value", "description"))
        return name, {"arn": ssm.get_parameter(Name=name)["Parameter"]["ARN"]}

    def _role(self, inputs: Inputs) -> Outputs:
        name = inputs["name"]
        role = self._clients["iam"].create_role(
            RoleName=inputs.take("name"),
            AssumeRolePolicyDocument=inputs.take("assumeRolePolicy"),
            **inputs.rest("description", "maxSessionDuration"),
        )["Role"]
        return name, {"arn": role["Arn"]}

    def _role_policy(self, inputs: Inputs) -> Outputs:
        role, name = inputs.take("role"), inputs.take("name")
        self._clients["iam"].put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=inputs.take("policy"))
        return f"{role}:{name}", {}

    def _user(self, inputs: Inputs) -> Outputs:
        name = inputs.take("name")
        return name, {"arn": self._clients["iam"].create_user(UserName=name)["User"]["Arn"]}

    def _user_policy(self, inputs: Inputs) -> Outputs:
        user, name = inputs.take("user"), inputs.take("name")
        self._clients["iam"].put_user_policy(UserName=user, PolicyName=name, PolicyDocument=inputs.take("policy"))
        return f"{user}:{name}", {}

    def _get_user(self, inputs: Inputs) -> dict[str, Any]:
        user = self._clients["iam"].get_user(UserName=inputs.take("userName"))["User"]
        return {"arn": user["Arn"], "userName": user["UserName"], "userId": user["UserId"], "path": user["Path"]}

    # ------------------------------------------------------------ Glue, Athena

    def _database(self, inputs: Inputs) -> Outputs:
        name = inputs["name"]
        self._clients["glue"].create_database(DatabaseInput=inputs.rest("name", "description"))
        return f"{_ACCOUNT}:{name}", {"arn": f"arn:aws:glue:{self._region}:{_ACCOUNT}:database/{name}"}

    def _table(self, inputs: Inputs) -> Outputs:
        name, database = inputs["name"], inputs.take("databaseName")
        storage = inputs.take("storageDescriptor")
        serde = storage.pop("serDeInfo", {})
        parameters = {"Parameters": serde.pop("parameters")} if "parameters" in serde else {}
        self._clients["glue"].create_table(
            DatabaseName=database,
            TableInput={
                **inputs.rest(
                    "name", "description", "tableType", "partitionKeys", "viewOriginalText", "viewExpandedText"
                ),
                "Parameters": inputs.take("parameters"),
                "StorageDescriptor": {**_pascals(storage), "SerdeInfo": {**_pascals(serde), **parameters}},
            },
        )
        arn = f"arn:aws:glue:{self._region}:{_ACCOUNT}:table/{database}/{name}"
        return f"{_ACCOUNT}:{database}:{name}", {"arn": arn}

    def _workgroup(self, inputs: Inputs) -> Outputs:
        name, configuration = inputs["name"], _pascals(inputs.take("configuration"))
        configuration["EnforceWorkGroupConfiguration"] = configuration.pop("EnforceWorkgroupConfiguration")
        configuration["PublishCloudWatchMetricsEnabled"] = configuration.pop("PublishCloudwatchMetricsEnabled")
        inputs.take("forceDestroy")  # counts when it is destroyed, which is when the emulator ends
        self._clients["athena"].create_work_group(Configuration=configuration, **inputs.rest("name", "description"))
        return name, {"arn": f"arn:aws:athena:{self._region}:{_ACCOUNT}:workgroup/{name}"}

    def _named_query(self, inputs: Inputs) -> Outputs:
        created = self._clients["athena"].create_named_query(
            WorkGroup=inputs.take("workgroup"),
            QueryString=inputs.take("query"),
            **inputs.rest("name", "description", "database"),
        )
        return created["NamedQueryId"], {}

    # ------------------------------------------------------------ SQS, Lambda, API Gateway

    def _queue(self, inputs: Inputs) -> Outputs:
        sqs = self._clients["sqs"]
        attributes = {
            name: value if isinstance(value := inputs.pop(key), str) else json.dumps(value)
            for key, name in _QUEUE_ATTRIBUTES.items()
            if key in inputs
        }
        url = sqs.create_queue(QueueName=inputs.take("name"), Attributes=attributes)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, {"url": url, "arn": arn}

    def _log_group(self, inputs: Inputs) -> Outputs:
        name = inputs.take("name")
        logs = self._clients["logs"]
        logs.create_log_group(logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=inputs.take("retentionInDays"))
        return name, {"arn": f"arn:aws:logs:{self._region}:{_ACCOUNT}:log-group:{name}"}

    def _function(self, inputs: Inputs) -> Outputs:
        function = Function(
            name=inputs["name"],
            handler=inputs["handler"],
            archive=zipped(inputs.take("code")),
            environment=inputs["environment"]["variables"],
            timeout_s=inputs["timeout"],
            memory_mb=inputs["memorySize"],
        )
        arn = self._clients["lambda"].create_function(
            FunctionName=inputs.take("name"),
            Code={"ZipFile": function.archive},
            Environment={"Variables": inputs.take("environment")["variables"]},
            **inputs.rest("role", "runtime", "handler", "description", "timeout", "memorySize", "architectures"),
        )["FunctionArn"]
        if (reserved := inputs.take("reservedConcurrentExecutions")) >= 0:
            self._clients["lambda"].put_function_concurrency(
                FunctionName=function.name, ReservedConcurrentExecutions=reserved
            )
        invoke_arn = f"arn:aws:apigateway:{self._region}:lambda:path/2015-03-31/functions/{arn}/invocations"
        self._functions[invoke_arn] = function
        return function.name, {"arn": arn, "invokeArn": invoke_arn}

    def _event_source_mapping(self, inputs: Inputs) -> Outputs:
        mapping = self._clients["lambda"].create_event_source_mapping(
            **inputs.rest("eventSourceArn", "functionName", "batchSize", "functionResponseTypes", "scalingConfig")
        )
        return mapping["UUID"], {}

    def _permission(self, inputs: Inputs) -> Outputs:
        statement = secrets.token_hex(8)
        self._clients["lambda"].add_permission(
            FunctionName=inputs.take("function"),
            StatementId=statement,
            **inputs.rest("action", "principal", "sourceArn"),
        )
        return statement, {}

    def _api(self, inputs: Inputs) -> Outputs:
        api = self._clients["apigatewayv2"].create_api(**inputs.rest("name", "description", "protocolType"))
        arn = f"arn:aws:execute-api:{self._region}:{_ACCOUNT}:{api['ApiId']}"
        return api["ApiId"], {"apiEndpoint": api["ApiEndpoint"], "executionArn": arn}

    def _integration(self, inputs: Inputs) -> Outputs:
        invoke_arn = inputs["integrationUri"]
        id_ = self._clients["apigatewayv2"].create_integration(
            **inputs.rest("apiId", "integrationType", "integrationUri", "integrationMethod", "payloadFormatVersion")
        )["IntegrationId"]
        self._integrations[id_] = invoke_arn
        return id_, {}

    def _route(self, inputs: Inputs) -> Outputs:
        api, key, target = inputs["apiId"], inputs["routeKey"], inputs["target"]
        id_ = self._clients["apigatewayv2"].create_route(**inputs.rest("apiId", "routeKey", "target"))["RouteId"]
        self._routes.setdefault(api, {})[key] = target.removeprefix("integrations/")
        return id_, {}

    def _stage(self, inputs: Inputs) -> Outputs:
        api, name = inputs["apiId"], inputs["name"]
        self._clients["apigatewayv2"].create_stage(
            StageName=inputs.take("name"),
            **inputs.rest("apiId", "autoDeploy", "defaultRouteSettings", "accessLogSettings"),
        )
        routes = self._routes.get(api, {})
        behind = {self._integrations[integration] for integration in routes.values()}
        if len(behind) != 1:
            raise LocalError(f"the local gateway serves one function, and this stage has {len(behind)}")
        return name, {"invokeUrl": self._serve(Stage(api, name, list(routes), self._functions[behind.pop()]))}

    # ------------------------------------------------------------ other providers

    def _random_bytes(self, inputs: Inputs) -> Outputs:
        data = secrets.token_bytes(inputs.take("length"))
        return secrets.token_hex(8), {"base64": base64.b64encode(data).decode(), "hex": data.hex()}

    def _drain(self, inputs: Inputs) -> Outputs:
        drain = self._ask_heroku(f"/apps/{inputs.take('appId')}/log-drains", {"url": inputs.take("sensitiveUrl")})
        return drain["id"], {"token": drain["token"]}

    def _get_app(self, inputs: Inputs) -> dict[str, Any]:
        app = self._ask_heroku(f"/apps/{inputs.take('name')}")
        return {"name": app["name"], "uuid": app["id"], "region": app["region"]["name"], "webUrl": app["web_url"]}

    def _ask_heroku(self, path: str, body: Mapping[str, str] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  the stand-in's address is ours
            self._heroku_url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer local", "Accept": "application/vnd.heroku+json; version=3"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise LocalError(f"Heroku answers {error.code}: {json.load(error)['message']}") from error


_ACCOUNT = "123456789012"  # moto's
_SERVICES = ("apigatewayv2", "athena", "glue", "iam", "lambda", "logs", "s3", "sqs", "ssm")
# Pulumi's names of a queue's attributes, and SQS's.
_QUEUE_ATTRIBUTES = {
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
}

_CREATE: dict[str, Callable[[LocalCloud, Inputs], Outputs]] = {
    "aws:apigatewayv2/api:Api": LocalCloud._api,
    "aws:apigatewayv2/integration:Integration": LocalCloud._integration,
    "aws:apigatewayv2/route:Route": LocalCloud._route,
    "aws:apigatewayv2/stage:Stage": LocalCloud._stage,
    "aws:athena/namedQuery:NamedQuery": LocalCloud._named_query,
    "aws:athena/workgroup:Workgroup": LocalCloud._workgroup,
    "aws:cloudwatch/logGroup:LogGroup": LocalCloud._log_group,
    "aws:glue/catalogDatabase:CatalogDatabase": LocalCloud._database,
    "aws:glue/catalogTable:CatalogTable": LocalCloud._table,
    "aws:iam/role:Role": LocalCloud._role,
    "aws:iam/rolePolicy:RolePolicy": LocalCloud._role_policy,
    "aws:iam/user:User": LocalCloud._user,
    "aws:iam/userPolicy:UserPolicy": LocalCloud._user_policy,
    "aws:lambda/eventSourceMapping:EventSourceMapping": LocalCloud._event_source_mapping,
    "aws:lambda/function:Function": LocalCloud._function,
    "aws:lambda/permission:Permission": LocalCloud._permission,
    "aws:s3/bucket:Bucket": LocalCloud._bucket,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": LocalCloud._bucket_ownership,
    "aws:s3/bucketPolicy:BucketPolicy": LocalCloud._bucket_policy,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": LocalCloud._bucket_public_access,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        LocalCloud._bucket_encryption
    ),
    "aws:s3/bucketVersioning:BucketVersioning": LocalCloud._bucket_versioning,
    "aws:sqs/queue:Queue": LocalCloud._queue,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": LocalCloud._bucket_lifecycle,
    "aws:ssm/parameter:Parameter": LocalCloud._parameter,
    "heroku:drain/drain:Drain": LocalCloud._drain,
    "random:index/randomBytes:RandomBytes": LocalCloud._random_bytes,
}

_LOOK_UP: dict[str, Callable[[LocalCloud, Inputs], dict[str, Any]]] = {
    "aws:iam/getUser:getUser": LocalCloud._get_user,
    "heroku:app/getApp:getApp": LocalCloud._get_app,
}


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _pascals(value: Any) -> Any:
    if isinstance(value, dict):
        return {_pascal(key): _pascals(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_pascals(item) for item in value]
    return value
