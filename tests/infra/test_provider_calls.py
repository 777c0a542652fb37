"""Every call that the providers made is allowed to the role that deploys. .ci/run records the calls anew."""

import io
import json
from typing import Any

import pytest

from tests.support.paths import PROJECT
from tools.deploy_policies import needs as rules
from tools.deploy_policies.__main__ import settings_of
from tools.deploy_policies.calls import KEPT, main, read, refused
from tools.deploy_policies.documents import Names, Role, documents
from tools.deploy_policies.needs import Need, identified, is_allowed, needs
from tools.deploy_policies.recording import Recorded
from tools.deploy_policies.requests import Call, call_of

NAMES = Names.of(settings_of("prod"))
CALLS = read(KEPT.read_text(encoding="utf-8"))


def signed(service: str, **more: str) -> dict[str, str]:
    scope = f"20261127/us-east-1/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential=AK/{scope}, SignedHeaders=host, Signature=x", **more}


FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def test_the_policy_allows_all_of_them() -> None:
    assert len(CALLS) > 200
    assert refused(CALLS, NAMES) == []


def test_each_action_of_a_call_is_missed_when_it_is_taken_away() -> None:
    """So that the check is one: no statement allows an action that another one is meant to."""
    wanted = {need for call in CALLS for need in needs(call)}
    for action in {need.action for need in wanted}:
        policies = [
            {
                "Statement": [
                    {**statement, "Action": [each for each in statement["Action"] if each != action]}
                    for statement in policy["Statement"]
                ]
            }
            for policy in documents(Role.DEPLOY, NAMES)
        ]
        assert {need.action for need in wanted if not is_allowed(policies, need)} == {action}


def test_what_is_called_of_somebody_else_is_refused() -> None:
    for call in CALLS:
        others = Call(
            call.service,
            call.operation,
            tuple(
                (name, value.replace("raxx", "other").replace("/apis", "/restapis")) for name, value in call.parameters
            ),
        )
        left = [need for need in needs(others) if need.resource and "other" in need.resource]
        assert not any(
            is_allowed(documents(Role.DEPLOY, NAMES), need)
            for need in left
            if need.action != "cloudwatch:DescribeAlarms"
        )


def test_the_comparison_may_make_every_call_that_reads() -> None:
    reading = ("Get", "List", "Describe", "Head")
    wanted = [need for call in CALLS if call.operation.startswith(reading) for need in needs(call)]
    assert [need for need in wanted if not is_allowed(documents(Role.DRIFT, NAMES), need)] == []


def test_the_calls_hold_no_values() -> None:
    """A parameter's value can be a URL with a token."""
    assert {name for call in CALLS for name, _ in call.parameters} <= rules.IDENTIFYING
    assert "token=" not in KEPT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("request_", "call"),
    [
        pytest.param(
            ("PUT", "/b", "policy=", signed("s3"), b"{}"),
            Call("s3", "PutBucketPolicy", (("Bucket", "b"),)),
            id="rest-xml",
        ),
        pytest.param(("HEAD", "/b", "", signed("s3"), b""), Call("s3", "HeadBucket", (("Bucket", "b"),)), id="head"),
        pytest.param(
            (
                "POST",
                "/2015-03-31/functions",
                "",
                signed("lambda"),
                b'{"FunctionName": "f", "Role": "r", "Code": {"ZipFile": "x"}}',
            ),
            Call("lambda", "CreateFunction", (("FunctionName", "f"), ("Role", "r"))),
            id="rest-json",
        ),
        pytest.param(
            ("GET", "/tags/arn:aws:scheduler:us-east-1:1:schedule-group/g", "", signed("scheduler"), b""),
            Call(
                "scheduler", "ListTagsForResource", (("ResourceArn", "arn:aws:scheduler:us-east-1:1:schedule-group/g"),)
            ),
            id="an ARN in the path",
        ),
        pytest.param(
            ("GET", "/v2/apis/a1/routes/r1", "", signed("apigateway"), b""),
            Call("apigatewayv2", "GetRoute", (("path", "/apis/ID/routes/ID"),)),
            id="ids that AWS chooses",
        ),
        pytest.param(
            (
                "POST",
                "/",
                "",
                signed("ssm", **{"x-amz-target": "AmazonSSM.PutParameter"}),
                b'{"Name": "/a", "Value": "secret"}',
            ),
            Call("ssm", "PutParameter", (("Name", "/a"),)),
            id="json",
        ),
        pytest.param(
            ("POST", "/", "", signed("iam", **FORM), b"Action=GetRole&RoleName=r&Version=2010-05-08"),
            Call("iam", "GetRole", (("RoleName", "r"),)),
            id="query",
        ),
        pytest.param(
            (
                "POST",
                "/",
                "",
                signed("sqs", **{"x-amz-target": "AmazonSQS.ListQueueTags"}),
                b'{"QueueUrl": "http://h:1/1/q"}',
            ),
            Call("sqs", "ListQueueTags", (("QueueUrl", "q"),)),
            id="a URL",
        ),
    ],
)
def test_a_request_is_read_as_what_it_asks_for(request_: Any, call: Call) -> None:
    found = call_of(*request_)
    assert found
    assert identified(found) == call


