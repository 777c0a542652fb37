"""A batch that S3 refused for hours is a dead letter; the command of docs/deploy.md is its way back into the bucket."""

import json
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra.spill import MAX_RECEIVES, VISIBILITY_S
from local.stack import LocalStack
from receiver import spill
from receiver.logplex.batch import Batch, objects
from tests.support.fakes import FRAME_ID
from tests.support.logplex_frames import NOON_MS, body, message
from tests.support.paths import DOCS

PATIENCE_S = 30.0  # for what takes a second, on a machine that is busy
APP = "raxx-api-prod"
BATCH = Batch(APP, FRAME_ID, NOON_MS, body(message(b"refused for hours\n")))
EMPTY = Batch(APP, None, NOON_MS, b"")
DEPLOY = (DOCS / "deploy.md").read_text()


class Queues:
    """The two queues of the stack, and what is in the bucket."""

    def __init__(self, stack: LocalStack) -> None:
        self.sqs, self._s3 = stack.client("sqs"), stack.client("s3")
        self.spill, self.dead_letters = stack.outputs["spillQueue"], stack.outputs["deadLetterQueue"]
        self.dead_letters_arn: str = self.attribute(self.dead_letters, "QueueArn")
        self.bucket = stack.outputs["bucket"]

    def break_bucket(self) -> None:
        """Make S3 refuse, and messages of the queue come back at once and not a quarter of an hour later."""
        self._s3.delete_bucket(Bucket=self.bucket)
        self.sqs.set_queue_attributes(QueueUrl=self.spill, Attributes={"VisibilityTimeout": "0"})
        # The poll that is under way began with the quarter of an hour: an empty batch, which needs no bucket, ends it.
        self.send(EMPTY)
        wait_until(lambda: self._waiting(self.spill) == 0)

    def mend_bucket(self) -> None:
        self._s3.create_bucket(Bucket=self.bucket)

    def send(self, batch: Batch) -> None:
        self.sqs.send_message(QueueUrl=self.spill, MessageBody=spill.encode(batch))

    def dead(self) -> int:
        return self._waiting(self.dead_letters)

    def keys(self) -> list[str]:
        return [stored["Key"] for stored in self._s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def _waiting(self, url: str) -> int:
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(self.attribute(url, name)) for name in counts)

    def attribute(self, url: str, name: str) -> str:
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
        return str(attributes[name])

    def move_back(self) -> None:
        """What a message move task does: every dead letter becomes a new message of the queue that it comes from."""
        for letter in self.sqs.receive_message(QueueUrl=self.dead_letters, MaxNumberOfMessages=10)["Messages"]:
            self.sqs.send_message(QueueUrl=self.spill, MessageBody=letter["Body"])
            self.sqs.delete_message(QueueUrl=self.dead_letters, ReceiptHandle=letter["ReceiptHandle"])


@pytest.fixture(scope="module")
def queues(stack: LocalStack) -> Queues:
    return Queues(stack)


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"


def test_a_dead_letter_is_stored_when_it_is_moved_back(queues: Queues) -> None:
    """moto has no message move tasks: receive and send stand in for the task, all else is as declared.

    The queue's own redrive policy makes the dead letter, and the function redrives it, under the direct path's key.
    """
    queues.break_bucket()
    queues.send(BATCH)
    wait_until(queues.dead)
    queues.mend_bucket()
    assert queues.keys() == []
    queues.move_back()
    wait_until(queues.keys)
    assert queues.keys() == [str(stored.key) for stored in objects(BATCH)]
    assert queues.dead() == 0


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
    """Five days, in every place that says it; the earlier six hours only as what older stacks have."""
    assert VISIBILITY_S * MAX_RECEIVES == 5 * 24 * 3600
    assert VISIBILITY_S == 15 * 60
    assert all("five days" in (DOCS / page).read_text() for page in ("deploy.md", "design.md", "doctor.md"))
    told = [line for page in DOCS.glob("*.md") for line in page.read_text().splitlines() if "six hours" in line]
    assert ["24 tries, six hours" in line for line in told] == [True]
