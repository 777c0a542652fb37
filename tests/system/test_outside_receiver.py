"""With `writerRunsReceiver` the writer user may do what a receiver outside Lambda does; without it, only write."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import parliament
import pytest

from contract import policies
from local.stack import LocalStack, Options
from receiver.aws import Archive, Parameter, Queue, Unavailable
from receiver.drain_keys import DrainKeys
from receiver.handler import Receiver
from tests.contract.test_policies import (
    BUCKET,
    KEYS,
    MATRIX,
    NO_WRITERS,
    QUEUE,
    WRITER,
    WRITES,
    Ask,
    allows,
    listing,
    shown,
)
from tests.infra.test_stack_inventory import block
from tests.support.fakes import APP, FakeArchive, drain_event
from tests.support.logplex_frames import body, message
from tests.support.recording_monitor import run

OUTSIDE = policies.outside_receiver(BUCKET, KEYS, QUEUE)
BOTH = {"Statement": [*WRITER["Statement"], *OUTSIDE["Statement"]]}
NEEDED = [
    *WRITES,
    listing("logs/"),
    listing("logs/raxx-api-prod/"),
    Ask("ssm:GetParameter", KEYS),
    Ask("sqs:SendMessage", QUEUE),
]
WRITER_USER = "raxx-heroku-log-drain"


# ---------------------------------------------------------------- the policy


@pytest.mark.parametrize("ask", NEEDED, ids=shown)
def test_such_a_writer_may_do_what_the_receiver_does(ask: Ask) -> None:
    assert allows(BOTH, ask)


@pytest.mark.parametrize("ask", [*NO_WRITERS, *(ask for ask, _ in MATRIX if ask not in NEEDED)], ids=shown)
def test_such_a_writer_may_do_nothing_else(ask: Ask) -> None:
    """Neither take from the queue: only Lambda redrives; nor read another parameter."""
    assert not allows(BOTH, ask)


def test_its_rights_are_on_one_resource_each() -> None:
    assert [(each["Action"], each["Resource"]) for each in OUTSIDE["Statement"]] == [
        ("s3:ListBucket", BUCKET),
        ("ssm:GetParameter", KEYS),
        ("sqs:SendMessage", QUEUE),
    ]


def test_a_linter_finds_nothing_in_it() -> None:
    assert parliament.analyze_policy_string(json.dumps(OUTSIDE)).findings == []


# ---------------------------------------------------------------- as the stack attaches it


def test_the_setting_adds_one_inline_policy_and_changes_nothing_else() -> None:
    without, with_it = run(), run({"writerRunsReceiver": "true"})
    added = with_it.resources.keys() - without.resources.keys()
    (policy,) = (with_it.resources[urn] for urn in added)
    assert policy.name == "identities-writer-receiver-policy"
    assert policy.type.endswith(":UserPolicy")
    assert {name: policy.inputs[name] for name in ("name", "user")} == {"name": "receive", "user": WRITER_USER}
    assert json.loads(policy.inputs["policy"]) == OUTSIDE
    # The guard depends on whatever there is.
    others = [urn for urn in without.resources if urn != without["destroy-guard"].urn]
    assert [block(without.resources[urn]) for urn in others] == [block(with_it.resources[urn]) for urn in others]


# ---------------------------------------------------------------- on the local stack


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
    """What a receiver outside Lambda asks AWS for while it stores and spills batches with and without a time."""
    asks: list[Ask] = []
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws_url)
    archive = Archive(stack.outputs["bucket"])
    queue = Queue(stack.outputs["spillQueue"])
    parameter = Parameter(f"{stack.outputs['parameterPrefix']}drain_keys")

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        match model.name:
            case "PutObject":
                asks.append(Ask("s3:PutObject", f"{BUCKET}/{params['Key']}"))
            case "ListObjectsV2":
                asks.append(Ask("s3:ListBucket", BUCKET, {"s3:prefix": params["Prefix"]}))
            case "GetParameter":
                asks.append(Ask("ssm:GetParameter", KEYS.partition("/")[0] + params["Name"]))
            case "SendMessage":
                queue_name = params["QueueUrl"].rpartition("/")[2]
                asks.append(Ask("sqs:SendMessage", f"{QUEUE.rpartition(':')[0]}:{queue_name}"))
            case other:
                raise AssertionError(f"{other}: which right is that?")

    for client in (archive._s3, queue._sqs, parameter._ssm):
        events: Any = client.meta.events
        events.register("before-parameter-build", note)
    for bucket in (archive, FakeArchive(Unavailable("s3-SlowDown", ""))):
        receiver = Receiver(frozenset({APP}), DrainKeys(parameter.read), bucket, queue)
        for posted in (body(message(time=datetime.now(UTC))), b"garbage"):
            event = drain_event(posted, query=urlsplit(stack.drain_urls[APP]).query)
            assert receiver.receive(event)["statusCode"] == 200
    return asks


def test_all_that_a_receiver_outside_lambda_asks_for_is_allowed_to_the_writer(
    stack: LocalStack, asked: list[Ask]
) -> None:
    written = rights(stack)
    assert written.keys() == {"write", "receive"}
    assert {ask.action for ask in asked} == {"s3:PutObject", "s3:ListBucket", "ssm:GetParameter", "sqs:SendMessage"}
    for ask in asked:
        assert any(allows(policy, ask) for policy in written.values()), ask


def test_without_the_second_policy_it_may_only_write(stack: LocalStack, asked: list[Ask]) -> None:
    """So that each of the others is needed."""
    allowed = {ask.action for ask in asked if allows(rights(stack)["write"], ask)}
    assert allowed == {"s3:PutObject"}
