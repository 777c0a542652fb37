"""What a query costs on Trino, which is what Athena runs: `python -m benchmarks.trino`. Rates and ratios of one run.

The objects are the flusher's own; and the same lines as one object per POST of five lines, as there were before the
buffer. They lie on disk, so nothing is waited for but Trino. It needs what `make test-trino` needs.
"""

import gzip
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from contract.glue_table import COLUMNS, ROW_PATTERN
from contract.logplex.batch import Batch, survey
from contract.object_keys import partition_prefix
from contract.saved_queries import SavedQuery, saved_queries
from contract.slots import Slot
from contract.stored_line import Record, from_frame
from local.child import LocalError
from local.stack import LocalStack, Options
from local.traffic import week
from local.traffic.lines import Line, frame
from local.trino import catalog
from local.trino.query import Client, at_clock
from local.trino.server import Trino
from receiver import large_batch
from receiver.flusher.slot_objects import objects
from receiver.gzip_lines import LEVEL
from receiver.stored_object import StoredObject
from receiver.tally import Tally
from tests.support.hostile_shapes import LONG, SHAPES

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 11, 24)
LINES_PER_WEEK = 100_000
POST_LINES = 5
ONE_OBJECT_BYTES = 50_000_000
SMALL_OBJECTS = 10_000
SHAPE_LINES = 200
# Of no request: the query looks for it in all lines all the same.
REQUEST_ID = "00000000-0000-4000-8000-000000000000"
SAME = {"one": "one object of 50 MB", "many": f"{SMALL_OBJECTS:,} objects"}

# The first pattern that was measured, before lines had numbers and the column fwd was there; and what is least to do.
HEADER_COLUMNS = list(COLUMNS)[:7]
_BEFORE_FIELDS, _FIELDS, _BEHIND = ROW_PATTERN.partition("(?:(?<= heroku router -)")
HEADER_PATTERN = _BEFORE_FIELDS + _BEHIND.partition("}+))?")[2]
PATTERNS = {
    "header only": (HEADER_PATTERN, [*HEADER_COLUMNS, "message"]),
    "the table's": (ROW_PATTERN, list(COLUMNS)),
    "first measured": (
        (Path(__file__).parent.parent / "tests/golden/measured_row_pattern.txt").read_text("utf-8").rstrip("\n"),
        [column for column in COLUMNS if column not in {"seq", "fwd"}],
    ),
    "^(.*)$": ("^(.*)$", ["message"]),
}


