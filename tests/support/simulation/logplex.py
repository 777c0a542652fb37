"""Logplex: connections that send batches, each up to three times without a pause, and wait 5 s for an answer."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.support.simulation.plan import DAY_S, Plan
from tests.support.simulation.reader import Reader
from tests.support.simulation.world import Box, Crash, World

TRIES = 3
_TIMEOUT_S = 5.0
# Batches of usual kinds have fewer lines, and shorter ones. The limits of the buffer are lowered to these.
LINES_OF_LARGE, BYTES_OF_LARGE = 5, 500
# Between two tries, and between Logplex and the receiver. Lines nearer to the limits of valid times than this could be
# valid in one try and not in the next.
_EDGE_S = 40.0

# Answers an event of a batch that was first sent at a time.
Receive = Callable[[Mapping[str, Any], float], int]


@dataclass
class Sent:
    """A batch: its messages as Logplex has them, and the unique words that end its lines."""

    name: str
    app: str
    frame_id: str | None
    time: float
    messages: list[bytes] = field(default_factory=list)
    words: list[bytes] = field(default_factory=list)
    answered: bool = False


class Logplex:
    """All connections, and every batch that they sent."""

    def __init__(self, world: World, plan: Plan, reader: Reader, receive: Receive) -> None:
        self._world, self._plan, self._reader, self._receive = world, plan, reader, receive
        self._kinds, self._weights = list(plan.weights), list(plan.weights.values())
        self._offset_s = {app: world.random.choice([0, 0, -5, 3]) for app in plan.apps}
        self._reports = 0
        self.sent: list[Sent] = []

    def start(self) -> None:
        """Plan all traffic."""
        random, plan = self._world.random, self._plan
        for app in plan.apps:
            times = sorted(self._time() for _ in range(plan.posts // len(plan.apps)))
            for number in range(nodes := 3):
                private = random.random() < 0.3
                self._connect(f"{app[4:]}-{number}", app, private, [(time, None) for time in times[number::nodes]])

    def burst(self, at: float, slot_begin: float, length_s: float, spread_s: float) -> None:
        """Plan several batches at nearly the same time, whose lines belong to one slot."""
        random = self._world.random
        app = random.choice(self._plan.apps)
        for number in range(random.randint(2, 6)):
            time = at + random.random() * spread_s
            age = time - slot_begin - random.random() * length_s
            self._connect(f"burst-{len(self.sent)}-{number}", app, random.random() < 0.3, [(time, age)])

    def _time(self) -> float:
        """A time, often just before the end of a slot, so that the next try arrives in the next one."""
        random, length_s = self._world.random, self._plan.minutes * 60
        time = random.random() * self._plan.traffic_s
        if random.random() < self._plan.at_slot_ends:
            end = (self._world.epoch_s + time) // length_s * length_s + length_s - self._world.epoch_s
            time = max(0.0, end - random.random() * 5)
        return time

    def _connect(self, name: str, app: str, private: bool, batches: list[tuple[float, float | None]]) -> None:
        """Plan a connection; a batch has the time at which it is sent and, in a burst, the age of its lines."""
        self._world.start(name, partial(self._send_all, app, private, batches))

    # ---------------------------------------------------------------- a connection

    def _send_all(self, app: str, private: bool, batches: list[tuple[float, float | None]]) -> None:
        world, lost = self._world, 0
        for time, age in batches:
            world.sleep_until(max(time, world.now))
            sent = self._batch(app, private, age)
            world.totals["batches"] += 1
            for attempt in range(1, 1 + TRIES):
                # The buffer of the drain may overflow while a try waits for its answer.
                lost += world.random.random() < (0.05 if attempt == 1 else 0.3)
                status = self._post(sent, attempt, lost)
                if status == 200:
                    lost = 0
                    break
                assert status is None or status >= 500, status
            else:
                lost += len(sent.messages)

    def _post(self, sent: Sent, attempt: int, lost: int) -> int | None:
        world = self._world
        world.totals["POSTs"] += 1
        box = Box()
        body = b"".join(b"%d %b" % (len(each), each) for each in [*self._report(lost), *sent.messages])
        world.start(f"{sent.name} try {attempt}", partial(self._deliver, sent, body, box))
        try:
            status: int = world.take(box, world.now + _TIMEOUT_S)
        except TimeoutError:
            return None
        return status

    def _report(self, lost: int) -> list[bytes]:
        if not lost:
            return []
        self._reports += 1
        time = self._iso(0)
        text = b"<172>1 %b host heroku logplex - Error L10 (output buffer overflow): %d messages dropped since r%d."
        return [text % (time, lost, self._reports)]

    def _deliver(self, sent: Sent, body: bytes, box: Box) -> None:
        """Carry a POST to the receiver, and its answer back. Both may come when nobody waits for them any more."""
        world, bad = self._world, self._plan.trouble.bad
        random = world.random
        world.sleep(random.uniform(4, 9) if random.random() < bad / 5 else random.uniform(0.005, 0.05))
        event = self._event(sent, body)
        if random.random() < 0.05:  # a cold start
            world.sleep(random.uniform(0.3, 4))
        skew = self._plan.skew_s
        world.actor.skew_s = random.uniform(-skew, skew)
        try:
            status = self._receive(event, sent.time)
        except Crash:
            if random.random() < 0.5:
                world.put(box, 502)
            raise
        world.note("answers", status)
        world.totals[f"answers {status}"] += 1
        if status == 200:
            sent.answered = True
        if random.random() >= bad / 2:
            world.sleep(random.uniform(0.005, 0.05))
            world.put(box, status)

    def _event(self, sent: Sent, body: bytes) -> dict[str, Any]:
        headers = {"content-type": "application/logplex-1", "logplex-msg-count": str(len(sent.messages))}
        if sent.frame_id:
            headers["logplex-frame-id"] = sent.frame_id
        arrival_ms = int((self._world.epoch_s + self._world.now) * 1000)
        return {
            "rawPath": "/prod/drain",
            "rawQueryString": f"app={sent.app}&token=simulated",
            "headers": headers,
            "requestContext": {"stage": "prod", "http": {"method": "POST"}, "timeEpoch": arrival_ms},
            "body": b64encode(body).decode(),
            "isBase64Encoded": True,
        }

    # ---------------------------------------------------------------- batches

    def _batch(self, app: str, private: bool, age: float | None) -> Sent:
        random = self._world.random
        number = len(self.sent)
        sent = Sent(f"batch-{number}", app, None if private else f"{number:032x}", self._world.now)
        self.sent.append(sent)
        kind = random.choices(self._kinds, self._weights)[0] if age is None else "burst"
        for message in range(0 if kind == "empty" else self._lines(kind)):
            word = b"w%d.%d" % (number, message)
            sent.words.append(word)
            text = b"hello " + word
            if kind == "large" and number % 2:
                text = random.randbytes(BYTES_OF_LARGE).hex().encode() + b" " + word
            sent.messages.append(self._message(kind, message, text, word, age or 0.0, self._offset_s[app]))
        self._world.note(sent.name, kind, sent.messages)
        return sent

    def _lines(self, kind: str) -> int:
        if kind == "large":
            return LINES_OF_LARGE + self._world.random.randint(0, 2)
        return self._world.random.choice([1, 1, 2, 3])

    def _message(self, kind: str, number: int, text: bytes, word: bytes, age: float, offset_s: float) -> bytes:
        random = self._world.random
        if kind == "undated" or (kind == "mixed" and number > 0):
            return random.choice(_UNDATED) % text
        self._reader.dated.add(word)
        if kind == "delayed":
            age = random.choice([random.uniform(5, 40), random.uniform(30, 200), 60 * self._plan.minutes])
        elif kind == "old":
            age = random.uniform(300, DAY_S)
        elif kind == "two days":
            age = random.choice([0, DAY_S, 2 * DAY_S - _EDGE_S])
        elif kind == "future":
            age = -random.uniform(0, 3600 - _EDGE_S)
        elif kind != "burst":
            age = random.choice([0, random.random(), 2])
        return b"<190>1 %b host app web.1 - %b\n" % (self._iso(age - offset_s), text)

    def _iso(self, age_s: float) -> bytes:
        time = datetime.fromtimestamp(round(self._world.epoch_s + self._world.now - age_s, 1), UTC)
        return time.isoformat(timespec="microseconds").encode()


_UNDATED = [
    b"<190>1 2026-02-30T12:00:00+00:00 host app web.1 - %b",
    b"<190>1 1999-11-24T12:00:00+00:00 host app web.1 - %b",
    b"no header %b",
]
