"""The SSM parameters by which the operator's tools find the stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam, kms, ssm

from contract import names, policies
from contract.principals import Principals


@dataclass(frozen=True)
class ParametersArgs:
    """The path, the values, the role that may read the values that are not secret, and who may decrypt the others."""

    prefix: str
    principals: Principals
    bucket_arn: pulumi.Input[str]
    reader: iam.Role
    outputs: Mapping[str, pulumi.Input[object]]
    token_hashes: Sequence[ssm.Parameter]
    drain_urls: Mapping[str, pulumi.Output[str]]


class Parameters(pulumi.ComponentResource):
    """`bucket_arn`, `athena_reader_role_arn` and `outputs` as String, `drain_url/<app>` as SecureString.

    `drain_urls` are the latter.
    """

    def __init__(self, name: str, args: ParametersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Parameters", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        plain = {
            names.BUCKET_ARN: ("ARN of the archive's bucket", args.bucket_arn),
            names.READER_ROLE_ARN: ("ARN of the role that queries", args.reader.arn),
            names.OUTPUTS: ("All outputs of the stack, as JSON", pulumi.Output.json_dumps(args.outputs)),
        }
        readable = [
            ssm.Parameter(
                f"{name}-{key}",
                name=f"{args.prefix}{key}",
                type="String",
                description=description,
                value=value,
                # More than 4 KB, which is some 80 apps, take the advanced tier at $0.05 per month. The provider takes
                # either tier for this one, so nothing changes from then on (aws_ssm_parameter's DiffSuppressFunc).
                tier="Intelligent-Tiering",
                opts=child,
            ).arn
            for key, (description, value) in plain.items()
        ]
        hashes = args.token_hashes[0].arn.apply(policies.all_beside)
        iam.RolePolicy(
            f"{name}-reader-policy",
            name="parameters",
            role=args.reader.name,
            policy=pulumi.Output.json_dumps(pulumi.Output.all(*readable, hashes).apply(policies.parameter_reader)),
            opts=child,
        )
        key = kms.Key(
            f"{name}-key",
            description=f"Encrypts the drain URLs under {args.prefix}",
            enable_key_rotation=True,
            policy=pulumi.Output.json_dumps(policies.drain_url_key(args.principals)),
            opts=child,
        )
        self.drain_urls = [
            ssm.Parameter(
                f"{name}-drain-url-{app}",
                name=f"{args.prefix}{names.drain_url(app)}",
                type="SecureString",
                key_id=key.arn,
                description=f"Log drain of {app}, as `heroku drains` shows it",
                value=url,
                opts=child,
            )
            for app, url in args.drain_urls.items()
        ]
        self.register_outputs({})
