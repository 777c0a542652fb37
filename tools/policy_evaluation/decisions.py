"""The decision on a request: an explicit Deny first, then whoever has to allow it.

Sources: "How AWS enforcement code logic evaluates requests to allow or deny access", "Policy evaluation for requests
within a single account" and "Cross-account policy evaluation logic" in the IAM User Guide; "Key policies in AWS KMS".
Permissions boundaries, session policies and policies of an organisation are not evaluated: the stack has none, and they
could only take rights away.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tools.policy_evaluation.requests import Kind, Principal, Request
from tools.policy_evaluation.statements import Statement, statements

# These are allowed only if the resource's own policy names the principal, or leaves the decision to its account and the
# principal's policies allow it: "Key policies in AWS KMS"; a role's trust policy.
_OWN_POLICY_DECIDES = ("kms", "sts")
# The root user of the bucket's account can always do these ("PutBucketPolicy", Amazon S3 API Reference).
_ROOT_KEEPS = {"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"}
ROOT = statements("the root user's own rights", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


@dataclass(frozen=True)
class Decision:
    """Whether a request is allowed, and by which statements; or by which it is denied, or none."""

    allowed: bool
    by: tuple[Statement, ...] = ()


def decide(
    request: Request,
    principal: Principal,
    identity: Iterable[Statement] = (),
    resource: Iterable[Statement] = (),
    *,
    account: str,
) -> Decision:
    """Decide a request on a resource of `account`; `identity` and `resource` are the statements of their policies."""
    own = [each for each in (ROOT if principal.kind is Kind.ROOT else identity) if each.is_about(request, principal)]
    of_resource = [each for each in resource if each.is_about(request, principal)]
    denials = [each for each in own if each.denies] + [
        each for each in of_resource if each.denies and each.names(principal)
    ]
    foreign = principal.account != account
    if denials and (foreign or principal.kind is not Kind.ROOT or request.action.lower() not in _ROOT_KEEPS):
        return Decision(allowed=False, by=tuple(denials[:1]))
    allows = own[:1]
    named = [each for each in of_resource if not each.denies and each.names(principal)][:1]
    delegated = [each for each in of_resource if each.delegates_to(principal)][:1]
    return _granted(request, principal, foreign, allows, named, delegated)


def _granted(
    request: Request,
    principal: Principal,
    foreign: bool,
    allows: list[Statement],
    named: list[Statement],
    delegated: list[Statement],
) -> Decision:
    """Who has to allow: the resource for a stranger; both for another account; either within one account."""
    if principal.account is None:
        return Decision(bool(named), tuple(named))
    if foreign:
        by = allows + (named or delegated)
        return Decision(len(by) == 2, tuple(by) if len(by) == 2 else ())
    if named:
        return Decision(allowed=True, by=tuple(named))
    if request.action.partition(":")[0].lower() in _OWN_POLICY_DECIDES and request.resource != "*":
        return Decision(bool(allows and delegated), tuple(allows + delegated) if allows and delegated else ())
    return Decision(bool(allows), tuple(allows))
