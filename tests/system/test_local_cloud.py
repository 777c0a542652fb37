"""What the program declares is what the local AWS is told: no value more, less or other; absent stays absent."""

import copy
import io
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import MagicMock
from uuid import uuid4

import pulumi
import pulumi_aws
import pytest

from local.child import LocalError
from local.logplex.nodes import post
from local.pulumi.resources import local_cloud
from local.pulumi.resources.account import SERVICES, Account, Function, Outputs, Permission, Schedule, Stage
from local.pulumi.resources.local_cloud import CREATE, TAGGED, LocalCloud
from local.pulumi.resources.spelling import Inputs
from local.stack import LocalStack, Options

Leaf = tuple[str, str]

# Declared name -> AWS's, where it is more than the case of letters.
RENAMED = {
    "aws:athena/namedQuery:NamedQuery": {"query": "querystring"},
    "aws:apigatewayv2/stage:Stage": {"name": "stagename"},
    "aws:cloudwatch/logGroup:LogGroup": {"name": "loggroupname"},
    "aws:dynamodb/table:Table": {"name": "tablename"},
    "aws:iam/role:Role": {"name": "rolename", "assumerolepolicy": "assumerolepolicydocument"},
    "aws:iam/rolePolicy:RolePolicy": {"role": "rolename", "name": "policyname", "policy": "policydocument"},
    "aws:iam/user:User": {"name": "username"},
    "aws:iam/userPolicy:UserPolicy": {"user": "username", "name": "policyname", "policy": "policydocument"},
    "aws:lambda/function:Function": {"name": "functionname"},
    "aws:lambda/permission:Permission": {"function": "functionname"},
    "aws:sqs/queue:Queue": {
        "name": "queuename",
        "messageretentionseconds": "messageretentionperiod",
        "visibilitytimeoutseconds": "visibilitytimeout",
    },
    "aws:budgets/budget:Budget": {
        "name": "budgetname",
        "limitamount": "amount",
        "limitunit": "unit",
        "subscribersnstopicarns": "address",
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"name": "alarmname"},
    "aws:s3/bucketNotification:BucketNotification": {"filterprefix": "prefix"},
    "aws:sns/topicPolicy:TopicPolicy": {"arn": "topicarn", "policy": "attributevalue"},
    "aws:sns/topicSubscription:TopicSubscription": {"topic": "topicarn"},
    "heroku:drain/drain:Drain": {"sensitiveurl": "url"},
}
# In a call and not declared, and why.
ADDED = {
    ("aws:budgets/budget:Budget", "accountid"): "AWS requires it",
    ("aws:budgets/budget:Budget", "subscriptiontype"): "the provider tells it from the argument's name",
    ("aws:kms/key:Key", "keyid"): "the rotation is a call of its own",
    ("aws:sns/topicPolicy:TopicPolicy", "attributename"): "a policy is an attribute",
    ("aws:sns/topicSubscription:TopicSubscription", "returnsubscriptionarn"): "the provider needs the ARN as its id",
    ("aws:lambda/permission:Permission", "statementid"): "AWS requires an id, and the provider makes one up",
}
# Declared and in no call, and why.
NOT_SENT = {
    ("aws:kms/key:Key", "enablekeyrotation"): "the rotation is a call of its own",
    ("aws:sns/topicSubscription:TopicSubscription", "endpointautoconfirms"): "it is how the provider waits",
    ("aws:lambda/function:Function", "reservedconcurrentexecutions"): "-1 is the provider's way to say none",
    ("random:index/randomBytes:RandomBytes", "length"): "made here, by no service",
    ("random:index/randomPassword:RandomPassword", "length"): "made here, by no service",
    ("random:index/randomPassword:RandomPassword", "special"): "made here, by no service",
}
# What a handler itself needs. What else AWS requires, botocore asks for.
REQUIRED = {
    "aws:apigatewayv2/integration:Integration": {"integrationuri"},
    "aws:apigatewayv2/route:Route": {"apiid", "routekey", "target"},
    "aws:apigatewayv2/stage:Stage": {"apiid", "destinationarn", "format", "name"},
    "aws:athena/workgroup:Workgroup": {"name"},
    "aws:budgets/budget:Budget": {"name", "limitamount", "limitunit", "values"},
    "aws:cloudwatch/dashboard:Dashboard": {"dashboardname"},
    "aws:cloudwatch/logGroup:LogGroup": {"name"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"name"},
    "aws:dynamodb/table:Table": {"name"},
    "aws:glue/catalogDatabase:CatalogDatabase": {"name"},
    "aws:glue/catalogTable:CatalogTable": {"name", "databasename"},
    "aws:iam/role:Role": {"name"},
    "aws:iam/rolePolicy:RolePolicy": {"role", "name"},
    "aws:iam/user:User": {"name"},
    "aws:iam/userPolicy:UserPolicy": {"user", "name"},
    "aws:kms/key:Key": {"policy"},
    "aws:lambda/function:Function": {"name", "handler", "code"},
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": {"functionname"},
    "aws:lambda/permission:Permission": {"function", "principal", "action"},
    "aws:s3/bucket:Bucket": {"bucket"},
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {"bucket"},
    "aws:s3/bucketNotification:BucketNotification": {"bucket", "queues", "id", "queuearn", "events", "filterprefix"},
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": {"bucket"},
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": {"bucket", "rule"},
    "aws:s3/bucketPolicy:BucketPolicy": {"bucket"},
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {"bucket"},
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {"bucket"},
    "aws:s3/bucketVersioning:BucketVersioning": {"bucket"},
    "aws:scheduler/schedule:Schedule": {"name", "scheduleexpression", "target", "arn"},
    "aws:scheduler/scheduleGroup:ScheduleGroup": {"name"},
    "aws:sns/topic:Topic": {"name"},
    "aws:sns/topicPolicy:TopicPolicy": {"arn", "policy"},
    "aws:sns/topicSubscription:TopicSubscription": {"topic"},
    "aws:sqs/queue:Queue": {"name"},
    "aws:sqs/queuePolicy:QueuePolicy": {"queueurl", "policy"},
    "aws:ssm/parameter:Parameter": {"name"},
    "heroku:drain/drain:Drain": {"appid", "sensitiveurl"},
    "aws:dynamodb/resourcePolicy:ResourcePolicy": {"resourcearn"},
    "random:index/randomBytes:RandomBytes": {"length"},
    "random:index/randomPassword:RandomPassword": {"length", "special"},
}


