"""What moto leaves out of alarms: their actions and history, and the confirmation of who subscribed to a topic."""

import json
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.sns.exceptions import SNSException
from moto.sns.models import Subscription, sns_backends
from moto.sns.responses import SNSResponse

# "Subscribe": these send a token to their endpoint, with which its owner confirms.
_CONFIRMED_BY_TOKEN = {"email", "email-json", "http", "https"}
_PENDING_ARN, _PENDING_ANSWER = "PendingConfirmation", "pending confirmation"
_ACTIONS = {"ALARM": "alarm_actions", "OK": "ok_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}

_set_alarm_state = CloudWatchBackend.set_alarm_state


def set_alarm_state(backend: CloudWatchBackend, name: str, reason: str, reason_data: str, state: str) -> None:
    """AWS runs the actions of a state that an alarm was not in before, and keeps a history; moto does neither."""
    before = backend.alarms[name].state_value if name in backend.alarms else None
    _set_alarm_state(backend, name, reason, reason_data, state)
    if before == state:
        return
    alarm = backend.alarms[name]
    _note(alarm, "StateUpdate", f"Alarm updated from {before} to {state}", {"newState": {"stateReason": reason}})
    for action in getattr(alarm, _ACTIONS[state]) if alarm.actions_enabled else ():
        _tell(alarm, action, backend)


def _tell(alarm: Alarm, topic_arn: str, backend: CloudWatchBackend) -> None:
    message = {"AlarmName": alarm.name, "NewStateValue": alarm.state_value, "NewStateReason": alarm.state_reason}
    summary, action_state = f"Successfully executed action {topic_arn}", "Succeeded"
    try:
        sns_backends[backend.account_id][backend.region_name].publish(json.dumps(message), topic_arn)
    except SNSException as error:
        summary, action_state = f'Failed to execute action {topic_arn}. Received error: "{error.message}"', "Failed"
    updated_ms = alarm.state_updated_timestamp.timestamp() * 1000
    data = {"actionState": action_state, "stateUpdateTimestamp": updated_ms, "notificationResource": topic_arn}
    _note(alarm, "Action", summary, data)


def _note(alarm: Alarm, kind: str, summary: str, data: dict[str, Any]) -> None:
    alarm.history.append(
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": utcnow(),
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
    )


def describe_alarm_history(response: CloudWatchResponse) -> ActionResult:
    """Give the history of one alarm, newest first; moto does not have this call."""
    alarm = response.cloudwatch_backend.alarms[response._get_param("AlarmName")]
    kind = response._get_param("HistoryItemType")
    # Moto's own items are tuples.
    items = [item for item in alarm.history if isinstance(item, dict) and kind in (None, item["HistoryItemType"])]
    return ActionResult({"AlarmHistoryItems": items[::-1][: response._get_param("MaxRecords") or 100]})


# ---------------------------------------------------------------- subscriptions


_subscribe = SNSResponse.subscribe


def subscribe(response: SNSResponse) -> ActionResult:
    """AWS waits for a confirmation, and gives the ARN before that only if asked to; moto confirms at once."""
    answer = _subscribe(response)
    found = response.backend.subscriptions[answer.result["SubscriptionArn"]]  # type: ignore[index]
    if _is_pending(found) and not response._get_param("ReturnSubscriptionArn"):
        return ActionResult({"SubscriptionArn": _PENDING_ANSWER})
    return answer


_publish = Subscription.publish


def publish(subscription: Subscription, *given: Any, **named: Any) -> None:
    """AWS sends nothing to an endpoint that has not confirmed."""
    if not _is_pending(subscription):
        _publish(subscription, *given, **named)


def confirm_subscription(response: SNSResponse) -> ActionResult:
    """Confirm a subscription. Here its token is its ARN: nothing is sent to its endpoint."""
    found = response.backend.subscriptions[response._get_param("Token")]
    found.confirmed = True
    return ActionResult({"SubscriptionArn": found.arn})


def list_subscriptions_by_topic(response: SNSResponse) -> ActionResult:
    """AWS shows no ARN of a subscription that is not confirmed."""
    listed, token = response.backend.list_subscriptions_by_topic(
        response._get_param("TopicArn"), next_token=response._get_param("NextToken")
    )
    shown = [
        {
            "SubscriptionArn": _PENDING_ARN if _is_pending(each) else each.arn,
            "Owner": each.owner,
            "Protocol": each.protocol,
            "Endpoint": each.endpoint,
            "TopicArn": each.topic_arn,
        }
        for each in listed
    ]
    return ActionResult({"Subscriptions": shown, **({"NextToken": str(token)} if token else {})})


def _is_pending(subscription: Subscription) -> bool:
    return subscription.protocol in _CONFIRMED_BY_TOKEN and not subscription.confirmed
