"""The spill queue and its dead letters; the command of docs/deploy.md is their way back into the bucket."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from contract.logplex.batch import Batch
from contract.slots import DEFAULT_MINUTES, Slot
from infra.spill import DELAY_S, MAX_RECEIVES, VISIBILITY_S
from local.stack import LocalStack
from receiver import spill
from receiver.flusher.slot_objects import objects
from receiver.tally import Tally
from tests.support.fakes import FRAME_ID
from tests.support.logplex_frames import NOON, NOON_MS, body, message
from tests.support.paths import DOCS
from tests.support.stored import keys

HOUR_MS = 3600 * 1000

APP = "raxx-api-prod"
CLOCK = NOON
BATCH = Batch(APP, FRAME_ID, NOON_MS, body(message(b"refused for days\n")))
DEPLOY = (DOCS / "deploy.md").read_text()


class Queues:
    """The two queues of the stack, and what is in the bucket."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack, self.sqs = stack, stack.client("sqs")
        self.spill, self.dead_letters = stack.outputs["spillQueue"], stack.outputs["deadLetterQueue"]
        self.dead_letters_arn: str = self.attribute(self.dead_letters, "QueueArn")

    def send(self, text: str, url: str | None = None) -> None:
        """Put a message into the spill queue, or another one, without the queue's delay."""
        self.sqs.send_message(QueueUrl=url or self.spill, MessageBody=text, DelaySeconds=0)

    def waiting(self, url: str) -> int:
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(self.attribute(url, name)) for name in counts)

    def attribute(self, url: str, name: str) -> str:
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
        return str(attributes[name])

    def move_back(self) -> None:
        """What a message move task does: every dead letter becomes a new message of the queue that it comes from."""
        for letter in self.sqs.receive_message(QueueUrl=self.dead_letters, MaxNumberOfMessages=10)["Messages"]:
            self.send(letter["Body"])
            self.sqs.delete_message(QueueUrl=self.dead_letters, ReceiptHandle=letter["ReceiptHandle"])

    def stored(self) -> set[str]:
        """The keys in the bucket, after a flush."""
        self._stack.flush()
        return keys(self._stack)


@pytest.fixture
def queues(stack: LocalStack) -> Queues:
    return Queues(stack)


def key_of(batch: Batch) -> str:
    slot = Slot.of(batch.arrival_ms, DEFAULT_MINUTES)
    [stored] = objects(APP, slot, 0, [batch], Tally(APP))
    return str(stored.key)


def test_a_spilled_batch_is_stored_in_its_own_slot_and_leaves_the_queue(queues: Queues) -> None:
    """As if the buffer had taken it at once."""
    batch = BATCH._replace(arrival_ms=NOON_MS - HOUR_MS, body=body(message(b"spilled\n", NOON - timedelta(hours=1))))
    before = queues.stored()
    queues.send(spill.encode(batch))
    assert queues.stored() - before == {key_of(batch)}
    assert queues.waiting(queues.spill) == 0


def test_a_new_message_waits_until_no_try_of_its_batch_is_under_way(queues: Queues) -> None:
    """A batch without a valid time is looked for in the slots around it, so the receiver must be done with it."""
    assert queues.attribute(queues.spill, "DelaySeconds") == str(DELAY_S)


def test_a_message_that_cannot_be_read_becomes_a_dead_letter(queues: Queues) -> None:
    """By the queue's own redrive policy, after as many receives as it says; here they follow each other at once."""
    before = queues.stored()
    queues.sqs.set_queue_attributes(QueueUrl=queues.spill, Attributes={"VisibilityTimeout": "0"})
    queues.send("of a newer receiver")
    assert queues.stored() == before
    queues.sqs.set_queue_attributes(QueueUrl=queues.spill, Attributes={"VisibilityTimeout": str(VISIBILITY_S)})
    assert (queues.waiting(queues.spill), queues.waiting(queues.dead_letters)) == (0, 1)
    [letter] = queues.sqs.receive_message(QueueUrl=queues.dead_letters)["Messages"]
    queues.sqs.delete_message(QueueUrl=queues.dead_letters, ReceiptHandle=letter["ReceiptHandle"])


