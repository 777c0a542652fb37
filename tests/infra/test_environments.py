"""A second stack beside production in one account: two lines of settings, and no name twice."""

import json
import re
from typing import Any

import pytest
import yaml

from infra.settings import PRODUCTION, Settings
from local.pulumi.project import Project
from tests.support.paths import DOCS
from tests.support.recording_monitor import Resource, Run, run, run_stack


def settings_in(page: str) -> str:
    """The one YAML block of settings in a page of the docs."""
    [text] = re.findall(r"^```yaml\n(config:\n.*?)^```$", (DOCS / page).read_text(), re.M | re.S)
    return str(text)


YAML = settings_in("deploy.md")
STAGING = yaml.safe_load(YAML)["config"]

# Inputs by which AWS or Heroku tells resources of a type apart.
NAMING = (
    *("name", "bucket", "dashboardName", "databaseName", "workgroup", "groupName", "role", "user"),
    *("function", "functionName", "queueUrl", "arn", "resourceArn", "topic", "appId"),
)
# They belong to an API that has an id of its own, or have one themselves.
BY_ID = {
    *("aws:apigatewayv2/integration:Integration", "aws:apigatewayv2/route:Route", "aws:apigatewayv2/stage:Stage"),
    *("aws:kms/key:Key", "random:index/randomPassword:RandomPassword"),
}

Name = tuple[str, ...]


@pytest.fixture(scope="module")
def prod() -> Run:
    return run({"alarmTopicKey": "true"})


@pytest.fixture(scope="module")
def staging() -> Run:
    return run_stack(Project("heroku-log-archive", "staging", {**STAGING, "heroku-log-archive:alarmTopicKey": "true"}))


def name_of(resource: Resource) -> Name:
    return (resource.type, *(str(resource.inputs[key]) for key in NAMING if key in resource.inputs))


def named(recorded: Run) -> list[Resource]:
    return [
        resource
        for resource in recorded.resources.values()
        if resource.custom and not resource.is_provider and resource.type not in BY_ID
    ]


def test_a_second_stack_takes_two_lines() -> None:
    assert len(YAML.splitlines()) == 2


@pytest.mark.parametrize("page", ["eu-apps.md", "private-spaces.md"])
def test_the_settings_of_other_second_stacks_are_valid_too(page: str) -> None:
    config = yaml.safe_load(settings_in(page))["config"]
    read = Settings.read("heroku-log-archive", lambda key: text_of(config.get(key)), config)
    assert read.environment != PRODUCTION
    assert len(read.apps) == 1


def text_of(value: Any) -> str | None:
    """A value as the engine hands it over."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def test_each_resource_has_a_name(prod: Run) -> None:
    """Or it could collide unseen."""
    assert [resource.name for resource in named(prod) if len(name_of(resource)) == 1] == []


def test_no_resource_of_one_stack_has_the_name_of_another(prod: Run, staging: Run) -> None:
    names = set(map(name_of, named(prod)))
    assert len(names) == len(named(prod))
    assert names.isdisjoint(map(name_of, named(staging)))


def test_the_second_stack_has_the_same_resources(prod: Run, staging: Run) -> None:
    def shape(recorded: Run) -> list[tuple[str, str]]:
        return sorted((each.type, each.name.replace("-staging", "-prod")) for each in recorded.resources.values())

    assert shape(staging) == shape(prod)
