"""What the flusher costs: `python -m benchmarks.flusher`. CPU time and memory of single runs; compression by level.

Each run is `python -m receiver.flusher` as it is, in a process of its own, against an endpoint that plays DynamoDB and
S3. Times of different machines cannot be compared, ratios can.
"""

import base64
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any, NamedTuple

from contract import buffer_table, names
from contract.buffer_table import GRACE_MS, HEADING, PARTITION_KEY, SORT_KEY, Item
from contract.logplex.batch import Batch, identity, survey
from contract.slots import DEFAULT_MINUTES, Slot
from local.traffic.lines import Line, frame
from local.traffic.week import generate
from receiver.flusher.flush import RECORD_BATCHES, RECORD_BYTES, RECORD_LINES
from receiver.flusher.slot_objects import objects
from receiver.gzip_lines import LEVEL
from receiver.tally import Tally
from runbook import prices

APP = "raxx-api-prod"
PROJECT = Path(__file__).parent.parent
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
    names.BUCKET_VARIABLE: "b",
    names.APPS_VARIABLE: APP,
    names.BUFFER_VARIABLE: "t",
}
PAGE_BYTES = 1_000_000  # Query's limit of a page is 1 MB before the projection ("Query")
# A function of 1,024 MB has this much of a processor ("Configure Lambda function memory").
MEMORY_MB, PROCESSORS = 1024, 1024 / 1769
FULL_POST = 102_400
# Raw bytes of a slot of one of three apps, by those of a day.
TRAFFIC = {"10 MB a day": 10_000_000, "500 MB a day": 500_000_000, "5 GB a day": 5_000_000_000}
SLOTS_PER_DAY = 24 * 60 // DEFAULT_MINUTES
APPS = 3
# Months in Standard and in Glacier, by the defaults of `archiveAfterDays` and `expireAfterDays`.
STANDARD_MONTHS, GLACIER_MONTHS = 90 / 30, 275 / 30

_WORDS = Random(15)


