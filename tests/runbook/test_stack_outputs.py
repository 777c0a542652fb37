"""Where the runbook finds the stack, and what is said when it does not."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from runbook import stack_outputs
from runbook.errors import RunbookError
from tests.support.outputs import VALUES


def test_outputs_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(VALUES))
    assert stack_outputs.from_file(str(path)).bucket == "a-bucket"


def test_outputs_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pulumi stack output --json | hla --outputs - ...`"""
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(VALUES)))
    assert stack_outputs.from_file("-").bucket == "a-bucket"


@pytest.mark.parametrize("text", ["# A page\n{}\n", "# A page\n\n<!-- outputs\n{}\n-->\n", "{}\n-->\n"])
def test_only_the_comment_of_a_runbook_counts(text: str) -> None:
    outputs = json.dumps(VALUES, indent=2)
    if "<!--" in text:
        assert stack_outputs.parse(text.format(outputs), "x").by_name().keys() == VALUES.keys()
    else:
        with pytest.raises(RunbookError, match=r"x is not valid JSON .* give the RUNBOOK.md"):
            stack_outputs.parse(text.format(outputs), "x")


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, lambda path: path.write_bytes(b"\xff")])
def test_a_file_that_cannot_be_read_is_said_with_how_to_write_it(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    make(tmp_path / "x")
    with pytest.raises(
        RunbookError, match=r"cannot read .*x \(.+\): save the outputs with `pulumi stack output --json > "
    ):
        stack_outputs.from_file(str(tmp_path / "x"))


def test_outputs_come_from_ssm() -> None:
    ssm = boto3.client("ssm", "us-east-1")
    with Stubber(ssm) as answers:
        answers.add_response("get_parameter", {"Parameter": {"Value": json.dumps(VALUES)}}, {"Name": "/mine/outputs"})
        assert stack_outputs.from_ssm(ssm, "/mine/").bucket == "a-bucket"
        answers.add_client_error("get_parameter", "ParameterNotFound", expected_params={"Name": "/other/outputs"})
        with pytest.raises(
            RunbookError, match=r"no SSM parameter /other/outputs in us-east-1: set --region or --prefix"
        ):
            stack_outputs.from_ssm(ssm, "/other/")


def test_a_retired_app_can_be_searched_and_has_no_drain() -> None:
    read = stack_outputs.parse(json.dumps(VALUES), "x")
    assert stack_outputs.searched_apps(read, ["raxx-old-prod"]) == ("raxx-old-prod",)
    assert stack_outputs.searched_apps(read, []) == ("raxx-api-prod", "raxx-console-prod", "raxx-old-prod")
    with pytest.raises(RunbookError, match="raxx-old-prod is retired, so it has no drain"):
        stack_outputs.chosen_apps(read, ["raxx-old-prod"])


def test_without_the_retired_apps_the_others_are_searched() -> None:
    read = stack_outputs.parse(json.dumps(VALUES | {"retiredApps": None}), "x")
    assert stack_outputs.searched_apps(read, []) == ("raxx-api-prod", "raxx-console-prod")
    assert stack_outputs.searched_apps(read, ["raxx-api-prod"]) == ("raxx-api-prod",)
    assert stack_outputs.chosen_apps(read, ["raxx-api-prod"]) == ("raxx-api-prod",)
    with pytest.raises(RunbookError, match="x has an invalid value for the output retiredApps: "):
        stack_outputs.searched_apps(read, ["raxx-old-prod"])


def test_an_app_of_another_stack_is_refused_with_those_of_this_one() -> None:
    read = stack_outputs.parse(json.dumps(VALUES), "x")
    assert stack_outputs.chosen_apps(read, ["raxx-api-prod"]) == ("raxx-api-prod",)
    assert stack_outputs.chosen_apps(read, []) == ("raxx-api-prod", "raxx-console-prod")
    with pytest.raises(RunbookError, match="'nope' is not an app of this stack: it has raxx-api-prod, raxx-cons"):
        stack_outputs.chosen_apps(read, ["nope"])
