"""The drain endpoint: an HTTP API in front of the receiver."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import apigatewayv2, cloudwatch, lambda_

from contract import access_log, names
from contract.drain_url import DRAIN_PATH

STAGE = "prod"
# Logplex opens several connections per app and does not wait between its three tries. A busy app that logs 100 lines
# per second, each in its own POST, makes 300 requests per second while it is refused. API Gateway answers 429 above the
# limits ("Throttle requests to your HTTP APIs for better throughput in API Gateway"); after three tries Logplex drops
# the batch. The limits therefore allow several such apps. They only bound a flood: the page calls them targets, not
# ceilings.
_REQUESTS_PER_S = 1000
_BURST = 2000


@dataclass(frozen=True)
class EndpointArgs:
    """The beginning of names, the function that answers, and how long the access log is kept."""

    name_prefix: str
    function: lambda_.Function
    log_days: int


class Endpoint(pulumi.ComponentResource):
    """API with one route; `api` is the API, `url` the URL of its stage, without a trailing slash or a token."""

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
            # When the function is replaced, POSTs go to the new one only after API Gateway may invoke it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        route = apigatewayv2.Route(
            f"{name}-route",
            api_id=api.id,
            route_key=f"POST {DRAIN_PATH}",
            target=pulumi.Output.format("integrations/{0}", integration.id),
            opts=child,
        )
        log = cloudwatch.LogGroup(
            f"{name}-access-log",
            name=names.access_log_group(args.name_prefix),
            retention_in_days=args.log_days,
            # The stage writes to the old group until it is updated.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        stage = apigatewayv2.Stage(
            f"{name}-stage",
            api_id=api.id,
            name=STAGE,
            auto_deploy=True,
            # Setting only one of the two has set the other to 0 (pulumi/pulumi-aws #2363).
            default_route_settings={
                "throttling_rate_limit": _REQUESTS_PER_S,
                "throttling_burst_limit": _BURST,
            },
            access_log_settings={"destination_arn": log.arn, "format": access_log.FORMAT},
            # Once the URL is known, the endpoint answers.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[route, permission]),
        )
        self.api, self.url = api, stage.invoke_url
        self.register_outputs({"url": self.url})
