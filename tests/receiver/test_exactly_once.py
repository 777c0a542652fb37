"""Once in storage: however often a batch is tried, and whichever way a try takes, it is the same objects."""

import gzip
import json
import re
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from contract.object_keys import ObjectKey
from receiver.accepted_keys import AcceptedKeys
from receiver.aws import Unavailable
from receiver.deadline import Deadline
from receiver.handler import Receiver
from receiver.logplex.batch import StoredObject
from tests.support.fakes import (
    APP,
    FRAME_ID,
    KEY,
    FakeLogBucket,
    FakeParameter,
    FakeQueue,
    drain_event,
    gateway_context,
)
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message, unnumbered

PATIENCE_S = 20
_ARRIVED = re.compile(rb"(?<=^<43>1 )\S+(?= host logdrain quarantine )")
TRIES_AT_A_TIME = 4
SLOW_DOWN = Unavailable("s3-SlowDown", "please")
LATE = Unavailable("s3-deadline", "no answer in time")


class Bucket(FakeLogBucket):
    """Objects by key. `trouble` makes puts fail, before or after the first `written` objects of them are there."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0
        self.trouble: Unavailable | None = None
        self.gate: Callable[[], object] = lambda: None

    def put(self, objects: Sequence[StoredObject], deadline: Deadline) -> None:
        self.gate()
        if not self.trouble:
            super().put(objects, deadline)
            return
        super().put(objects[: self.written], deadline)
        raise self.trouble

    def holds_any(self, keys: Sequence[ObjectKey], deadline: Deadline) -> bool:
        if self.trouble and not self.written:
            raise self.trouble
        return super().holds_any(keys, deadline)


class Drain:
    """Tries of one batch: each arrives a second after the one before, and is rendered as its `render` says."""

    def __init__(
        self, render: Callable[[datetime], bytes], frame_id: str | None, begin: timedelta = timedelta()
    ) -> None:
        self._render, self._frame_id, self._begin = render, frame_id, begin
        self._tries = 0
        self.bucket, self._queue = Bucket(), FakeQueue()
        keys = AcceptedKeys(FakeParameter(json.dumps([KEY])).read)
        self._receiver = Receiver(frozenset({APP}), keys, self.bucket, self._queue)

    def stored(self) -> dict[str, list[bytes]]:
        """Key -> lines, without what differs in each try: the loss report, a quarantine line's time, and numbers."""
        return {
            key: [
                _ARRIVED.sub(b"", unnumbered(line))
                for line in gzip.decompress(data).splitlines()
                if b"Error L1" not in line
            ]
            for key, data in self.bucket.stored.items()
        }

    def direct(self) -> None:
        """A try that S3 takes."""
        self._post()

    def spill(self) -> None:
        """A try that S3 refuses and the queue takes."""
        self._post_in_trouble(SLOW_DOWN, written=0)

    def written_too_late(self) -> None:
        """A try that S3 takes, but says so too late; the queue takes it as well."""
        self._post_in_trouble(LATE, written=2)

    def half_written(self) -> None:
        """A try of whose objects S3 takes only the first in time."""
        self._post_in_trouble(LATE, written=1)

    def at_a_time(self) -> None:
        """Tries that are all on their way to S3 when the first one arrives there."""
        self.bucket.gate = threading.Barrier(TRIES_AT_A_TIME, timeout=PATIENCE_S).wait
        threads = [threading.Thread(target=self._post) for _ in range(TRIES_AT_A_TIME)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.bucket.gate = lambda: None

    def redrive(self) -> None:
        """What waits in the queue is delivered, and that twice, which SQS may do."""
        records = [{"messageId": str(number), "body": text} for number, text in enumerate(self._queue.sent * 2)]
        assert records
        assert self._receiver.redrive({"Records": records}, 10) == {"batchItemFailures": []}
        self._queue.sent.clear()

    def redrive_newest_first(self) -> None:
        """SQS keeps no order."""
        self._queue.sent.reverse()
        self.redrive()

    def _post_in_trouble(self, trouble: Unavailable, written: int) -> None:
        self.bucket.trouble, self.bucket.written = trouble, written
        self._post()
        self.bucket.trouble = None

    def _post(self) -> None:
        self._tries += 1
        passed = self._begin + timedelta(seconds=self._tries)
        event = drain_event(
            self._render(NOON + passed),
            headers={"logplex-frame-id": self._frame_id} if self._frame_id else {},
            requestContext=gateway_context(timeEpoch=NOON_MS + passed // timedelta(milliseconds=1)),
        )
        assert self._receiver.receive(event)["statusCode"] == 200


ONE_DAY = [message(b"one\n"), message(b"two\n"), b"no header"]
TWO_DAYS = [message(b"yesterday\n", NOON - timedelta(days=1)), *ONE_DAY]
NO_TIME = [b"no header", message(b"a wrong clock\n", datetime(1971, 1, 1, tzinfo=UTC))]


def l12(time: datetime) -> bytes:
    """The loss report that log-shuttle puts in front of a batch, rendered at a time; it sends no frame id."""
    text = b"Error L12: 1 messages dropped since 2026-11-24T11:00:00.000000+00:00\n"
    return message(text, time, "<172>1 {} heroku token log-shuttle - -")


# How each try is rendered, and the frame id.
FRAMES = {
    "as it was": (lambda messages: lambda _: body(*messages), FRAME_ID),
    "re-rendered L10": (lambda messages: lambda time: body(l10(time), *messages), FRAME_ID),
    "L10 on one try only": (
        lambda messages: lambda time: body(*[l10(time)] * (time.second == 1), *messages),
        FRAME_ID,
    ),
    "no frame id": (lambda messages: lambda _: body(*messages), None),
    "no frame id, re-rendered L12": (lambda messages: lambda time: body(l12(time), *messages), None),
}

HISTORIES = {
    "any number of tries": [Drain.direct] * 7,
    "tries that overlap": [Drain.at_a_time],
    "a try whose write was answered too late": [Drain.written_too_late, Drain.direct],
    "a try that wrote a part": [Drain.half_written, Drain.direct],
    "spill then direct": [Drain.spill, Drain.direct, Drain.redrive],
    "spill, redriven, then direct": [Drain.spill, Drain.redrive, Drain.direct],
    "direct then spill": [Drain.direct, Drain.spill, Drain.redrive],
    "spilled though it was written": [Drain.written_too_late, Drain.redrive],
    "spilled when a part was written": [Drain.half_written, Drain.redrive],
    "each try spilled": [Drain.spill, Drain.spill, Drain.spill, Drain.redrive],
    "every way": [Drain.spill, Drain.at_a_time, Drain.half_written, Drain.redrive, Drain.direct],
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize(
    ("messages", "objects"),
    [
        pytest.param(ONE_DAY, 1, id="one day"),
        pytest.param(TWO_DAYS, 2, id="two days"),
        pytest.param(NO_TIME, 1, id="no time"),
    ],
)
def test_a_batch_is_stored_once(
    messages: Sequence[bytes],
    objects: int,
    frame: tuple[Callable[[Sequence[bytes]], Callable[[datetime], bytes]], str | None],
    history: Sequence[Callable[[Drain], None]],
) -> None:
    """The same keys and the same lines as after a single try."""
    render, frame_id = frame[0](messages), frame[1]
    once, often = Drain(render, frame_id), Drain(render, frame_id)
    once.direct()
    for step in history:
        step(often)
    assert often.stored() == once.stored()
    assert len(once.stored()) == objects
    assert sum(map(len, once.stored().values())) == len(messages)


# The first try arrives in the last second of a slot, or of a day, and those after it in the next one.
@pytest.mark.parametrize(
    "begin", [timedelta(minutes=5, seconds=-2), timedelta(hours=12, seconds=-2)], ids=["slot", "midnight"]
)
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize(
    "history",
    [
        pytest.param([Drain.direct] * 3, id="any number of tries"),
        pytest.param([Drain.written_too_late, Drain.direct, Drain.redrive], id="written, but too late"),
        pytest.param([Drain.spill, Drain.direct, Drain.redrive], id="spill then direct"),
        pytest.param([Drain.direct, Drain.spill, Drain.redrive], id="direct then spill"),
        pytest.param([Drain.spill, Drain.redrive, Drain.direct], id="spill, redriven, then direct"),
        pytest.param([Drain.spill, Drain.spill, Drain.redrive], id="each try spilled"),
        pytest.param([Drain.spill, Drain.spill, Drain.redrive_newest_first], id="each try spilled, redriven backwards"),
    ],
)
def test_a_batch_without_a_valid_time_is_stored_once_across_slots(
    begin: timedelta,
    frame: tuple[Callable[[Sequence[bytes]], Callable[[datetime], bytes]], str | None],
    history: Sequence[Callable[[Drain], None]],
) -> None:
    """Its key follows from the arrival, so the receiver looks for it in the slots before and after."""
    drain = Drain(frame[0](NO_TIME), frame[1], begin)
    for step in history:
        step(drain)
    [lines] = drain.stored().values()
    assert len(lines) == len(NO_TIME)


def test_two_drains_of_an_app_store_a_line_once_each() -> None:
    """README, "Known limits": each drain sends its own batches, with frame ids of their own."""
    bucket, posted = FakeLogBucket(), body(*(message(b"%d\n" % number) for number in range(5)))
    keys = AcceptedKeys(FakeParameter(json.dumps([KEY])).read)
    for frame_id, rows in [("a" * 32, 5), ("a" * 32, 5), ("b" * 32, 10)]:
        event = drain_event(posted, headers={"logplex-frame-id": frame_id})
        Receiver(frozenset({APP}), keys, bucket, FakeQueue()).receive(event)
        assert sum(gzip.decompress(data).count(b"\n") for data in bucket.stored.values()) == rows
