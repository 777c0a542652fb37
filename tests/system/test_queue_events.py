"""SQS to Lambda: messages that the function does not name as failed are deleted, and only those."""

import time
from datetime import UTC, datetime

from local.aws.queue_events import done, event
from local.stack import LocalStack
from receiver import spill
from receiver.logplex.batch import Batch
from tests.support.logplex_frames import body, message
from tests.system.test_stack import keys, lines

MESSAGES = [
    {"MessageId": name, "ReceiptHandle": f"handle of {name}", "Body": "text", "MD5OfBody": "1cb251ec0d568de6"}
    for name in ("a", "b")
]


def test_the_event_names_queue_and_messages() -> None:
    """What a handler reads of a record: its id and its body."""
    records = event(MESSAGES, "arn:aws:sqs:us-east-1:123456789012:q")["Records"]
    assert [(record["messageId"], record["body"], record["awsRegion"]) for record in records] == [
        ("a", "text", "us-east-1"),
        ("b", "text", "us-east-1"),
    ]


def test_what_failed_stays_in_the_queue() -> None:
    """Partial batch failures; an answer without any means that all is done."""
    assert done(MESSAGES, {"batchItemFailures": [{"itemIdentifier": "a"}]}) == ["handle of b"]
    assert done(MESSAGES, {"batchItemFailures": []}) == done(MESSAGES, None) == ["handle of a", "handle of b"]


def test_a_spilled_batch_reaches_the_bucket(stack: LocalStack) -> None:
    """The whole way of a batch that S3 did not take at first."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    posted = body(message(b"spilled\n", time=datetime.now(UTC)))
    text = spill.encode(Batch("raxx-api-prod", "a-frame", now_ms, posted))
    stack.client("sqs").send_message(QueueUrl=stack.outputs["spillQueue"], MessageBody=text)
    end = time.monotonic() + 20
    while not keys(stack):
        assert time.monotonic() < end, "the spilled batch did not arrive"
    assert lines(stack, sorted(keys(stack)))[0].endswith(b" - spilled")
