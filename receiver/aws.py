"""The receiver's AWS calls. No other module here talks to AWS.

A call ends at its deadline, and its socket with it. At most CALLS_AT_ONCE calls of a service run at a time. A service
that lets calls time out is not called for some seconds. In each case the caller gets Unavailable and does without.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contract.buffer_table import PARTITION_KEY, Item, Key
from contract.object_keys import ObjectKey
from receiver.abortable import make_abortable
from receiver.breaker import Breaker
from receiver.calls import Busy, Calls
from receiver.deadline import Deadline, DeadlineExceeded
from receiver.put_object import ALREADY_STORED, PutOptions
from receiver.stored_object import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

Result = TypeVar("Result")

# Per service, for all requests that are served at the same time: a POST is one item, or a few objects.
CALLS_AT_ONCE = 128
# Two tries, the second within a second, because Logplex waits five seconds in all. The deadline is the hard limit.
CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=CALLS_AT_ONCE,
)
# No POST waits for the end of a read of hashes, so a late answer is still of use.
READ_TIMEOUT_OF_HASHES_S = 10
# A failure that took less has cost a POST little, or was of a POST that was late already.
SLOW_S = 0.5
# When the buffer or S3 fails there is the queue. When another service fails there is only Logplex's next try, so it is
# probed sooner.
SPILLING_PROBE_S = 5.0
PROBE_S = 1.0


class Unavailable(Exception):
    """AWS did not do what it was asked to do. `reason` is a short code for logs, such as `s3-SlowDown`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class NotAsked(Unavailable):
    """The service was not called: its circuit breaker is open, or too many calls are running."""


class Service:
    """One AWS service, with limits that keep its failures from spreading to the receiver."""

    def __init__(self, name: str, probe_s: float, slow_s: float = SLOW_S, calls_at_once: int = CALLS_AT_ONCE) -> None:
        self._name, self._slow_s, self._calls_at_once = name, slow_s, calls_at_once
        self._calls, self._breaker = Calls(calls_at_once), Breaker(probe_s)

    def call(self, functions: Sequence[Callable[[], Result]], deadline: Deadline) -> list[Result]:
        """Make boto3 calls side by side and give their answers in order; Unavailable unless all are answered."""
        if not functions:
            return []
        if not self._breaker.allow():
            raise NotAsked(f"{self._name}-circuit-open", "its last calls timed out")
        begin = time.monotonic()
        try:
            answers = self._calls.run(functions, deadline)
        except Busy as error:
            raise NotAsked(f"{self._name}-busy", f"{self._calls_at_once} calls are running") from error
        except DeadlineExceeded as error:
            if self._slow(begin):
                self._breaker.failed()
            raise Unavailable(f"{self._name}-deadline", "no answer in time") from error
        except (ClientError, BotoCoreError) as error:
            # An error that comes at once is an answer, too.
            (self._breaker.failed if self._slow(begin) else self._breaker.answered)()
            raise Unavailable(f"{self._name}-{_code(error)}", str(error)) from error
        self._breaker.answered()
        return answers

    def _slow(self, begin: float) -> bool:
        return time.monotonic() - begin >= self._slow_s


class Buffer:
    """The DynamoDB table in which batches wait for the flusher."""

    def __init__(self, table: str, config: Config = CONFIG, service: Service | None = None) -> None:
        self._table = table
        self._dynamodb: DynamoDBClient = boto3.client("dynamodb", config=config)
        make_abortable(self._dynamodb)
        self._service = service or Service("dynamodb", SPILLING_PROBE_S)

    def put_batch(self, item: Item, deadline: Deadline) -> None:
        """Put a batch, unless its first try is there; Unavailable unless either is certain."""
        self._service.call([partial(self._put_new, item)], deadline)

    def put_marker(self, item: Item, deadline: Deadline) -> None:
        """Put a late marker; Unavailable unless it is there."""
        self._service.call([partial(self._put, item)], deadline)

    def holds(self, key: Key, deadline: Deadline) -> bool:
        """Say whether there is an item with this key; Unavailable when DynamoDB does not answer."""
        [found] = self._service.call([partial(self._get, key)], deadline)
        return found

    def _put_new(self, item: Item) -> None:
        try:
            self._put(item, ConditionExpression=f"attribute_not_exists({PARTITION_KEY})")
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def _put(self, item: Item, **condition: Any) -> None:
        answer = self._dynamodb.put_item(TableName=self._table, Item=item, ReturnConsumedCapacity="TOTAL", **condition)
        _need("ConsumedCapacity", answer, "dynamodb-no-capacity")

    def _get(self, key: Key) -> bool:
        answer = self._dynamodb.get_item(
            TableName=self._table,
            Key=key.item,
            ConsistentRead=True,
            ProjectionExpression=PARTITION_KEY,
            ReturnConsumedCapacity="TOTAL",
        )
        _need("ConsumedCapacity", answer, "dynamodb-no-capacity")
        return "Item" in answer


