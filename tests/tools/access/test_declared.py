"""Every policy that a program declares is found, wherever it is; what is not understood stops the page."""

import json
from collections.abc import Callable

import pytest
from pulumi_aws import dynamodb, iam, kms, lambda_, s3, sns, sqs

from tools.access import principals
from tools.access.declared import ACCOUNT, Declared, UnknownPolicy
from tools.access.principals import everybody
from tools.access.run_program import declared

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
SECURITY_AUDIT = ("BaseSecurityAuditStatement", "APIGatewayAccess")
USER = f"arn:aws:iam::{ACCOUNT}:user/u"


def document(sid: str) -> str:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role() -> iam.Role:
    return iam.Role("r", name="r", assume_role_policy=document("Trust"))


def sids(found: Declared, arn: str) -> list[str]:
    """The statements of an identity's or a resource's policies."""
    return [each.sid for each in (*found.identities.get(arn, []), *found.own_policies.get(arn, []))]


# ---------------------------------------------------------------- each kind


def policies_of_a_role() -> None:
    iam.RolePolicy("p", name="p", role=role().name, policy=document("Inline"))
    iam.Policy("own", name="own", policy=document("Own"))
    iam.RolePolicyAttachment("a", role="r", policy_arn=f"arn:aws:iam::{ACCOUNT}:policy/own")
    iam.RolePolicyAttachment("b", role="r", policy_arn="arn:aws:iam::aws:policy/SecurityAudit")


def policies_of_a_user() -> None:
    user = iam.User("u", name="u")
    iam.UserPolicy("p", name="p", user=user.name, policy=document("Inline"))
    iam.UserPolicyAttachment("a", user="u", policy_arn="arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess")


def policy_of_a_bucket() -> None:
    s3.BucketPolicy("p", bucket=s3.Bucket("b", bucket="b").bucket, policy=document("Bucket"))


def policy_of_a_queue() -> None:
    sqs.QueuePolicy("p", queue_url=sqs.Queue("q", name="q").url, policy=document("Queue"))


def policy_of_a_topic() -> None:
    sns.TopicPolicy("p", arn=sns.Topic("t", name="t").arn, policy=document("Topic"))


def policy_of_a_table() -> None:
    table = dynamodb.Table("t", name="t", hash_key="k", attributes=[{"name": "k", "type": "S"}])
    dynamodb.ResourcePolicy("p", resource_arn=table.arn, policy=document("Table"))


def permission_of_a_function() -> None:
    function = lambda_.Function("f", name="f", role=role().arn)
    lambda_.Permission(
        "p",
        statement_id="Call",
        function=function.name,
        action="lambda:InvokeFunction",
        principal="s3.amazonaws.com",
        source_arn="arn:aws:s3:::b",
        source_account=ACCOUNT,
    )


@pytest.mark.parametrize(
    ("main", "arn", "expected"),
    [
        (policies_of_a_role, ROLE, ["Own", *SECURITY_AUDIT, "Inline", "Trust"]),
        (policies_of_a_user, USER, ["Inline", ""]),
        (policy_of_a_bucket, "arn:aws:s3:::b", ["Bucket"]),
        (policy_of_a_queue, f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", ["Queue"]),
        (policy_of_a_topic, f"arn:aws:sns:us-east-1:{ACCOUNT}:t", ["Topic"]),
        (policy_of_a_table, f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t", ["Table"]),
        (permission_of_a_function, f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f", ["Call"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_policies_are_found(main: Callable[[], None], arn: str, expected: list[str]) -> None:
    assert sorted(sids(declared(main=main), arn)) == sorted(expected)


def test_a_key_has_its_policy_wherever_it_is_declared() -> None:
    def main() -> None:
        kms.Key("inline", description="a", policy=document("Inline"))
        kms.KeyPolicy("p", key_id=kms.Key("other", description="b").id, policy=document("Apart"))

    found = declared(main=main)
    by_name = {name: sids(found, its["arn"]) for (kind, name), its in found.resources.items() if kind.endswith(":Key")}
    assert by_name == {"inline": ["Inline"], "other": ["Apart"]}


def test_a_permission_is_bound_to_its_source() -> None:
    [statement] = declared(main=permission_of_a_function).own_policies[f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"]
    assert statement.body["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement.body["Condition"] == {
        "ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


# ---------------------------------------------------------------- what would be overlooked


def policy_elsewhere() -> None:
    sqs.Queue("q", name="q", policy=document("Queue"))


def policy_of_an_unknown_type() -> None:
    sns.TopicSubscription("s", topic="t", protocol="sqs", endpoint="q", redrive_policy=document("Odd"))


def managed_in_the_role() -> None:
    iam.Role("r", name="r", assume_role_policy=document("Trust"), managed_policy_arns=["arn:aws:iam::aws:policy/X"])


def url_of_a_function() -> None:
    function = lambda_.Function("f", name="f", role=role().arn)
    lambda_.FunctionUrl("u", function_name=function.name, authorization_type="NONE")


def role_of_another_stack() -> None:
    iam.RolePolicy("p", name="p", role="other", policy=document("Inline"))


@pytest.mark.parametrize(
    "main",
    [policy_elsewhere, policy_of_an_unknown_type, managed_in_the_role, url_of_a_function, role_of_another_stack],
)
def test_a_right_in_another_place_is_an_error(main: Callable[[], None]) -> None:
    with pytest.raises(UnknownPolicy):
        declared(main=main)


def test_each_declared_identity_is_a_row_with_its_policies() -> None:
    """Of the real program: so that a new role is on the page before anybody thinks of it."""
    found = declared(principals.SETTINGS)
    rows = {who.principal.name: who.policies for who in everybody(found, found) if who.key != "outside-receiver"}
    assert len(found.identities) >= 7
    assert {arn: rows[arn] for arn in found.identities} == {arn: tuple(own) for arn, own in found.identities.items()}
