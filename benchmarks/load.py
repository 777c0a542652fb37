"""How much `python -m receiver` takes: generated traffic, over real sockets, into an AWS on this machine.

A flusher of its own process empties the buffer meanwhile, and at the end what is left. One run of each case:

    usual      all is well; the lines have just been written
    throttled  until the load is over, DynamoDB throttles three of ten PutItem calls
    s3-down    until the load is over, S3 takes no object
    killed     the flusher is killed and started again every few seconds

In all but the first the lines are up to ten minutes old, so that most of their slots are over when they arrive: each
batch leaves a late marker, and the flusher writes objects during the load. The emulator and the load share the
machine's cores with the receiver, so the rate is a lower bound. Exit status 1: a line was lost or doubled.
"""

import argparse
import gzip
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from rich.console import Console
from rich.table import Table

from contract import drain_url, names
from contract.buffer_table import GRACE_MS, PARTITION_KEY, SORT_KEY
from contract.stored_line import Record, from_frame
from contract.token_hashes import CURRENT, format_hashes, token_hash
from local.child import Child
from local.logplex.batches import Batch, batches
from local.logplex.nodes import Logplex, Report
from local.traffic import week
from local.traffic.lines import Line, frame

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROJECT = Path(__file__).parent.parent
APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
BUCKET, TABLE, KEY = "logs-of-the-load", "buffer-of-the-load", "key-of-the-load"
PARAMETER_PREFIX = "/load/"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "load", "AWS_SECRET_ACCESS_KEY": "load"}
FLUSH_MINUTES = 1
# By then every slot is over.
AHEAD_S = 60 * FLUSH_MINUTES + GRACE_MS / 1000 + 1
KILLED_AFTER_S = 2.5


@dataclass(frozen=True)
class Case:
    """How old the oldest line is, and what goes wrong."""

    span: timedelta | None = timedelta(minutes=10)
    throttled: float = 0.0
    s3_down: bool = False
    killed: bool = False


CASES = {
    "usual": Case(span=None),
    "throttled": Case(throttled=0.3),
    "s3-down": Case(s3_down=True),
    "killed": Case(killed=True),
}


@dataclass
class Measured:
    """What a case showed; the times are in seconds."""

    report: Report
    spilled: int = 0
    flushers_killed: int = 0
    objects_during: int = 0
    objects: int = 0
    flush_s: float = 0.0
    lost: int = 0
    doubled: int = 0


def main() -> None:
    """Drain, flush, compare and print each case."""
    options = _options()
    wrong = 0
    for name in options.cases or CASES:
        measured = _run(CASES[name], options)
        _print(name, measured)
        wrong += measured.lost + measured.doubled
    sys.exit(bool(wrong))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="cases to run (default: all)")
    parser.add_argument("--lines", type=int, default=50_000, help="lines to drain (default: %(default)s)")
    parser.add_argument("--mean-lines", type=float, default=60, help="mean lines of a POST (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=8, help="POSTs in flight at most (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=10, help="the receiver's threads (default: %(default)s)")
    options = parser.parse_args()
    if unknown := set(options.cases) - CASES.keys():
        parser.error(f"unknown case {', '.join(sorted(unknown))}: give some of {', '.join(CASES)}")
    return options


def _run(case: Case, options: argparse.Namespace) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trouble = folder / "trouble"
        trouble.touch()
        faults = {"throttled": case.throttled, "s3_down": case.s3_down, "trouble": str(trouble)}
        aws = Child("benchmarks.faulty_aws", faults, log=folder / "aws.log")
        try:
            s3, settings = _furnish(aws.ready["url"])
            made = week.generate(APPS, datetime.now(UTC), options.lines)
            lines = _recent(made, case.span or timedelta(milliseconds=len(made)))
            load = _batches(lines, options.mean_lines)
            with (
                _receiver(settings, options.threads, folder / "receiver.log") as endpoint,
                _flusher(settings, folder / "flusher.log", killed=case.killed) as flusher,
            ):
                urls = {app: drain_url.url(endpoint, app, KEY) for app in APPS}
                report = Logplex(options.connections).drain((urls[batch.app], batch) for batch in load)
            spilled = (folder / "receiver.log").read_text("utf-8").count('"Spilled": 1')
            measured = Measured(report, spilled, flusher.kills, len(_keys(s3)))
            trouble.unlink()
            begin = time.monotonic()
            with (folder / "flusher.log").open("a") as log:
                subprocess.run([*_FLUSHER, str(AHEAD_S)], cwd=PROJECT, env=settings, stdout=log, stderr=log, check=True)
            measured.flush_s = time.monotonic() - begin
            stored = _stored(s3)
            measured.objects = len(_keys(s3))
        finally:
            aws.stop()
    sent = Counter(_as_stored(line) for line in lines)
    measured.lost, measured.doubled = (sent - stored).total(), (stored - sent).total()
    return measured


def _recent(lines: Sequence[Line], span: timedelta) -> list[Line]:
    """The same lines, spread evenly over the time that has just gone by, as those of a live app are."""
    first, step = datetime.now(UTC) - span, span / len(lines)
    return [replace(line, time=first + number * step) for number, line in enumerate(lines)]


def _batches(lines: Sequence[Line], mean_lines: float) -> list[Batch]:
    """The batches of all apps in the order of their last lines, to be sent as fast as they are taken."""
    made = [
        batch for app in APPS for batch in batches([line for line in lines if line.app == app], mean_lines=mean_lines)
    ]
    made.sort(key=lambda batch: batch.arrival or datetime.now(UTC))
    return [replace(batch, arrival=None) for batch in made]


def _furnish(aws_url: str) -> "tuple[S3Client, dict[str, str]]":
    """Make the bucket, the table, the keys and the queue; a client of S3, and the environment that names them."""
    session = boto3.Session("load", "load", region_name=REGION)
    s3 = session.client("s3", endpoint_url=aws_url)
    ssm = session.client("ssm", endpoint_url=aws_url)
    sqs = session.client("sqs", endpoint_url=aws_url)
    dynamodb = session.client("dynamodb", endpoint_url=aws_url)
    s3.create_bucket(Bucket=BUCKET)
    for app in APPS:
        value = format_hashes({CURRENT: token_hash(drain_url.token(KEY, app))})
        ssm.put_parameter(Name=f"{PARAMETER_PREFIX}{names.token_hashes(app)}", Type="String", Value=value)
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": PARTITION_KEY, "KeyType": "HASH"},
            {"AttributeName": SORT_KEY, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": PARTITION_KEY, "AttributeType": "S"},
            {"AttributeName": SORT_KEY, "AttributeType": "S"},
        ],
    )
    # Short, so that what a killed flusher had received comes again soon.
    queue = sqs.create_queue(QueueName="spill", Attributes={"VisibilityTimeout": "5"})
    return s3, {
        **os.environ,
        **CREDENTIALS,
        names.BUCKET_VARIABLE: BUCKET,
        names.APPS_VARIABLE: ",".join(APPS),
        names.HASHES_VARIABLE: names.token_hashes_path(PARAMETER_PREFIX),
        names.SPILL_QUEUE_VARIABLE: queue["QueueUrl"],
        names.BUFFER_VARIABLE: TABLE,
        names.FLUSH_MINUTES_VARIABLE: str(FLUSH_MINUTES),
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_DEFAULT_REGION": REGION,
    }


