"""The receiver, as a Lambda function, and the deployment package that it runs."""

import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_aws import cloudwatch, iam, lambda_, s3, sqs, ssm

from contract import names, policies

_PROJECT = Path(__file__).parent.parent

# The receiver answers a POST within 4 s of its arrival; only a redrive needs more. The slowest body, 10 MB of frames of
# one byte, takes about 50 s with the default memory, and one that never fits would become a dead letter. AWS asks for a
# visibility time-out of six times this number.
TIMEOUT_S = 120
# A message has up to 256 KB, and an event at most 6 MB.
_REDRIVE_BATCH = 10
# The minimum that AWS allows: a backlog after an outage of S3 must not use the executions that live POSTs need.
_REDRIVE_CONCURRENCY = 2


@dataclass(frozen=True)
class ReceiverFunctionArgs:
    """The beginning of names, the resources that the receiver uses, and its size."""

    name_prefix: str
    apps: tuple[str, ...]
    bucket: s3.Bucket
    keys_parameter: ssm.Parameter
    spill_queue: sqs.Queue
    memory_mb: int
    reserved_concurrency: int
    log_days: int


class ReceiverFunction(pulumi.ComponentResource):
    """`function`, with its role, its log group, and the redrive from the spill queue."""

    def __init__(self, name: str, args: ReceiverFunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:ReceiverFunction", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # A new `namePrefix` renames all of these. Because they have explicit names, the provider would delete the old
        # ones first (pulumi-terraform-bridge, `nameRequiresDeleteBeforeReplace`), and the old function would answer
        # POSTs without its permissions.
        replaced_first = pulumi.ResourceOptions(parent=self, delete_before_replace=False)
        function_name = names.receiver_function(args.name_prefix)
        log_group = cloudwatch.LogGroup(
            f"{name}-log",
            name=names.function_log_group(function_name),
            retention_in_days=args.log_days,
            opts=replaced_first,
        )
        role = iam.Role(
            f"{name}-role",
            name=function_name,
            assume_role_policy=json.dumps(policies.lambda_trust()),
            opts=replaced_first,
        )
        policy = iam.RolePolicy(
            f"{name}-policy",
            name="receive",
            role=role.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(args.bucket.arn, args.keys_parameter.arn, args.spill_queue.arn, log_group.arn).apply(
                    lambda arns: policies.receiver(*arns)
                )
            ),
            opts=replaced_first,
        )
        self.function = lambda_.Function(
            f"{name}-function",
            name=function_name,
            description="Stores Heroku log drains in S3",
            role=role.arn,
            runtime="python3.13",
            architectures=["arm64"],
            handler="receiver.handler.handler",
            code=deployment_package(),
            memory_size=args.memory_mb,
            reserved_concurrent_executions=args.reserved_concurrency,
            timeout=TIMEOUT_S,
            environment={
                "variables": {
                    names.BUCKET_VARIABLE: args.bucket.bucket,
                    names.APPS_VARIABLE: ",".join(args.apps),
                    names.DRAIN_KEYS_VARIABLE: args.keys_parameter.name,
                    names.SPILL_QUEUE_VARIABLE: args.spill_queue.url,
                }
            },
            # Without the policy, the first POSTs would fail; without the log group, Lambda would create one that never
            # expires.
            opts=pulumi.ResourceOptions.merge(replaced_first, pulumi.ResourceOptions(depends_on=[policy, log_group])),
        )
        lambda_.EventSourceMapping(
            f"{name}-redrive",
            event_source_arn=args.spill_queue.arn,
            function_name=self.function.arn,
            batch_size=_REDRIVE_BATCH,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": _REDRIVE_CONCURRENCY},
            opts=child,
        )
        self.register_outputs({"function": self.function.arn})


def deployment_package(project: Path = _PROJECT) -> pulumi.AssetArchive:
    """Give our own sources only, because the runtime includes boto3; without the server, which runs outside Lambda.

    The files are listed one by one: the digest of a folder would change with every `__pycache__`.
    """
    sources = sorted(
        path.relative_to(project).as_posix()
        for room in ("contract", "receiver")
        for path in (project / room).rglob("[!.]*.py")
    )
    return pulumi.AssetArchive(
        {path: pulumi.FileAsset(path) for path in sources if not path.startswith("receiver/server/")}
    )
