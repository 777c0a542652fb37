"""The local stack, and what the runbook asks of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import LocalStack, Options
from runbook.clients import aws
from tests.support.policy_evaluation import Ask
from tests.support.runbook_cli import Run


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """The production stack on this machine, one for all tests of a module."""
    with LocalStack(Options()) as running:
        yield running


@pytest.fixture
def asked(stack: LocalStack, runbook: Run) -> list[Ask]:
    """Every call to AWS that the runbook makes from here on, as IAM has to allow it."""
    asks: list[Ask] = []
    account, region = "123456789012", stack.settings.region
    workgroup = f"arn:aws:athena:{region}:{account}:workgroup/{stack.outputs['workgroup']}"

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        service, name = model.service_model.service_name, model.name
        match service, name:
            case "s3", "ListObjectsV2":
                asks.append(
                    Ask("s3:ListBucket", f"arn:aws:s3:::{params['Bucket']}", {"s3:prefix": params.get("Prefix", "")})
                )
            case "ssm", _:
                asks.append(Ask(f"ssm:{name}", f"arn:aws:ssm:{region}:{account}:parameter{params['Name']}"))
            case "athena", _:
                asks.append(Ask(f"athena:{name}", workgroup))
            case _:
                asks.append(Ask(f"{service}:{name}", "*"))

    def recording(session: Any, service: str) -> Any:
        client = aws.make_client(session, service)
        client.meta.events.register("before-parameter-build", note)
        return client

    runbook.make_client = recording
    return asks


@pytest.fixture(scope="module")
def reader(stack: LocalStack) -> dict[str, Any]:
    """The reader role's policies, as the stack has them, in one."""
    iam, role = stack.client("iam"), stack.outputs["readerRoleArn"].rpartition("/")[2]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return {"Statement": [statement for document in documents for statement in document["Statement"]]}