def test_a_request_without_a_signature_is_none() -> None:
    assert call_of("GET", "/moto-api/", "", {}, b"") is None


def test_a_request_that_no_service_has_is_an_error() -> None:
    with pytest.raises(ValueError, match="s3 has no operation for PATCH /b"):
        call_of("PATCH", "/b", "", signed("s3"), b"")


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        (
            Call("lambda", "CreateFunction", (("FunctionName", "f"), ("Role", "arn:r"))),
            [
                Need("lambda:CreateFunction", "arn:aws:lambda:us-east-1:123456789012:function:f"),
                Need("lambda:TagResource", "arn:aws:lambda:us-east-1:123456789012:function:f"),
                Need("iam:PassRole", "arn:r"),
            ],
        ),
        (Call("s3", "HeadBucket", (("Bucket", "b"),)), [Need("s3:ListBucket", "arn:aws:s3:::b")]),
        (
            Call("budgets", "DeleteNotification", (("BudgetName", "b"),)),
            [Need("budgets:ModifyBudget", "arn:aws:budgets::123456789012:budget/b")],
        ),
        (
            Call("kms", "CreateKey", ()),
            [Need("kms:CreateKey", "*"), Need("kms:TagResource", "arn:aws:kms:us-east-1:123456789012:key/ID")],
        ),
        (Call("sts", "GetCallerIdentity", ()), []),
        (Call("athena", "GetNamedQuery", ()), [Need("athena:GetNamedQuery", None)]),
    ],
    ids=lambda value: value.operation if isinstance(value, Call) else "",
)
def test_a_call_needs_what_the_service_authorization_reference_says(call: Call, needed: list[Need]) -> None:
    assert list(needs(call)) == needed


def test_the_emulator_writes_down_what_it_is_asked(tmp_path: Any) -> None:
    """And reads the body only once: what follows gets it too."""
    file = tmp_path / "calls"
    recorded = Recorded(lambda environ, _: environ["wsgi.input"].read(), file)
    for body, target in ((b'{"Name": "/a"}', "AmazonSSM.GetParameter"), (b"not JSON", "AmazonSSM.GetParameter")):
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/x-amz-json-1.1",
            "HTTP_AUTHORIZATION": signed("ssm")["authorization"],
            "HTTP_X_AMZ_TARGET": target,
            "wsgi.input": io.BytesIO(body),
        }
        assert recorded(environ, None) == body
    known, unknown = (json.loads(line) for line in file.read_text().splitlines())
    assert known == ["ssm", "GetParameter", [["Name", "/a"]]]
    assert unknown[0] == "unknown"


def test_a_call_that_is_not_allowed_fails_the_check(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "calls"
    file.write_text(KEPT.read_text(encoding="utf-8"))
    main([str(file)])
    assert "allows all of" in capsys.readouterr().out
    for line, said in (
        (
            '["s3", "DeleteObjects", [["Bucket", "raxx-heroku-logs-prod"]]]',
            "s3:DeleteObjects on arn:aws:s3:::raxx-heroku-logs",
        ),
        ('["unknown", "PATCH /x", []]', "unknown:PATCH /x"),
    ):
        file.write_text(f"{line}\n")
        with pytest.raises(SystemExit, match=said):
            main([str(file)])
    file.write_text("")
    with pytest.raises(SystemExit, match="nothing was recorded"):
        main([str(file)])


def test_the_script_that_records_is_run_as_a_python() -> None:
    script = PROJECT / ".ci" / "recording-python"
    assert script.stat().st_mode & 0o111
    assert "RECORDED_CALLS" in (PROJECT / ".ci" / "run").read_text()