@dataclass
class Created:
    """One resource: what the program declared of it, and what the services were told of it."""

    token: str
    inputs: dict[str, Any]
    calls: list[dict[str, Any]] = field(default_factory=list)

    def sent(self) -> set[Leaf]:
        return {leaf for call in self.calls for leaf in leaves(call) if (self.token, leaf[0]) not in ADDED}

    def declared(self) -> set[Leaf]:
        renamed = RENAMED.get(self.token, {})
        return {
            (renamed.get(name, name), value)
            for name, value in leaves(self.inputs)
            if (self.token, name) not in NOT_SENT
        }


def leaves(value: Any, name: str = "") -> Iterator[Leaf]:
    """Every value, as text, with the last name on its path in lower case."""
    match value:
        case Mapping():
            yield from pair(value) or leaves_of(value, "attribute" if name == "attributes" else "")
        case list():
            for item in value:
                yield from leaves(item, name)
        case pulumi.AssetArchive():
            yield "code", " ".join(sorted(value.assets))
        case bytes():
            with zipfile.ZipFile(io.BytesIO(value)) as archive:
                yield "code", " ".join(sorted(archive.namelist()))
        case str() | MagicMock():
            yield name.lower(), value
        case _:
            yield name.lower(), json.dumps(value)


def leaves_of(value: Mapping[str, Any], beginning: str) -> Iterator[Leaf]:
    for key, item in value.items():
        yield from leaves(item, beginning + key)


