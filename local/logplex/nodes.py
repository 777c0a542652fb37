"""A stand-in for Logplex: sends batches to drains as the real one does, overlapping, retried, dropped and told of.

The rules are those of logplex_http_drain.erl at Logplex's last public commit.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Literal
from urllib.parse import urlsplit

from local.aws.arrival import ARRIVAL_HEADER
from local.logplex.batches import Batch
from local.logplex.drain_connection import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, NO_ANSWER, DrainConnection
from local.logplex.losses import Loss, LossAccount, Wording, drain_token, l10_line
from local.traffic.lines import Line, frame

TRIES = 3

_Shipment = tuple[str, Batch]
_OnDelivered = Callable[[Batch, "Answer"], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """How the last try of a batch ended: with a status, or with a fault and no status.

    `lines` are the batch's own; `l10` is the line that led them to tell of earlier losses, which the drain
    stores too when it accepts the batch. `body_bytes` and `seconds` are those of the last try.
    """

    app: str
    frame_id: str | None
    lines: int
    l10: Line | None
    body_bytes: int
    tries: int
    status: int | None
    fault: Literal["", "time-out", "connection"]
    seconds: float

    @property
    def delivered(self) -> bool:
        """Whether the drain accepted the batch."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def final(self) -> bool:
        """Whether another try is pointless: a 4xx but 429 is the drain's last word on a batch."""
        return self.delivered or (self.status is not None and 400 <= self.status < 500 and self.status != 429)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the batches of one `drain`. `untold` lines are lost and no drain was told of them yet."""

    answers: Sequence[Answer]
    seconds: float
    untold: int

    @property
    def batches(self) -> int:
        """The number of batches."""
        return len(self.answers)

    @property
    def lines(self) -> int:
        """The number of the batches' lines, delivered or not."""
        return sum(answer.lines for answer in self.answers)

    @property
    def bytes(self) -> int:
        """The size of the batches' bodies, each counted once, as it was in its last try."""
        return sum(answer.body_bytes for answer in self.answers)

    @property
    def tries(self) -> int:
        """The number of POSTs."""
        return sum(answer.tries for answer in self.answers)

    @property
    def delivered(self) -> list[Answer]:
        """What the drains accepted."""
        return [answer for answer in self.answers if answer.delivered]

    @property
    def dropped(self) -> list[Answer]:
        """What was given up. A drain that timed out may yet have stored it."""
        return [answer for answer in self.answers if not answer.delivered]

    @property
    def l10_lines(self) -> list[Line]:
        """The lines beside the batches' own that the drains accepted."""
        return [answer.l10 for answer in self.delivered if answer.l10]


