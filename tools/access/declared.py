"""What the Pulumi program declares: resources, and every policy of identities and resources."""

from dataclasses import dataclass, field
from typing import Any

from infra.settings import Settings
from tools.policy_evaluation.statements import Statement

ACCOUNT = "123456789012"


class UnknownPolicy(Exception):
    """The program declares a policy, or a right, in a place where it is not looked for."""


@dataclass(frozen=True)
class Declared:
    """What a run of the program declared, and the settings that it ran with.

    `resources` are the properties by type and logical name, ids with the key `id`. `identities` are the policies of
    roles and users, `own_policies` those of resources (a role's is its trust policy), both by ARN.
    """

    settings: Settings
    resources: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    identities: dict[str, list[Statement]] = field(default_factory=dict)
    own_policies: dict[str, list[Statement]] = field(default_factory=dict)

    def arn(self, kind: str, name: str) -> str:
        """The ARN of the resource of a type, such as `sqs/queue`, with this physical name, or with this key as id."""
        return str(self.find(kind, name)["arn"])

    def find(
        self, kind: str, name: str, by: tuple[str, ...] = ("name", "bucket", "id", "arn", "url")
    ) -> dict[str, Any]:
        """The properties of the resource of a type that has this name, id, ARN or URL."""
        for found in self.of_type(kind):
            if name in [found.get(key) for key in by]:
                return found
        raise UnknownPolicy(f"the program declares no {kind} {name}")

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The properties of all resources of a type, such as `sqs/queue`."""
        return [found for (type_, _), found in self.resources.items() if type_.split(":")[1] == kind]
