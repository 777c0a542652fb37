"""AWS's policies for people who look give no secret, no line, and no way to change anything.

What they allow is computed against every resource of the stack, with the resources' own policies. What an action is for
(reading, listing, writing) is what AWS's Service Authorization Reference says, as the policy linter has it.
"""

import json
from itertools import product
from pathlib import Path

import parliament
import pytest

from contract import names
from contract.object_keys import LOGS_PREFIX
from tools.access import deeds, managed_policies, principals
from tools.access.declared import ACCOUNT, Declared
from tools.access.managed_policies import managed_policy
from tools.access.parameters import parameter_ways
from tools.access.places import Places
from tools.access.rights import Deed, Who, decision, may
from tools.access.run_program import declared
from tools.policy_evaluation.conditions import values_of
from tools.policy_evaluation.patterns import matches
from tools.policy_evaluation.requests import Principal, Request
from tools.policy_evaluation.statements import statements

# Reading and listing that gives settings, names and numbers. Whatever else reads is taken to give content: an action
# that AWS adds fails here until somebody has looked at it.
ABOUT = [
    *("s3:List*", "s3:Describe*", "s3:GetAcc*", "s3:GetAnalytics*", "s3:GetBucket*", "s3:GetEncryption*"),
    *("s3:GetIntelligentTiering*", "s3:GetInventory*", "s3:GetJobTagging", "s3:GetLifecycle*", "s3:GetMetrics*"),
    *("s3:GetMultiRegion*", "s3:GetReplication*", "s3:GetStorageLens*"),
    *("s3:GetObjectAcl", "s3:GetObjectVersionAcl", "s3:GetObject*Tagging", "s3:GetObject*Attributes"),
    *("s3:GetObjectLegalHold", "s3:GetObjectRetention"),
    # Credentials of a grant of S3 Access Grants, which the stack does not use.
    "s3:GetDataAccess",
    *("dynamodb:List*", "dynamodb:Describe*", "dynamodb:GetAbacStatus", "dynamodb:GetResourcePolicy"),
    # Of streams and replicas, which the buffer has not.
    *("dynamodb:GetShardIterator", "dynamodb:GetRecords", "dynamodb:ReadDataForReplication"),
    *("sqs:Get*", "sqs:List*"),
    *("ssm:List*", "ssm:Describe*", "ssm:GetResourcePolicies"),
]
# The stack has no Athena sessions: they are for Spark.
WRITES_NOTHING_HERE = {"athena:GetSessionEndpoint"}
LOOKING = {"Read", "List"}
SERVICES = {
    *("s3", "dynamodb", "sqs", "sns", "ssm", "kms", "lambda", "athena", "glue", "logs", "iam", "sts", "scheduler"),
    *("apigateway", "execute-api", "cloudwatch", "budgets"),
}
DATA = ["log objects", "results", "buffer", "spill", "dead letters", "deletions"]


@pytest.fixture(scope="module")
def stack() -> Declared:
    return declared(principals.SETTINGS)


@pytest.fixture(scope="module")
def levels() -> dict[str, str]:
    """The access level of every action of the stack's services."""
    path = Path(str(parliament.__file__)).parent / "iam_definition.json"
    return {
        f"{service['prefix']}:{action['privilege']}": action["access_level"]
        for service in json.loads(path.read_text("utf-8"))
        if service["prefix"] in SERVICES
        for action in service["privileges"]
    }


def holder(policy: str) -> Who:
    """Somebody of the account with this policy alone."""
    who = Principal.of(f"arn:aws:iam::{ACCOUNT}:user/holder")
    return Who(policy, policy, who, statements(policy, managed_policy(policy).document))


def contents(stack: Declared, levels: dict[str, str], service: str) -> list[str]:
    """The actions that give content."""
    reads = [each for each, level in levels.items() if level in LOOKING and each.startswith(f"{service}:")]
    return [each for each in reads if not any(matches(each, pattern) for pattern in ABOUT)]


def ways(stack: Declared, levels: dict[str, str], what: str) -> list[Deed]:
    """Every way to get at a kind of content, of every app."""
    places = Places.of(stack)
    if what == "secrets":
        return [Deed(arn, arn, parameter_ways(stack, arn)) for arn in secrets(stack)]
    resources = {
        "log objects": [f"{places.bucket}/{LOGS_PREFIX}{app}/2026/11/24/1-x.gz" for app in stack.settings.apps],
        "results": [places.result, f"{places.result}.metadata"],
        "buffer": [places.buffer],
        "spill": [places.spill],
        "dead letters": [places.dead_letters],
        "deletions": [places.deletions],
    }[what]
    service = resources[0].split(":")[2]
    actions = contents(stack, levels, service)
    assert actions
    return [Deed(each, each, tuple((Request(action, each),) for action in actions)) for each in resources]


