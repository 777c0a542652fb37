"""The keys from which the tokens in drain URLs are derived, and the hashes by which the receiver knows the tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_random as random
from pulumi_aws import ssm

from contract import drain_url, names, token_hashes
from infra.replaced_keys import ReplacedKeys

# 43 letters and digits are 256 bits.
_LENGTH = 43


@dataclass(frozen=True)
class DrainKeysArgs:
    """The current generation, whether tokens of the one before are still accepted, the apps, and the path in SSM.

    With `accept_replaced`, the tokens of an earlier version of the stack are accepted too.
    """

    generation: int
    accept_previous: bool
    accept_replaced: bool
    apps: Sequence[str]
    parameter_prefix: str


class DrainKeys(pulumi.ComponentResource):
    """One random key per generation; `hashes` are the parameters of the apps' accepted tokens.

    Keys are nowhere but in the state. The next generation's tokens are accepted ahead, so that every warm receiver
    knows them before the first drain uses one. Old keys stay in the state, unused, so that a rotation adds one resource
    and removes none. `replaced` are the keys of an earlier version, None unless they are accepted.
    """

    def __init__(self, name: str, args: DrainKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:DrainKeys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # A RandomBytes has its value as its id, and the state and every diff show ids in clear.
        keys: dict[int, pulumi.Output[str]] = {
            generation: random.RandomPassword(
                f"{name}-generation-{generation}", length=_LENGTH, special=False, opts=child
            ).result
            for generation in range(1, args.generation + 2)
        }
        self._current: pulumi.Output[str] = pulumi.Output.secret(keys[args.generation])
        accepted = {token_hashes.CURRENT: self._current, token_hashes.NEXT: keys[args.generation + 1]}
        if args.accept_previous and args.generation > 1:
            accepted[token_hashes.PREVIOUS] = keys[args.generation - 1]
        self.replaced = None
        if args.accept_replaced:
            self.replaced = ReplacedKeys(name, args.generation, args.accept_previous, args.parameter_prefix, child)
            accepted[token_hashes.REPLACED] = self.replaced.current
        self.hashes = [
            ssm.Parameter(
                f"{name}-hashes-{app}",
                name=f"{args.parameter_prefix}{names.token_hashes(app)}",
                type="String",
                description=f"SHA-256 of the tokens that the receiver accepts from {app}",
                value=_hashes(app, accepted),
                # With a new name, the new parameter must exist before the function reads it.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
            )
            for app in args.apps
        ]
        self.register_outputs({"hashes": [parameter.name for parameter in self.hashes]})

    def url(self, endpoint: pulumi.Output[str], app: str) -> pulumi.Output[str]:
        """An app's drain URL with the current generation's token: a secret."""
        return pulumi.Output.all(endpoint, self._current).apply(lambda known: drain_url.url(known[0], app, known[1]))


def _hashes(app: str, accepted: dict[str, pulumi.Output[str]]) -> pulumi.Output[str]:
    """The value of an app's parameter, for keys by whose tokens they make. It is no secret, so that a plan shows it."""

    def known(keys: dict[str, str]) -> str:
        tokens = {whose: drain_url.token(key, app) for whose, key in keys.items()}
        return token_hashes.format_hashes({whose: token_hashes.token_hash(token) for whose, token in tokens.items()})

    return pulumi.Output.unsecret(pulumi.Output.all(**accepted).apply(known))
