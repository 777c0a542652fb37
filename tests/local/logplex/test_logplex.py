"""The Logplex stand-in keeps the real one's rules: batching, headers, time-outs, tries, drops and L10 lines."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from local.logplex import nodes
from local.logplex.batches import TARGET_BYTES, Batch, batches
from local.logplex.drain_connection import DrainConnection
from local.logplex.losses import Loss, UnreportedLoss, drain_name, l10_line
from local.logplex.nodes import Logplex, Outcome, post
from local.traffic.facts import LossReport
from local.traffic.lines import Line, frame
from local.traffic.week import generate
from tests.support.logplex_frames import record

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LINES = generate(["raxx-api-prod"], NOON, 3000)
LOST_AT = "2026-11-24T11:59:58.250000+00:00"
LIMIT_S = 0.25  # for a response that never comes
AMPLE_S = 10.0  # for one that does


@dataclass
class Received:
    target: str
    headers: Message
    body: bytes
    client: object


@dataclass
class Drain:
    """A drain that does to each POST what its script says: a status, or a way not to respond; after its end, 200."""

    server: ThreadingHTTPServer
    script: list[int | str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    meeting: threading.Barrier | None = None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/prod/drain?app=raxx-api-prod&token=s3cret"


@pytest.fixture
def drain() -> Iterator[Drain]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stand_in.received.append(Received(self.path, self.headers, body, self.client_address))
            if stand_in.meeting:
                stand_in.meeting.wait(AMPLE_S)
            match stand_in.script.pop(0) if stand_in.script else 200:
                case int(status):
                    self.send_response_only(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                case "hang":
                    stand_in.over.wait(AMPLE_S)
                    self.close_connection = True
                case "trickle":
                    self.trickle()
                case _:
                    self.reset()

        def trickle(self) -> None:
            self.send_response_only(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            with suppress(OSError):
                while not stand_in.over.wait(LIMIT_S / 5):
                    self.wfile.write(b".")
            self.close_connection = True

        def reset(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        stand_in = Drain(server)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield stand_in
        stand_in.over.set()
        server.shutdown()
        thread.join()


def some_batches(number: int) -> list[Batch]:
    return batches(LINES, mean_lines=5)[:number]


def messages(body: bytes) -> list[bytes]:
    found = []
    while body:
        size, _, rest = body.partition(b" ")
        found.append(rest[: int(size)])
        body = rest[int(size) :]
    return found


def send(drain: Drain, shipped: list[Batch], response_timeout_s: float = AMPLE_S) -> nodes.Report:
    return Logplex(1, response_timeout_s=response_timeout_s).drain((drain.url, batch) for batch in shipped)


# ---------------------------------------------------------------- batches


def test_batches_hold_each_line_once_and_in_order() -> None:
    cut = batches(LINES)
    assert b"".join(batch.body for batch in cut) == b"".join(map(frame, LINES))
    assert [batch.lines for batch in cut] == [len(messages(batch.body)) for batch in cut]
    assert batches([]) == []


def test_a_batch_arrives_less_than_a_second_after_its_last_line() -> None:
    end = 0
    for batch in batches(LINES):
        end += batch.lines
        assert batch.arrival
        assert timedelta(0) < batch.arrival - LINES[end - 1].time < timedelta(seconds=1)


def test_no_line_waits_longer_than_an_hour_for_its_batch() -> None:
    sparse = LINES[::40]
    assert len(batches(sparse)) > len(sparse) / 8
    ends = iter(sparse)
    for batch in batches(sparse):
        held = [next(ends) for _ in range(batch.lines)]
        assert held[-1].time - held[0].time <= timedelta(hours=1)


def test_many_batches_are_small_and_some_reach_the_target_and_end_there() -> None:
    lines = generate(["raxx-api-prod"], NOON, 30_000)
    cut = batches(lines)
    full = [batch for batch in cut if len(batch.body) >= TARGET_BYTES]
    assert full
    assert all(len(batch.body) - len(messages(batch.body)[-1]) < TARGET_BYTES + len(b"9999 ") for batch in full)
    assert sum(batch.lines < 20 for batch in cut) > len(cut) / 3
    assert 40 < len(lines) / len(cut) < 75


def test_the_mean_can_be_chosen() -> None:
    busy = generate(["raxx-api-prod"], NOON, 30_000)
    assert 4 < len(busy) / len(batches(busy, mean_lines=5)) < 6


def test_equal_seeds_cut_equally_and_frame_ids_are_32_upper_case_hexadecimal_digits_all_different() -> None:
    cut = batches(LINES)
    assert cut == batches(LINES) != batches(LINES, seed=1)
    ids = {batch.frame_id or "" for batch in cut}
    assert len(ids) == len(cut)
    assert all(len(frame_id) == 32 and set(frame_id) <= set("0123456789ABCDEF") for frame_id in ids)


def test_lines_of_two_apps_or_a_mean_below_one_are_clear_errors() -> None:
    with pytest.raises(ValueError, match="a drain has one app"):
        batches([*LINES, Line("velvet", NOON, 190, "app", "web.1", b"")])
    with pytest.raises(ValueError, match="give 1 or more"):
        batches(LINES, mean_lines=0)


# ---------------------------------------------------------------- a POST


def test_a_post_has_the_headers_of_logplex_and_the_whole_query_of_the_url(drain: Drain) -> None:
    [batch] = some_batches(1)
    send(drain, [batch])
    [received] = drain.received
    assert received.target == "/prod/drain?app=raxx-api-prod&token=s3cret"
    assert received.body == batch.body
    assert batch.arrival
    assert dict(received.headers) == {
        "Host": drain.url.split("/")[2],
        "Content-Type": "application/logplex-1",
        "Logplex-Msg-Count": str(batch.lines),
        "Logplex-Frame-Id": batch.frame_id,
        "Logplex-Drain-Token": drain_name(drain.url),
        "User-Agent": "Logplex/v72",
        "Content-Length": str(len(batch.body)),
        "X-Local-Arrival-Ms": str(int(batch.arrival.timestamp() * 1000)),
    }


def test_a_private_space_sends_no_frame_id_and_only_simulated_batches_say_when_they_arrive(drain: Drain) -> None:
    send(drain, [Batch("raxx-api-prod", b"what is this", 1, frame_id=None)])
    [received] = drain.received
    assert "Logplex-Frame-Id" not in received.headers
    assert "X-Local-Arrival-Ms" not in received.headers


def test_a_node_keeps_its_connection(drain: Drain) -> None:
    send(drain, some_batches(5))
    assert len({received.client for received in drain.received}) == 1


def test_each_node_has_one_request_in_flight_and_all_overlap(drain: Drain) -> None:
    """Were fewer than three in flight at once, the meeting would break; were there more, it would not be even."""
    drain.meeting = threading.Barrier(3)
    report = Logplex(3, response_timeout_s=AMPLE_S).drain((drain.url, batch) for batch in some_batches(9))
    assert (len(report.outcomes), report.tries, len(report.delivered)) == (9, 9, 9)
    assert len({received.client for received in drain.received}) == 3


def test_post_gives_the_status_of_one_try_and_raises_when_there_is_no_answer(drain: Drain) -> None:
    drain.script = [503, "reset"]
    assert post(drain.url, b"hello", "F" * 32, NOON) == 503
    assert drain.received[0].headers["X-Local-Arrival-Ms"] == "1795521600000"
    with pytest.raises(ConnectionResetError):
        post(drain.url, b"hello")


@pytest.mark.parametrize("url", ["https://127.0.0.1/drain?token=s3cret", "/drain?token=s3cret"])
def test_another_url_than_plain_http_is_a_clear_error_that_keeps_the_token_secret(url: str) -> None:
    with pytest.raises(ValueError, match="must be http://") as raised:
        post(url, b"")
    assert "s3cret" not in str(raised.value)


# ---------------------------------------------------------------- tries


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_delivers(drain: Drain, status: int) -> None:
    drain.script = [status]
    report = send(drain, some_batches(1))
    assert [(outcome.status, outcome.tries) for outcome in report.delivered] == [(status, 1)]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 499])
def test_a_4xx_drops_the_batch_at_once(drain: Drain, status: int) -> None:
    drain.script = [status]
    report = send(drain, some_batches(1))
    assert [(outcome.status, outcome.tries) for outcome in report.dropped] == [(status, 1)]


@pytest.mark.parametrize("problem", [429, 302, 500, 503, "reset", "hang", "trickle"])
def test_other_problems_are_tried_again_with_the_same_frame_id(drain: Drain, problem: int | str) -> None:
    drain.script = [problem]
    [batch] = some_batches(1)
    report = send(drain, [batch], response_timeout_s=LIMIT_S if problem in {"hang", "trickle"} else AMPLE_S)
    assert [(outcome.status, outcome.tries) for outcome in report.delivered] == [(200, 2)]
    assert [received.headers["Logplex-Frame-Id"] for received in drain.received] == [batch.frame_id] * 2
    assert report.seconds < AMPLE_S / 2


@pytest.mark.parametrize(
    ("problem", "status", "fault"),
    [(500, 500, ""), (429, 429, ""), ("reset", None, "connection"), ("trickle", None, "timeout")],
)
def test_after_three_tries_a_batch_is_dropped(drain: Drain, problem: int | str, status: int | None, fault: str) -> None:
    drain.script = [problem] * 3
    report = send(drain, some_batches(1), response_timeout_s=LIMIT_S if problem == "trickle" else AMPLE_S)
    [outcome] = report.dropped
    assert (outcome.tries, outcome.status, outcome.fault) == (3, status, fault)
    assert len(drain.received) == 3


def test_the_time_limit_is_for_the_whole_answer_however_often_a_byte_comes(drain: Drain) -> None:
    drain.script = ["trickle"]
    with pytest.raises(TimeoutError), DrainConnection(drain.url, response_timeout_s=LIMIT_S) as connection:
        connection.post(drain.url, b"hello", {})


def test_a_drain_that_cannot_be_reached_is_tried_three_times() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/drain"
        [outcome] = Logplex(1).drain((url, batch) for batch in some_batches(1)).dropped
    assert (outcome.tries, outcome.status, outcome.fault) == (3, None, "connection")


# ---------------------------------------------------------------- losses


def test_what_was_dropped_is_told_once_by_a_leading_l10_frame_of_the_next_batch(drain: Drain) -> None:
    drain.script = [401, 401]
    first, second, third, fourth = some_batches(4)
    report = send(drain, [first, second, third, fourth])
    telling, quiet = drain.received[2:]
    l10, *others = messages(telling.body)
    assert l10.startswith(b"<172>1 ")
    assert b" host heroku logplex - Error L10 (output buffer overflow): " in l10
    assert b" dropped %d messages since " % (first.lines + second.lines) in l10
    assert others == messages(third.body)
    assert telling.headers["Logplex-Msg-Count"] == str(third.lines + 1)
    assert quiet.body == fourth.body
    assert [frame(line) for line in report.l10_lines] == [telling.body.removesuffix(third.body)]
    assert report.unreported == 0


def test_an_l10_line_names_the_drain_and_has_whole_seconds_and_no_newline() -> None:
    loss = Loss(7, datetime.fromisoformat(LOST_AT))
    line = l10_line("api", "d.x", loss, NOON.replace(microsecond=9))
    text = f"Error L10 (output buffer overflow): drain 'd.x' dropped 7 messages since {LOST_AT}."
    assert line == Line("api", NOON, 172, "heroku", "logplex", text.encode(), line.facts)
    assert isinstance(line.facts, LossReport)
    assert line.facts.lines == 7
    assert record(frame(line).partition(b" ")[2])


def test_each_try_renders_the_l10_frame_anew_at_its_own_time(drain: Drain, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count(step=60)
    monkeypatch.setattr(nodes, "monotonic", lambda: float(next(seconds)))
    drain.script = [401, 500]
    lost, told = some_batches(2)
    send(drain, [lost, told])
    first, second = drain.received[1:]
    assert first.headers["Logplex-Frame-Id"] == second.headers["Logplex-Frame-Id"] == told.frame_id
    assert messages(first.body)[1:] == messages(second.body)[1:]
    assert messages(first.body)[0] != messages(second.body)[0]
    assert first.headers["X-Local-Arrival-Ms"] < second.headers["X-Local-Arrival-Ms"]


def test_a_loss_that_a_dropped_batch_was_to_tell_is_told_by_a_later_one(drain: Drain) -> None:
    drain.script = [401, 401]
    shipped = some_batches(3)
    node = Logplex(1, response_timeout_s=AMPLE_S)
    lost = node.drain((drain.url, batch) for batch in shipped[:2])
    assert lost.unreported == shipped[0].lines + shipped[1].lines
    report = node.drain([(drain.url, shipped[2])])
    assert b" dropped %d messages" % lost.unreported in messages(drain.received[2].body)[0]
    assert report.unreported == 0


def test_a_loss_is_told_to_the_drain_that_has_it(drain: Drain) -> None:
    drain.script = [401]
    lost, other = some_batches(2)
    report = Logplex(1).drain([(drain.url, lost), (f"{drain.url}2", other)])
    assert drain.received[1].body == other.body
    assert report.unreported == lost.lines


def test_a_loss_taken_by_one_batch_is_not_told_by_another() -> None:
    account = UnreportedLoss()
    account.add(Loss(2, NOON))
    account.add(Loss(3, NOON - timedelta(seconds=1)))
    assert account.take() == Loss(5, NOON - timedelta(seconds=1))
    assert account.take() is None
    account.add(None)
    assert account.lines == 0


# ---------------------------------------------------------------- a drain's report


def test_the_report_counts_batches_lines_bytes_and_tries(drain: Drain) -> None:
    drain.script = [500, 200, 404]
    shipped = some_batches(2)
    report = send(drain, shipped)
    assert (len(report.outcomes), report.tries, report.lines) == (2, 3, sum(batch.lines for batch in shipped))
    assert report.bytes == sum(len(batch.body) for batch in shipped)
    assert [outcome.batch.frame_id for outcome in report.delivered] == [shipped[0].frame_id]
    assert [(outcome.batch.frame_id, outcome.status) for outcome in report.dropped] == [(shipped[1].frame_id, 404)]
    assert "s3cret" not in repr(report)


def test_only_deliveries_are_called_back(drain: Drain) -> None:
    drain.script = [404]
    shipped = some_batches(3)
    delivered: list[tuple[Batch, Outcome]] = []
    Logplex(1).drain(((drain.url, batch) for batch in shipped), lambda *delivery: delivered.append(delivery))
    assert [batch for batch, _ in delivered] == shipped[1:]
    assert all(outcome.delivered for _, outcome in delivered)


def test_an_error_of_the_callback_ends_the_draining_of_all_nodes(drain: Drain) -> None:
    calls = count()

    def fail_once(_: Batch, __: Outcome) -> None:
        if next(calls) == 0:
            raise LookupError("from the callback")

    shipments = ((drain.url, batch) for batch in some_batches(1) * 3000)
    with pytest.raises(LookupError, match="from the callback"):
        Logplex(2).drain(shipments, fail_once)
    assert len(drain.received) < 3000


def test_an_error_of_the_shipments_is_raised(drain: Drain) -> None:
    def shipments() -> Iterator[tuple[str, Batch]]:
        yield drain.url, some_batches(1)[0]
        raise LookupError("from the shipments")

    with pytest.raises(LookupError, match="from the shipments"):
        Logplex(2).drain(shipments())


def test_a_logplex_without_nodes_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="give 1 or more"):
        Logplex(0)