@contextmanager
def _receiver(settings: Mapping[str, str], threads: int, log: Path) -> Iterator[str]:
    """`python -m receiver` on any free port, whose faults and metrics go to a file; gives its URL."""
    with (
        log.open("w") as stdout,
        subprocess.Popen(
            [sys.executable, "-m", "receiver", "--port", "0", "--threads", str(threads)],
            cwd=PROJECT,
            env=settings,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            assert process.stderr
            yield f"http://{process.stderr.readline().removeprefix('listening on ').strip()}"
        finally:
            process.terminate()


_FLUSHER = (sys.executable, "-m", "benchmarks.flush_loop")


class _Flusher:
    """A flusher that runs until `stop`, in a process that is killed every few seconds, or only at the end."""

    def __init__(self, settings: Mapping[str, str], log: Path, *, killed: bool) -> None:
        self._settings, self._log, self._over = settings, log, threading.Event()
        self.kills = 0
        self._thread = threading.Thread(target=self._run, args=[KILLED_AFTER_S if killed else None])
        self._thread.start()

    def stop(self) -> None:
        """Kill it at last."""
        self._over.set()
        self._thread.join()

    def _run(self, killed_after_s: float | None) -> None:
        while not self._over.is_set():
            with (
                self._log.open("a") as log,
                subprocess.Popen(_FLUSHER, cwd=PROJECT, env=self._settings, stdout=log, stderr=log) as process,
            ):
                self.kills += not self._over.wait(killed_after_s)
                process.kill()


@contextmanager
def _flusher(settings: Mapping[str, str], log: Path, *, killed: bool) -> Iterator[_Flusher]:
    flusher = _Flusher(settings, log, killed=killed)
    try:
        yield flusher
    finally:
        flusher.stop()


def _keys(s3: "S3Client") -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [listed["Key"] for page in pages for listed in page.get("Contents", ())]


def _stored(s3: "S3Client") -> Counter[bytes]:
    """Each line of the bucket, and how often it is there."""
    stored: Counter[bytes] = Counter()
    for key in _keys(s3):
        data = gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        stored.update(data.removesuffix(b"\n").split(b"\n"))
    return stored


def _as_stored(line: Line) -> bytes:
    record = from_frame(re.sub(rb"^\d+ ", b"", frame(line)))
    assert isinstance(record, Record)
    return record.line


def _print(case: str, measured: Measured) -> None:
    report = measured.report
    milliseconds = sorted(outcome.seconds * 1000 for outcome in report.outcomes)
    responses = Counter(str(outcome.status or outcome.fault) for outcome in report.outcomes)
    table = Table(case, "measured")
    for what, text in {
        "lines": f"{report.lines:,} in {report.seconds:.1f} s: {report.lines / report.seconds:,.0f} a second",
        "POSTs": f"{report.tries:,}, {report.bytes / 1e6:.1f} MB: {report.tries / report.seconds:,.0f} a second",
        **{f"latency p{rank}": f"{_percentile(milliseconds, rank):.1f} ms" for rank in (50, 95, 99)},
        "latency max": f"{milliseconds[-1]:.1f} ms",
        "responses": ", ".join(f"{status}: {count:,}" for status, count in sorted(responses.items())),
        "spilled": f"{measured.spilled:,} POSTs",
        "flushers killed": f"{measured.flushers_killed}",
        "objects": f"{measured.objects:,}, of them {measured.objects_during:,} during the load",
        "the rest flushed in": f"{measured.flush_s:.1f} s",
        "lines lost, doubled": f"{measured.lost}, {measured.doubled}",
    }.items():
        table.add_row(what, text)
    Console().print(table)


def _percentile(ascending: Sequence[float], rank: int) -> float:
    return ascending[min(len(ascending) - 1, len(ascending) * rank // 100)]


if __name__ == "__main__":
    main()
