"""What the receiver costs, as ratios taken in one run: `python -m benchmarks.receiver`. CPU time, medians.

The handler is the production one; its AWS clients store nothing. Times of different machines cannot be compared,
ratios can.
"""

import base64
import binascii
import gzip
import os
import resource
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contract.drain_url import token
from contract.object_keys import ObjectKey
from local.logplex.batches import TARGET_BYTES
from local.traffic.lines import frame
from local.traffic.week import generate
from receiver import metrics
from receiver.accepted_keys import AcceptedKeys
from receiver.aws import LogBucket, Queue
from receiver.deadline import Deadline
from receiver.handler import Budget, Receiver
from receiver.logplex.batch import GZIP_LEVEL, StoredObject

APP = "raxx-api-prod"
FEW = 5  # an application that writes some lines a second sends batches like this
ARRIVAL = datetime(2026, 11, 24, 12, tzinfo=UTC)
PROJECT = Path(__file__).parent.parent
CLIENTS = "import boto3\nfor name in ('s3', 'sqs', 'ssm'): boto3.client(name)"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


class NoLogBucket(LogBucket):
    """Stores nothing."""

    def __init__(self) -> None:
        self.data = b""

    def put(self, objects: Sequence[StoredObject], deadline: Deadline) -> None:  # noqa: ARG002  the bucket's own
        self.data = b"".join(stored.data for stored in objects)

    def holds_any(self, keys: Sequence[ObjectKey], deadline: Deadline) -> bool:  # noqa: ARG002  the bucket's own
        """Hold nothing."""
        return False


class NoQueue(Queue):
    """Is never asked."""

    def __init__(self) -> None:
        pass


def cpu_ms(call: Callable[[], object], repeats: int = 41) -> float:
    """The median CPU time of a call, in milliseconds."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return statistics.median(times) * 1000


def log_frames() -> list[bytes]:
    """The frames of a batch of Logplex's size: lines of the router and of the application, of one day."""
    frames: list[bytes] = []
    size = 0
    for line in generate([APP], ARRIVAL, 20_000):
        if line.time > ARRIVAL - timedelta(days=1):
            frames.append(frame(line))
            size += len(frames[-1])
        if size >= TARGET_BYTES:
            break
    return frames


