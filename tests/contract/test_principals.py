"""Whom policies name: as aws:PrincipalArn has it ("AWS global condition context keys")."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from contract.principals import identity_patterns
from tests.support.policy_evaluation import PRINCIPAL, PRINCIPALS

SESSION = "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:user/deployer",
        "arn:aws:iam::123456789012:user/team/deployer",
        "arn:aws:iam::123456789012:root",
        "arn:aws:sts::123456789012:federated-user/deployer",
    ],
)
def test_whoever_is_no_session_of_a_role_is_named_as_they_are(arn: str) -> None:
    assert identity_patterns(arn) == [arn]


@pytest.mark.parametrize(
    ("role", "is_deployer"),
    [
        ("arn:aws:iam::123456789012:role/deploy", True),
        ("arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/deploy", True),
        ("arn:aws:iam::123456789012:role/predeploy", False),
        ("arn:aws:iam::123456789012:role/deploy2", False),
        ("arn:aws:iam::999999999999:role/deploy", False),
    ],
)
def test_a_session_is_named_by_its_role_whatever_that_ones_path(role: str, is_deployer: bool) -> None:
    """The ARN of a session has neither path nor role ARN, and its last part changes with each run of CI."""
    assert any(fnmatchcase(role, pattern) for pattern in identity_patterns(SESSION)) == is_deployer


def test_sessions_of_one_role_are_one_deployer() -> None:
    """Or every run of CI would change the policies."""
    assert identity_patterns(SESSION) == identity_patterns(SESSION + "-2")


def test_roles_are_in_the_partition_and_the_account() -> None:
    elsewhere = replace(PRINCIPALS, partition="aws-us-gov", account="999999999999")
    assert elsewhere.spill_drainers == ["arn:aws-us-gov:iam::999999999999:role/raxx-log-flusher"]


def test_who_is_both_is_named_once() -> None:
    assert replace(PRINCIPALS, deployers=[PRINCIPAL]).guardians == [PRINCIPAL]


def test_deployers_do_not_read_lines() -> None:
    readers = {*PRINCIPALS.line_readers, *PRINCIPALS.buffer_users, *PRINCIPALS.spill_drainers}
    assert readers.isdisjoint(PRINCIPALS.deployers)
