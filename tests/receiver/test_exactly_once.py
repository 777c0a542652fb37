"""Once in storage: however often a batch is tried, and whichever way a try takes, it is the same objects."""

import gzip
import re
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.buffer_table import Item
from receiver.aws import Unavailable
from receiver.deadline import Deadline
from receiver.flusher.drain import drain
from receiver.handler import Receiver
from receiver.intake import Intake
from tests.support.fakes import (
    FRAME_ID,
    FakeBuffer,
    FakeLogBucket,
    FakeQueue,
    accepted_tokens,
    drain_event,
    flush_due,
    gateway_context,
)
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message, unnumbered

PATIENCE_S = 20
_ARRIVED = re.compile(rb"(?<=^<43>1 )\S+(?= host logdrain quarantine )")
TRIES_AT_A_TIME = 4
SLOW_DOWN = Unavailable("dynamodb-ThrottlingException", "please")
LATE = Unavailable("dynamodb-deadline", "no answer in time")
MINUTE_MS = 60_000


class Buffer(FakeBuffer):
    """`gate` is called before a batch is put; without `takes_markers` it takes batches, but no marker."""

    def __init__(self) -> None:
        super().__init__()
        self.gate: Callable[[], object] = lambda: None
        self.takes_markers = True

    def put_batch(self, item: Item, deadline: Deadline) -> None:
        self.gate()
        super().put_batch(item, deadline)

    def put_marker(self, item: Item, deadline: Deadline) -> None:
        if not self.takes_markers:
            raise SLOW_DOWN
        super().put_marker(item, deadline)


