"""The receiver's AWS calls. Nothing else here talks to AWS."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contract.keys import ObjectKey
from receiver.batch import StoredObject
from receiver.deadline import Deadline, DeadlineExceeded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

Result = TypeVar("Result")

# Two tries, the second within a second: Logplex waits five in all. The deadline is the limit that holds.
_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})


class Unavailable(Exception):
    """AWS did not do what it was asked. `reason` is a short code for logs, such as `s3-SlowDown`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Archive:
    """The bucket that lines are stored in."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._s3: S3Client = boto3.client("s3", config=_CONFIG)

    def put(self, objects: Sequence[StoredObject], deadline: Deadline) -> None:
        """Write objects side by side; Unavailable unless all of them are stored when it returns."""
        _within(deadline, "s3", [partial(self._put, stored) for stored in objects])

    def holds_any(self, keys: Sequence[ObjectKey], deadline: Deadline) -> bool:
        """Say whether an object of one of these keys is stored; Unavailable when S3 does not tell."""
        return any(_within(deadline, "s3", [partial(self._holds, key) for key in keys]))

    def _holds(self, key: ObjectKey) -> bool:
        # By the listing, which needs no right to read lines as HeadObject does. It is as consistent as a read ("Amazon
        # S3 data consistency model").
        answer = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=str(key), MaxKeys=1)
        _need("KeyCount", answer, "s3-no-key-count")
        return answer["KeyCount"] > 0

    def _put(self, stored: StoredObject) -> None:
        answer = self._s3.put_object(
            Bucket=self._bucket, Key=str(stored.key), Body=stored.data, ContentType="application/gzip"
        )
        _need("ETag", answer, "s3-no-etag")


class Queue:
    """The queue that batches wait in while the bucket does not take them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sqs: SQSClient = boto3.client("sqs", config=_CONFIG)

    def send(self, text: str, deadline: Deadline) -> None:
        """Put a message into the queue; Unavailable unless it is there when this returns."""
        [answer] = _within(deadline, "sqs", [lambda: self._sqs.send_message(QueueUrl=self._url, MessageBody=text)])
        _need("MessageId", answer, "sqs-no-message-id")


class Parameter:
    """A SecureString in SSM's parameter store."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ssm: SSMClient = boto3.client("ssm", config=_CONFIG)

    def read(self, deadline: Deadline) -> str:
        """Give the decrypted text; Unavailable when SSM does not."""
        [answer] = _within(deadline, "ssm", [lambda: self._ssm.get_parameter(Name=self._name, WithDecryption=True)])
        _need("Parameter", answer, "ssm-no-value")
        _need("Value", answer["Parameter"], "ssm-no-value")
        return answer["Parameter"]["Value"]


def _need(field: str, answer: Mapping[str, object], reason: str) -> None:
    # boto3 takes a 200 that is not the service's, from a proxy for example, for an answer without fields.
    if field not in answer:
        raise Unavailable(reason, f"an answer without its {field}")


def _within(deadline: Deadline, service: str, calls: Sequence[Callable[[], Result]]) -> list[Result]:
    try:
        return deadline.run(calls)
    except DeadlineExceeded as error:
        raise Unavailable(f"{service}-deadline", "no answer in time") from error
    except ClientError as error:
        raise Unavailable(f"{service}-{error.response['Error']['Code']}", str(error)) from error
    except BotoCoreError as error:
        raise Unavailable(f"{service}-{type(error).__name__}", str(error)) from error
