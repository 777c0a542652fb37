"""Every policy document that the program registers is read by a policy linter, and nothing is found."""

import json
from typing import NamedTuple

import parliament
import pytest

from contract import policies
from tests.support.policy_evaluation import PRINCIPALS
from tests.support.recording_monitor import run


class Finding(NamedTuple):
    """What the linter says: of which resource's which input, and what."""

    resource: str
    input: str
    issue: str
    detail: str


# What the linter is wrong about -> why.
FALSE = {
    **{
        Finding(role, "assumeRolePolicy", "MALFORMED", "Statement contains neither Resource nor NotResource"): (
            "A trust policy has no resource: it is about the role that it belongs to."
        )
        for role in (
            *("identities-reader", "identities-restorer", "receiver-role", "flusher-role", "flusher-schedule-role"),
            *("canary-role", "canary-schedule-role", "digester-role", "digester-schedule-role"),
        )
    },
    Finding(
        *("archive-policy", "policy", "MISMATCHED_TYPE"),
        "Type mismatch: s3:TlsVersion requires a value of type Numeric but given ['1.2']",
    ): "It knows whole numbers only; the S3 user guide has this very condition for TLS 1.2.",
    **{
        Finding(
            *("archive-policy", "policy", "UNKNOWN_CONDITION_FOR_ACTION"),
            f"Unknown condition s3:TlsVersion for action s3:{action}",
        ): "s3:* takes it in: without the key it is not denied by this statement, and by the one on TLS it is."
        for action in ("InitiateReplication", "PutAccessPointPublicAccessBlock")
    },
    **{
        Finding("parameters-key", "policy", "RESOURCE_STAR", str(statement["Action"])): (
            'In the policy of a key, "*" is the key itself ("AWS KMS key policies").'
        )
        for statement in policies.drain_url_key(PRINCIPALS)["Statement"]
    },
}


@pytest.fixture(scope="module")
def documents() -> dict[tuple[str, str], str]:
    """Policy documents, JSON texts, by resource and input."""
    return {
        (resource.name, name): value
        for resource in run().resources.values()
        for name, value in resource.inputs.items()
        if isinstance(value, str) and '"Statement"' in value
    }


@pytest.fixture(scope="module")
def findings(documents: dict[tuple[str, str], str]) -> set[Finding]:
    return {
        Finding(resource, name, finding.issue, str(finding.detail))
        for (resource, name), text in documents.items()
        for finding in parliament.analyze_policy_string(text).findings
    }


def test_all_documents_are_read(documents: dict[tuple[str, str], str]) -> None:
    """Each kind that the stack has, so that none is left out by a slip of this test."""
    assert {name for name, _ in documents} >= {
        *("archive-policy", "identities-reader", "identities-reader-policy", "identities-writer-policy"),
        *("receiver-role", "receiver-policy", "parameters-reader-policy"),
    }
    for text in documents.values():
        assert json.loads(text)["Version"] == "2012-10-17"


def test_the_linter_finds_nothing_else(findings: set[Finding]) -> None:
    """A misspelt action, or a resource that an action does not have, would be allowed or refused in vain."""
    assert findings - FALSE.keys() == set()


def test_what_the_linter_is_wrong_about_it_still_says(findings: set[Finding]) -> None:
    """An excuse that nobody needs any more could hide a true finding later."""
    assert FALSE.keys() - findings == set()


def test_the_linter_would_find_a_misspelt_action(documents: dict[tuple[str, str], str]) -> None:
    text = documents["identities-writer-policy", "policy"].replace("s3:PutObject", "s3:PutObjekt")
    assert [finding.issue for finding in parliament.analyze_policy_string(text).findings] == ["UNKNOWN_ACTION"]