class Drain:
    """Tries of one batch: each arrives a second after the one before, and is rendered as its `render` says."""

    def __init__(
        self, render: Callable[[datetime], bytes], frame_id: str | None, begin: timedelta = timedelta()
    ) -> None:
        self._render, self._frame_id, self._begin = render, frame_id, begin
        self._tries = 0
        self._now_ms = NOON_MS + begin // timedelta(milliseconds=1)
        self.buffer, self.bucket, self._queue = Buffer(), FakeLogBucket(), FakeQueue()
        self._intake = Intake(self.buffer, self.bucket, 5, clock=lambda: self._now_ms)
        self._receiver = Receiver(accepted_tokens(), self._intake, self._queue)

    def stored(self) -> list[list[bytes]]:
        """The lines of each object, without what differs in each try: the loss report, an arrival, and numbers."""
        return [
            [
                _ARRIVED.sub(b"", unnumbered(line))
                for line in gzip.decompress(data).splitlines()
                if b"Error L1" not in line
            ]
            for _, data in sorted(self.bucket.stored.items())
        ]

    def direct(self) -> None:
        """A try that the buffer takes."""
        self._post()

    def spill(self) -> None:
        """A try that the buffer refuses and the queue takes."""
        self._post_in_trouble(SLOW_DOWN, unseen=False)

    def put_too_late(self) -> None:
        """A try that the buffer takes, but says so too late; the queue takes it as well."""
        self._post_in_trouble(LATE, unseen=True)

    def without_marker(self) -> None:
        """A try that the buffer takes, but not the late marker that it needs; the queue takes it as well."""
        self.buffer.takes_markers = False
        self._post()
        self.buffer.takes_markers = True

    def at_a_time(self) -> None:
        """Tries that are all on their way to the buffer when the first one arrives there."""
        self.buffer.gate = threading.Barrier(TRIES_AT_A_TIME, timeout=PATIENCE_S).wait
        threads = [threading.Thread(target=self._send, args=[self._event()]) for _ in range(TRIES_AT_A_TIME)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.buffer.gate = lambda: None

    def redrive(self) -> None:
        """The flusher drains what waits in the queue, and that twice, as SQS may deliver it."""
        assert self._queue.sent
        self._queue.sent *= 2
        drain(self._queue, self._intake, Deadline(PATIENCE_S), lambda: True)
        assert not self._queue.sent
        assert not self._queue.received

    def redrive_newest_first(self) -> None:
        """SQS keeps no order."""
        self._queue.sent.reverse()
        self.redrive()

    def flush(self) -> None:
        """All slots end, and what is in them is flushed; whatever comes now is late."""
        self._now_ms += 15 * MINUTE_MS
        assert flush_due(self.buffer, self.bucket, self._now_ms).failures == {}

    def _post_in_trouble(self, trouble: Unavailable, *, unseen: bool) -> None:
        self.buffer.trouble, self.buffer.unseen = trouble, unseen
        self._post()
        self.buffer.trouble, self.buffer.unseen = None, False

    def _post(self) -> None:
        self._send(self._event())

    def _event(self) -> dict[str, Any]:
        self._tries += 1
        passed = self._begin + timedelta(seconds=self._tries)
        return drain_event(
            self._render(NOON + passed),
            headers={"logplex-frame-id": self._frame_id} if self._frame_id else {},
            requestContext=gateway_context(timeEpoch=NOON_MS + passed // timedelta(milliseconds=1)),
        )

    def _send(self, event: dict[str, Any]) -> None:
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
    "a try whose put was answered too late": [Drain.put_too_late, Drain.direct],
    "spill then direct": [Drain.spill, Drain.direct, Drain.redrive],
    "spill, redriven, then direct": [Drain.spill, Drain.redrive, Drain.direct],
    "direct then spill": [Drain.direct, Drain.spill, Drain.redrive],
    "spilled though it was put": [Drain.put_too_late, Drain.redrive],
    "each try spilled": [Drain.spill, Drain.spill, Drain.spill, Drain.redrive],
    "a try after the flush": [Drain.direct, Drain.flush, Drain.direct],
    "the first try after the flush": [Drain.flush, Drain.direct],
    "redriven after the flush": [Drain.spill, Drain.flush, Drain.redrive],
    "spilled though it was put, redriven after the flush": [Drain.put_too_late, Drain.flush, Drain.redrive],
    "put after the flush without a marker": [Drain.flush, Drain.without_marker, Drain.flush, Drain.redrive],
    "put after the flush without a marker, then again": [Drain.flush, Drain.without_marker, Drain.direct],
    "tries that overlap after the flush": [Drain.flush, Drain.at_a_time],
    "every way": [Drain.spill, Drain.at_a_time, Drain.flush, Drain.put_too_late, Drain.redrive, Drain.direct],
}


def after(history: Sequence[Callable[[Drain], None]], drain: Drain) -> list[list[bytes]]:
    """What is stored once the flusher has caught up; it looks twice, as it does every minute."""
    for step in (*history, Drain.flush, Drain.flush):
        step(drain)
    assert drain.buffer.marker_keys() == []
    return drain.stored()


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
    """The same objects and the same lines as after a single try."""
    render, frame_id = frame[0](messages), frame[1]
    once = after([Drain.direct], Drain(render, frame_id))
    assert after(history, Drain(render, frame_id)) == once
    assert len(once) == objects
    assert sum(map(len, once)) == len(messages)


# The first try arrives in the last second of a slot, or of a day, and those after it in the next one.
@pytest.mark.parametrize(
    "begin", [timedelta(minutes=5, seconds=-2), timedelta(hours=12, seconds=-2)], ids=["slot", "midnight"]
)
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize(
    "history",
    [
        pytest.param([Drain.direct] * 3, id="any number of tries"),
        pytest.param([Drain.at_a_time], id="tries that overlap"),
        pytest.param([Drain.put_too_late, Drain.direct, Drain.redrive], id="put, but too late"),
        pytest.param([Drain.spill, Drain.direct, Drain.redrive], id="spill then direct"),
        pytest.param([Drain.direct, Drain.spill, Drain.redrive], id="direct then spill"),
        pytest.param([Drain.spill, Drain.redrive, Drain.direct], id="spill, redriven, then direct"),
        pytest.param([Drain.spill, Drain.spill, Drain.redrive], id="each try spilled"),
        pytest.param([Drain.spill, Drain.spill, Drain.redrive_newest_first], id="each try spilled, redriven backwards"),
        pytest.param([Drain.spill, Drain.direct, Drain.flush, Drain.redrive], id="spill then direct, then flushed"),
        pytest.param(
            [Drain.spill, Drain.spill, Drain.flush, Drain.redrive_newest_first, Drain.flush, Drain.direct],
            id="each try spilled, redriven backwards when all is flushed",
        ),
    ],
)
def test_a_batch_without_a_valid_time_is_stored_once_across_slots(
    begin: timedelta,
    frame: tuple[Callable[[Sequence[bytes]], Callable[[datetime], bytes]], str | None],
    history: Sequence[Callable[[Drain], None]],
) -> None:
    """Its slot follows from the arrival, so the receiver looks for it in the slots before and after."""
    drain = Drain(frame[0](NO_TIME), frame[1], begin)
    [lines] = after(history, drain)
    assert len(lines) == len(NO_TIME)


def test_two_drains_of_an_app_store_a_line_once_each() -> None:
    """README, "Known limits": each drain sends its own batches, with frame ids of their own."""
    posted = body(*(message(b"%d\n" % number) for number in range(5)))
    first, second = (Drain(lambda _: posted, letter * 32) for letter in "ab")
    second.buffer.items = first.buffer.items
    first.direct()
    second.direct()
    [lines] = after([Drain.direct], first)
    assert len(lines) == 10
