"""Lambda, its logs and its triggers, and API Gateway."""

import secrets

from local.archive import zipped
from local.child import LocalError
from local.cloud.account import ACCOUNT_ID, Account, Creator, EventSource, Function, Outputs, Stage
from local.cloud.inputs import Inputs


def _log_group(account: Account, inputs: Inputs) -> Outputs:
    name = inputs.take("name")
    logs = account.clients["logs"]
    logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=inputs.take("retentionInDays"))
    return name, {"arn": f"arn:aws:logs:{account.region}:{ACCOUNT_ID}:log-group:{name}"}


def _function(account: Account, inputs: Inputs) -> Outputs:
    function = Function(
        name=inputs["name"],
        handler=inputs["handler"],
        archive=zipped(inputs.take("code")),
        environment=inputs["environment"]["variables"],
        timeout_s=inputs["timeout"],
        memory_mb=inputs["memorySize"],
    )
    arn = account.clients["lambda"].create_function(
        FunctionName=inputs.take("name"),
        Code={"ZipFile": function.archive},
        Environment={"Variables": inputs.take("environment")["variables"]},
        **inputs.rest("role", "runtime", "handler", "description", "timeout", "memorySize", "architectures"),
    )["FunctionArn"]
    if (reserved := inputs.take("reservedConcurrentExecutions")) >= 0:
        account.clients["lambda"].put_function_concurrency(
            FunctionName=function.name, ReservedConcurrentExecutions=reserved
        )
    invoke_arn = f"arn:aws:apigateway:{account.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    account.functions[invoke_arn] = function
    return function.name, {"arn": arn, "invokeArn": invoke_arn}


def _event_source_mapping(account: Account, inputs: Inputs) -> Outputs:
    source = EventSource(inputs["functionName"], inputs["eventSourceArn"], inputs["batchSize"])
    mapping = account.clients["lambda"].create_event_source_mapping(
        # Enabled, the emulator would run the function in a container; here the queue is read beside the gateway.
        Enabled=False,
        **inputs.rest("eventSourceArn", "functionName", "batchSize", "functionResponseTypes", "scalingConfig"),
    )
    account.event_sources.append(source)
    return mapping["UUID"], {}


def _permission(account: Account, inputs: Inputs) -> Outputs:
    statement = secrets.token_hex(8)
    account.clients["lambda"].add_permission(
        FunctionName=inputs.take("function"),
        StatementId=statement,
        **inputs.rest("action", "principal", "sourceArn"),
    )
    return statement, {}


def _api(account: Account, inputs: Inputs) -> Outputs:
    api = account.clients["apigatewayv2"].create_api(**inputs.rest("name", "description", "protocolType"))
    arn = f"arn:aws:execute-api:{account.region}:{ACCOUNT_ID}:{api['ApiId']}"
    return api["ApiId"], {"apiEndpoint": api["ApiEndpoint"], "executionArn": arn}


def _integration(account: Account, inputs: Inputs) -> Outputs:
    invoke_arn = inputs["integrationUri"]
    id_ = account.clients["apigatewayv2"].create_integration(
        **inputs.rest("apiId", "integrationType", "integrationUri", "integrationMethod", "payloadFormatVersion")
    )["IntegrationId"]
    account.integrations[id_] = invoke_arn
    return id_, {}


def _route(account: Account, inputs: Inputs) -> Outputs:
    api, key, target = inputs["apiId"], inputs["routeKey"], inputs["target"]
    id_ = account.clients["apigatewayv2"].create_route(**inputs.rest("apiId", "routeKey", "target"))["RouteId"]
    account.routes.setdefault(api, {})[key] = target.removeprefix("integrations/")
    return id_, {}


def _stage(account: Account, inputs: Inputs) -> Outputs:
    api, name = inputs["apiId"], inputs["name"]
    account.clients["apigatewayv2"].create_stage(
        StageName=inputs.take("name"),
        **inputs.rest("apiId", "autoDeploy", "defaultRouteSettings", "accessLogSettings"),
    )
    routes = account.routes.get(api, {})
    behind = {account.integrations[integration] for integration in routes.values()}
    if len(behind) != 1:
        raise LocalError(f"the local gateway serves one function, and this stage has {len(behind)}")
    return name, {"invokeUrl": account.serve(Stage(api, name, list(routes), account.functions[behind.pop()]))}


CREATE: dict[str, Creator] = {
    "aws:apigatewayv2/api:Api": _api,
    "aws:apigatewayv2/integration:Integration": _integration,
    "aws:apigatewayv2/route:Route": _route,
    "aws:apigatewayv2/stage:Stage": _stage,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:lambda/eventSourceMapping:EventSourceMapping": _event_source_mapping,
    "aws:lambda/function:Function": _function,
    "aws:lambda/permission:Permission": _permission,
}
