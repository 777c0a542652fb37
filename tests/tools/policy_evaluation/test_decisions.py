"""Requests are decided as the IAM User Guide and the KMS Developer Guide say."""

from typing import Any

import pytest

from tools.policy_evaluation.decisions import decide
from tools.policy_evaluation.patterns import NotUnderstood
from tools.policy_evaluation.requests import Principal, Request
from tools.policy_evaluation.statements import statements

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
CARLOS = f"arn:aws:iam::{ACCOUNT}:user/carlossalazar"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/x"
BUCKET = "arn:aws:s3:::logs"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
OBJECT = f"{BUCKET}/a.txt"
READ = Request("s3:GetObject", OBJECT)


def allow(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": "*", **elements}


def deny(**elements: Any) -> dict[str, Any]:
    return {**allow(**elements), "Effect": "Deny"}


def allowed(
    who: str, request: Request, identity: list[dict[str, Any]] | None = None, own: list[dict[str, Any]] | None = None
) -> bool:
    of_who = statements("identity", {"Statement": identity or []})
    of_resource = statements("resource", {"Statement": own or []})
    return decide(request, Principal.of(who), of_who, of_resource, account=ACCOUNT).allowed


# ---------------------------------------------------------------- within an account


@pytest.mark.parametrize(
    ("identity", "own", "expected"),
    [
        ([], [], False),
        ([allow()], [], True),
        ([], [allow(Principal={"AWS": CARLOS})], True),
        ([], [allow(Principal="*")], True),
        ([], [allow(Principal={"AWS": ROLE})], False),
        # An Allow that names the account leaves the decision to the policies of its principals.
        ([], [allow(Principal={"AWS": ROOT})], False),
        ([allow()], [allow(Principal={"AWS": ROOT})], True),
        ([allow(), deny()], [], False),
        ([allow()], [deny(Principal="*")], False),
        ([allow()], [deny(Principal={"AWS": CARLOS})], False),
        ([allow()], [deny(Principal={"AWS": ROOT})], False),
        ([allow()], [deny(Principal={"AWS": ROLE})], True),
        ([deny()], [allow(Principal={"AWS": CARLOS})], False),
    ],
)
def test_either_policy_allows_and_any_denies(identity: Any, own: Any, expected: bool) -> None:
    """ "Policy evaluation for requests within a single account"."""
    assert allowed(CARLOS, READ, identity, own) is expected


def test_the_example_of_carlos() -> None:
    """His own policy lets him read his bucket; the bucket's policy lets him also write; the rest is denied to him."""
    bucket = "arn:aws:s3:::carlossalazar-logs"
    own: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListAllMyBuckets"], "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*Object*", "Resource": f"{bucket}/*"},
        {"Effect": "Deny", "Action": "s3:*", "NotResource": [bucket, f"{bucket}/*"]},
    ]
    of_bucket = [{"Effect": "Allow", "Principal": {"AWS": CARLOS}, "Action": "s3:*", "Resource": [bucket]}]
    assert allowed(CARLOS, Request("s3:PutObject", f"{bucket}/a"), own, of_bucket)
    assert allowed(CARLOS, Request("s3:ListBucket", bucket), own, of_bucket)
    assert not allowed(CARLOS, Request("s3:ListBucket", bucket), own)
    assert not allowed(CARLOS, Request("s3:GetObject", OBJECT), own, [allow(Principal={"AWS": CARLOS})])


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow(Action="s3:getobject"), True),
        (allow(Action="S3:Get*"), True),
        (allow(Action=["s3:PutObject", "s3:?etObject"]), True),
        (allow(Action="s3:Get"), False),
        (allow(Resource=f"{BUCKET}/*"), True),
        (allow(Resource=BUCKET), False),
        (allow(Resource=[BUCKET, f"{BUCKET}/a.???"]), True),
        (allow(Resource=OBJECT.upper()), False),
        ({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}, False),
        ({"Effect": "Allow", "NotAction": ["s3:Put*", "sqs:*"], "Resource": "*"}, True),
        ({"Effect": "Allow", "Action": "*", "NotResource": f"{BUCKET}/*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": f"{BUCKET}/b*"}, True),
    ],
)
def test_actions_and_resources(statement: Any, expected: bool) -> None:
    assert allowed(CARLOS, READ, [statement]) is expected


def test_the_decision_names_the_statements() -> None:
    of_who = statements("identity", {"Statement": allow(Sid="All")})
    own = statements("bucket", {"Statement": deny(Sid="No", Principal="*")})
    yes = decide(READ, Principal.of(CARLOS), of_who, account=ACCOUNT)
    no = decide(READ, Principal.of(CARLOS), of_who, own, account=ACCOUNT)
    assert [(each.policy, each.sid) for each in yes.by] == [("identity", "All")]
    assert [(each.policy, each.sid) for each in no.by] == [("bucket", "No")]


def test_conditions_see_who_asks() -> None:
    """The form of the bucket's own denials: all but those named."""
    spared = {"ArnNotLike": {"aws:PrincipalArn": [ROLE, f"arn:aws:iam::{ACCOUNT}:user/ops"]}}
    own = [deny(Principal="*", Condition=spared)]
    assert not allowed(CARLOS, READ, [allow()], own)
    assert allowed(ROLE, READ, [allow()], own)
    # Without an ARN a negated operator is true: whoever has no name is denied too.
    assert not allowed("", READ, own=[*own, allow(Principal="*")])
    assert not allowed("s3.amazonaws.com", READ, own=[*own, allow(Principal="*")])


@pytest.mark.parametrize(
    ("spared", "expected"),
    [
        ({"AWS": [ROLE, ROOT]}, True),
        ({"AWS": [ROLE]}, False),
        ({"AWS": [CARLOS, ROOT]}, False),
        ({"Service": "s3.amazonaws.com"}, False),
    ],
)
def test_a_denial_of_all_but_some_has_to_spare_their_account_too(spared: Any, expected: bool) -> None:
    """ "NotPrincipal with Deny"."""
    denial = {"Effect": "Deny", "NotPrincipal": spared, "Action": "*", "Resource": "*"}
    assert allowed(ROLE, READ, [allow()], [denial]) is expected


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"},
        {**allow(), "Rule": "x"},
        allow(Resource="arn:aws:s3:::${aws:username}", Principal="*"),
    ],
)
def test_what_is_not_understood_is_an_error(statement: Any) -> None:
    with pytest.raises(NotUnderstood):
        allowed(CARLOS, READ, own=[statement])


# ---------------------------------------------------------------- strangers, services, root, other accounts


def test_anonymous_requests_need_a_policy_that_is_open_to_all() -> None:
    assert not allowed("", READ)
    assert not allowed("", READ, own=[allow(Principal={"AWS": ROOT})])
    assert allowed("", READ, own=[allow(Principal="*")])
    assert allowed("", READ, own=[allow(Principal={"AWS": "*"})])


def test_services_need_a_policy_that_names_them() -> None:
    """And conditions bind them to a source ("Confused deputy prevention")."""
    source = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    own = [allow(Principal={"Service": "s3.amazonaws.com"}, Condition=source)]
    assert allowed("s3.amazonaws.com", Request("sqs:SendMessage", "q", {"aws:SourceAccount": ACCOUNT}), own=own)
    assert not allowed("s3.amazonaws.com", Request("sqs:SendMessage", "q", {"aws:SourceAccount": "1"}), own=own)
    assert not allowed("sns.amazonaws.com", Request("sqs:SendMessage", "q", {"aws:SourceAccount": ACCOUNT}), own=own)
    assert not allowed(CARLOS, Request("sqs:SendMessage", "q", {"aws:SourceAccount": ACCOUNT}), own=own)


def test_a_denial_for_all_but_services_spares_services() -> None:
    own = [allow(Principal="*"), deny(Principal="*", Condition={"Bool": {"aws:PrincipalIsAWSService": "false"}})]
    assert allowed("cloudwatch.amazonaws.com", READ, own=own)
    assert not allowed(CARLOS, READ, [allow()], own)
    assert not allowed(ROOT, READ, own=own)


def test_what_is_known_of_strangers_and_services() -> None:
    """ "AWS global condition context keys": neither has an ARN, and of a stranger nothing is known."""
    assert allowed("s3.amazonaws.com", READ, own=[only_if({"Bool": {"aws:PrincipalIsAWSService": "true"}})])
    assert allowed("", READ, own=[only_if({"Null": {"aws:PrincipalIsAWSService": "true"}})])
    for who in ("", "s3.amazonaws.com"):
        assert allowed(who, READ, own=[only_if({"Null": {"aws:PrincipalArn": "true"}})])
    assert not allowed(CARLOS, READ, own=[only_if({"Null": {"aws:PrincipalArn": "true"}})])
    assert allowed(CARLOS, READ, own=[only_if({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}})])


def only_if(condition: dict[str, Any]) -> dict[str, Any]:
    """An Allow for everybody under a condition."""
    return allow(Principal="*", Condition=condition)


def test_root_may_do_everything_that_is_not_denied() -> None:
    assert allowed(ROOT, READ)
    assert not allowed(ROOT, READ, own=[deny(Principal="*")])


@pytest.mark.parametrize("action", ["GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"])
def test_root_can_always_unlock_the_bucket(action: str) -> None:
    """ "PutBucketPolicy" in the API reference: so that no owner locks themselves out."""
    own = [deny(Principal="*")]
    assert allowed(ROOT, Request(f"s3:{action}", BUCKET), own=own)
    assert not allowed(CARLOS, Request(f"s3:{action}", BUCKET), [allow()], own)
    assert not allowed(ROOT, Request("s3:PutLifecycleConfiguration", BUCKET), own=own)
    other_root = f"arn:aws:iam::{OTHER_ACCOUNT}:root"
    assert not allowed(other_root, Request(f"s3:{action}", BUCKET), own=[*own, allow(Principal="*")])


@pytest.mark.parametrize(
    ("identity", "own", "expected"),
    [
        ([allow()], [], False),
        ([], [allow(Principal={"AWS": OTHER_ACCOUNT})], False),
        ([allow()], [allow(Principal={"AWS": OTHER_ACCOUNT})], True),
        ([allow()], [allow(Principal={"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"})], True),
        ([allow()], [allow(Principal={"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:user/x"})], True),
        ([allow()], [allow(Principal={"AWS": ROOT})], False),
        ([allow()], [allow(Principal="*"), deny(Principal={"AWS": OTHER_ACCOUNT})], False),
    ],
)
def test_another_account_needs_both(identity: Any, own: Any, expected: bool) -> None:
    """ "Cross-account policy evaluation logic"."""
    assert allowed(f"arn:aws:iam::{OTHER_ACCOUNT}:user/x", READ, identity, own) is expected


# ---------------------------------------------------------------- keys and roles


@pytest.mark.parametrize(
    ("identity", "own", "expected"),
    [
        # Without the key's policy nothing else counts, not even for the root user.
        ([allow()], [], False),
        ([allow()], [allow(Principal={"AWS": ROOT})], True),
        ([], [allow(Principal={"AWS": ROOT})], False),
        ([], [allow(Principal={"AWS": CARLOS})], True),
        ([allow()], [allow(Principal={"AWS": ROLE})], False),
        ([allow()], [allow(Principal={"AWS": ROOT}, Action="kms:Describe*")], False),
        ([allow(), deny(Action="kms:Decrypt")], [allow(Principal={"AWS": CARLOS})], False),
    ],
)
def test_the_policy_of_a_key_decides_alone_or_leaves_it_to_the_account(identity: Any, own: Any, expected: bool) -> None:
    """ "Key policies in AWS KMS"."""
    assert allowed(CARLOS, Request("kms:Decrypt", KEY), identity, own) is expected


@pytest.mark.parametrize("action", ["kms:ListAliases", "sts:GetCallerIdentity"])
def test_what_is_not_about_one_key_or_role_is_left_to_the_principals_policies(action: str) -> None:
    assert allowed(CARLOS, Request(action, "*"), [allow()])
    assert not allowed(CARLOS, Request(action, "*"))


def test_root_needs_the_policy_of_a_key() -> None:
    assert not allowed(ROOT, Request("kms:Decrypt", KEY))
    assert not allowed(ROOT, Request("kms:Decrypt", KEY), own=[allow(Principal={"AWS": CARLOS})])
    assert allowed(ROOT, Request("kms:Decrypt", KEY), own=[allow(Principal={"AWS": ROOT})])


@pytest.mark.parametrize(
    ("who", "trusted", "expected"),
    [
        (CARLOS, {"AWS": CARLOS}, True),
        (CARLOS, {"AWS": ROLE}, False),
        (CARLOS, {"AWS": ROOT}, True),
        ("lambda.amazonaws.com", {"Service": "lambda.amazonaws.com"}, True),
        ("scheduler.amazonaws.com", {"Service": "lambda.amazonaws.com"}, False),
        (CARLOS, {"Service": "lambda.amazonaws.com"}, False),
    ],
)
def test_a_role_is_assumed_by_whom_it_trusts(who: str, trusted: Any, expected: bool) -> None:
    """An administrator, too, needs the trust policy: it has no resource, as it is about its role."""
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    assert allowed(who, Request("sts:AssumeRole", ROLE), [allow()], [trust]) is expected


def test_who_is_trusted_by_name_needs_no_policy() -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": CARLOS}, "Action": "sts:AssumeRole"}
    assert allowed(CARLOS, Request("sts:AssumeRole", ROLE), own=[trust])
    assert not allowed(CARLOS, Request("sts:AssumeRole", ROLE), [deny(Action="sts:*")], [trust])