def secrets(stack: Declared) -> list[str]:
    """The secret parameters: all that are encrypted, as what is not secret is readable by design."""
    found = [each["arn"] for each in stack.of_type("ssm/parameter") if each["type"] == "SecureString"]
    assert len(found) >= len(stack.settings.apps)
    return found


# ---------------------------------------------------------------- 0 lines, 0 secrets, 0 side effects


@pytest.mark.parametrize(("policy", "what"), [*product(managed_policies.FOR_READERS, [*DATA, "secrets"])])
def test_they_read_no_line_and_no_secret(stack: Declared, levels: dict[str, str], policy: str, what: str) -> None:
    """Receiving a message is a side effect too: it hides the message, and brings it nearer to the dead letters."""
    who = holder(policy)
    assert [deed.title for deed in ways(stack, levels, what) if may(stack, who, deed).allowed] == []


@pytest.mark.parametrize("policy", managed_policies.FOR_READERS)
def test_they_change_nothing(stack: Declared, levels: dict[str, str], policy: str) -> None:
    """Every action that writes, tags or manages permissions, against every resource of its service."""
    assert changes(stack, levels, holder(policy)) - WRITES_NOTHING_HERE == set()


def changes(stack: Declared, levels: dict[str, str], who: Who) -> set[str]:
    """The actions that change something and are allowed on at least one resource of the stack."""
    named = [each.lower() for statement in who.policies for each in values_of(statement.body["Action"])]
    of_services = [each for each in named if each.partition(":")[0] in {*SERVICES, "*"}]
    return {
        action
        for action, level in levels.items()
        if level not in LOOKING and any(matches(action.lower(), pattern) for pattern in of_services)
        for resource in resources_of(stack, action.partition(":")[0])
        if decision(stack, who, Request(action, resource)).allowed
    }


def resources_of(stack: Declared, service: str) -> list[str]:
    """The ARNs of the stack's resources of a service, objects among them, and what has no ARN."""
    places = Places.of(stack)
    arns = [str(each["arn"]) for each in stack.resources.values() if "arn" in each]
    known = [*arns, places.line, places.result, *(f"{arn}:*" for arn in arns if ":log-group:" in arn)]
    return [*(arn for arn in known if arn.split(":")[2] == service), "*"]


def test_an_administrator_would_be_found(stack: Declared, levels: dict[str, str]) -> None:
    """The tests above can fail: someone who may do everything reads what nothing denies, and changes things."""
    who = holder(managed_policies.ADMINISTRATOR)
    outputs = stack.arn("ssm/parameter", stack.settings.parameter_prefix + names.OUTPUTS)
    assert may(stack, who, Deed("", "", parameter_ways(stack, outputs))).allowed
    assert changes(stack, levels, who) > {"lambda:UpdateFunctionCode", "ssm:PutParameter", "iam:PutRolePolicy"}


def test_the_buffer_has_neither_a_stream_nor_replicas(stack: Declared) -> None:
    """Each would be another place to read batches, with a policy of its own."""
    [table] = stack.of_type("dynamodb/table")
    assert not table.get("streamEnabled")
    assert not table.get("replicas")


def test_what_the_deeds_count_as_reading_is_all_that_reads(stack: Declared, levels: dict[str, str]) -> None:
    """The ways of the columns "read log objects" and "read batches", against AWS's list of actions."""
    # An export writes: it is a way to read as well.
    assert set(contents(stack, levels, "s3")) == set(deeds.READS_OBJECTS)
    assert set(contents(stack, levels, "dynamodb")) == set(deeds.READS_ITEMS) - {"dynamodb:ExportTableToPointInTime"}
    assert contents(stack, levels, "sqs") == ["sqs:ReceiveMessage"]


@pytest.mark.parametrize("name", [*managed_policies.FOR_READERS, managed_policies.ADMINISTRATOR])
def test_each_copy_says_which_version_it_is(name: str) -> None:
    policy = managed_policy(name)
    assert policy.name == name
    assert policy.version.startswith("v")
    assert policy.created.startswith("20")
    assert policy.source
    assert policy.document["Version"] == "2012-10-17"
