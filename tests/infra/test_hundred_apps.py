"""A stack with the most apps, their names as long as Heroku allows, is within AWS's limits."""

import json
from collections import defaultdict

import pytest

from tests.support.recording_monitor import Run, run

APPS = [f"raxx-a-name-of-30-letters-{number:04d}" for number in range(100)]
# The longest of what is an output, by their own rules.
LONGEST = {
    "bucketName": "b" * 63,
    "databaseName": "d" * 128,
    "tableName": "t" * 127,
    "workgroupName": "w" * 128,
    "namePrefix": "n" * 40,
    "readerRoleName": "r" * 64,
    "restorerRoleName": "s" * 64,
    "writerUserName": "u" * 64,
    "parameterPrefix": f"/{'p' * 100}/",
    "aws:region": "ap-southeast-9",
}


@pytest.fixture(scope="module")
def hundred() -> Run:
    return run({**LONGEST, "apps": json.dumps(APPS)})


def test_the_outputs_fit_into_an_advanced_parameter(hundred: Run) -> None:
    """4 KB in the standard tier, 8 KB in the advanced one ("Managing parameter tiers")."""
    outputs = hundred["parameters-outputs"].inputs
    assert 4096 < len(outputs["value"].encode()) <= 8192
    assert outputs["tier"] == "Intelligent-Tiering"


def test_what_is_not_about_apps_leaves_them_the_room_that_the_settings_give(hundred: Run) -> None:
    of_apps = json.dumps([APPS, [], {}])
    outputs = hundred["parameters-outputs"].inputs["value"]
    assert len(outputs.encode()) - len(of_apps) + 5500 <= 8192


def test_a_functions_environment_has_4_kb(hundred: Run) -> None:
    """ "Lambda quotas": all variables together."""
    for function in hundred.of_type("lambda/function:Function"):
        variables = function.inputs["environment"]["variables"]
        assert len(json.dumps(variables).encode()) <= 4096, function.name


def test_the_policies_of_a_role_have_10240_characters_together(hundred: Run) -> None:
    """ "IAM and AWS STS quotas": without white space."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for policy in hundred.of_type(":RolePolicy"):
        sizes[policy.inputs["role"]] += len("".join(policy.inputs["policy"].split()))
    assert max(sizes.values()) <= 10_240


def test_the_dashboard_is_within_its_quotas(hundred: Run) -> None:
    """ "CloudWatch quotas": metrics; "Dashboard body structure and syntax": alarms; "StartQuery": a query's length."""
    widgets = json.loads(hundred["watch-dashboard"].inputs["dashboardBody"])["widgets"]
    properties = [widget["properties"] for widget in widgets]
    metrics = [len(each.get("metrics", ())) for each in properties]
    assert max(metrics) <= 500
    assert sum(metrics) <= 2500
    tiles = [each["alarms"] for each in properties if "alarms" in each]
    assert max(map(len, tiles)) <= 100
    assert sum(map(len, tiles)) == len(hundred.of_type(":MetricAlarm"))
    assert max(len(each.get("query", "")) for each in properties) <= 10_000


def test_the_canary_ends_before_it_begins_again(hundred: Run) -> None:
    assert hundred["canary-function"].inputs["timeout"] == 300