def pair(value: Mapping[str, Any]) -> list[Leaf]:
    """What has its name among its values; nothing for an object that is not such a pair."""
    match value:
        case {"Key": key, "Value": text} | {"TagKey": key, "TagValue": text}:  # a tag in a list
            return [(key.lower(), text)]
        case {"Name": key, "Value": text, **others} if not others:  # a dimension, or a rule of a filter
            return [(key.lower(), text)]
        case {"name": key, "values": list() as texts}:  # a filter of a budget
            return [(key.lower(), text) for text in texts]
        case {"AttributeName": attribute, "KeyType": kind}:
            return [(f"{kind.lower()}key", attribute)]
    return []


@pytest.fixture(scope="module")
def recorded() -> list[Created]:
    """Production's stack with its optional parts, created for real. The provider's tags are among the inputs."""
    made: list[Created] = []
    current = threading.local()

    def recording(token: str) -> Any:
        create = CREATE[token]

        def record(account: Account, inputs: Inputs) -> Outputs:
            current.made = Created(token, copy.deepcopy(dict(inputs)))
            made.append(current.made)
            try:
                return create(account, inputs)
            finally:
                current.made = None

        return record

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        # What is only asked tells AWS nothing.
        if getattr(current, "made", None) and not model.name.startswith("Get"):
            current.made.calls.append(copy.deepcopy(params))

    init, ask = Account.__init__, Account.ask_heroku

    def watched(account: Account, *args: Any) -> None:
        init(account, *args)
        for client in account.clients.values():
            client.meta.events.register("provide-client-params", note)

    def asked(account: Account, path: str, body: Mapping[str, str] | None = None) -> Any:
        if body is not None:
            current.made.calls.append({"appId": path.split("/")[2], **body})
        return ask(account, path, body)

    with pytest.MonkeyPatch.context() as patch:
        for token in list(CREATE):
            patch.setitem(local_cloud.CREATE, token, recording(token))
        patch.setattr(Account, "__init__", watched)
        patch.setattr(Account, "ask_heroku", asked)
        # With what is optional, too.
        config = {"alarmTopicKey": "true", "objectLockDays": "30", "acceptReplacedToken": "true"}
        with LocalStack(Options(config=config)):
            pass
    return made


def test_every_handler_is_used_by_the_program(recorded: list[Created]) -> None:
    """One that is not would be looked at by none of these tests."""
    assert {each.token for each in recorded} == CREATE.keys()


def test_all_that_is_declared_arrives_and_nothing_else(recorded: list[Created]) -> None:
    """Whatever the emulator is told beyond that hides a fault that AWS would show."""
    wrong = {
        str(each.inputs.get("name", each.token)): (each.declared() - each.sent(), each.sent() - each.declared())
        for each in recorded
        if each.declared() != each.sent()
    }
    assert not wrong


def test_the_exceptions_are_needed(recorded: list[Created]) -> None:
    sent = {(each.token, name) for each in recorded for call in each.calls for name, _ in leaves(call)}
    declared = {(each.token, name) for each in recorded for name, _ in leaves(each.inputs)}
    assert ADDED.keys() <= sent - declared
    assert NOT_SENT.keys() <= declared - sent


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every name in nested objects and lists."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if not isinstance(key, int):
            yield (*at, key)
        yield from paths(item, (*at, key))


