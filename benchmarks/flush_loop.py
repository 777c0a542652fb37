"""Runs the flusher again and again, as a stack's schedule does: `python -m benchmarks.flush_loop [SECONDS]`.

It is the production one, with its settings. With SECONDS its clock is ahead by so many, as if that time had passed, and
it ends when nothing is left in the buffer and in the queue.
"""

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import boto3

from contract import names
from receiver.aws import Buffer, LogBucket
from receiver.flusher.aws import Archive, DynamoTable, SqsSpillQueue
from receiver.flusher.handler import FlusherFailed, Service
from receiver.intake import Intake
from receiver.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

RUN_S = 60.0
PAUSE_S = 1.0


def make_service(settings: Settings, ahead_s: float) -> Service:
    """The flusher, with a clock that is ahead."""

    def clock() -> int:
        return time.time_ns() // 1_000_000 + round(ahead_s * 1000)

    return Service(
        settings.apps,
        settings.flush_minutes,
        DynamoTable(settings.buffer_table),
        Archive(settings.bucket),
        SqsSpillQueue(settings.spill_queue_url),
        # The same clock: a batch of a slot that was flushed ahead of time needs its late marker.
        Intake(Buffer(settings.buffer_table), LogBucket(settings.bucket), settings.flush_minutes, clock=clock),
        lambda _: None,
        clock,
    )


def is_empty(sqs: "SQSClient", url: str) -> bool:
    """Whether the queue holds no message, received ones and delayed ones included."""
    told: Any = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return not any(int(told[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "NotVisible", "Delayed"))


def main() -> None:
    """Run, rest, and so on."""
    ahead_s = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    settings = Settings.from_environment(os.environ, names.FLUSHER_VARIABLES)
    service, sqs = make_service(settings, ahead_s), boto3.client("sqs")
    while True:
        try:
            summary = service.run(RUN_S)
        except FlusherFailed:
            rest = None  # it said why
        else:
            rest = summary["slots"] + summary["drained"] + summary["behindSeconds"]
        if ahead_s and rest == 0 and is_empty(sqs, settings.spill_queue_url):
            return
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
