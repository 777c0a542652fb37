"""What the receiver costs, as ratios taken in one run: `python -m benchmarks.receiver`. CPU time, medians.

The handler is the production one; its AWS clients keep nothing. Times of different machines cannot be compared,
ratios can. `benchmarks.versions` compares with another version, `benchmarks.flusher` has what happens later.
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
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.post_cpu import ENVIRONMENT
from contract.buffer_table import LEVEL, Item
from contract.drain_url import token
from contract.token_hashes import CURRENT, format_hashes, token_hash
from local.logplex.batches import TARGET_BYTES
from local.traffic.lines import frame
from local.traffic.week import generate
from receiver.accepted_tokens import AcceptedTokens
from receiver.aws import Queue
from receiver.handler import Budget, Receiver
from receiver.intake import Intake
from runbook import prices

APP = "raxx-api-prod"
FEW = 5  # an application that writes some lines a second sends batches like this
ARRIVAL = datetime(2026, 11, 24, 12, tzinfo=UTC)
# Of an item without its body: keys, names and numbers.
REST_OF_ITEM_BYTES = 200
# A million write units, on demand ("Amazon DynamoDB pricing"); and a second of CPU: a GB-second of Lambda for a GB has
# 0.58 of a processor ("Configure Lambda function memory"), with any memory.
WRITE_UNITS_USD = 0.625
CPU_SECOND_USD = prices.LAMBDA_GB_SECOND.usd / 0.58
PROJECT = Path(__file__).parent.parent
CLIENTS = "import boto3\nfor name in ('dynamodb', 's3', 'sqs', 'ssm'): boto3.client(name)"


class Nowhere:
    """A buffer and a bucket that keep nothing but the last item."""

    item: Item

    def put_batch(self, item: Item, *_: object) -> None:
        self.item = item

    def put(self, *_: object) -> None:
        pass

    put_marker = put

    def holds(self, *_: object) -> bool:
        return False

    holds_any = holds


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


def child_cpu_s(program: str, env: Mapping[str, str], repeats: int = 7) -> float:
    """The median CPU time of a Python process that runs a program, in seconds."""
    times = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=env, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times)


def print_levels(bodies: Mapping[int, bytes]) -> None:
    """Print what each level of compression does to bodies of so many lines, and what that costs.

    Dollars are for a million POSTs, of the compression's time and of the write units: one for each KB begun.
    """
    heads = "".join(f"{f'{lines} lines: ms':>15}{'bytes':>8}{'$':>7}" for lines in bodies)
    print(f"\n{'zlib level of an item':<24}{heads}")
    for level in range(1, 10):
        row = f"{level:<24}"
        for body in bodies.values():
            packed = zlib.compress(body, level)
            level_ms = cpu_ms(lambda level=level, body=body: zlib.compress(body, level), 401)  # type: ignore[misc]
            units = -(-(len(packed) + REST_OF_ITEM_BYTES) // 1024)
            usd = units * WRITE_UNITS_USD + level_ms * 1000 * CPU_SECOND_USD
            row += f"{level_ms:>15.3f}{len(packed):>8,}{usd:>7.2f}"
        print(row)


def main() -> None:
    """Print the tables."""
    nowhere = Nowhere()
    receiver = Receiver(
        {APP: AcceptedTokens(lambda _: format_hashes({CURRENT: token_hash(token("key", APP))}))},
        Intake(nowhere, nowhere, 5, clock=lambda: int(ARRIVAL.timestamp() * 1000)),
        NoQueue(),
        budget=Budget(response=60),  # whatever it takes: what is late would be spilled instead
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
    packed = len(nowhere.item["zlib"]["B"])
    print(f"a batch of {len(body):,} bytes, {len(frames):,} lines: {packed:,} bytes in its item\n")
    print(f"{'':<34}{'CPU ms':>9}{'ratio':>8}")
    print(f"{'gzip.compress(body, 6)':<34}{gzip_ms:>9.2f}{1:>8.2f}")
    print(f"{'the handler':<34}{batch_ms:>9.2f}{batch_ms / gzip_ms:>8.2f}")
    text = event(body)["body"]
    for part, call in (
        ("  of it the gateway's base64", lambda: binascii.a2b_base64(text, strict_mode=True)),
        ("  of it the compression", lambda: zlib.compress(body, LEVEL)),
    ):
        part_ms = cpu_ms(call)
        print(f"{part:<34}{part_ms:>9.2f}{part_ms / gzip_ms:>8.2f}")
    for name, count in (("a batch of one line", 1), (f"a batch of {FEW} lines", FEW)):
        few_ms = handler_ms(b"".join(frames[:count]), 2001)
        print(f"{name:<34}{few_ms:>9.3f}{few_ms / batch_ms:>8.2f}  to the handler")
    ten_ms = handler_ms(body * 10, 11)
    print(f"{'ten times the batch':<34}{ten_ms:>9.2f}{ten_ms / batch_ms:>8.2f}  to the handler")

    print_levels({FEW: b"".join(frames[:FEW]), 20: b"".join(frames[:20]), len(frames): body})

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

    env = {**os.environ, **ENVIRONMENT}
    boto_s = child_cpu_s(CLIENTS, env)
    ours_s = child_cpu_s("import receiver.handler\nreceiver.handler.handler.prepare()", env)
    print(f"\n{'a process that ends at once':<34}{'CPU ms':>9}{'ratio':>8}")
    print(f"{'import boto3, make 4 clients':<34}{boto_s * 1000:>9.0f}{1:>8.2f}")
    print(f"{'import the handler, make its own':<34}{ours_s * 1000:>9.0f}{ours_s / boto_s:>8.2f}")


if __name__ == "__main__":
    main()
