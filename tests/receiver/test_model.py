"""The receiver's promise against Logplex's real rule of trying again, with S3, SQS and SSM failing by schedule.

Time is the model's own, a minute a try: what hangs is told to have met its deadline at once. The totals are in the
summary at the end of pytest's output.
"""

import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from datetime import timedelta
from random import Random

import pytest

from receiver.aws import Unavailable
from receiver.deadline import Deadline
from receiver.drain_keys import DrainKeys
from receiver.handler import Receiver
from receiver.logplex.batch import StoredObject
from tests.support.fakes import APP, KEY, FakeArchive, FakeQueue, drain_event, gateway_context
from tests.support.logplex_frames import NOON, NOON_MS, body, l10, message

SCHEDULES = 2000
SHARDS = 4
FRAMES = 8
TRIES = 3  # of Logplex, with no pause between them


class Faults:
    """What happens to each call: it works, it fails, it hangs, or it works too late for anybody to hear of it.

    What hangs has done nothing; what is late is done at once, or at any time later, after other calls.
    """

    def __init__(self, random: Random) -> None:
        self._random, self._trouble = random, random.choice([0.1, 0.5, 0.9])
        self._pending: list[Callable[[], None]] = []
        self.over = False

    def meet(self, service: str, deed: Callable[[], None], part: Callable[[], None] = lambda: None) -> None:
        """Do a deed or meet with trouble; where it is an error, a part of the deed may have been done."""
        if self.over or self._random.random() >= self._trouble:
            deed()
            return
        reason = self._random.choice(["error", "hang", "late success"])
        if reason == "error" and self._random.random() < 0.5:
            part()
        elif reason == "late success" and self._random.random() < 0.5:
            deed()
        elif reason == "late success":
            self._pending.append(deed)
        raise Unavailable(f"{service}-{reason}", "by schedule")

    def pass_time(self, chance: float = 0.3) -> None:
        """Some of what is pending is done now."""
        due = [deed for deed in self._pending if self._random.random() < chance]
        self._pending = [deed for deed in self._pending if deed not in due]
        for deed in due:
            deed()


class Archive(FakeArchive):
    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def put(self, objects: Sequence[StoredObject], deadline: Deadline) -> None:
        # Objects are written side by side, and one of them can fail alone.
        store = super().put
        self._faults.meet("s3", lambda: store(objects, deadline), lambda: store(objects[1:], deadline))


class Queue(FakeQueue):
    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def send(self, text: str, deadline: Deadline) -> None:
        self._faults.meet("sqs", lambda: super(Queue, self).send(text, deadline))


class World:
    """A drain's sender and receiver. `answered` and `dropped` are the numbers of frames that Logplex knows."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._faults = Faults(self._random)
        self.archive, self.queue = Archive(self._faults), Queue(self._faults)
        # Keys are old after five tries, and read again.
        keys = DrainKeys(self._keys, lambda: self._minute * 60.0)
        self._receiver = Receiver(frozenset({APP}), keys, self.archive, self.queue)
        self._minute = 0
        self._loss_untold = False
        self.answered: set[int] = set()
        self.dropped: set[int] = set()
        self.tries = 0

    def _keys(self, deadline: Deadline) -> str:
        self._faults.meet("ssm", lambda: None)
        return json.dumps([KEY])

    def deliver(self, frame: int) -> None:
        """Try a frame as Logplex does: again after a 5xx or an answer that it did not hear, never after a 4xx."""
        for _ in range(TRIES):
            self.tries += 1
            status = self._post(frame, self._loss_untold)
            heard = self._random.random() < 0.9
            if status == 200:
                self.answered.add(frame)
            if heard and status == 200:
                self._loss_untold = False
                return
            if heard and 400 <= status < 500:
                break
        self.dropped.add(frame)
        self._loss_untold = True

    def _post(self, frame: int, loss_untold: bool) -> int:
        self._minute += 1
        self._faults.pass_time()
        now = NOON + timedelta(minutes=self._minute)
        # Rendered anew on each try, so that no two tries have the same body.
        report = [l10(now)] if loss_untold else []
        event = drain_event(
            body(*report, *messages_of(frame)),
            headers={"logplex-frame-id": f"{frame:032x}"},
            requestContext=gateway_context(timeEpoch=NOON_MS + self._minute * 60_000),
        )
        status: int = self._receiver.receive(event)["statusCode"]
        return status

    def drain_queue(self) -> None:
        """Redrive until nothing waits: SQS delivers again what was not stored. In the end there is no more trouble."""
        for attempt in range(TRIES):
            self._faults.over = attempt == TRIES - 1
            self._faults.pass_time(chance=1 if self._faults.over else 0.3)
            records = [{"messageId": str(number), "body": text} for number, text in enumerate(self.queue.sent)]
            failed = self._receiver.redrive({"Records": records}, 10)["batchItemFailures"]
            self.queue.sent = [self.queue.sent[int(failure["itemIdentifier"])] for failure in failed]


def messages_of(frame: int) -> Iterator[bytes]:
    """Two lines on two days, so that a frame is two objects, of which each has to be there once."""
    for day in (0, 1):
        yield message(b"frame %d, day %d\n" % (frame, day), NOON - timedelta(days=day))


@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_is_answered_200_is_stored_once_and_what_is_not_is_known_to_logplex(
    shard: int, record_property: Callable[[str, object], None]
) -> None:
    totals: Counter[str] = Counter()
    faulty: list[int] = []
    for seed in range(shard, SCHEDULES, SHARDS):
        with redirect_stdout(io.StringIO()):
            world = World(seed)
            for frame in range(FRAMES):
                world.deliver(frame)
            spilled = len(world.queue.sent)
            world.drain_queue()
        assert world.queue.sent == []
        found = verdicts(world)
        if found["lost"] or found["twice"] or found["known to nobody"]:
            faulty.append(seed)
        totals.update(
            {
                "schedules": 1,
                "POSTs": world.tries,
                "frames answered 200": len(world.answered),
                **found,
                "reported dropped": len(world.dropped),
                "spilled": spilled,
            }
        )
    # A plain dict: it comes here from pytest-xdist's workers.
    record_property("totals of the model", dict(totals))
    assert faulty == [], f"schedules (seeds) with faults: {totals}"
    assert min(totals[name] for name in ("frames answered 200", "reported dropped", "spilled")) > 0


def verdicts(world: World) -> dict[str, int]:
    """How many frames are lost though answered 200, stored twice, or neither answered 200 nor reported as dropped."""
    stored = Counter(line for data in world.archive.stored.values() for line in gzip.decompress(data).splitlines())
    found = {"lost": 0, "twice": 0, "known to nobody": 0}
    for frame in range(FRAMES):
        times = {stored[line_of(syslog)] for syslog in messages_of(frame)}
        found["lost"] += frame in world.answered and min(times) == 0
        found["twice"] += max(times) > 1
        found["known to nobody"] += frame not in world.answered | world.dropped
    return found


def line_of(syslog: bytes) -> bytes:
    return syslog.replace(b" - ", b" - - ", 1).rstrip(b"\n")
