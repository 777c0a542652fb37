"""The drain keys of earlier versions of the stack, for the one update that replaces them.

Until that update is complete, the drains have tokens of these keys, and running receivers read them from SSM.
"""

import json

import pulumi
import pulumi_random as random
from pulumi_aws import ssm

from contract import names


class ReplacedKeys:
    """The resources under their former names; `current` is the key of which the drains have tokens."""

    def __init__(
        self, name: str, generation: int, accept_previous: bool, parameter_prefix: str, opts: pulumi.ResourceOptions
    ) -> None:
        keys = {
            each: _base64url(random.RandomBytes(f"{name}-{each}", length=32, opts=opts))
            for each in range(1, generation + 2)
        }
        accepted = [generation, generation + 1]
        if accept_previous and generation > 1:
            accepted.insert(1, generation - 1)
        self.current = keys[generation]
        self.parameter = ssm.Parameter(
            f"{name}-parameter",
            name=f"{parameter_prefix}{names.REPLACED_KEYS}",
            type="SecureString",
            description="Keys whose tokens the receiver accepts, the current one first",
            value=pulumi.Output.all(*[keys[each] for each in accepted]).apply(json.dumps),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=False)),
        )


def _base64url(key: random.RandomBytes) -> pulumi.Output[str]:
    text = key.base64.apply(lambda standard: standard.rstrip("=").replace("+", "-").replace("/", "_"))
    return pulumi.Output.secret(text)
