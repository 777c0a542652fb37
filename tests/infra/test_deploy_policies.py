"""Whoever deploys, previews or compares the stack may do what that takes, and no more."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import parliament
import pytest

from infra.settings import Settings
from tests.support.recording_monitor import run
from tools.deploy_policies.__main__ import REFERENCE, files, main, settings_of
from tools.deploy_policies.documents import MOST_CHARACTERS, MOST_DOCUMENTS, Names, Role, documents, size
from tools.deploy_policies.rights import LOOKUPS, RIGHTS, SMOKE_TEST, STATE, Grant

NAMES = Names.of(settings_of("prod"))
ROLES = list(Role)
GRANTS = [*(grant for of_type in RIGHTS.values() for grant in of_type), *STATE, *LOOKUPS, *SMOKE_TEST]
# Settings with which the program declares types that it otherwise does not.
VARIANTS: list[dict[str, str]] = [{}, {"alarmTopicKey": "true", "writerRunsReceiver": "true", "objectLockDays": "30"}]


def statements(role: Role) -> list[dict[str, Any]]:
    return [statement for policy in documents(role, NAMES) for statement in policy["Statement"]]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions(role: Role) -> set[str]:
    return {action for statement in statements(role) for action in statement["Action"]}


@pytest.fixture(scope="module")
def types() -> set[str]:
    """The types of AWS that the program declares."""
    declared = {resource.type for overrides in VARIANTS for resource in run(overrides).resources.values()}
    return {type_.rpartition(":")[0] for type_ in declared if type_.startswith("aws:")}


def test_each_type_that_the_program_declares_has_its_rights(types: set[str]) -> None:
    """And no other type has, so that a role loses what the stack no longer needs."""
    assert types - RIGHTS.keys() == set()
    assert RIGHTS.keys() - types == set()


def test_the_documents_in_docs_are_what_the_tool_writes() -> None:
    """If not: python -m tools.deploy_policies."""
    found = {path.name: path.read_text(encoding="utf-8") for path in REFERENCE.glob("*-policy*.json")}
    assert found == files(NAMES)


@pytest.mark.parametrize("role", ROLES)
def test_documents_fit_into_iam(role: Role) -> None:
    made = documents(role, NAMES)
    assert max(map(size, made)) <= MOST_CHARACTERS
    assert len(made) <= MOST_DOCUMENTS
    longest = Names.of(Settings(name_prefix="n" * 40, database_name="d" * 128, bucket_name="b" * 63))
    assert max(map(size, documents(role, longest))) <= MOST_CHARACTERS


@pytest.mark.parametrize("role", ROLES)
def test_no_action_has_a_wildcard(role: Role) -> None:
    assert [action for action in actions(role) if "*" in action] == []


def resource_types(action: str) -> Iterator[str]:
    """The types of resources to which an action can be narrowed, by the linter's copy of AWS's tables."""
    service, _, name = action.partition(":")
    for each in parliament.iam_definition:
        for privilege in each["privileges"] if each["prefix"] == service else ():
            if privilege["privilege"] == name:
                yield from (found["resource_type"] for found in privilege["resource_types"] if found["resource_type"])


@pytest.mark.parametrize("role", ROLES)
def test_an_action_on_everything_is_one_that_aws_cannot_narrow(role: Role) -> None:
    everywhere = [action for each in statements(role) if each["Resource"] == "*" for action in each["Action"]]
    assert {action: found for action in everywhere if (found := list(resource_types(action)))} == {}


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: f"{grant.service}:{grant.read.split(' ')[0]}")
def test_a_resource_without_a_name_of_the_stack_has_a_reason(grant: Grant) -> None:
    unnamed = [on for on in grant.on if not re.search(r"\{(?!partition|region|account)", on)]
    assert not unnamed or grant.why


def test_a_comparison_reads() -> None:
    """Decrypting is for the state, and for the values of SecureStrings, which a refresh reads."""
    beginnings = {re.match(r"[\w-]+:([A-Z][a-z]+|GET)", action)[1] for action in actions(Role.DRIFT)}  # type: ignore[index]
    assert beginnings == {"Get", "List", "Describe", "View", "Decrypt", "GET"}


def test_a_preview_reads_the_state_and_looks_up_one_user() -> None:
    assert actions(Role.PREVIEW) == {
        *("iam:GetUser", "kms:Decrypt", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket")
    }
    decrypt = next(each for each in statements(Role.PREVIEW) if "kms:Decrypt" in each["Action"])
    assert decrypt["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": NAMES.state_key}}


@pytest.mark.parametrize("role", ROLES)
def test_nobody_may_read_lines(role: Role) -> None:
    """Only the reader role may, which the role that deploys may assume if the stack's settings say so."""
    reads = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:Scan", "athena:StartQueryExecution", "logs:GetLogEvents"}
    assert reads & actions(role) == set()
    of_objects = [each for each in statements(role) if {"s3:GetObject", "s3:PutObject"} & {*each["Action"]}]
    objects = [on for each in of_objects for on in listed(each["Resource"])]
    state = f"arn:aws:s3:::{NAMES.state_bucket}/.pulumi/"
    assert objects
    assert all(
        on == f"{state}meta.yaml" or (on.startswith(state) and "/heroku-log-archive/prod" in on) for on in objects
    )


