"""`test-alarm`: a test notice goes the whole way, and the command says who gets it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import LocalStack
from runbook.alarms import send_test
from runbook.terminal import confirm
from tests.support.doctor_faults import NOW
from tests.support.policy_evaluation import Ask
from tests.support.runbook_cli import Run, check_transcript, runner
from tests.support.watch_state import confirm_subscriptions, declared_alarm, subscribe

ALARM, OPS = "raxx-log-canary", "ops@raxx.app"
HOOK = "https://hooks.example.com/services/T0/secret"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_test, "PAUSE_S", 0)


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    confirm_subscriptions(stack)
    return runner(stack, monkeypatch, capfd, NOW)


@pytest.fixture
def topic(stack: LocalStack) -> str:
    return str(stack.outputs["alarmTopicArn"])


@pytest.fixture
def pending(stack: LocalStack, topic: str) -> Iterator[str]:
    """Somebody who has not confirmed."""
    arn = subscribe(stack, "https", HOOK)
    yield HOOK
    stack.client("sns").unsubscribe(SubscriptionArn=arn)


def alarm(stack: LocalStack, name: str = ALARM) -> dict[str, Any]:
    [found] = stack.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return dict(found)


def reasons(stack: LocalStack, name: str = ALARM) -> list[str]:
    """Why an alarm changed its state, the latest change first."""
    history = stack.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    return [json.loads(item["HistoryData"])["newState"]["stateReason"] for item in history["AlarmHistoryItems"]]


def test_a_notice_is_sent_and_the_alarm_is_set_back(stack: LocalStack, runbook: Run, topic: str) -> None:
    answer = runbook("test-alarm", "--yes", "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out) == {
        "alarm": ALARM,
        "action": f"Successfully executed action {topic}",
        "succeeded": True,
        "state_before": "OK",
        "subscriptions": [{"protocol": "email", "endpoint": OPS, "confirmed": True}],
    }
    end, begin, *_ = reasons(stack)
    who = "arn:aws:sts::123456789012:user/moto"
    assert begin == f"Test by {who} with `hla test-alarm`: nothing is wrong."
    assert end == f"End of the test by {who}."
    assert alarm(stack)["StateValue"] == "OK"


def test_it_can_be_sent_again_and_by_the_full_name(stack: LocalStack, runbook: Run) -> None:
    """An action of an earlier test is not taken for one of this test."""
    for name in ("behind", "raxx-log-behind"):
        assert runbook("test-alarm", name, "--yes").code == 0
    assert len(reasons(stack, "raxx-log-behind")) == 4


def test_who_has_not_confirmed_is_said_without_secrets(runbook: Run, pending: str) -> None:
    answer = runbook("test-alarm", "--yes")
    assert "NOT TOLD https https://hooks.example.com/…" in answer.out
    assert "told     email ops@raxx.app" in answer.out
    assert (answer.code, "secret" in answer.out + answer.err) == (1, False)
    assert pending not in runbook("test-alarm", "--yes", "--json").out


def test_without_anybody_who_confirmed_nobody_is_told(stack: LocalStack, runbook: Run, topic: str) -> None:
    sns = stack.client("sns")
    [arn] = [each["SubscriptionArn"] for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]
    sns.unsubscribe(SubscriptionArn=arn)
    answer = runbook("test-alarm", "--yes")
    assert (answer.code, "nobody has confirmed a subscription" in answer.err) == (1, True)
    subscribe(stack, "email", OPS)
    answer = runbook("test-alarm", "--yes")
    assert (answer.code, "nobody has confirmed a subscription" in answer.err) == (1, True)


def test_a_topic_that_refuses_is_an_attention(stack: LocalStack, runbook: Run) -> None:
    cloudwatch, declared = stack.client("cloudwatch"), declared_alarm(stack, "raxx-log-refused")
    cloudwatch.put_metric_alarm(**{**declared, "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:gone"]})
    answer = runbook("test-alarm", "refused", "--yes")
    cloudwatch.put_metric_alarm(**declared)
    assert answer.code == 1
    assert "Failed to execute action arn:aws:sns:us-east-1:123456789012:gone." in answer.out
    assert "the topic did not take the notice" in answer.err


def test_a_history_that_says_nothing_is_not_waited_for_for_ever(stack: LocalStack, runbook: Run) -> None:
    """And the alarm is set back, or a fault would tell nobody."""
    make = runbook.make_client

    def forgetful(session: Any, service: str) -> Any:
        client = make(session, service)
        call = "after-call.cloudwatch.DescribeAlarmHistory"
        client.meta.events.register(call, lambda parsed, **_: parsed.update(AlarmHistoryItems=[]))
        return client

    runbook.make_client = forgetful
    answer = runbook("test-alarm", "--yes")
    assert (answer.code, "has not said within" in answer.err) == (2, True)
    assert alarm(stack)["StateValue"] == "OK"


def test_an_alarm_that_would_not_act_is_left_alone(stack: LocalStack, runbook: Run) -> None:
    cloudwatch = stack.client("cloudwatch")
    before = len(reasons(stack))
    cloudwatch.disable_alarm_actions(AlarmNames=[ALARM])
    answer = runbook("test-alarm", "--yes")
    cloudwatch.enable_alarm_actions(AlarmNames=[ALARM])
    assert (answer.code, f"enable-alarm-actions --alarm-names {ALARM}" in answer.err) == (2, True)
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="a real one")
    answer = runbook("test-alarm", "--yes")
    assert (answer.code, "is in ALARM already" in answer.err) == (2, True)
    assert alarm(stack)["StateReason"] == "a real one"
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="over")
    assert len(reasons(stack)) == before + 2


def test_an_unknown_alarm_is_refused_with_the_names_of_all(runbook: Run) -> None:
    answer = runbook("test-alarm", "canaries", "--yes")
    assert answer.code == 2
    assert "the alarms are silent-raxx-api-prod, " in answer.err


def test_it_asks_first(stack: LocalStack, runbook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before, asked = len(reasons(stack)), []

    def no(question: str, *, yes: bool) -> None:
        asked.append((question, yes))
        raise KeyboardInterrupt

    monkeypatch.setattr(confirm, "ask", no)
    assert runbook("test-alarm").code == 130
    assert asked == [(f"Send a test notice of {ALARM} to {OPS}?", False)]
    assert len(reasons(stack)) == before


def test_it_needs_the_operators_own_rights(runbook: Run, asked: list[Ask]) -> None:
    """With --assume, too: the reader role may not change an alarm."""
    runbook("test-alarm", "--yes")
    assert {ask.action for ask in asked if not ask.action.startswith("ssm:")} == {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:DescribeAlarmHistory",
        "cloudwatch:SetAlarmState",
        "sns:ListSubscriptionsByTopic",
        "sts:GetCallerIdentity",
    }


def test_it_says_what_was_reviewed(runbook: Run, pending: str) -> None:
    assert pending
    arguments = ["test-alarm", "--yes"]
    check_transcript("test-alarm", arguments, runbook(*arguments))