def test_a_dead_letter_is_stored_when_it_is_moved_back(queues: Queues) -> None:
    """moto has no message move tasks: receive and send stand in for the task."""
    before = queues.stored()
    queues.send(spill.encode(BATCH), queues.dead_letters)
    assert queues.stored() == before
    queues.move_back()
    assert queues.stored() - before == {key_of(BATCH)}
    assert queues.waiting(queues.dead_letters) == 0


@pytest.mark.xfail(
    strict=True, raises=ClientError, reason="moto has no message move tasks; when it has, use them above"
)
def test_moto_moves_messages(queues: Queues) -> None:
    """So that the stand-in above goes when it is no longer needed."""
    queues.sqs.start_message_move_task(SourceArn=queues.dead_letters_arn)


def commands() -> Iterator[tuple[str, dict[str, str]]]:
    """The commands of SQS in the section: operation, and options by their names."""
    section = DEPLOY.partition("\n## When batches are in the dead-letter queue\n")[2].partition("\n## ")[0]
    for line in re.findall(r"aws sqs ([^\n)]+)", section):
        operation, *words = shlex.split(line)
        yield operation, {name: value for name, value in pairwise(words) if name.startswith("--")}


def test_the_commands_of_the_docs_are_ones_of_sqs() -> None:
    """An operation or an option that does not exist would be found out at the worst of times."""
    client = boto3.client("sqs")
    operations = {"".join(word.title() for word in name.split("-")): options for name, options in commands()}
    assert {"StartMessageMoveTask", "ListMessageMoveTasks"} <= operations.keys()
    for operation, options in operations.items():
        shape = client.meta.service_model.operation_model(operation).input_shape
        assert shape is not None
        known = {"--" + re.sub(r"(?<!^)(?=[A-Z])", "-", member).lower(): member for member in shape.members}
        given = options.keys() - {"--query", "--output", "--region"}
        assert given <= known.keys()
        assert set(shape.required_members) <= {known[option] for option in given}


def test_the_dead_letter_queue_alone_says_where_to(queues: Queues) -> None:
    """StartMessageMoveTask without a destination goes to where the letters came from: the spill queue, and only it."""
    client: Any = boto3.client("sqs")
    with Stubber(client) as stub:
        stub.add_response("start_message_move_task", {"TaskHandle": "t"}, {"SourceArn": queues.dead_letters_arn})
        client.start_message_move_task(SourceArn=queues.dead_letters_arn)
    sources = queues.sqs.list_dead_letter_source_queues(QueueUrl=queues.dead_letters)["queueUrls"]
    assert sources == [queues.spill]
    policy = json.loads(queues.attribute(queues.spill, "RedrivePolicy"))
    assert (policy["deadLetterTargetArn"], int(policy["maxReceiveCount"])) == (queues.dead_letters_arn, MAX_RECEIVES)


def test_the_docs_command_gives_an_older_queue_todays_redrive_policy(queues: Queues) -> None:
    """Pulumi leaves the redrive policy of an existing queue alone."""
    [assignment] = re.findall(r"^policy='.*$", DEPLOY, re.MULTILINE)
    script = f'arn={queues.dead_letters_arn}\n{assignment}\nprintf %s "$policy"'
    attributes = json.loads(subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout)
    before = json.loads(queues.attribute(queues.spill, "RedrivePolicy"))
    assert json.loads(attributes["RedrivePolicy"]) == before | {"maxReceiveCount": MAX_RECEIVES}
    queues.sqs.set_queue_attributes(QueueUrl=queues.spill, Attributes=attributes)
    assert json.loads(queues.attribute(queues.spill, "RedrivePolicy")) == before


def test_the_docs_say_how_long_a_batch_is_tried() -> None:
    """Five days; the earlier six hours only as what older stacks have."""
    assert VISIBILITY_S * MAX_RECEIVES == 5 * 24 * 3600
    assert VISIBILITY_S == 15 * 60
    assert "five days" in DEPLOY
    told = [line for page in DOCS.glob("*.md") for line in page.read_text().splitlines() if "six hours" in line]
    assert ["24 tries, six hours" in line for line in told] == [True]
