"""A stand-in for Logplex: sends batches to drains concurrently, retries them, drops them and reports what it dropped.

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

from local.aws.gateway import ARRIVAL_HEADER
from local.logplex.batches import Batch
from local.logplex.drain_connection import NO_RESPONSE, RESPONSE_TIMEOUT_S, DrainConnection
from local.logplex.losses import Loss, UnreportedLoss, drain_name, l10_line
from local.traffic.lines import Line, frame

TRIES = 3

# A drain URL, and a batch for it.
_Shipment = tuple[str, Batch]
_OnDelivered = Callable[[Batch, "Outcome"], object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the last try of a batch ended: with a status, or with a fault and no status.

    `l10` is the line before the batch's own lines that reported earlier losses. `body_bytes` and `seconds` are those of
    the last try.
    """

    batch: Batch
    l10: Line | None
    body_bytes: int
    tries: int
    status: int | None
    fault: Literal["", "timeout", "connection"]
    seconds: float

    @property
    def delivered(self) -> bool:
        """Whether the drain accepted the batch."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def final(self) -> bool:
        """Whether Logplex does not retry: the drain accepted the batch, or refused it with a 4xx other than 429."""
        return self.delivered or (self.status is not None and 400 <= self.status < 500 and self.status != 429)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of one `drain`. `unreported` lines are lost, and no drain has been told yet."""

    outcomes: Sequence[Outcome]
    seconds: float
    unreported: int

    @property
    def lines(self) -> int:
        """The number of lines of all batches, delivered or not."""
        return sum(outcome.batch.lines for outcome in self.outcomes)

    @property
    def bytes(self) -> int:
        """The size of all bodies, each counted once, as in its last try."""
        return sum(outcome.body_bytes for outcome in self.outcomes)

    @property
    def tries(self) -> int:
        """The number of POSTs."""
        return sum(outcome.tries for outcome in self.outcomes)

    @property
    def delivered(self) -> list[Outcome]:
        """The batches that the drains accepted."""
        return [outcome for outcome in self.outcomes if outcome.delivered]

    @property
    def dropped(self) -> list[Outcome]:
        """The batches that Logplex gave up. A drain that timed out may still have stored one."""
        return [outcome for outcome in self.outcomes if not outcome.delivered]

    @property
    def l10_lines(self) -> list[Line]:
        """The lines that Logplex added and the drains accepted."""
        return [outcome.l10 for outcome in self.delivered if outcome.l10]


class Logplex:
    """Several nodes, each a thread with one request in flight, so POSTs overlap and arrive in any order.

    A later batch of a drain reports what the drain lost, also in a later call of `drain`.
    """

    def __init__(self, connections: int = 4, *, response_timeout_s: float = RESPONSE_TIMEOUT_S) -> None:
        """Make a Logplex with this number of nodes; ValueError for less than one."""
        if connections < 1:
            raise ValueError(f"connections is {connections}: give 1 or more")
        self._connections = connections
        self._response_timeout_s = response_timeout_s
        self._losses: dict[str, UnreportedLoss] = {}
        self._lock = threading.Lock()

    def drain(self, shipments: Iterable[_Shipment], on_delivered: _OnDelivered = lambda *_: None) -> Report:
        """Send each batch to its drain URL and return when all are delivered or dropped.

        Nodes read `shipments` as they become free, and call `on_delivered` one call at a time. An exception of either
        stops all nodes and is raised here.
        """
        began = monotonic()
        shared = _Shared(shipments)
        with ThreadPoolExecutor(self._connections, "logplex") as pool:
            nodes = [pool.submit(self._run_node, shared, on_delivered) for _ in range(self._connections)]
            try:
                outcomes = [outcome for node in as_completed(nodes) for outcome in node.result()]
            finally:
                shared.close()
        return Report(outcomes, monotonic() - began, sum(loss.lines for loss in self._losses.values()))

    def _run_node(self, shipments: Iterable[_Shipment], on_delivered: _OnDelivered) -> list[Outcome]:
        outcomes = []
        connections: dict[str, DrainConnection] = {}
        with ExitStack() as stack:
            for url, batch in shipments:
                host = urlsplit(url).netloc
                if host not in connections:
                    connections[host] = stack.enter_context(DrainConnection(url, self._response_timeout_s))
                outcome = self._send(connections[host], url, batch)
                outcomes.append(outcome)
                if outcome.delivered:
                    with self._lock:
                        on_delivered(batch, outcome)
        return outcomes

    def _send(self, connection: DrainConnection, url: str, batch: Batch) -> Outcome:
        """Try a batch until it is delivered, refused or out of tries, without a pause between the tries."""
        with self._lock:
            unreported = self._losses.setdefault(url, UnreportedLoss())
        began = monotonic()
        loss = None
        for tries in range(1, TRIES + 1):
            now = _now(batch, monotonic() - began)
            # Rendered again for each try, with the losses since the last one.
            unreported.add(loss)
            loss = unreported.take()
            l10 = l10_line(batch.app, drain_name(url), loss, now) if loss else None
            outcome = _try(connection, url, batch, tries, now, l10)
            if outcome.final:
                break
        if not outcome.delivered:
            unreported.add(loss)
            unreported.add(Loss(batch.lines, now))
        return outcome


def post(url: str, body: bytes, frame_id: str | None = None, arrival: datetime | None = None) -> int:
    """Post one body, once, over its own connection, and give the status of the response; `arrival` is as in Batch.

    OSError (such as TimeoutError) or http.client.HTTPException if there is no response.
    """
    batch = Batch("app", body, 1, frame_id, arrival)
    with DrainConnection(url) as connection:
        return connection.post(url, body, _headers(url, batch, batch.lines, _now(batch, 0)))


def _try(connection: DrainConnection, url: str, batch: Batch, tries: int, now: datetime, l10: Line | None) -> Outcome:
    body, messages = (frame(l10) + batch.body, batch.lines + 1) if l10 else (batch.body, batch.lines)
    status: int | None = None
    fault: Literal["", "timeout", "connection"] = ""
    began = monotonic()
    try:
        status = connection.post(url, body, _headers(url, batch, messages, now))
    except NO_RESPONSE as error:
        fault = "timeout" if isinstance(error, TimeoutError) else "connection"
    return Outcome(batch, l10, len(body), tries, status, fault, monotonic() - began)


def _now(batch: Batch, elapsed_s: float) -> datetime:
    """Give the time of a try, `elapsed_s` after the first try of the batch: in simulated time if it has one."""
    return batch.arrival + timedelta(seconds=elapsed_s) if batch.arrival else datetime.now(UTC)


def _headers(url: str, batch: Batch, messages: int, now: datetime) -> dict[str, str]:
    headers = {
        "Content-Type": "application/logplex-1",
        "Logplex-Msg-Count": str(messages),
        "Logplex-Drain-Token": drain_name(url),
        "User-Agent": "Logplex/v72",
    }
    if batch.frame_id is not None:
        headers["Logplex-Frame-Id"] = batch.frame_id
    if batch.arrival:
        headers[ARRIVAL_HEADER] = str(int(now.timestamp() * 1000))
    return headers


class _Shared(Iterator[_Shipment]):
    """Shipments for several threads: each is taken once, until this is closed."""

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
        # Without the lock: a thread may hold it while it waits for a shipment.
        self._closed = True
