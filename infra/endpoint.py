"""The drain endpoint: an HTTP API in front of the receiver."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import apigatewayv2, cloudwatch, lambda_

from contract import names
from contract.drain_url import DRAIN_PATH

STAGE = "prod"
# Logplex opens several connections an app and does not wait between its three tries: a busy app that logs 100 lines a
# second, each its own POST, makes 300 requests a second while it is refused. A request above the limits is answered 429
# ("Throttle requests to your HTTP APIs for better throughput in API Gateway"), which Logplex tries three times in all
# and then drops, so the limits stand at several such apps. They bound a flood: targets, not
# ceilings, as that page says.
_REQUESTS_PER_S = 1000
_BURST = 2000
# "Customize HTTP API access logs" lists the variables. None of these is the path with its query string, so no token is
# logged. Where API Gateway cannot invoke the function (no permission, or throttled) it answers 5xx by itself, the
# function's log stays empty, and integrationError is the only place with the reason ("Troubleshooting issues with HTTP
# API Lambda integrations"). functionStatus is what the receiver answered, if it did; lambdaStatus what Lambda did.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latencyMs": "$context.responseLatency",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
    "lambdaStatus": "$context.integration.integrationStatus",
    "functionStatus": "$context.integration.status",
}


@dataclass(frozen=True)
class EndpointArgs:
    """What the names begin with, the function that answers, and how long requests are remembered."""

    name_prefix: str
    function: lambda_.Function
    log_days: int


class Endpoint(pulumi.ComponentResource):
    """API with one route; `url` is its stage's address, without a trailing slash and without any token."""

    def __init__(self, name: str, args: EndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Endpoint", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        api = apigatewayv2.Api(
            f"{name}-api",
            name=f"{args.name_prefix}-drain",
            description="Endpoint of the Heroku log drains",
            protocol_type="HTTP",
            opts=child,
        )
        permission = lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=args.function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.format("{0}/{1}/POST{2}", api.execution_arn, STAGE, DRAIN_PATH),
            opts=child,
        )
        integration = apigatewayv2.Integration(
            f"{name}-integration",
            api_id=api.id,
            integration_type="AWS_PROXY",
            integration_uri=args.function.invoke_arn,
            integration_method="POST",
            payload_format_version="2.0",
            # With another function, POSTs go to it once it may be invoked.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        route = apigatewayv2.Route(
            f"{name}-route",
            api_id=api.id,
            route_key=f"POST {DRAIN_PATH}",
            target=pulumi.Output.format("integrations/{0}", integration.id),
            opts=child,
        )
        access_log = cloudwatch.LogGroup(
            f"{name}-access-log",
            name=names.access_log_group(args.name_prefix),
            retention_in_days=args.log_days,
            # The stage writes to the old one until it has the new one.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        stage = apigatewayv2.Stage(
            f"{name}-stage",
            api_id=api.id,
            name=STAGE,
            auto_deploy=True,
            # One without the other has meant 0 for the other (pulumi/pulumi-aws #2363).
            default_route_settings={
                "throttling_rate_limit": _REQUESTS_PER_S,
                "throttling_burst_limit": _BURST,
            },
            access_log_settings={"destination_arn": access_log.arn, "format": json.dumps(_ACCESS_LOG)},
            # Whoever knows the URL has an endpoint that answers.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[route, permission]),
        )
        self.url = stage.invoke_url
        self.register_outputs({"url": self.url})