class Logplex:
    """Several nodes, each a thread with one request in flight, so POSTs overlap and arrive in any order.

    What a drain lost is told in a later batch of that drain, over several calls of `drain` too.
    """

    def __init__(
        self,
        connections: int = 4,
        *,
        wording: Wording = Wording.NEW,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        """Make a Logplex of so many nodes; ValueError when there is none."""
        if connections < 1:
            raise ValueError(f"connections is {connections}: nothing would be sent, so give 1 or more")
        self._connections = connections
        self._wording = wording
        self._timeouts = connect_timeout_s, answer_timeout_s
        self._accounts: dict[str, LossAccount] = {}
        self._opening = threading.Lock()
        self._telling = threading.Lock()

    def drain(self, shipments: Iterable[_Shipment], on_delivered: _OnDelivered = lambda *_: None) -> Report:
        """Send each batch to its drain URL and return when all are delivered or dropped.

        `shipments` is read as nodes become free. `on_delivered` is called in a node's thread, one call at a time.
        What either raises ends the draining and is raised here.
        """
        began = monotonic()
        shared = _Shared(shipments)
        with ThreadPoolExecutor(self._connections, "logplex") as pool:
            nodes = [pool.submit(self._run_node, shared, on_delivered) for _ in range(self._connections)]
            try:
                answers = [answer for node in as_completed(nodes) for answer in node.result()]
            finally:
                shared.close()
        untold = sum(account.untold_lines for account in self._accounts.values())
        return Report(answers, monotonic() - began, untold)

    def _run_node(self, shipments: Iterable[_Shipment], on_delivered: _OnDelivered) -> list[Answer]:
        answers = []
        connections: dict[str, DrainConnection] = {}
        with ExitStack() as stack:
            for url, batch in shipments:
                host = urlsplit(url).netloc
                if host not in connections:
                    connections[host] = stack.enter_context(DrainConnection(url, *self._timeouts))
                answer = self._send(connections[host], url, batch)
                answers.append(answer)
                if answer.delivered:
                    with self._telling:
                        on_delivered(batch, answer)
        return answers

    def _send(self, connection: DrainConnection, url: str, batch: Batch) -> Answer:
        """Try a batch until it is delivered, refused or out of tries, with no pause between the tries."""
        with self._opening:
            account = self._accounts.setdefault(url, LossAccount())
        began = monotonic()
        loss = None
        for tries in range(1, TRIES + 1):
            now = _now(batch, monotonic() - began)
            # Told anew in each try, with what was lost in the meantime.
            account.add(loss)
            loss = account.take()
            l10 = l10_line(batch.app, loss, now, self._wording) if loss else None
            answer = _try(connection, url, batch, tries, now, l10)
            if answer.final:
                break
        if not answer.delivered:
            account.add(loss)
            account.add(Loss(batch.lines, now))
        return answer


def post(
    url: str,
    body: bytes,
    frame_id: str | None = None,
    arrival: datetime | None = None,
    *,
    app: str = "app",
    lines: int = 1,
) -> int:
    """Post one raw body, once, over a connection of its own, and give the status of the answer.

    `arrival` is as in Batch; `app` and `lines` only go into the headers. OSError (TimeoutError among them) or
    http.client.HTTPException when no answer comes.
    """
    batch = Batch(app, body, lines, frame_id, arrival)
    with DrainConnection(url) as connection:
        return connection.post(url, body, _headers(batch, lines, _now(batch, 0)))


def _try(connection: DrainConnection, url: str, batch: Batch, tries: int, now: datetime, l10: Line | None) -> Answer:
    body, messages = (frame(l10) + batch.body, batch.lines + 1) if l10 else (batch.body, batch.lines)
    status: int | None = None
    fault: Literal["", "time-out", "connection"] = ""
    began = monotonic()
    try:
        status = connection.post(url, body, _headers(batch, messages, now))
    except TimeoutError:
        fault = "time-out"
    except NO_ANSWER:
        fault = "connection"
    seconds = monotonic() - began
    return Answer(batch.app, batch.frame_id, batch.lines, l10, len(body), tries, status, fault, seconds)


def _now(batch: Batch, elapsed_s: float) -> datetime:
    """Give the time of a try, begun `elapsed_s` after the batch's first one: in its simulated time if it has one."""
    return batch.arrival + timedelta(seconds=elapsed_s) if batch.arrival else datetime.now(UTC)


def _headers(batch: Batch, messages: int, now: datetime) -> dict[str, str]:
    headers = {
        "Content-Type": "application/logplex-1",
        "Logplex-Msg-Count": str(messages),
        "Logplex-Drain-Token": drain_token(batch.app),
        "User-Agent": "Logplex/v72",
    }
    if batch.frame_id is not None:
        headers["Logplex-Frame-Id"] = batch.frame_id
    if batch.arrival:
        headers[ARRIVAL_HEADER] = str(int(now.timestamp() * 1000))
    return headers


class _Shared(Iterator[_Shipment]):
    """Shipments that several threads take from, each once, until it is closed."""

    def __init__(self, shipments: Iterable[_Shipment]) -> None:
        self._shipments = iter(shipments)
        self._lock = threading.Lock()
        self._closed = False

    def __next__(self) -> _Shipment:
        with self._lock:
            if self._closed:
                raise StopIteration
            return next(self._shipments)

    def close(self) -> None:
        # Without the lock, which a thread may hold that waits for a shipment.
        self._closed = True
