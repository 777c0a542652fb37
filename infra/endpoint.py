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
# the batch. The limits therefore allow several such apps. They only bound a flood and its cost: the page calls them
# targets, not ceilings. By default a region's APIs have a burst of 5,000 requests together ("Amazon API Gateway
# quotas").
_MAX_BURST = 5000


@dataclass(frozen=True)
class EndpointArgs:
    """The beginning of names, the function that answers, the limit, and how long the access log is kept.

    Each `generation` is an API of its own, with another URL.
    """

    name_prefix: str
    generation: int
    requests_per_second: int
    function: lambda_.Function
    log_days: int


class Endpoint(pulumi.ComponentResource):
    """API with one route; `api` is the API, `url` the URL of its stage, without a trailing slash or a token."""

    def __init__(self, name: str, args: EndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Endpoint", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Another name is another resource: the old API is there until the drains have moved to the new one.
        mark = "" if args.generation == 1 else f"-{args.generation}"
        api = apigatewayv2.Api(
            f"{name}-api{mark}",
            name=f"{args.name_prefix}-drain{mark}",
            description="Endpoint of the Heroku log drains",
            protocol_type="HTTP",
            opts=child,
        )
        permission = lambda_.Permission(
            f"{name}-permission{mark}",
            action="lambda:InvokeFunction",
            function=args.function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.format("{0}/{1}/POST{2}", api.execution_arn, STAGE, DRAIN_PATH),
            opts=child,
        )
        integration = apigatewayv2.Integration(
            f"{name}-integration{mark}",
            api_id=api.id,
            integration_type="AWS_PROXY",
            integration_uri=args.function.invoke_arn,
            integration_method="POST",
            payload_format_version="2.0",
            # When the function is replaced, POSTs go to the new one only after API Gateway may invoke it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        route = apigatewayv2.Route(
            f"{name}-route{mark}",
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
            f"{name}-stage{mark}",
            api_id=api.id,
            name=STAGE,
            auto_deploy=True,
            # Setting only one of the two has set the other to 0 (pulumi/pulumi-aws #2363).
            default_route_settings={
                "throttling_rate_limit": args.requests_per_second,
                "throttling_burst_limit": min(2 * args.requests_per_second, _MAX_BURST),
            },
            access_log_settings={"destination_arn": log.arn, "format": access_log.FORMAT},
            # Once the URL is known, the endpoint answers.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[route, permission]),
        )
        self.api, self.url = api, stage.invoke_url
        self.register_outputs({"url": self.url})
