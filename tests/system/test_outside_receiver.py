"""With `writerRunsReceiver` the writer user may do what a receiver outside Lambda does; without it, only write."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from contract.buffer_table import BATCH_LINES
from contract.slots import DEFAULT_MINUTES
from local.stack import LocalStack, Options
from receiver.accepted_tokens import AcceptedTokens
from receiver.aws import Buffer, LogBucket, NoBuffer, Parameters, Queue
from receiver.handler import Budget, Receiver
from receiver.intake import Intake
from tests.support.fakes import APP, drain_event
from tests.support.logplex_frames import body, message
from tests.support.policy_evaluation import BUCKET, BUFFER, HASHES, QUEUE, Ask, allows

AMPLE = Budget(response=60)  # a busy machine reads the large batch slowly
WRITER_USER = "raxx-heroku-log-drain"


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack(Options(config={"writerRunsReceiver": "true"})) as running:
        yield running


def rights(stack: LocalStack) -> dict[str, dict[str, Any]]:
    """The writer's inline policies, by name, as IAM has them."""
    iam = stack.client("iam")
    names = iam.list_user_policies(UserName=WRITER_USER)["PolicyNames"]
    return {name: iam.get_user_policy(UserName=WRITER_USER, PolicyName=name)["PolicyDocument"] for name in names}


@pytest.fixture
def asked(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> list[Ask]:
    """What a receiver outside Lambda asks AWS for: batches with a time, without one, and large; kept and spilled."""
    asks: list[Ask] = []
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws_url)

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        match model.name:
            case "PutItem" | "GetItem":
                table = f"{BUFFER.partition('/')[0]}/{params['TableName']}"
                asks.append(Ask(f"dynamodb:{model.name}", table))
            case "PutObject":
                asks.append(Ask("s3:PutObject", f"{BUCKET}/{params['Key']}"))
            case "ListObjectsV2":
                asks.append(Ask("s3:ListBucket", BUCKET, {"s3:prefix": params["Prefix"]}))
            case "GetParameter":
                asks.append(Ask("ssm:GetParameter", HASHES.partition("/")[0] + params["Name"]))
            case "SendMessage":
                queue_name = params["QueueUrl"].rpartition("/")[2]
                asks.append(Ask("sqs:SendMessage", f"{QUEUE.rpartition(':')[0]}:{queue_name}"))
            case other:
                raise AssertionError(f"{other}: which right is that?")

    session = boto3.Session()
    session.events.register("before-parameter-build", note)
    with monkeypatch.context() as patched:
        patched.setattr(boto3, "DEFAULT_SESSION", session)
        buffer, log_bucket = Buffer(stack.outputs["buffer"]), LogBucket(stack.outputs["bucket"])
        queue = Queue(stack.outputs["spillQueue"])
        parameters = Parameters()
    name = f"{stack.outputs['parameterPrefix']}token_hashes/{APP}"
    for table in (buffer, NoBuffer()):
        intake = Intake(table, log_bucket, DEFAULT_MINUTES)
        receiver = Receiver({APP: AcceptedTokens(partial(parameters.read, name))}, intake, queue, budget=AMPLE)
        for posted in (body(message()), b"garbage", b"1 x" * (BATCH_LINES + 1)):
            event = drain_event(posted, query=urlsplit(stack.drain_urls[APP]).query)
            assert receiver.receive(event)["statusCode"] == 200
    return asks


def test_all_that_a_receiver_outside_lambda_asks_for_is_allowed_to_the_writer(
    stack: LocalStack, asked: list[Ask]
) -> None:
    written = rights(stack)
    assert written.keys() == {"write", "receive"}
    assert {ask.action for ask in asked} == {
        *("dynamodb:PutItem", "dynamodb:GetItem", "s3:PutObject", "s3:ListBucket"),
        *("ssm:GetParameter", "sqs:SendMessage"),
    }
    for ask in asked:
        assert any(allows(policy, ask) for policy in written.values()), ask


def test_without_the_second_policy_it_may_only_write(stack: LocalStack, asked: list[Ask]) -> None:
    """So that each of the others is needed."""
    allowed = {ask.action for ask in asked if allows(rights(stack)["write"], ask)}
    assert allowed == {"s3:PutObject"}
