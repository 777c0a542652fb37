"""A Lambda function with its role and its log, and what functions share: the deployment package, variables."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_aws import cloudwatch, iam, lambda_, s3

from contract import names, policies

_PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True)
class FunctionArgs:
    """What a function runs, how large it is, and what it needs first.

    `policy` gives the role's policy for the ARN of the function's log group. Names are the same for the function and
    its role. Until `behind` are in place, the function is neither created nor updated.
    """

    name: str
    description: str
    handler: str
    memory_mb: int
    timeout_s: int
    log_days: int
    environment: Mapping[str, pulumi.Input[str]]
    policy: Callable[[pulumi.Output[str]], pulumi.Output[policies.Policy]]
    policy_name: str
    reserved_concurrency: int = -1
    behind: Sequence[pulumi.Resource] = ()


def archive_environment(
    bucket: s3.Bucket, account_arn: pulumi.Input[str], object_lock_days: int
) -> dict[str, pulumi.Input[str]]:
    """Give the variables of a function that writes to the archive; `account_arn` is any ARN of its account."""
    locks = {names.OBJECT_LOCK_VARIABLE: str(object_lock_days)} if object_lock_days else {}
    owner = pulumi.Output.from_input(account_arn).apply(lambda arn: arn.split(":")[4])
    return {names.BUCKET_VARIABLE: bucket.bucket, names.BUCKET_OWNER_VARIABLE: owner, **locks}


class Function(pulumi.ComponentResource):
    """`function`, with its role and its log group."""

    def __init__(self, kind: str, name: str, args: FunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """`kind` is the last part of the component's type."""
        super().__init__(f"raxx:logdrain:{kind}", name, None, opts)
        # A new `namePrefix` renames all of these. Because they have explicit names, the provider would delete the old
        # ones first (pulumi-terraform-bridge, `nameRequiresDeleteBeforeReplace`), and the old function would run
        # without its permissions.
        replaced_first = pulumi.ResourceOptions(parent=self, delete_before_replace=False)
        log_group = cloudwatch.LogGroup(
            f"{name}-log",
            name=names.function_log_group(args.name),
            retention_in_days=args.log_days,
            opts=replaced_first,
        )
        role = iam.Role(
            f"{name}-role",
            name=args.name,
            assume_role_policy=json.dumps(policies.lambda_trust()),
            opts=replaced_first,
        )
        policy = iam.RolePolicy(
            f"{name}-policy",
            name=args.policy_name,
            role=role.name,
            policy=pulumi.Output.json_dumps(args.policy(log_group.arn)),
            opts=replaced_first,
        )
        self.function = lambda_.Function(
            f"{name}-function",
            name=args.name,
            description=args.description,
            role=role.arn,
            runtime="python3.13",
            architectures=["arm64"],
            handler=args.handler,
            code=deployment_package(),
            memory_size=args.memory_mb,
            reserved_concurrent_executions=args.reserved_concurrency,
            timeout=args.timeout_s,
            environment={"variables": args.environment},
            # An event that goes well writes no line. Metrics and the runtime's own errors have no level, so that Lambda
            # takes them for INFO ("Log-level filtering").
            logging_config={"log_format": "JSON", "system_log_level": "WARN", "application_log_level": "INFO"},
            # Without the policy, the first events would fail; without the log group, Lambda would create one that never
            # expires.
            opts=pulumi.ResourceOptions.merge(
                replaced_first, pulumi.ResourceOptions(depends_on=[policy, log_group, *args.behind])
            ),
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
