"""The drain endpoint: the receiver as a Lambda function behind an HTTP API."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import apigatewayv2, cloudwatch, iam, lambda_, s3, ssm

from contract.drain import DRAIN_PATH
from infra import package, policies

STAGE = "prod"
ROUTE = f"POST {DRAIN_PATH}"
# The receiver answers within 4 s of a POST's arrival; what is over is for a start that is slow.
TIMEOUT_S = 15


@dataclass(frozen=True)
class EndpointArgs:
    """What the names begin with, what the receiver stores where, and how large it is."""

    name_prefix: str
    apps: tuple[str, ...]
    bucket: s3.Bucket
    keys_parameter: ssm.Parameter
    memory_mb: int
    log_days: int


class Endpoint(pulumi.ComponentResource):
    """Function and API; `url` is the stage's address, without a trailing slash and without any token."""

    def __init__(self, name: str, args: EndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Endpoint", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        function_name = f"{args.name_prefix}-receiver"
        log_group = cloudwatch.LogGroup(
            f"{name}-log", name=f"/aws/lambda/{function_name}", retention_in_days=args.log_days, opts=child
        )
        role = iam.Role(
            f"{name}-role", name=function_name, assume_role_policy=json.dumps(policies.lambda_trust()), opts=child
        )
        policy = iam.RolePolicy(
            f"{name}-policy",
            name="receive",
            role=role.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(args.bucket.arn, args.keys_parameter.arn, log_group.arn).apply(
                    lambda arns: policies.receiver(*arns)
                )
            ),
            opts=child,
        )
        function = lambda_.Function(
            f"{name}-function",
            name=function_name,
            description="Stores Heroku log drains in S3",
            role=role.arn,
            runtime="python3.13",
            architectures=["arm64"],
            handler="receiver.handler.handler",
            code=package.archive(),
            memory_size=args.memory_mb,
            timeout=TIMEOUT_S,
            environment={
                "variables": {
                    "LOG_BUCKET": args.bucket.bucket,
                    "LOG_APPS": ",".join(args.apps),
                    "DRAIN_KEYS_PARAMETER": args.keys_parameter.name,
                }
            },
            # Without its rights and its log group the first POSTs would fail, or log to a group that never expires.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, log_group]),
        )
        api = apigatewayv2.Api(
            f"{name}-api",
            name=function_name,
            description="Endpoint of the Heroku log drains",
            protocol_type="HTTP",
            opts=child,
        )
        integration = apigatewayv2.Integration(
            f"{name}-integration",
            api_id=api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.invoke_arn,
            integration_method="POST",
            payload_format_version="2.0",
            opts=child,
        )
        route = apigatewayv2.Route(
            f"{name}-route",
            api_id=api.id,
            route_key=ROUTE,
            target=pulumi.Output.format("integrations/{0}", integration.id),
            opts=child,
        )
        stage = apigatewayv2.Stage(
            f"{name}-stage",
            api_id=api.id,
            name=STAGE,
            auto_deploy=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[route]),
        )
        lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.format("{0}/{1}/POST{2}", api.execution_arn, STAGE, DRAIN_PATH),
            opts=child,
        )
        self.url = stage.invoke_url
        self.register_outputs({"url": self.url})
