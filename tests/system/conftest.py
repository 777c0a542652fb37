"""The local stack, and what the runbook asks of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import LocalStack, Options
from tests.support.policy_evaluation import Ask
from tests.support.reader_policy import reader_policy
from tests.support.runbook_cli import Run


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """The production stack on this machine, one for all tests of a module, at the module's CLOCK if it has one."""
    with LocalStack(Options(clock=getattr(request.module, "CLOCK", None))) as running:
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
            case "dynamodb", _:
                asks.append(Ask(f"dynamodb:{name}", f"arn:aws:dynamodb:{region}:{account}:table/{params['TableName']}"))
            case _:
                asks.append(Ask(f"{service}:{name}", "*"))

    runbook.watch(note)
    return asks


@pytest.fixture(scope="module")
def reader(stack: LocalStack) -> dict[str, Any]:
    """The reader role's policies, as the stack has them, in one."""
    return reader_policy(stack)
