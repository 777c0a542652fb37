"""Who asks AWS for what: principals and requests, as policies see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

# The values of a condition key: most have one value, some have several.
Context = Mapping[str, str | tuple[str, ...]]


class Kind(Enum):
    """The kinds of principals, by the value of `aws:PrincipalType` where AWS gives one."""

    ANONYMOUS = "Anonymous"
    ROOT = "Account"
    USER = "User"
    ROLE = "AssumedRole"
    SERVICE = "Service"


@dataclass(frozen=True)
class Principal:
    """A principal. `name` is the ARN of a user, role or root, or a service such as `s3.amazonaws.com`."""

    kind: Kind
    name: str = ""

    @classmethod
    def of(cls, name: str) -> "Principal":
        """The principal with this ARN, the service of this name, or nobody known for an empty name."""
        if not name.startswith("arn:"):
            return cls(Kind.SERVICE if name else Kind.ANONYMOUS, name)
        kinds = {"root": Kind.ROOT, "user": Kind.USER, "role": Kind.ROLE}
        return cls(kinds[name.rpartition(":")[2].partition("/")[0]], name)

    @property
    def account(self) -> str | None:
        """The account of a user, role or root."""
        return self.name.split(":")[4] if self.name.startswith("arn:") else None

    @property
    def context(self) -> Context:
        """What conditions may ask about the principal ("AWS global condition context keys").

        Anonymous requests have no `aws:PrincipalArn` and no `aws:PrincipalIsAWSService`. A service that acts for itself
        has no ARN.
        """
        kind = {"aws:PrincipalType": self.kind.value}
        if self.kind is Kind.ANONYMOUS:
            return kind
        if self.kind is Kind.SERVICE:
            return {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": self.name}
        account = self.account or ""
        own = {"aws:PrincipalArn": self.name, "aws:PrincipalAccount": account, "kms:CallerAccount": account}
        return {**kind, **own, "aws:PrincipalIsAWSService": "false"}


@dataclass(frozen=True)
class Request:
    """One API call as policies see it; `context` has what conditions may ask beside the principal."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)
