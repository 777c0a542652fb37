"""A bucket that our flusher wrote, and the table over it: asked of Trino, of the local engine, and of the truth."""

import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING
from uuid import uuid4

from contract import canary
from contract.logplex.batch import Batch as Post
from contract.logplex.batch import survey
from contract.saved_queries import SavedQuery
from contract.slots import Slot
from local.aws.athena.engine import Engine
from local.logplex.batches import Batch
from local.stack import LocalStack
from local.traffic import truth
from local.traffic.facts import RequestNote
from local.traffic.lines import Line, Quarantined, frame
from local.trino import catalog
from local.trino.query import Answer, at_clock
from local.trino.server import Trino
from receiver.flusher.slot_objects import objects
from receiver.tally import Tally
from runbook.clients.athena_values import read_value

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

# Longer, and the receiver would not believe the oldest line's time.
_BATCH_SPAN = timedelta(hours=36)


class World:
    """What is stored in one bucket (`lines`, `quarantined`), and answers about it. Answers are kept."""

    def __init__(self, stack: LocalStack, trino: Trino, database: str | None = None) -> None:
        """Take the registered table as it is, or make a copy of it, over a bucket of its own, in `database`."""
        settings = stack.settings
        self.apps, self.table = settings.apps, settings.table_name
        self.glue: GlueClient = stack.client("glue")
        self.s3: S3Client = stack.client("s3")
        self.database, self.bucket = settings.database_name, settings.bucket_name
        if database:
            self.database, self.bucket = database, f"{database.replace('_', '-')}-logs"
            self.s3.create_bucket(Bucket=self.bucket)
            catalog.copy(
                self.glue,
                settings.database_name,
                settings.table_name,
                into=database,
                bucket=settings.bucket_name,
                root=f"s3://{self.bucket}/",
            )
        self.lines: list[Line] = []
        self.quarantined: list[Quarantined] = []
        self._minutes = settings.flush_minutes
        self._records: defaultdict[tuple[str, Slot], list[list[Post]]] = defaultdict(list)
        self._trino = trino
        self._engine = Engine(self._read)
        # One query at a time leaves much of two cores idle.
        self._asking = ThreadPoolExecutor(2)
        self._answers: dict[str, Future[Answer]] = {}

    def close(self) -> None:
        """Ask no more, and forget the local engine's rows."""
        self._asking.shutdown(cancel_futures=True)
        self._engine.close()

    # ------------------------------------------------------------ storing

    def put(self, key: str, data: bytes) -> None:
        """Store an object past the flusher."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)

    def put_lines(self, key: str, lines: bytes) -> None:
        """Store lines past the flusher, packed as it packs them."""
        self.put(key, gzip.compress(lines))

    def store(self, lines: Sequence[Line], batch_lines: int = 500) -> None:
        """Let the flusher store lines in batches of that size, newest first; smaller where they would be too old.

        It is larger than most of Logplex's: each object is a request of S3 in each query.
        """
        parts = [part for app in self.apps for part in _parts(batch_lines, app, lines)]
        # No two arrive in the same millisecond, so that lines of one time have an order.
        self.deliver(batch_of(part, after_ms=20 + number) for number, part in reversed([*enumerate(parts)]))
        self.lines += numbered(parts, self._minutes)

    def deliver(self, sent: Iterable[Batch]) -> None:
        """Let the flusher store batches that have an arrival: a record of each slot."""
        slots: defaultdict[tuple[str, Slot], list[Post]] = defaultdict(list)
        for batch in sent:
            assert batch.arrival
            post = Post(batch.app, batch.frame_id, round(batch.arrival.timestamp() * 1000), batch.body)
            slots[batch.app, Slot.of(survey(post).reference_ms, self._minutes)].append(post)
        for (app, slot), posts in slots.items():
            earlier = self._records[app, slot]
            for stored in objects(app, slot, len(earlier), posts, Tally(app), chain.from_iterable(earlier)):
                self.put(str(stored.key), stored.data)
            earlier.append(posts)

    def send_canaries(self, sent: datetime) -> None:
        """Let the flusher store a canary of each app, which is none of the `lines`."""
        sent_ms = round(sent.timestamp() * 1000)
        message = canary.message(sent_ms)
        body = b"%d %b" % (len(message), message)
        self.deliver(Batch(app, body, 1, canary.frame_id(sent_ms), sent) for app in self.apps)

    # ------------------------------------------------------------ asking

    def ask(self, sql: str, time_zone: str = "UTC") -> Answer:
        """Ask Trino."""
        return self._trino.client.ask(sql, time_zone)

    def ask_local(self, sql: str, now: datetime) -> Answer:
        """Ask the local engine, whose clock can be set."""
        asked = self._engine.query()
        result = asked.run(sql, self.database, self.glue, self.s3, now)
        kinds = [column.type for column in result.columns]
        values = [
            [None if text is None else read_value(text, kind) for text, kind in zip(row, kinds, strict=True)]
            for row in result.rows
        ]
        return Answer([column.name for column in result.columns], values)

    def answer(self, query: SavedQuery, now: datetime) -> Answer:
        """Give Trino's answer to a saved query at a time."""
        return self.begin(query, now).result()

    def begin(self, query: SavedQuery, now: datetime) -> "Future[Answer]":
        """Let Trino begin, if it has not, with what `answer` gives."""
        sql = at_clock(self.filled_in(query, now).sql, now)
        if sql not in self._answers:
            self._answers[sql] = self._asking.submit(self.ask, sql)
        return self._answers[sql]

    def local_answer(self, query: SavedQuery, now: datetime) -> Answer:
        """Give the local engine's answer."""
        return self.ask_local(self.filled_in(query, now).sql, now)

    def expected(self, query: SavedQuery, now: datetime) -> Sequence[Mapping[str, object]]:
        """Give the answer that follows from the records of what was stored."""
        return truth.expected([*self.lines, *self.quarantined], now, self.request_id(now))[query.name]

    def filled_in(self, query: SavedQuery, now: datetime) -> SavedQuery:
        """The query as it stands, of this world's table; `request` alone has to be told which one."""
        asked = query.on_table(self.database, self.table)
        request_id = self.request_id(now)
        return asked.with_parameters(request_id=request_id) if query.name == "request" and request_id else asked

    def request_id(self, now: datetime) -> str | None:
        """The last request until then of which an application wrote, if there is any."""
        notes = (line.facts for line in reversed(self.lines) if line.time <= now)
        return next((facts.request_id for facts in notes if isinstance(facts, RequestNote)), None)

    def _read(self, bucket: str, key: str) -> bytes:
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def exact(answer: Answer) -> list[dict[str, object]]:
    """The rows without what engines may estimate differently."""
    return [{name: value for name, value in row.items() if name != "p95_service_ms"} for row in answer.rows]


