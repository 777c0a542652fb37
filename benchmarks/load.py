"""How much `python -m receiver` takes: generated traffic, over real sockets, into an AWS on this machine.

The emulator and the load share the machine's cores with the receiver, so the rate is a lower bound. Exit status 1: a
line was lost or doubled.
"""

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from rich.console import Console
from rich.table import Table

from contract import drain_url
from contract.stored_line import Record, from_frame
from local.child import Child
from local.logplex.batches import Batch, batches
from local.logplex.nodes import Logplex, Report
from local.traffic import week
from local.traffic.lines import Line, frame

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROJECT = Path(__file__).parent.parent
APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
BUCKET, KEYS_PARAMETER, KEY = "logs-of-the-load", "/load/drain_keys", "key-of-the-load"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "load", "AWS_SECRET_ACCESS_KEY": "load"}


def main() -> None:
    """Drain, compare, print."""
    options = _options()
    lines = _recent(week.generate(APPS, datetime.now(UTC), options.lines))
    load = _batches(lines)
    with ExitStack() as running:
        logs = Path(running.enter_context(tempfile.TemporaryDirectory()))
        aws = Child("local.aws.server", {"host": "127.0.0.1", "port": 0}, log=logs / "aws.log")
        running.callback(aws.stop)
        s3, queue_url = _furnish(aws.ready["url"])
        endpoint = running.enter_context(_receiver(aws.ready["url"], queue_url, options.threads))
        urls = {app: drain_url.url(endpoint, app, KEY) for app in APPS}
        report = Logplex(options.connections).drain((urls[batch.app], batch) for batch in load)
        stored = _stored(s3)
    sent = Counter(_as_stored(line) for line in lines)
    lost, doubled = (sent - stored).total(), (stored - sent).total()
    _print(report, lost, doubled)
    sys.exit(bool(lost or doubled))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=50_000, help="lines to drain (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=8, help="POSTs in flight at most (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=10, help="the receiver's threads (default: %(default)s)")
    return parser.parse_args()


def _recent(lines: Sequence[Line]) -> list[Line]:
    """The same lines, a millisecond apart and just gone by, as those of a live app are."""
    first = datetime.now(UTC) - timedelta(milliseconds=len(lines))
    return [replace(line, time=first + timedelta(milliseconds=number)) for number, line in enumerate(lines)]


def _batches(lines: Sequence[Line]) -> list[Batch]:
    """The batches of all apps in the order of their last lines, to be sent as fast as they are taken."""
    made = [batch for app in APPS for batch in batches([line for line in lines if line.app == app])]
    made.sort(key=lambda batch: batch.arrival or datetime.now(UTC))
    return [replace(batch, arrival=None) for batch in made]


def _furnish(aws_url: str) -> "tuple[S3Client, str]":
    """Make the bucket, the keys and the queue; gives a client of S3, and the queue's URL."""
    session = boto3.Session("load", "load", region_name=REGION)
    s3 = session.client("s3", endpoint_url=aws_url)
    ssm = session.client("ssm", endpoint_url=aws_url)
    sqs = session.client("sqs", endpoint_url=aws_url)
    s3.create_bucket(Bucket=BUCKET)
    ssm.put_parameter(Name=KEYS_PARAMETER, Type="SecureString", Value=json.dumps([KEY]))
    return s3, sqs.create_queue(QueueName="spill")["QueueUrl"]


@contextmanager
def _receiver(aws_url: str, queue_url: str, threads: int) -> Iterator[str]:
    """`python -m receiver` on any free port; gives its URL."""
    settings = {
        "LOG_BUCKET": BUCKET,
        "LOG_APPS": ",".join(APPS),
        "DRAIN_KEYS_PARAMETER": KEYS_PARAMETER,
        "SPILL_QUEUE_URL": queue_url,
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_DEFAULT_REGION": REGION,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "receiver", "--port", "0", "--threads", str(threads)],
        cwd=PROJECT,
        env={**os.environ, **CREDENTIALS, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr
            yield f"http://{process.stderr.readline().removeprefix('listening on ').strip()}"
        finally:
            process.terminate()


def _stored(s3: "S3Client") -> Counter[bytes]:
    """Each line of the bucket, and how often it is there."""
    stored: Counter[bytes] = Counter()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for listed in page.get("Contents", ()):
            data = gzip.decompress(s3.get_object(Bucket=BUCKET, Key=listed["Key"])["Body"].read())
            stored.update(data.removesuffix(b"\n").split(b"\n"))
    return stored


def _as_stored(line: Line) -> bytes:
    record = from_frame(re.sub(rb"^\d+ ", b"", frame(line)))
    assert isinstance(record, Record)
    return record.line


def _print(report: Report, lost: int, doubled: int) -> None:
    milliseconds = sorted(outcome.seconds * 1000 for outcome in report.outcomes)
    responses = Counter(str(outcome.status or outcome.fault) for outcome in report.outcomes)
    table = Table("what", "measured")
    for what, measured in {
        "lines": f"{report.lines:,} in {report.seconds:.1f} s: {report.lines / report.seconds:,.0f} a second",
        "POSTs": f"{report.tries:,}, {report.bytes / 1e6:.1f} MB: {report.tries / report.seconds:,.0f} a second",
        **{f"latency p{rank}": f"{_percentile(milliseconds, rank):.1f} ms" for rank in (50, 95, 99)},
        "latency max": f"{milliseconds[-1]:.1f} ms",
        "responses": ", ".join(f"{status}: {count:,}" for status, count in sorted(responses.items())),
        "lines lost, doubled": f"{lost}, {doubled}",
    }.items():
        table.add_row(what, measured)
    Console().print(table)


def _percentile(ascending: Sequence[float], rank: int) -> float:
    return ascending[min(len(ascending) - 1, len(ascending) * rank // 100)]


if __name__ == "__main__":
    main()
