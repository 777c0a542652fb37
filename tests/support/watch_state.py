"""The state of a local stack's watch, as tests set it up."""

from typing import Any

from contract import buffer_table, names
from contract.buffer_table import Seen
from local.stack import LocalStack

_LOOKED_AT = 10


def put_seen(stack: LocalStack, seen: Seen, arrival_ms: int) -> None:
    """Note the arrival of the newest batch, as the flusher does."""
    item = buffer_table.seen_item(seen, arrival_ms)
    stack.client("dynamodb").put_item(TableName=stack.outputs["buffer"], Item=item)


def deletions_url(stack: LocalStack) -> str:
    """The URL of the queue that S3 tells of deleted logs."""
    queue = names.deletions_queue(stack.outputs["namePrefix"])
    return str(stack.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def forget_deletions(stack: LocalStack) -> None:
    """Empty that queue. A purge is possible once a minute only."""
    sqs, url = stack.client("sqs"), deletions_url(stack)
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=_LOOKED_AT).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def declared_alarm(stack: LocalStack, name: str) -> dict[str, Any]:
    """An alarm as it is, as PutMetricAlarm takes it."""
    cloudwatch = stack.client("cloudwatch")
    [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    fields = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    return {field: value for field, value in found.items() if field in fields and value not in ([], None)}


def confirm_subscriptions(stack: LocalStack) -> None:
    """Confirm all subscriptions to the topic of the alarms, as their owners do by the link in SNS's e-mail."""
    sns, topic = stack.client("sns"), stack.outputs["alarmTopicArn"]
    for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        token = subscribe(stack, each["Protocol"], each["Endpoint"])
        sns.confirm_subscription(TopicArn=topic, Token=token)


def subscribe(stack: LocalStack, protocol: str, endpoint: str) -> str:
    """Subscribe, which SNS does once for an endpoint, and give the ARN: the token to confirm with, on this machine."""
    answer: dict[str, Any] = stack.client("sns").subscribe(
        TopicArn=stack.outputs["alarmTopicArn"], Protocol=protocol, Endpoint=endpoint, ReturnSubscriptionArn=True
    )
    return str(answer["SubscriptionArn"])
