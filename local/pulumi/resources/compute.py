"""Lambda, its logs and its schedules, and API Gateway."""

import secrets

from local.aws import schedules
from local.aws.deployment_package import zipped
from local.child import LocalError
from local.pulumi.resources.account import (
    ACCOUNT_ID,
    Account,
    Creator,
    Function,
    Outputs,
    Permission,
    Schedule,
    Stage,
)
from local.pulumi.resources.spelling import Inputs

# Lambda's defaults (CreateFunction).
_TIMEOUT_S, _MEMORY_MB = 3, 128


# "Working with Lambda environment variables": CreateFunction refuses them, and the emulator does not.
_RESERVED_VARIABLES = {
    *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "LAMBDA_TASK_ROOT"),
    *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"),
    *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
    *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_LAMBDA_RUNTIME_API", "LAMBDA_RUNTIME_DIR"),
}


def _log_group(account: Account, inputs: Inputs) -> Outputs:
    name, logs = inputs.take("name"), account.clients["logs"]
    logs.create_log_group(logGroupName=name, **inputs.tags("tags"))
    if "retentionInDays" in inputs:
        logs.put_retention_policy(logGroupName=name, retentionInDays=inputs.pop("retentionInDays"))
    return name, {}


def _function(account: Account, inputs: Inputs) -> Outputs:
    function = Function(
        name=inputs["name"],
        handler=inputs["handler"],
        archive=zipped(inputs.take("code")),
        environment=inputs.get("environment", {}).get("variables", {}),
        timeout_s=inputs.get("timeout", _TIMEOUT_S),
        memory_mb=inputs.get("memorySize", _MEMORY_MB),
    )
    if reserved_names := sorted(_RESERVED_VARIABLES & set(function.environment)):
        raise LocalError(f"Lambda reserves the environment variables {', '.join(reserved_names)}")
    reserved = inputs.pop("reservedConcurrentExecutions", -1)
    arn = account.clients["lambda"].create_function(
        Code={"ZipFile": function.archive}, **inputs.tags("Tags"), **inputs.rest({"name": "FunctionName"})
    )["FunctionArn"]
    # For the provider, -1 means none.
    if reserved >= 0:
        account.clients["lambda"].put_function_concurrency(
            FunctionName=function.name, ReservedConcurrentExecutions=reserved
        )
    invoke_arn = f"arn:aws:apigateway:{account.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    account.functions[invoke_arn] = function
    return function.name, {"invokeArn": invoke_arn}


def _schedule(account: Account, inputs: Inputs) -> Outputs:
    schedule = Schedule(inputs["target"]["arn"], schedules.seconds_of(inputs["scheduleExpression"]))
    enabled = inputs.get("state", "ENABLED") == "ENABLED"
    id_ = f"{inputs.get('groupName', 'default')}/{inputs['name']}"
    account.clients["scheduler"].create_schedule(**inputs.rest())
    if enabled:
        account.schedules.append(schedule)
    return id_, {}


def _permission(account: Account, inputs: Inputs) -> Outputs:
    # AWS requires an id; the provider generates one if none is declared.
    statement = inputs.pop("statementId", None) or secrets.token_hex(8)
    permission = Permission(inputs["function"], inputs["principal"], inputs["action"], inputs.get("sourceArn"))
    account.clients["lambda"].add_permission(StatementId=statement, **inputs.rest({"function": "FunctionName"}))
    account.permissions.append(permission)
    return statement, {}


def _api(account: Account, inputs: Inputs) -> Outputs:
    api = account.clients["apigatewayv2"].create_api(**inputs.tags("Tags"), **inputs.rest())["ApiId"]
    return api, {"executionArn": _execution_arn(account, api)}


def _execution_arn(account: Account, api: str) -> str:
    return f"arn:aws:execute-api:{account.region}:{ACCOUNT_ID}:{api}"


def _integration(account: Account, inputs: Inputs) -> Outputs:
    invoke_arn = inputs["integrationUri"]
    id_ = account.clients["apigatewayv2"].create_integration(**inputs.rest())["IntegrationId"]
    account.integrations[id_] = invoke_arn
    return id_, {}


def _route(account: Account, inputs: Inputs) -> Outputs:
    api, key, target = inputs["apiId"], inputs["routeKey"], inputs["target"]
    id_ = account.clients["apigatewayv2"].create_route(**inputs.rest())["RouteId"]
    account.routes.setdefault(api, {})[key] = target.removeprefix("integrations/")
    return id_, {}


def _stage(account: Account, inputs: Inputs) -> Outputs:
    api, name, deployed = inputs["apiId"], inputs["name"], inputs.get("autoDeploy", False)
    logged = inputs.get("accessLogSettings")
    access_log = (logged["destinationArn"].partition(":log-group:")[2], logged["format"]) if logged else None
    account.clients["apigatewayv2"].create_stage(**inputs.tags("Tags"), **inputs.rest({"name": "StageName"}))
    routes = account.routes.get(api, {})
    behind = {account.integrations[integration] for integration in routes.values()}
    if len(behind) != 1:
        raise LocalError(f"the local gateway serves one function, and this stage has {len(behind)}")
    # A stage without a deployment answers 404 to everything.
    served = list(routes) if deployed else []
    function = account.functions[behind.pop()]
    # "Invoking a Lambda function using an Amazon API Gateway endpoint", permissions.
    of_stage = f"{_execution_arn(account, api)}/{name}/"
    permitted = [
        route
        for route in served
        if any(each.lets_gateway_call(function.name, of_stage + route.replace(" ", "")) for each in account.permissions)
    ]
    # The URL of a stage is the gateway's here.
    return name, {"invokeUrl": account.serve(Stage(api, name, served, function, permitted, access_log))}


CREATE: dict[str, Creator] = {
    "aws:apigatewayv2/api:Api": _api,
    "aws:apigatewayv2/integration:Integration": _integration,
    "aws:apigatewayv2/route:Route": _route,
    "aws:apigatewayv2/stage:Stage": _stage,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:lambda/function:Function": _function,
    "aws:lambda/permission:Permission": _permission,
    "aws:scheduler/schedule:Schedule": _schedule,
}