class Endpoint:
    """A table and a bucket behind one URL: as much of them as the flusher uses. `puts` are the sizes of objects."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.puts: list[int] = []
        self._items: dict[str, dict[str, Item]] = {}
        for item in items:
            self._put(item)
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = getattr(endpoint, self.headers["X-Amz-Target"].partition(".")[2])(asked)
                self._answer(json.dumps(answer, default=lambda data: base64.b64encode(data).decode()).encode())

            def do_PUT(self) -> None:
                endpoint.puts.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer(b"")

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("ETag", '"an-etag"')
                self.send_header("x-amz-crc32", str(zlib.crc32(body)))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()

    def Query(self, asked: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802  the API's name
        """A page of a partition, with all attributes or those of a heading."""
        partition = asked["ExpressionAttributeValues"][":partition"]["S"]
        after = asked.get("ExclusiveStartKey", {}).get(SORT_KEY, {}).get("S", "")
        attributes = HEADING if "ProjectionExpression" in asked else None
        page: list[Item] = []
        size = 0
        for sort, item in sorted(self._items.get(partition, {}).items()):
            if sort <= after:
                continue
            if size > PAGE_BYTES:
                return {
                    "Items": page,
                    "LastEvaluatedKey": {PARTITION_KEY: {"S": partition}, SORT_KEY: page[-1][SORT_KEY]},
                }
            size += sum(len(value) for kind in item.values() for value in kind.values() if not isinstance(value, bool))
            page.append({name: item[name] for name in attributes or item if name in item})
        return {"Items": page}

    def PutItem(self, asked: Mapping[str, Any]) -> Item:  # noqa: N802  the API's name
        """Every condition holds: there is one flusher."""
        self._put(asked["Item"])
        return {}

    def UpdateItem(self, asked: Mapping[str, Any]) -> Item:  # noqa: N802  the API's name
        """The mark of a record."""
        key = asked["Key"]
        self._items[key[PARTITION_KEY]["S"]][key[SORT_KEY]["S"]]["stored"] = {"BOOL": True}
        return {}

    def _put(self, item: Item) -> None:
        self._items.setdefault(item[PARTITION_KEY]["S"], {})[item[SORT_KEY]["S"]] = dict(item)


# ---------------------------------------------------------------- slots of traffic


def last_slot() -> Slot:
    """The slot that was due last."""
    return Slot.of(time.time_ns() // 1_000_000 - GRACE_MS, DEFAULT_MINUTES).before


def posts(
    slot: Slot, frames: Iterable[bytes], post_bytes: int = FULL_POST, post_lines: int = 1 << 30
) -> Iterator[Batch]:
    """Batches of so many bytes or lines that arrive in a slot."""
    arrivals = itertools.count(slot.begin_ms + 1000)
    some: list[bytes] = []
    size = 0
    for each in frames:
        some.append(each)
        size += len(each)
        if size >= post_bytes or len(some) == post_lines:
            yield Batch(APP, f"{next(arrivals)}", next(arrivals), b"".join(some))
            some, size = [], 0
    if some:
        yield Batch(APP, f"{next(arrivals)}", next(arrivals), b"".join(some))


def ordinary(slot: Slot, size: int) -> Iterator[bytes]:
    """Frames of the generated traffic, spread over a slot, until they have so many bytes."""
    made = list(generate([APP], datetime.now(UTC), 20_000, seed=15))
    count = size // (sum(len(frame(line)) for line in made) // len(made))
    begin = datetime.fromtimestamp(slot.begin_ms // 1000, UTC)
    step = timedelta(minutes=slot.minutes) / (count + 2)

    def at(number: int, line: Line) -> bytes:
        return frame(replace(line, time=begin + number * step))

    return (at(number, line) for number, line in zip(range(count), itertools.cycle(made), strict=False))


def of_text(slot: Slot, texts: Iterable[bytes]) -> Iterator[bytes]:
    """Frames with these messages, one for each microsecond of a slot."""
    begin = datetime.fromtimestamp(slot.begin_ms // 1000, UTC)
    for number, text in enumerate(texts):
        time = (begin + timedelta(microseconds=number)).isoformat(timespec="microseconds")
        message = b"<190>1 %b host app web.1 - %b\n" % (time.encode(), text)
        yield b"%d %b" % (len(message), message)


def dated(slot: Slot, frames: Iterable[bytes]) -> Iterator[bytes]:
    """Frames after one with a time."""
    yield from of_text(slot, [b"a line"])
    yield from frames


def random_texts(letters: Sequence[int]) -> Iterator[bytes]:
    """Texts of 10 KB. Two letters are the most work for a compressor: everything is like something before."""
    random = Random(15)
    table = bytes(33 + letters[number % len(letters)] % 64 for number in range(256))
    return (random.randbytes(10_000).translate(table) for _ in range(6_600))


SLOTS: dict[str, Callable[[Slot], Iterator[Batch]]] = {
    "nothing": lambda _: iter(()),
    **{
        f"{name}, POSTs of 5 lines": lambda slot, size=size: posts(  # type: ignore[misc]
            slot, ordinary(slot, size // SLOTS_PER_DAY // APPS), post_lines=5
        )
        for name, size in TRAFFIC.items()
    },
    "64 MB, POSTs of 100 KB": lambda slot: posts(slot, ordinary(slot, RECORD_BYTES - FULL_POST)),
    f"{RECORD_BATCHES:,} POSTs of 5 lines": lambda slot: itertools.islice(
        posts(slot, ordinary(slot, RECORD_BYTES), post_lines=5), RECORD_BATCHES
    ),
    f"{RECORD_LINES:,} lines of 1 byte": lambda slot: posts(slot, of_text(slot, [b"x"] * RECORD_LINES)),
    f"{RECORD_LINES:,} bad frames": lambda slot: posts(slot, dated(slot, [b"1 x"] * (RECORD_LINES - 1))),
    "64 MB in lines of 100 KB": lambda slot: posts(slot, of_text(slot, [b"x" * 100_000] * 660)),
    "64 MB of 0xFF": lambda slot: posts(slot, of_text(slot, [b"\xff" * 10_000] * 6_600)),
    "64 MB of 64 random letters": lambda slot: posts(slot, of_text(slot, random_texts(range(64)))),
    "64 MB of 2 random letters": lambda slot: posts(slot, of_text(slot, random_texts(b"ab"))),
}


class Run(NamedTuple):
    """One run: what it read and wrote, its CPU seconds, and the peak of its memory in MB."""

    lines: int
    read: int
    written: int
    cpu_s: float
    init_s: float
    peak_mb: float


def flushed(slot: Slot, batches: Iterable[Batch]) -> Run:
    """Flush a slot in a process of its own."""
    items, lines, size = [buffer_table.until_item(APP, slot)], 0, 0
    for batch in batches:
        found = survey(batch)
        lines, size = lines + found.lines, size + len(batch.body)
        items.append(buffer_table.batch_item(slot, identity(batch), batch, found, batch.arrival_ms))
    endpoint = Endpoint(items)
    try:
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.flush_cpu"],
            cwd=PROJECT,
            env={**os.environ, **ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint.url},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        endpoint.close()
    told = json.loads(child.stderr)
    return Run(lines, size, sum(endpoint.puts), told["run"], told["INIT"], told["MB"])


# ---------------------------------------------------------------- levels


def level_ms(data: bytes, level: int, repeats: int) -> tuple[float, int]:
    """The median CPU time of a gzip member, in milliseconds, and its size."""
    times, size = [], 0
    for _ in range(repeats):
        begin = time.process_time()
        compressor = zlib.compressobj(level, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        size = len(compressor.compress(data)) + len(compressor.flush())
        times.append(time.process_time() - begin)
    return statistics.median(times) * 1000, size


def print_levels(slot: Slot) -> None:
    """Print what each level does to slots of traffic, and the dollars of a year of them.

    That is the time of the compression in Lambda, and the storage of what a year wrote until it is deleted. The last
    column is the most time that a record can take.
    """
    print(f"\n{f'gzip level ({LEVEL} now)':<20}{''.join(f'{name:>28}' for name in TRAFFIC)}{'64 MB of':>14}")
    print(f"{'':<20}" + f"{'ms':>9}{'bytes':>10}{'$':>9}" * len(TRAFFIC) + f"{'2 letters, s':>14}")
    slots = []
    for size in TRAFFIC.values():
        batches = posts(slot, ordinary(slot, size // SLOTS_PER_DAY // APPS), post_lines=5)
        [stored] = objects(APP, slot, 0, batches, Tally(APP))
        slots.append(zlib.decompress(stored.data, 16 + zlib.MAX_WBITS))
    worst = b"".join(itertools.islice(random_texts(b"ab"), 100))
    objects_of_year = 365 * SLOTS_PER_DAY * APPS
    for level in range(1, 10):
        row = f"{level:<20}"
        for data in slots:
            taken_ms, size = level_ms(data, level, 3 if len(data) > 2_000_000 else 21)
            compute = prices.LAMBDA_GB_SECOND.cost(taken_ms / 1000 / PROCESSORS * MEMORY_MB / 1024)
            storage = prices.S3_STANDARD.cost(size * STANDARD_MONTHS) + prices.S3_GLACIER.cost(size * GLACIER_MONTHS)
            row += f"{taken_ms:>9.1f}{size:>10,}{objects_of_year * (compute + storage):>9.2f}"
        worst_ms, _ = level_ms(worst, level, 1)
        print(f"{row}{worst_ms / 1000 * RECORD_BYTES / len(worst):>14.1f}")


def main(only: Sequence[str]) -> None:
    """Print the tables; `only` are beginnings of names of slots."""
    if not only:
        print_levels(last_slot())
    heads = f"{'lines':>9}{'MB':>7}{'stored MB':>11}{'CPU s':>8}{'s on Lambda':>13}{'peak MB':>9}"
    print(f"\n{'a run with a slot of':<34}{heads}")
    for name, make in SLOTS.items():
        if only and not name.startswith(tuple(only)):
            continue
        slot = last_slot()
        run = flushed(slot, make(slot))
        print(
            f"{name:<34}{run.lines:>9,}{run.read / 1e6:>7.1f}{run.written / 1e6:>11.2f}{run.cpu_s:>8.2f}"
            f"{run.cpu_s / PROCESSORS:>13.1f}{run.peak_mb:>9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
