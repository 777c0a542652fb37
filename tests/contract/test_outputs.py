"""Where the runbook finds the stack, and what is said when it does not."""

import io
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.outputs import MEANINGS
from runbook import outputs
from runbook.errors import RunbookError
from runbook.outputs import Outputs

VALUES: dict[str, Any] = {name: f"a-{name}" for name in MEANINGS} | {
    "database": "raxx_heroku_logs",
    "table": "syslog",
    "view": "router_requests",
    "apps": ["raxx-api-prod", "raxx-console-prod"],
    "parameterPrefix": "/raxx/log-drain/",
    "drainsEnabled": True,
    "archiveAfterDays": 90,
    "expireAfterDays": 365,
    "resultsExpireAfterDays": 30,
    "silenceHours": 2,
    "budgetUsd": 20,
}


def test_there_is_a_field_for_each_output_of_the_stack() -> None:
    """An output that is added to the stack is added here."""
    assert {outputs.output_name(field.name) for field in fields(Outputs)} == set(MEANINGS)


def test_all_outputs_are_read() -> None:
    read = Outputs.parse(json.dumps(VALUES), "x")
    assert read.reader_role_arn == "a-readerRoleArn"
    assert read.apps == ("raxx-api-prod", "raxx-console-prod")


def test_an_output_of_a_newer_stack_is_ignored() -> None:
    assert Outputs.parse(json.dumps(VALUES | {"newer": {}}), "x") == Outputs.parse(json.dumps(VALUES), "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "x holds no JSON", id="empty"),
        pytest.param("{", "x holds no JSON", id="cut"),
        pytest.param("[]", "no JSON object of outputs", id="list"),
        pytest.param("{}", "x lacks bucket, endpoint", id="none"),
        pytest.param(json.dumps({k: v for k, v in VALUES.items() if k != "view"}), "x lacks view: ", id="one-missing"),
        pytest.param(json.dumps(VALUES | {"bucket": None}), "values .* of bucket: ", id="null"),
        pytest.param(json.dumps(VALUES | {"bucket": ""}), "values .* of bucket: ", id="nothing"),
        pytest.param(json.dumps(VALUES | {"apps": "raxx-api-prod"}), "values .* of apps: ", id="apps-a-text"),
        pytest.param(json.dumps(VALUES | {"apps": []}), "values .* of apps: ", id="no-apps"),
        pytest.param(json.dumps(VALUES | {"apps": ["x' OR 'a'='a"]}), "values .* of apps: ", id="no-app-name"),
        pytest.param(json.dumps(VALUES | {"table": "t; DROP"}), "values .* of table: ", id="no-name-of-SQL"),
        pytest.param(json.dumps(VALUES | {"database": 1}), "values .* of database: ", id="number"),
        pytest.param(json.dumps(VALUES | {"budgetUsd": "20"}), "values .* of budgetUsd: ", id="no-number"),
        pytest.param(
            json.dumps(VALUES | {"silenceHours": True}), "values .* of silenceHours: ", id="true-for-a-number"
        ),
        pytest.param(json.dumps(VALUES | {"drainsEnabled": 1}), "values .* of drainsEnabled: ", id="one-for-true"),
    ],
)
def test_what_is_wrong_with_outputs_is_one_line_that_names_where(text: str, message: str) -> None:
    with pytest.raises(RunbookError, match=message) as raised:
        Outputs.parse(text, "x")
    assert "\n" not in str(raised.value)


def test_outputs_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(VALUES))
    assert outputs.from_file(str(path)).bucket == "a-bucket"


def test_outputs_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pulumi stack output --json | python -m runbook --outputs - ...`"""
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(VALUES)))
    assert outputs.from_file("-").bucket == "a-bucket"


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, lambda path: path.write_bytes(b"\xff")])
def test_a_file_that_cannot_be_read_is_said_with_how_to_write_it(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    make(tmp_path / "x")
    with pytest.raises(RunbookError, match=r"cannot read .*x \(.+\): save them with `pulumi stack output --json` > "):
        outputs.from_file(str(tmp_path / "x"))


@mock_aws
def test_outputs_come_from_ssm() -> None:
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/mine/outputs", Value=json.dumps(VALUES), Type="String")
    assert outputs.from_ssm(ssm, "/mine/").bucket == "a-bucket"
    with pytest.raises(RunbookError, match=r"no SSM parameter /other/outputs in us-east-1: set --region or --prefix"):
        outputs.from_ssm(ssm, "/other/")


def test_an_app_of_another_stack_is_refused_with_those_of_this_one() -> None:
    read = Outputs.parse(json.dumps(VALUES), "x")
    assert read.check_app("raxx-api-prod") == "raxx-api-prod"
    with pytest.raises(RunbookError, match="'nope' is no app of this stack: it has raxx-api-prod, raxx-console-prod"):
        read.check_app("nope")