def without(inputs: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    less = copy.deepcopy(inputs)
    place: Any = less
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return less


class _Unasked:
    """An account whose services take everything and tell what they were told."""

    def __init__(self, calls: list[dict[str, Any]]) -> None:
        def told(**params: Any) -> Any:
            calls.append(copy.deepcopy(params))
            return MagicMock()

        def asked(**_: Any) -> Any:
            return MagicMock()

        class Client:
            def __getattr__(self, name: str) -> Any:
                return asked if name.startswith("get_") else told

        self.clients = {service: Client() for service in SERVICES}
        self.region, self.served = "us-east-1", list[Stage]()
        self.functions = {"arn": Function("f", "h", b"", {}, 1, 1)}
        self.schedules = list[Schedule]()
        self.permissions: list[Permission] = []
        self.integrations = {"i": "arn"}
        self.routes: Any = {}

    def ask_heroku(self, path: str, body: dict[str, str]) -> Any:
        self.clients["s3"].told(appId=path.split("/")[2], **body)
        return MagicMock()

    def serve(self, stage: Stage) -> str:
        self.served.append(stage)
        return "url"


def created(token: str, inputs: dict[str, Any], region: str = "us-east-1") -> tuple[Created, _Unasked]:
    made = Created(token, copy.deepcopy(inputs))
    account: Any = _Unasked(made.calls)
    account.region = region
    if "apiId" in inputs:
        account.routes = {inputs["apiId"]: {"POST /drain": "i"}}
    LocalCloud(account).create(token, "", inputs)
    return made, account


def test_what_is_not_declared_is_not_sent(recorded: list[Created]) -> None:
    """Every name that the program declares is left out once: the call is without it, or refused as AWS would."""

    refused: dict[str, set[str]] = {}
    for each in {each.token: each for each in recorded}.values():
        for path in paths(each.inputs):
            less = without(each.inputs, path)
            try:
                made, _ = created(each.token, less)
            except LocalError:
                refused.setdefault(each.token, set()).add(path[-1].lower())
            else:
                assert made.sent() == made.declared(), (each.token, path)
    assert refused == REQUIRED


def test_the_providers_tags_reach_all_that_takes_tags() -> None:
    """The table of types is the SDK's: `tags_all` is what the provider adds its default tags to."""

    def takes_tags(token: str) -> bool:
        _, module, name = token.split(":")
        module = module.partition("/")[0]
        return hasattr(getattr(getattr(pulumi_aws, "lambda_" if module == "lambda" else module), name), "tags_all")

    assert {token for token in CREATE if token.startswith("aws:") and takes_tags(token)} == TAGGED


def test_the_declared_tags_are_sent(recorded: list[Created]) -> None:
    declared = {(key.lower(), value) for key, value in LocalStack(Options()).settings.tags.items()}
    assert declared
    assert {each.token for each in recorded if declared <= each.sent()} == TAGGED


def test_a_provider_setting_that_is_not_served_is_named() -> None:
    cloud = LocalCloud(_Unasked([]))  # type: ignore[arg-type]
    cloud.configure("pulumi:providers:aws", {"region": "us-east-1", "defaultTags": {"tags": {"a": "b"}}})
    with pytest.raises(LocalError, match="does not serve endpoints"):
        cloud.configure("pulumi:providers:aws", {"endpoints": []})
    with pytest.raises(LocalError, match="is in eu-west-1"):
        cloud.configure("pulumi:providers:aws", {"region": "eu-west-1"})


# ---------------------------------------------------------------- what AWS does with what is not declared


def test_an_empty_serde_is_no_serde(recorded: list[Created]) -> None:
    """The provider drops an empty block, and Athena then refuses the view."""
    [view] = [each for each in recorded if each.inputs.get("tableType") == "VIRTUAL_VIEW"]
    storage = view.inputs["storageDescriptor"] | {"serDeInfo": {}}
    made, _ = created(view.token, view.inputs | {"storageDescriptor": storage})
    assert "SerdeInfo" not in made.calls[0]["TableInput"]["StorageDescriptor"]


def test_names_that_aws_spells_in_its_own_way_arrive() -> None:
    """A key that was dropped here would be another encryption there."""
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "k"}
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    made, _ = created(token, {"bucket": "b", "rules": [{"applyServerSideEncryptionByDefault": default}]})
    assert made.calls[0]["ServerSideEncryptionConfiguration"]["Rules"] == [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}
    ]


def test_a_bucket_is_made_where_the_provider_is() -> None:
    """CreateBucket: us-east-1 is no LocationConstraint, every other region must be one."""
    token = "aws:s3/bucket:Bucket"
    (here, _), (there, _) = created(token, {"bucket": "b"}), created(token, {"bucket": "b"}, "eu-west-1")
    assert (here.calls, there.calls) == (
        [{"Bucket": "b"}],
        [{"Bucket": "b", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}],
    )


