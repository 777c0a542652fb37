"""The outputs as the program exports them and as the operator's tools parse them."""

import json
from typing import Any

import pytest

from contract.outputs import InvalidOutputs, Outputs, exported
from tests.support.outputs import VALUES


def test_what_is_exported_is_parsed() -> None:
    values: dict[str, Any] = vars(Outputs.parse(json.dumps(VALUES), "x"))
    lists = {name: tuple(value) for name, value in VALUES.items() if isinstance(value, list)}
    assert exported(**values) == VALUES | lists
    assert Outputs.parse(json.dumps(exported(**values)), "x").by_name() == exported(**values)


def test_what_follows_from_outputs() -> None:
    outputs = Outputs.parse(
        json.dumps(VALUES | {"readerRoleArn": "arn:aws-us-gov:iam::1:role/r", "endpoint": "https://x/prod/drain"}), "x"
    )
    assert outputs.partition == "aws-us-gov"
    assert outputs.bucket_arn == "arn:aws-us-gov:s3:::a-bucket"
    assert outputs.stage_url == "https://x/prod"


def test_an_output_that_is_forgotten_or_unknown_is_named() -> None:
    with pytest.raises(TypeError, match=r"missing or unknown outputs: .*bucket, .*extra, "):
        exported(extra=1)


def test_all_outputs_are_read() -> None:
    read = Outputs.parse(json.dumps(VALUES), "x")
    assert read.workgroup == "a-workgroup"
    assert read.apps == ("raxx-api-prod", "raxx-console-prod")
    assert read.all_apps == ("raxx-api-prod", "raxx-console-prod", "raxx-old-prod")


def test_an_output_of_a_newer_stack_is_ignored() -> None:
    assert Outputs.parse(json.dumps(VALUES | {"newer": {}}), "x") == Outputs.parse(json.dumps(VALUES), "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "x is not valid JSON", id="empty"),
        pytest.param("{", "x is not valid JSON", id="cut"),
        pytest.param("[]", "x is not a JSON object of outputs", id="list"),
        pytest.param("{}", "x lacks bucket, endpoint", id="none"),
        pytest.param(json.dumps({k: v for k, v in VALUES.items() if k != "view"}), "x lacks view: ", id="one-missing"),
        pytest.param(json.dumps(VALUES | {"bucket": None}), "not valid for bucket: ", id="null"),
        pytest.param(json.dumps(VALUES | {"bucket": ""}), "not valid for bucket: ", id="nothing"),
        pytest.param(json.dumps(VALUES | {"apps": "raxx-api-prod"}), "not valid for apps: ", id="apps-a-text"),
        pytest.param(json.dumps(VALUES | {"retiredApps": ["a'"]}), "not valid for retiredApps: ", id="no-retired-app"),
        pytest.param(json.dumps(VALUES | {"apps": []}), "not valid for apps: ", id="no-apps"),
        pytest.param(json.dumps(VALUES | {"apps": ["x' OR 'a'='a"]}), "not valid for apps: ", id="no-app-name"),
        pytest.param(
            json.dumps(VALUES | {"breakGlassArns": ["ops"]}), "not valid for breakGlassArns: ", id="not-an-ARN"
        ),
        pytest.param(json.dumps(VALUES | {"table": "t; DROP"}), "not valid for table: ", id="no-name-of-SQL"),
        pytest.param(json.dumps(VALUES | {"database": 1}), "not valid for database: ", id="number"),
        pytest.param(json.dumps(VALUES | {"budgetUsd": "20"}), "not valid for budgetUsd: ", id="no-number"),
        pytest.param(
            json.dumps(VALUES | {"silenceHours": True}), "not valid for silenceHours: ", id="true-for-a-number"
        ),
        pytest.param(json.dumps(VALUES | {"drainsEnabled": 1}), "not valid for drainsEnabled: ", id="one-for-true"),
    ],
)
def test_what_is_wrong_with_outputs_is_one_line_that_names_where(text: str, message: str) -> None:
    with pytest.raises(InvalidOutputs, match=message) as raised:
        Outputs.parse(text, "x")
    assert "\n" not in str(raised.value)
