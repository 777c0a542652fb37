"""The receiver's AWS calls. Nothing else here talks to AWS.

A call ends at its deadline, with its socket. At most CALLS_AT_ONCE calls of a service are under way. A service that
lets calls time out is left alone for some seconds. In each case the caller gets Unavailable, and takes its fallback.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contract.object_keys import ObjectKey
from receiver.abortable import make_abortable
from receiver.breaker import Breaker
from receiver.calls import Busy, Calls
from receiver.deadline import Deadline, DeadlineExceeded
from receiver.logplex.batch import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

Result = TypeVar("Result")

# Of one service, over all requests that are served at the same time: a POST is one object, or a few.
CALLS_AT_ONCE = 128
# Two tries, the second within a second: Logplex waits five in all. The deadline is the limit that holds.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=CALLS_AT_ONCE,
)
# The keys are read beside the POSTs, so an answer that comes late is still of use.
_KEYS_CONFIG = Config(read_timeout=10)
# A failure that took less has cost a POST little, or had no fair chance, as the POST was late already.
_SLOW_S = 0.5
# S3 has the queue behind it. Behind the others is Logplex's next try only, so they are asked again sooner.
_S3_PROBE_S = 5.0
_PROBE_S = 1.0


class Unavailable(Exception):
    """AWS did not do what it was asked. `reason` is a short code for logs, such as `s3-SlowDown`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class NotAsked(Unavailable):
    """The service was spared the call: its circuit is open, or too many calls are under way."""


class Service:
    """One AWS service, with what keeps its troubles from becoming the receiver's."""

    def __init__(self, name: str, probe_s: float) -> None:
        self._name = name
        self._calls, self._breaker = Calls(CALLS_AT_ONCE), Breaker(probe_s)

    def call(self, functions: Sequence[Callable[[], Result]], deadline: Deadline) -> list[Result]:
        """Make boto3 calls side by side and give their answers in order; Unavailable unless all are answered."""
        if not functions:
            return []
        if not self._breaker.allow():
            raise NotAsked(f"{self._name}-circuit-open", "it let the last calls time out")
        begin = time.monotonic()
        try:
            answers = self._calls.run(functions, deadline)
        except Busy as error:
            raise NotAsked(f"{self._name}-busy", f"{CALLS_AT_ONCE} calls are under way") from error
        except DeadlineExceeded as error:
            if _slow(begin):
                self._breaker.failed()
            raise Unavailable(f"{self._name}-deadline", "no answer in time") from error
        except (ClientError, BotoCoreError) as error:
            # An error within moments is an answer, too.
            (self._breaker.failed if _slow(begin) else self._breaker.answered)()
            raise Unavailable(f"{self._name}-{_code(error)}", str(error)) from error
        self._breaker.answered()
        return answers


class Archive:
    """The bucket that lines are stored in."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._s3: S3Client = boto3.client("s3", config=_CONFIG)
        make_abortable(self._s3)
        self._s3.meta.events.register_last("before-call.s3", _without_expect)
        self._service = Service("s3", _S3_PROBE_S)

    def put(self, objects: Sequence[StoredObject], deadline: Deadline) -> None:
        """Write objects side by side; Unavailable unless all of them are stored when it returns."""
        self._service.call([partial(self._put, stored) for stored in objects], deadline)

    def holds_any(self, keys: Sequence[ObjectKey], deadline: Deadline) -> bool:
        """Say whether an object of one of these keys is stored; Unavailable when S3 does not tell."""
        return any(self._service.call([partial(self._holds, key) for key in keys], deadline))

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
        make_abortable(self._sqs)
        self._service = Service("sqs", _PROBE_S)

    def send(self, text: str, deadline: Deadline) -> None:
        """Put a message into the queue; Unavailable unless it is there when this returns."""
        [answer] = self._service.call([lambda: self._sqs.send_message(QueueUrl=self._url, MessageBody=text)], deadline)
        _need("MessageId", answer, "sqs-no-message-id")


class Parameter:
    """A SecureString in SSM's parameter store."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ssm: SSMClient = boto3.client("ssm", config=_CONFIG.merge(_KEYS_CONFIG))
        make_abortable(self._ssm)
        self._service = Service("ssm", _PROBE_S)

    def read(self, deadline: Deadline) -> str:
        """Give the decrypted text; Unavailable when SSM does not."""
        [answer] = self._service.call([lambda: self._ssm.get_parameter(Name=self._name, WithDecryption=True)], deadline)
        _need("Parameter", answer, "ssm-no-value")
        _need("Value", answer["Parameter"], "ssm-no-value")
        return answer["Parameter"]["Value"]


def _without_expect(params: dict[str, Any], **_: Any) -> None:
    # botocore asks S3 before it sends a body, which is a second round trip for a body of a few packets. And where the
    # connection ends within the `100 Continue`, it reads for ever, at full CPU (AWSConnection._consume_headers). There
    # is no setting for it: boto/botocore #1659, "Make expect_header configurable".
    params["headers"].pop("Expect", None)


def _need(field: str, answer: Mapping[str, object], reason: str) -> None:
    # boto3 takes a 200 that is not the service's, from a proxy for example, for an answer without fields.
    if field not in answer:
        raise Unavailable(reason, f"an answer without its {field}")


def _slow(begin: float) -> bool:
    return time.monotonic() - begin >= _SLOW_S


def _code(error: ClientError | BotoCoreError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