def test_a_variable_that_lambda_reserves_is_refused(recorded: list[Created]) -> None:
    function, *_ = (each for each in recorded if each.token == "aws:lambda/function:Function")
    variables = {**function.inputs["environment"]["variables"], "AWS_REGION": "eu-west-1"}
    with pytest.raises(LocalError, match="reserves the environment variables AWS_REGION"):
        created(function.token, function.inputs | {"environment": {"variables": variables}})


SCHEDULE = {"name": "s", "scheduleExpression": "rate(5 minutes)", "target": {"arn": "f"}}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [({}, [Schedule("f", 300)]), ({"state": "ENABLED"}, [Schedule("f", 300)]), ({"state": "DISABLED"}, [])],
    ids=["nothing", "enabled", "disabled"],
)
def test_a_schedule_runs_unless_it_is_disabled(declared: dict[str, Any], expected: list[Schedule]) -> None:
    _, account = created("aws:scheduler/schedule:Schedule", {**SCHEDULE, **declared})
    assert account.schedules == expected


@pytest.mark.parametrize("expression", ["cron(* * * * ? *)", "rate(1 hour)", "rate(1.5 minutes)"])
def test_a_schedule_that_is_not_served_is_named(expression: str) -> None:
    with pytest.raises(LocalError, match="the local scheduler does not serve"):
        created("aws:scheduler/schedule:Schedule", {**SCHEDULE, "scheduleExpression": expression})


def test_a_stage_without_a_deployment_serves_nothing() -> None:
    stage = {"apiId": "a", "name": "prod"}
    _, deployed = created("aws:apigatewayv2/stage:Stage", {**stage, "autoDeploy": True})
    _, not_deployed = created("aws:apigatewayv2/stage:Stage", stage)
    assert ([each.routes for each in deployed.served], [each.routes for each in not_deployed.served]) == (
        [["POST /drain"]],
        [[]],
    )


ROUTE_ARN = "arn:aws:execute-api:us-east-1:123456789012:api/prod/POST/drain"


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        pytest.param({}, True, id="this very route"),
        pytest.param({"source_arn": None}, True, id="no source"),
        pytest.param({"source_arn": ROUTE_ARN.replace("prod/POST", "*/*")}, True, id="any stage and method"),
        pytest.param(
            {"function": "arn:aws:lambda:us-east-1:123456789012:function:f"}, True, id="by the function's ARN"
        ),
        pytest.param({"source_arn": ROUTE_ARN.replace("prod", "test")}, False, id="another stage"),
        pytest.param({"source_arn": ROUTE_ARN.replace("api/", "apj/")}, False, id="another API"),
        pytest.param({"principal": "events.amazonaws.com"}, False, id="another service"),
        pytest.param({"action": "lambda:GetFunction"}, False, id="another action"),
        pytest.param({"function": "g"}, False, id="another function"),
    ],
)
def test_a_permission_lets_api_gateway_call_the_function(changes: dict[str, Any], allowed: bool) -> None:
    fields = {"function": "f", "principal": "apigateway.amazonaws.com", "action": "lambda:InvokeFunction"}
    permission = Permission(**{**fields, "source_arn": ROUTE_ARN, **changes})
    assert permission.lets_gateway_call("f", ROUTE_ARN) == allowed


def test_without_the_functions_permission_the_endpoint_answers_500(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an HTTP API does, and the function is not called: the POST is not stored."""
    permission = local_cloud.CREATE["aws:lambda/permission:Permission"]

    def for_another_stage(account: Account, inputs: Inputs) -> Outputs:
        inputs["sourceArn"] = inputs["sourceArn"].replace("/prod/", "/test/")
        return permission(account, inputs)

    monkeypatch.setitem(local_cloud.CREATE, "aws:lambda/permission:Permission", for_another_stage)
    with LocalStack(Options()) as stack:
        text = b"<190>1 2026-11-24T00:00:00+00:00 host app web.1 - hello"
        [url, *_] = stack.drain_urls.values()
        assert post(url, b"%d %b" % (len(text), text), uuid4().hex) == 500
        assert not stack.client("dynamodb").scan(TableName=stack.outputs["buffer"])["Items"]
