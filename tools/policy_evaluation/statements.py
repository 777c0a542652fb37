"""Single statements of policies: whether one is about a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.policy_evaluation import conditions
from tools.policy_evaluation.conditions import values_of
from tools.policy_evaluation.patterns import NotUnderstood, matches
from tools.policy_evaluation.requests import Kind, Principal, Request

_ELEMENTS = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"),
}


@dataclass(frozen=True)
class Statement:
    """A statement, and where it is: the title of its policy."""

    policy: str
    body: Mapping[str, Any]

    def __post_init__(self) -> None:
        if unknown := self.body.keys() - _ELEMENTS:
            raise NotUnderstood(f"{', '.join(sorted(unknown))} in {self.policy}")

    @property
    def sid(self) -> str:
        """Its name; empty for none."""
        return str(self.body.get("Sid", ""))

    @property
    def denies(self) -> bool:
        """Whether its effect is Deny."""
        return bool(self.body["Effect"] == "Deny")

    def is_about(self, request: Request, principal: Principal) -> bool:
        """Whether action, resource and conditions match; the principal is another question."""
        return (
            self._element("Action", request.action.lower(), str.lower)
            and self._element("Resource", request.resource, str)
            and conditions.hold(self.body.get("Condition", {}), {**principal.context, **request.context})
        )

    def names(self, principal: Principal) -> bool:
        """Whether the Principal element of a resource's policy matches the principal itself.

        A denial of an account is one of everybody in it. An Allow that names an account does not name its principals:
        it leaves the decision to their own policies (`delegates_to`).
        """
        if "NotPrincipal" in self.body:
            return self._not_principal(principal)
        given = self.body["Principal"]
        named = ("*",) if given == "*" else values_of(given.get("AWS", ()))
        if "*" in named:
            return True
        if principal.kind is Kind.SERVICE:
            return principal.name in values_of(given.get("Service", ()))
        return principal.name in named or (self.denies and _account_is_in(named, principal))

    def delegates_to(self, principal: Principal) -> bool:
        """Whether it leaves the decision to the policies of the principal's account ("AWS account principals")."""
        given = self.body.get("Principal", "*")
        return not self.denies and given != "*" and _account_is_in(values_of(given.get("AWS", ())), principal)

    def _not_principal(self, principal: Principal) -> bool:
        # Who is left out of a denial must be named together with the account ("NotPrincipal with Deny").
        if not self.denies:
            raise NotUnderstood(f"NotPrincipal with Allow in {self.policy}")
        spared = self.body["NotPrincipal"]
        if principal.kind is Kind.SERVICE:
            return principal.name not in values_of(spared.get("Service", ()))
        named = values_of(spared.get("AWS", ()))
        return not (principal.name in named and _account_is_in(named, principal))

    def _element(self, name: str, text: str, normal: Any) -> bool:
        if name in self.body:
            return any(matches(text, normal(each)) for each in values_of(self.body[name]))
        if f"Not{name}" in self.body:
            return not any(matches(text, normal(each)) for each in values_of(self.body[f"Not{name}"]))
        # A trust policy has no resource: it is about its role.
        return name == "Resource"


def statements(policy: str, document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy document with a title."""
    bodies = document["Statement"]
    return tuple(Statement(policy, body) for body in (bodies if isinstance(bodies, list) else [bodies]))


def _account_is_in(named: Iterable[str], principal: Principal) -> bool:
    account = principal.account
    return account is not None and any(each == account or each.endswith(f"::{account}:root") for each in named)