def batch_of(lines: Sequence[Line], *more: bytes, after_ms: int = 20) -> Batch:
    """One batch of an app's lines, which arrives right after the last; `more` are frames that are no lines."""
    body = b"".join(map(frame, lines)) + b"".join(b"%d %b" % (len(each), each) for each in more)
    last = max(line.time for line in lines)
    arrival = last + timedelta(milliseconds=after_ms)
    return Batch(lines[0].app, body, len(lines) + len(more), uuid4().hex.upper(), arrival)


def numbered(parts: Iterable[Sequence[Line]], minutes: int) -> list[Line]:
    """The lines of batches in order of arrival, with the numbers that those of one time get over a slot."""
    seen: Counter[tuple[str, int, datetime]] = Counter()
    found = []
    for part in parts:
        slot = int(max(line.time for line in part).timestamp()) // 60 // minutes
        for line in part:
            seen[line.app, slot, line.time] += 1
            found.append(replace(line, seq=seen[line.app, slot, line.time]))
    return found


def _parts(size: int, app: str, lines: Sequence[Line]) -> Iterable[list[Line]]:
    waiting: list[Line] = []
    for line in lines:
        if line.app != app:
            continue
        if waiting and (len(waiting) == size or line.time - waiting[0].time > _BATCH_SPAN):
            yield waiting
            waiting = []
        waiting.append(line)
    if waiting:
        yield waiting