def event(body: bytes) -> dict[str, Any]:
    """The event that API Gateway makes of a batch."""
    return {
        "rawPath": "/prod/drain",
        "rawQueryString": f"app={APP}&token={token('key', APP)}",
        "headers": {"logplex-frame-id": "DA37BFA502AFA196A479F50990BA3E2C"},
        "requestContext": {
            "stage": "prod",
            "http": {"method": "POST"},
            "timeEpoch": int(ARRIVAL.timestamp() * 1000),
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def compress(lines: bytes) -> bytes:
    """The compression that the receiver uses, and nothing else of it."""
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return compressor.compress(lines) + compressor.flush()


def child_cpu_s(program: str, env: Mapping[str, str], repeats: int = 7) -> float:
    """The median CPU time of a Python process that runs a program, in seconds."""
    times = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=env, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times)


def main() -> None:
    """Print the tables."""
    bucket = NoLogBucket()
    metric_lines: list[str] = []
    receiver = Receiver(
        frozenset({APP}),
        AcceptedKeys(lambda _: '["key"]'),
        bucket,
        NoQueue(),
        lambda points: metric_lines.__setitem__(slice(None), [metrics.lines(points, "benchmark", 0)]),
        Budget(response=60),  # whatever it takes: what is late would be spilled instead
    )

    def handler_ms(body: bytes, repeats: int = 41) -> float:
        posted = event(body)
        if receiver.receive(posted)["statusCode"] != 200:
            raise SystemExit("the receiver did not take the batch: see its log line above")
        return cpu_ms(lambda: receiver.receive(posted), repeats)

    frames = log_frames()
    body = b"".join(frames)
    gzip_ms = cpu_ms(lambda: gzip.compress(body, 6))
    batch_ms = handler_ms(body)
    print(f"a batch of {len(body):,} bytes, {len(frames):,} lines: {len(bucket.data):,} bytes stored\n")
    print(f"{'':<34}{'CPU ms':>9}{'ratio':>8}")
    print(f"{'gzip.compress(body, 6)':<34}{gzip_ms:>9.2f}{1:>8.2f}")
    print(f"{'the handler':<34}{batch_ms:>9.2f}{batch_ms / gzip_ms:>8.2f}")
    text = event(body)["body"]
    lines = gzip.decompress(bucket.data)
    for part, call in (
        ("  of it the gateway's base64", lambda: binascii.a2b_base64(text, strict_mode=True)),
        ("  of it the compression", lambda: compress(lines)),
    ):
        part_ms = cpu_ms(call)
        print(f"{part:<34}{part_ms:>9.2f}{part_ms / gzip_ms:>8.2f}")
    few_ms = handler_ms(b"".join(frames[:FEW]), 2001)
    print(f"{f'a batch of {FEW} lines':<34}{few_ms:>9.3f}{few_ms / batch_ms:>8.2f}  to the handler")
    ten_ms = handler_ms(body * 10, 11)
    print(f"{'ten times the batch':<34}{ten_ms:>9.2f}{ten_ms / batch_ms:>8.2f}  to the handler")

    print(f"\n{'gzip level':<34}{'CPU ms':>9}{'bytes':>8}")
    for level in (1, 2, 3, 4, 6, 9):
        level_ms = cpu_ms(lambda level=level: gzip.compress(body, level))  # type: ignore[misc]
        print(f"{level:<34}{level_ms:>9.2f}{len(gzip.compress(body, level)):>8,}")

    print(f"\n{'1 MB against 100 KB of':<34}{'CPU ms':>9}{'ratio':>8}{'a byte':>8}  to ordinary lines")
    shapes: dict[str, Callable[[int], bytes]] = {
        "ordinary lines": lambda size: body * (size // len(body)),
        "1-byte MSGs": lambda size: b"44 <190>1 2026-11-24T12:00:00Z h app web.1 - x\n" * (size // 47),
        "1-byte MSGs, no line end": lambda size: b"43 <190>1 2026-11-24T12:00:00Z h app web.1 - x" * (size // 46),
        "1-byte frames, quarantined": lambda size: b"1 x" * (size // 3),
        "counts of zero": lambda size: b"0 " * (size // 2),
        "NUL": lambda size: b"%d %b" % (size, bytes(size)),
        "0xFF": lambda size: b"%d %b" % (size, b"\xff" * size),
        "every byte": lambda size: b"%d %b" % (size, bytes(range(256)) * (size // 256)),
        "one line": lambda size: b"%d <190>1 2026-11-24T12:00:00Z h a p - %b" % (size + 36, b"x" * size),
        "line ends": lambda size: b"\r\n" * (size // 2),
    }
    ordinary_ms = 0.0
    for name, shape in shapes.items():
        small_ms, large_ms = handler_ms(shape(103_000), 11), handler_ms(shape(1_030_000), 5)
        ordinary_ms = ordinary_ms or large_ms
        print(f"{name:<34}{large_ms:>9.1f}{large_ms / small_ms:>8.2f}{large_ms / ordinary_ms:>8.2f}")

    settings = {"LOG_BUCKET": "b", "LOG_APPS": APP, "DRAIN_KEYS_PARAMETER": "/p", "SPILL_QUEUE_URL": "https://q"}
    env = {**os.environ, **ENVIRONMENT, **settings}
    boto_s = child_cpu_s(CLIENTS, env)
    ours_s = child_cpu_s("import receiver.handler\nreceiver.handler.handler.prepare()", env)
    print(f"\n{'a process that ends at once':<34}{'CPU ms':>9}{'ratio':>8}")
    print(f"{'import boto3, make 3 clients':<34}{boto_s * 1000:>9.0f}{1:>8.2f}")
    print(f"{'import the handler, make its own':<34}{ours_s * 1000:>9.0f}{ours_s / boto_s:>8.2f}")


if __name__ == "__main__":
    main()
