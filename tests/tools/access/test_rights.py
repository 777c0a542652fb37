"""Requests meet the policies of what they are about: an object its bucket's, a secret parameter its key's."""

import json
from typing import Any

import pytest
from pulumi_aws import kms, s3, ssm

from tools.access.declared import ACCOUNT, Declared
from tools.access.parameters import parameter_ways
from tools.access.rights import Deed, Who, decision, may
from tools.access.run_program import declared
from tools.policy_evaluation.requests import Principal, Request
from tools.policy_evaluation.statements import statements

READER = f"arn:aws:iam::{ACCOUNT}:role/reader"
PARAMETER = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/secret/"


def document(**statement: Any) -> str:
    return json.dumps({"Statement": {"Resource": "*", **statement}})


def main() -> None:
    spared = {"ArnNotLike": {"aws:PrincipalArn": READER}}
    denial = document(Effect="Deny", Principal="*", Action="s3:GetObject", Condition=spared)
    s3.BucketPolicy("p", bucket=s3.Bucket("b", bucket="b").bucket, policy=denial)
    key_policy = document(Effect="Allow", Principal={"AWS": READER}, Action="kms:Decrypt")
    key = kms.Key("k", description="k", policy=key_policy)
    ssm.Parameter("own", name="/secret/own", type="SecureString", value="x", key_id=key.arn)
    ssm.Parameter("aws", name="/secret/aws", type="SecureString", value="x")
    ssm.Parameter("plain", name="/secret/plain", type="String", value="x")


@pytest.fixture(scope="module")
def stack() -> Declared:
    return declared(main=main)


def somebody(name: str, action: str) -> Who:
    body = {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}
    return Who("x", "x", Principal.of(f"arn:aws:iam::{ACCOUNT}:role/{name}"), statements("own", body))


@pytest.mark.parametrize(("name", "expected"), [("reader", True), ("other", False)])
def test_an_object_is_under_its_buckets_policy(stack: Declared, name: str, expected: bool) -> None:
    read = Request("s3:GetObject", "arn:aws:s3:::b/logs/x")
    assert decision(stack, somebody(name, "s3:*"), read).allowed is expected


@pytest.mark.parametrize(
    ("name", "action", "parameter", "expected"),
    [
        # The key aws/ssm serves everybody of the account who may read the parameter: two rights in one.
        ("other", "ssm:GetParameter", "aws", True),
        ("other", "ssm:GetParametersByPath", "aws", True),
        ("other", "ssm:DescribeParameters", "aws", False),
        ("other", "kms:Decrypt", "aws", False),
        ("other", "ssm:GetParameter", "plain", True),
        # A key of one's own names who may decrypt, and then the parameter has to be readable too.
        ("reader", "ssm:GetParameter", "own", True),
        ("reader", "kms:Decrypt", "own", False),
        ("other", "ssm:GetParameter", "own", False),
        ("other", "*", "own", False),
    ],
)
def test_a_secret_needs_its_key(stack: Declared, name: str, action: str, parameter: str, expected: bool) -> None:
    deed = Deed("x", "x", parameter_ways(stack, PARAMETER + parameter))
    assert may(stack, somebody(name, action), deed).allowed is expected


def test_a_deed_needs_all_requests_of_one_way(stack: Declared) -> None:
    both = Deed("x", "x", ((Request("sqs:SendMessage", "q"), Request("sqs:GetQueueUrl", "q")),))
    either = Deed("x", "x", ((Request("sqs:SendMessage", "q"),), (Request("sqs:GetQueueUrl", "q"),)))
    who = somebody("other", "sqs:GetQueueUrl")
    assert not may(stack, who, both).allowed
    assert may(stack, who, either).allowed
