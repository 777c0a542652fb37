"""The keys from which the drain URLs' tokens are derived."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random
from pulumi_aws import ssm

from contract import drain_url


@dataclass(frozen=True)
class DrainKeysArgs:
    """The generation in use, whether the one before is still accepted, and where SSM keeps the list."""

    generation: int
    accept_previous: bool
    parameter_name: str


class DrainKeys(pulumi.ComponentResource):
    """One random key a generation; `parameter` is the list that is accepted.

    The next generation's key is published ahead, so that every warm receiver accepts the new tokens before the first
    drain uses one. Old keys stay in the state, unused, so that a rotation adds one resource and removes none.
    """

    def __init__(self, name: str, args: DrainKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:DrainKeys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        keys = {
            generation: _base64url(random.RandomBytes(f"{name}-{generation}", length=32, opts=child))
            for generation in range(1, args.generation + 2)
        }
        accepted = [args.generation, args.generation + 1]
        if args.accept_previous and args.generation > 1:
            accepted.insert(1, args.generation - 1)
        self._current = keys[args.generation]
        self.parameter = ssm.Parameter(
            f"{name}-parameter",
            name=args.parameter_name,
            type="SecureString",
            description="Keys whose tokens the receiver accepts, the current one first",
            value=pulumi.Output.json_dumps([keys[generation] for generation in accepted]),
            # Under another name it is there before the function asks for it.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        self.register_outputs({"parameter": self.parameter.name})

    def url(self, endpoint: pulumi.Output[str], app: str) -> pulumi.Output[str]:
        """An app's drain URL with the current generation's token: a secret."""
        return pulumi.Output.all(endpoint, self._current).apply(lambda known: drain_url.url(known[0], app, known[1]))


def _base64url(key: random.RandomBytes) -> pulumi.Output[str]:
    text = key.base64.apply(lambda standard: standard.rstrip("=").replace("+", "-").replace("/", "_"))
    return pulumi.Output.secret(text)
