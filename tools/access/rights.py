"""Whether somebody may do something in the stack, and why: the declared policies applied to requests."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tools.access.declared import ACCOUNT, Declared
from tools.policy_evaluation.decisions import Decision, decide
from tools.policy_evaluation.requests import Context, Principal, Request
from tools.policy_evaluation.statements import Statement, statements

# Every row and column assumes the newest TLS, so that only who asks for what decides.
_TLS: Context = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


@dataclass(frozen=True)
class Who:
    """Somebody with their own policies; `context` is what else conditions see of their requests."""

    key: str
    title: str
    principal: Principal
    policies: tuple[Statement, ...] = ()
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Deed:
    """Something that people care about. Each of `ways` does it, and needs all of its requests."""

    key: str
    title: str
    ways: tuple[tuple[Request, ...], ...]


def aws_ssm_key(region: str) -> str:
    """The ARN under which the key `aws/ssm` of the account is known here."""
    return f"arn:aws:kms:{region}:{ACCOUNT}:key/aws-ssm"


def _policy_of_aws_ssm(region: str) -> tuple[Statement, ...]:
    """The policy of the key that AWS manages for Parameter Store, which nobody can change.

    It serves everybody in the account who comes through Parameter Store: so whoever may read a SecureString under it
    also decrypts it ("AWS managed keys", and the key's policy in the console).
    """
    condition = {"kms:ViaService": f"ssm.{region}.amazonaws.com", "kms:CallerAccount": ACCOUNT}
    everybody = {
        "Sid": "ThroughParameterStore",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {"StringEquals": condition},
    }
    return statements("policy of the key `aws/ssm`", {"Statement": everybody})


def decision(found: Declared, who: Who, request: Request) -> Decision:
    """Decide one request."""
    asked = Request(request.action, request.resource, {**_TLS, **who.context, **request.context})
    return decide(asked, who.principal, who.policies, _own_policy(found, request.resource), account=ACCOUNT)


def may(found: Declared, who: Who, deed: Deed) -> Decision:
    """Whether one of the ways is open, and by which statements; else the denials met on the ways."""
    denials: dict[str, Statement] = {}
    for way in deed.ways:
        decisions = [decision(found, who, request) for request in way]
        if all(each.allowed for each in decisions):
            return Decision(allowed=True, by=_once(each for one in decisions for each in one.by))
        denials |= {each.policy + each.sid: each for one in decisions if not one.allowed for each in one.by}
    return Decision(allowed=False, by=tuple(denials.values()))


def _once(by: Iterable[Statement]) -> tuple[Statement, ...]:
    return tuple({each.policy + each.sid: each for each in by}.values())


def _own_policy(found: Declared, resource: str) -> tuple[Statement, ...]:
    if resource == aws_ssm_key(found.settings.region):
        return _policy_of_aws_ssm(found.settings.region)
    # An object's is its bucket's.
    owner = resource.partition("/")[0] if resource.startswith("arn:aws:s3:::") else resource
    return tuple(found.own_policies.get(owner, ()))