@pytest.mark.parametrize("role", [Role.PREVIEW, Role.DRIFT])
def test_who_changes_nothing_reads_the_present_state_only(role: Role) -> None:
    """Older ones have older secrets, such as the Heroku key that was in the configuration once."""
    [of_objects] = [each for each in statements(role) if "s3:GetObject" in each["Action"]]
    assert of_objects["Action"] == ["s3:GetObject"]
    assert [on.rpartition("/.pulumi/")[2] for on in of_objects["Resource"]] == [
        *("meta.yaml", "stacks/heroku-log-archive/prod.json*")
    ]


def test_a_role_is_passed_to_the_service_that_uses_it_alone() -> None:
    passed = [each for each in statements(Role.DEPLOY) if each["Action"] == ["iam:PassRole"]]
    services = [each["Condition"]["StringEquals"]["iam:PassedToService"] for each in passed]
    assert sorted(services) == ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
    assert {each["Resource"] for each in passed} == {"arn:aws:iam::123456789012:role/raxx-log-*"}


def test_only_keys_with_the_tag_of_the_stack_are_used() -> None:
    keys = [each for each in statements(Role.DEPLOY) if any(action.startswith("kms:") for action in each["Action"])]
    of_keys = [each for each in keys if "alias/" not in str(each["Resource"]) and each["Action"] != ["kms:ListAliases"]]
    assert of_keys
    for each in of_keys:
        assert re.search(r"ResourceTag/project|RequestTag/project|kms:ResourceAliases", json.dumps(each["Condition"]))


def test_the_files_of_another_account_have_its_names(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deploy-policy-9.json").write_text("{}")
    main(["--account", "210987654321", "--state-bucket", "a-state", "--state-key", "alias/k", "--to", str(tmp_path)])
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written.keys() == files(NAMES).keys()
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / name) for name in files(NAMES)]
    text = "".join(written.values())
    assert NAMES.account not in text
    assert NAMES.state_bucket not in text
    assert '"kms:ResourceAliases": "alias/k"' in text


# ---------------------------------------------------------------- the linter


class Finding(NamedTuple):
    """What the linter says, and a word that tells it from others."""

    issue: str
    about: str


# What the linter is wrong about -> why.
FALSE = {
    Finding("RESOURCE_MISMATCH", "athena:"): "The other kinds of resources that have tags are not ours.",
    Finding("UNKNOWN_CONDITION_FOR_ACTION", "kms:ResourceAliases"): (
        "AWS KMS has it ('AWS KMS condition keys') and the linter's tables have not."
    ),
    Finding("RESOURCE_POLICY_PRIVILEGE_ESCALATION", "raxx-heroku-logs-prod"): (
        "True, and said in docs/ci.md: who deploys sets the bucket's policy and lifecycle."
    ),
}


@pytest.fixture(scope="module")
def found() -> set[str]:
    return {
        f"{finding.issue} {finding.detail}"
        for role in Role
        for policy in documents(role, NAMES)
        for finding in parliament.analyze_policy_string(json.dumps(policy)).findings
    }


def test_the_linter_finds_nothing_else(found: set[str]) -> None:
    """A misspelt action, or an ARN that an action does not have, would be allowed in vain."""
    assert {text for text in found if not any(issue in text and about in text for issue, about in FALSE)} == set()


def test_what_the_linter_is_wrong_about_it_still_says(found: set[str]) -> None:
    assert {each for each in FALSE if not any(each.issue in text and each.about in text for text in found)} == set()
