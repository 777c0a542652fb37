"""`test-alarm`: sends a test notice the whole way."""

import time
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from contract import alarms, names
from contract.alarms import Watched
from contract.outputs import Outputs
from runbook.clients import alarm_topic
from runbook.clients.alarm_topic import Subscription
from runbook.errors import RunbookError
from runbook.session import AsJson, Session, Yes, session_of
from runbook.terminal import confirm, next_command, printing

_ALARM, _OK = "ALARM", "OK"
# "Action" items of the history ("DescribeAlarmHistory").
_FAILED = "Failed to execute action"
# The history has an action within seconds.
PAUSE_S, _TRIES = 2.0, 30


@dataclass(frozen=True)
class Rehearsal:
    """What became of a test: the alarm's name, what CloudWatch says of its action, and its state before."""

    alarm: str
    action: str
    succeeded: bool
    state_before: str


def send_test(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[ALARM]", help="One of docs/reference/alarms.md.")] = "canary",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    r"""Send a test notice of an alarm, and see who gets it.

    \b
      hla test-alarm
      hla test-alarm silent-raxx-api-prod

    Sets the alarm to ALARM, waits until CloudWatch says whether it told the topic, and sets the alarm back. So whoever
    subscribed gets two notices, ALARM and OK, with the reason that this is a test, and whose. Exit code 1 if the notice
    was not sent, or somebody has not confirmed the subscription.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = session.outputs
    alarm = _full_name(outputs, name)
    client, sns = (session.own_aws.client(service) for service in ("cloudwatch", "sns"))
    state_before = _state_of(client, alarm, outputs)
    subscriptions = alarm_topic.subscriptions(sns, outputs.alarm_topic_arn)
    told = [each for each in subscriptions if each.confirmed]
    confirm.ask(f"Send a test notice of {alarm} to {_whom(told)}?", yes=yes)
    who = session.own_aws.client("sts").get_caller_identity()["Arn"]
    with printing.status("waiting for CloudWatch"):
        rehearsal = _rehearse(client, alarm, state_before, who)
    if session.as_json:
        printing.document({**asdict(rehearsal), "subscriptions": [each._asdict() for each in subscriptions]})
    else:
        _show(session, rehearsal, subscriptions)
    if not rehearsal.succeeded or not told or len(told) < len(subscriptions):
        raise typer.Exit(1)


def _full_name(outputs: Outputs, name: str) -> str:
    known = alarms.named(Watched.of(outputs))
    full = names.alarm(outputs.name_prefix, name.removeprefix(names.alarm(outputs.name_prefix, "")))
    if full not in known:
        raise RunbookError(
            f"unknown alarm {name!r}: the alarms are {', '.join(alarm.name for alarm in known.values())}"
        )
    return full


def _state_of(client: Any, alarm: str, outputs: Outputs) -> str:
    """Give an alarm's state. RunbookError if the alarm would not act on a change to ALARM."""
    found = client.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    if not found:
        raise RunbookError(
            f"there is no alarm {alarm} in {outputs.region}: deploy the stack, or set --region to its own"
        )
    if not found[0]["ActionsEnabled"]:
        raise RunbookError(
            f"the actions of {alarm} are disabled, so it tells nobody; to enable them: aws cloudwatch "
            f"enable-alarm-actions --alarm-names {alarm} --region {outputs.region}"
        )
    state: str = found[0]["StateValue"]
    if state == _ALARM:
        raise RunbookError(f"{alarm} is in ALARM already, and would not act again: name another alarm")
    return state


def _rehearse(client: Any, alarm: str, state_before: str, who: str) -> Rehearsal:
    """Set an alarm to ALARM until its history has an action more, and set it back whatever happens.

    By itself it would go back at its next evaluation ("SetAlarmState"), but an alarm that ignores missing data only
    with the next value of its metric, and until then it would tell of nothing.
    """
    known = {_key(item) for item in _actions(client, alarm)}
    reason = f"Test by {who} with `hla test-alarm`: nothing is wrong."
    client.set_alarm_state(AlarmName=alarm, StateValue=_ALARM, StateReason=reason)
    try:
        action = _wait(client, alarm, known)
    finally:
        client.set_alarm_state(AlarmName=alarm, StateValue=state_before, StateReason=f"End of the test by {who}.")
    return Rehearsal(alarm, action, not action.startswith(_FAILED), state_before)


def _wait(client: Any, alarm: str, known: set[tuple[object, ...]]) -> str:
    for _ in range(_TRIES):
        for item in _actions(client, alarm):
            if _key(item) not in known:
                return str(item["HistorySummary"])
        time.sleep(PAUSE_S)
    raise RunbookError(
        f"CloudWatch has not said within {PAUSE_S * _TRIES:.0f} s whether {alarm} told anybody: look for its notice, "
        f"and run aws cloudwatch describe-alarm-history --alarm-name {alarm}"
    )


def _actions(client: Any, alarm: str) -> list[dict[str, Any]]:
    """Give an alarm's latest actions, the newest first, which is the default."""
    answer = client.describe_alarm_history(AlarmName=alarm, HistoryItemType="Action", MaxRecords=10)
    return list(answer["AlarmHistoryItems"])


def _key(item: dict[str, Any]) -> tuple[object, ...]:
    return item["Timestamp"], item["HistorySummary"], item["HistoryData"]


# ---------------------------------------------------------------- showing


def _show(session: Session, rehearsal: Rehearsal, subscriptions: list[Subscription]) -> None:
    print(f"alarm    {rehearsal.alarm}")
    print(f"action   {printing.printable(rehearsal.action)}")
    for each in subscriptions:
        print(f"{'told' if each.confirmed else 'NOT TOLD':<9}{each.protocol} {printing.printable(each.endpoint)}")
    if not rehearsal.succeeded:
        printing.note(
            "the topic did not take the notice: its policy or its key's does not allow CloudWatch to publish, or it "
            "does not exist; run pulumi up --refresh, then this again"
        )
        return
    if any(not each.confirmed for each in subscriptions):
        printing.note(
            "whoever is not told has not confirmed: open the link in SNS's e-mail; "
            f"`{next_command.command_line(session, 'doctor', '--only', 'alarms')}` says how to get another one"
        )
    if not any(each.confirmed for each in subscriptions):
        printing.note(f"nobody is told: nobody has confirmed a subscription to {session.outputs.alarm_topic_arn}")
        return
    second = f" and then {_OK}" if rehearsal.state_before == _OK else ""
    printing.note(
        f"expect notices {_ALARM}{second} within a minute, e-mails from no-reply@sns.amazonaws.com; the alarm is "
        f"{rehearsal.state_before} again"
    )


def _whom(told: list[Subscription]) -> str:
    return ", ".join(printing.printable(each.endpoint) for each in told) or "nobody"