def weeks(apps: tuple[str, ...], lines: int) -> Iterator[list[Line]]:
    """Weeks of traffic, one over the other, until there are so many lines."""
    for seed in range(-(-lines // LINES_PER_WEEK)):
        yield list(week.generate(apps, NOW, LINES_PER_WEEK, seed))


@dataclass
class Written:
    """Objects in a folder: their number, and their bytes."""

    folder: Path
    objects: int = 0
    bytes: int = 0

    def write(self, stored: Iterable[StoredObject]) -> None:
        """Write some more."""
        for each in stored:
            path = self.folder / str(each.key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each.data)
            self.objects, self.bytes = self.objects + 1, self.bytes + len(each.data)

    def __str__(self) -> str:
        return f"{self.objects:,} objects, {self.bytes / 1e6:.0f} MB"


def posts(app: str, lines: Sequence[Line]) -> Iterator[Batch]:
    """The POSTs of so few lines in which Logplex sends them."""
    for start in range(0, len(lines), POST_LINES):
        some = lines[start : start + POST_LINES]
        arrival_ms = round(some[-1].time.timestamp() * 1000) + 20
        yield Batch(app, uuid4().hex, arrival_ms, b"".join(map(frame, some)))


def write(
    weeks: Iterable[Sequence[Line]], by_slots: Written, by_posts: Written, apps: Sequence[str], minutes: int
) -> None:
    """Store lines as the flusher does, and as one object per POST."""
    slots: defaultdict[tuple[str, Slot], list[Batch]] = defaultdict(list)
    for lines in weeks:
        for app in apps:
            for post in posts(app, [line for line in lines if line.app == app]):
                found = survey(post)
                slot = Slot.of(found.reference_ms, minutes)
                slots[app, slot].append(post)
                by_posts.write(large_batch.objects(post, found, slot, Tally(app)))
    for (app, slot), batches in slots.items():
        by_slots.write(objects(app, slot, 0, batches, Tally(app)))


def write_again(source: Path, folder: Path, app: str) -> int:
    """Write the same lines as one object of so many bytes, and as so many small ones; the lines."""
    one, many = (folder / name / partition_prefix(app, DAY) for name in SAME)
    one.mkdir(parents=True)
    many.mkdir(parents=True)
    whole = one / "0.gz"
    texts = []
    with gzip.open(whole, "wb", LEVEL) as stream:
        for path in sorted(source.rglob("*.gz")):
            texts.append(gzip.decompress(path.read_bytes()))
            stream.write(texts[-1])
            if whole.stat().st_size > ONE_OBJECT_BYTES:
                break
    lines = b"".join(texts).splitlines(keepends=True)
    left = iter(lines)
    for number in range(SMALL_OBJECTS):
        some = islice(left, -(-len(lines) // SMALL_OBJECTS))
        (many / f"{number}.gz").write_bytes(gzip.compress(b"".join(some), LEVEL))
    return len(lines)


def write_shapes(folder: Path, app: str) -> dict[str, date]:
    """Write an object of each hostile shape, on a day of its own; the days, by shape."""
    days = {name: date(2026, 11, number) for number, name in enumerate(SHAPES, 1)}
    for name, message in SHAPES.items():
        record = from_frame(b"<158>1 2026-11-01T00:00:00+00:00 host heroku router - " + message)
        assert isinstance(record, Record)
        line = record.line + b"\n"
        path = folder / "shapes" / partition_prefix(app, days[name]) / "0.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress(line * (SHAPE_LINES if len(message) < 2 * LONG else 1), LEVEL))
    return days


def with_pattern(glue: "GlueClient", database: str, table: str, name: str, pattern: str, columns: list[str]) -> None:
    """A table over the same objects with another pattern."""
    registered: Any = glue.get_table(DatabaseName=database, Name=table)["Table"]
    storage = registered["StorageDescriptor"]
    storage["SerdeInfo"]["Parameters"] = {"input.regex": pattern}
    storage["Columns"] = [{"Name": column, "Type": "string"} for column in columns]
    definition: Any = {"Name": name, "StorageDescriptor": storage}
    for kept in ("TableType", "Parameters", "PartitionKeys"):
        definition[kept] = registered[kept]
    glue.create_table(DatabaseName=database, TableInput=definition)


def seconds(client: Client, queries: Iterable[str], repeats: int = 3) -> list[float]:
    """The median time of each query, asked in turns: the first turn only warms up, and slow minutes are shared."""
    turns: list[list[float]] = []
    for _ in range(repeats + 1):
        turns.append([])
        for sql in queries:
            begin = time.monotonic()
            client.ask(sql)
            turns[-1].append(time.monotonic() - begin)
    return [statistics.median(times) for times in zip(*turns[1:], strict=True)]


def main(
    lines: Annotated[int, typer.Option(min=1000, help="Lines to store.")] = 2_000_000,
    heap: Annotated[str, typer.Option(help="Trino's heap.")] = "4G",
) -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name, LocalStack(Options()) as stack:
        folder, settings, glue = Path(name), stack.settings, stack.client("glue")
        database, table = settings.database_name, settings.table_name
        by_slots, by_posts = Written(folder / "archive"), Written(folder / "posts")
        write(weeks(settings.apps, lines), by_slots, by_posts, settings.apps, settings.flush_minutes)
        again = write_again(folder / "archive", folder, settings.apps[0])
        shapes = write_shapes(folder, settings.apps[0])
        for copy in ("archive", "posts", "shapes", *SAME):
            catalog.copy(
                glue,
                database,
                table,
                into=copy,
                bucket=settings.bucket_name,
                root=f"{catalog.LOCAL_ROOT}{copy}/",
            )
        for number, (pattern, columns) in enumerate(PATTERNS.values()):
            with_pattern(glue, "archive", table, f"pattern_{number}", pattern, columns)
        with Trino(catalog.properties(stack.aws_url, settings.region, folder), heap=heap) as trino:
            report(trino.client, table, settings.apps[0], by_slots, again)
            report_posts(trino.client, table, by_slots, by_posts)
            report_shapes(trino.client, table, settings.apps[0], shapes)


def asked(query: SavedQuery, database: str, table: str) -> str:
    """A saved query of a database's table, at NOW."""
    query = query.on_table(database, table)
    return at_clock((query.with_parameters(request_id=REQUEST_ID) if query.name == "request" else query).sql, NOW)


def report(client: Client, table: str, app: str, written: Written, again: int) -> None:
    """Ask, and print."""
    days = "year = '2026' AND month = '11' AND day BETWEEN '17' AND '24'"
    [[rows]] = client.ask(f"SELECT count(*) FROM archive.{table} WHERE {days}").values
    stored = int(str(rows))
    print(f"{stored:,} lines in {written}\n")
    print(f"{'a scan of all, by pattern':<34}{'s':>8}{'rows/s':>12}{'ratio':>8}")
    scans = [
        f"SELECT count(message), max(length(message)) FROM archive.pattern_{number} WHERE {days}"
        for number in range(len(PATTERNS))
    ]
    times = seconds(client, scans)
    for name, taken in zip(PATTERNS, times, strict=True):
        print(f"{name:<34}{taken:>8.1f}{stored / taken:>12,.0f}{times[0] / taken:>8.2f}")
    print(f"\n{'query':<34}{'s':>8}{'rows/s':>12}")
    for query in saved_queries():
        sql = asked(query, "archive", table)
        read = client.ask(sql).read_rows
        [taken] = seconds(client, [sql], 1)
        print(f"{query.name:<34}{taken:>8.1f}{read / taken:>12,.0f}")
    print(f"\n{f'{again:,} lines, of a day':<34}{'s':>8}{'rows/s':>12}{'ratio':>8}")
    same = [f"SELECT count(message), count(status) FROM {name}.{table} WHERE {_on(app, DAY)}" for name in SAME]
    times = seconds(client, same)
    for what, taken in zip(SAME.values(), times, strict=True):
        print(f"{what:<34}{taken:>8.1f}{again / taken:>12,.0f}{times[0] / taken:>8.2f}")


def report_posts(client: Client, table: str, by_slots: Written, by_posts: Written) -> None:
    """Ask the queries of seven days of both, and print; the many objects only once."""
    print(f"\nby slots: {by_slots}; one object per POST of {POST_LINES} lines: {by_posts}\n")
    print(f"{'query of seven days':<34}{'by slots, s':>14}{'by POSTs, s':>14}{'ratio':>8}")
    for query in saved_queries():
        if query.window == "the last 7 days":
            [few] = seconds(client, [asked(query, "archive", table)], 1)
            many = client.ask(asked(query, "posts", table)).seconds
            print(f"{query.name:<34}{few:>14.1f}{many:>14.1f}{many / few:>8.1f}", flush=True)


def report_shapes(client: Client, table: str, app: str, days: dict[str, date]) -> None:
    """Ask for what is hostile, and print."""
    print(f"\n{f'{SHAPE_LINES} lines of 10 KB each, but one of 1 MB':<42}{'s':>8}")
    queries = [
        f"SELECT count(status), max(length(message)) FROM shapes.{table} WHERE {_on(app, day)}" for day in days.values()
    ]
    for name, taken in zip(days, seconds(client, queries), strict=True):
        print(f"{name:<42}{taken:>8.2f}")


def _on(app: str, day: date) -> str:
    return f"app = '{app}' AND year = '{day:%Y}' AND month = '{day:%m}' AND day = '{day:%d}'"


if __name__ == "__main__":
    try:
        typer.run(main)
    except LocalError as error:
        sys.exit(f"error: {error}")