class NoBuffer:
    """The buffer of a receiver that was not told of one, so that batches go to the spill queue.

    That is a receiver of this version with the settings of one before: a stack that goes back to the version before has
    it for some seconds, as Lambda changes the settings first and then the code.
    """

    def put_batch(self, *_: object) -> None:
        """Fail at once."""
        raise _NO_BUFFER

    def put_marker(self, *_: object) -> None:
        """Fail at once."""
        raise _NO_BUFFER

    def holds(self, *_: object) -> bool:
        """Fail at once."""
        raise _NO_BUFFER


_NO_BUFFER = NotAsked("buffer-not-set", "the environment names no table")


class LogBucket:
    """The S3 bucket that lines are stored in."""

    def __init__(
        self,
        bucket: str,
        config: Config = CONFIG,
        service: Service | None = None,
        options: PutOptions = PutOptions(),  # noqa: B008  it does not change
    ) -> None:
        self._bucket, self._options = bucket, options
        self._s3: S3Client = boto3.client("s3", config=config)
        make_abortable(self._s3)
        self._s3.meta.events.register_last("before-call.s3", _without_expect)
        self._service = service or Service("s3", SPILLING_PROBE_S)

    def put(self, objects: Sequence[StoredObject], deadline: Deadline) -> None:
        """Write objects side by side, unless they are there; Unavailable unless all of them are stored."""
        self._service.call([partial(self._put, stored) for stored in objects], deadline)

    def holds_any(self, keys: Sequence[ObjectKey], deadline: Deadline) -> bool:
        """Say whether an object with one of these keys is stored; Unavailable when S3 does not answer."""
        return any(self._service.call([partial(self._holds, key) for key in keys], deadline))

    def _holds(self, key: ObjectKey) -> bool:
        # A listing, because HeadObject would need the right to read lines. It is as consistent as a read ("Amazon S3
        # data consistency model").
        answer = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=str(key), MaxKeys=1, **self._options.owner)
        _need("KeyCount", answer, "s3-no-key-count")
        return answer["KeyCount"] > 0

    def _put(self, stored: StoredObject) -> None:
        try:
            answer = self._s3.put_object(
                Bucket=self._bucket,
                Key=str(stored.key),
                Body=stored.data,
                **self._options.of(stored.data, stored.lines),
            )
        except ClientError as error:
            if _code(error) == ALREADY_STORED:
                return
            raise
        _need("ETag", answer, "s3-no-etag")


class Queue:
    """The spill queue: batches wait in it while the buffer does not take them."""

    def __init__(self, url: str, config: Config = CONFIG) -> None:
        self._url = url
        self._sqs: SQSClient = boto3.client("sqs", config=config)
        make_abortable(self._sqs)
        self._service = Service("sqs", PROBE_S)

    def send(self, text: str, deadline: Deadline) -> None:
        """Put a message into the queue; Unavailable unless SQS says that it is there."""
        [answer] = self._service.call([lambda: self._sqs.send_message(QueueUrl=self._url, MessageBody=text)], deadline)
        _need("MessageId", answer, "sqs-no-message-id")


class Parameters:
    """SSM's parameter store."""

    def __init__(self, config: Config = CONFIG) -> None:
        self._ssm: SSMClient = boto3.client("ssm", config=config.merge(Config(read_timeout=READ_TIMEOUT_OF_HASHES_S)))
        make_abortable(self._ssm)
        self._service = Service("ssm", PROBE_S)

    def read(self, name: str, deadline: Deadline) -> str:
        """Give the text of a String; Unavailable when SSM does not."""
        [answer] = self._service.call([lambda: self._ssm.get_parameter(Name=name)], deadline)
        _need("Parameter", answer, "ssm-no-value")
        _need("Value", answer["Parameter"], "ssm-no-value")
        return answer["Parameter"]["Value"]


def _without_expect(params: dict[str, Any], **_: Any) -> None:
    # botocore asks S3 before it sends a body: a second round trip for a body of a few packets. And when the connection
    # ends within the `100 Continue`, botocore reads for ever, at full CPU (AWSConnection._consume_headers). It has no
    # setting for this: boto/botocore #1659, "Make expect_header configurable".
    params["headers"].pop("Expect", None)


def _need(field: str, answer: Mapping[str, object], reason: str) -> None:
    # boto3 takes a 200 that is not the service's, for example a proxy's, for an answer without fields.
    if field not in answer:
        raise Unavailable(reason, f"an answer without its {field}")


def _code(error: ClientError | BotoCoreError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
