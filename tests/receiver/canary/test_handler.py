"""A run sends a canary for each app, sees whether those before were stored, and fails if anything went wrong."""

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from contract import buffer_table, canary, names
from contract.buffer_table import Seen
from receiver.canary import handler
from receiver.canary.handler import Canary, CanaryFailed, make_canary
from receiver.canary.post import NotAccepted
from receiver.settings import MissingSetting
from tests.support.logplex_frames import NOON_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

API, CONSOLE = "raxx-api-prod", "raxx-console-prod"
MINUTE_MS = 60_000
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "token=hunter2"}}, "GetParameter")


class World:
    """What a run meets: `sent` are the URLs that it sent to, `failures` what happens for which app."""

    def __init__(self, **failures: Exception) -> None:
        self.sent: list[str] = []
        self.newest: dict[str, int | None] = {API: NOON_MS - 15 * MINUTE_MS, CONSOLE: NOON_MS - 15 * MINUTE_MS}
        self.failures: Mapping[str, Exception] = failures

    def of(self, app: str) -> str:
        if failure := self.failures.get("url"):
            raise failure
        return f"https://{app}?token=hunter2"

    def newest_ms(self, app: str) -> int | None:
        if failure := self.failures.get("seen"):
            raise failure
        return self.newest[app]

    def send(self, url: str, sent_ms: int) -> None:
        if failure := self.failures.get("send"):
            raise failure
        self.sent.append(url)

    def run(self, flush_minutes: int = 5) -> dict[str, Any]:
        return self.canary(flush_minutes).run()

    def canary(self, flush_minutes: int = 5) -> Canary:
        apps = frozenset({API, CONSOLE})
        return Canary(apps, flush_minutes, self, self, self.discard_test, self.send, lambda: NOON_MS)

    def discard_test(self) -> None:
        if failure := self.failures.get("discard"):
            raise failure


def test_each_app_gets_one() -> None:
    world = World()
    assert world.run() == {"sent": 2}
    assert world.sent == [f"https://{app}?token=hunter2" for app in (API, CONSOLE)]


@pytest.mark.parametrize(
    ("failures", "reason"),
    [
        ({"send": NotAccepted("status-401")}, "status-401"),
        ({"url": DENIED}, "GetParameter-AccessDeniedException"),
        ({"seen": EndpointConnectionError(endpoint_url="https://token=hunter2")}, "EndpointConnectionError"),
    ],
    ids=["not accepted", "no URL", "not seen"],
)
def test_what_went_wrong_is_an_error_of_every_app(
    capsys: pytest.CaptureFixture[str], failures: dict[str, Exception], reason: str
) -> None:
    """Lambda counts it. Neither the error nor the log has a URL, whose token would let anybody write."""
    with pytest.raises(CanaryFailed) as failed:
        World(**failures).run()
    assert str(failed.value) == f"{API}: {reason}, {CONSOLE}: {reason}"
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"level": "ERROR", "reason": "canary-failed", "what": app, "cause": reason} for app in (API, CONSOLE)
    ]


def test_the_others_are_sent_when_one_was_not_stored() -> None:
    world = World()
    world.newest[API] = NOON_MS - 60 * MINUTE_MS
    with pytest.raises(CanaryFailed, match=f"^{API}: not-stored$"):
        world.run()
    assert len(world.sent) == 2


def test_a_report_says_when_each_was_sent_and_what_failed() -> None:
    """It is for `test-drain`; a failure is no error, of which an alarm would tell."""
    world = World()
    assert world.canary().report() == {"sent": dict.fromkeys((API, CONSOLE), NOON_MS), "failed": []}
    world.newest[API] = NOON_MS - 60 * MINUTE_MS
    assert world.canary().report()["failed"] == [{"what": API, "reason": "not-stored"}]
    refused = World(send=NotAccepted("status-401")).canary().report()
    assert refused == {"sent": {}, "failed": [{"what": app, "reason": "status-401"} for app in (API, CONSOLE)]}


@pytest.mark.parametrize(
    ("minutes_ago", "flush_minutes", "overdue"),
    [(15, 5, False), (23, 5, False), (24, 5, True), (75, 60, False), (79, 60, True)],
)
def test_the_one_before_must_be_stored_unless_its_slot_can_still_wait(
    minutes_ago: int, flush_minutes: int, overdue: bool
) -> None:
    world = World()
    world.newest = dict.fromkeys(world.newest, NOON_MS - minutes_ago * MINUTE_MS)
    if overdue:
        with pytest.raises(CanaryFailed, match="not-stored"):
            world.run(flush_minutes)
    else:
        world.run(flush_minutes)


def test_a_queue_that_refuses_is_an_error_of_its_own() -> None:
    world = World(discard=DENIED)
    with pytest.raises(CanaryFailed, match=r"^deletions: GetParameter-AccessDeniedException$"):
        world.run()
    assert len(world.sent) == 2


def test_before_the_first_flush_nothing_is_missed() -> None:
    """A flusher that does not run has an alarm of its own."""
    world = World()
    world.newest = dict.fromkeys(world.newest)
    assert world.run() == {"sent": 2}


# ---------------------------------------------------------------- as Lambda calls it


@mock_aws
def test_the_handler_reads_parameters_and_table(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    boto3.client("ssm").put_parameter(Name=f"/p/drain_url/{API}", Value="https://a-url", Type="SecureString")
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="a-table",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="deletions")["QueueUrl"]
    for body in ('{"Service": "Amazon S3", "Event": "s3:TestEvent"}', '{"Records": []}'):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    for name, value in zip(names.CANARY_VARIABLES, (API, "a-table", "/p/drain_url/", queue), strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Canary.__init__, "__defaults__", (lambda url, _: sent.append(url), lambda: NOON_MS))
    monkeypatch.setattr(handler, "made", make_canary)
    assert handler.handler({}, None) == {"sent": 1}
    assert handler.handler({canary.REPORT: True}, None) == {"sent": {API: NOON_MS}, "failed": []}
    assert sent == ["https://a-url"] * 2
    left = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in left] == ['{"Records": []}'], "a deletion stays, and stays visible"
    old = buffer_table.seen_item(Seen(API, canary=True), NOON_MS - canary.overdue_after_ms(5) - 1)
    dynamodb.put_item(TableName="a-table", Item=old)
    for event in ({}, None, {canary.REPORT: False}):
        with pytest.raises(CanaryFailed, match="not-stored"):
            handler.handler(event, None)


def test_each_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names.CANARY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingSetting, match="LOG_APPS, BUFFER_TABLE, DRAIN_URLS_PATH, DELETIONS_QUEUE_URL"):
        make_canary()
