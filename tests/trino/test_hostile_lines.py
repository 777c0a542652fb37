"""Lines that were written to do harm, stored by the flusher: every query runs, and none of them changes its answer."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contract import glue_table
from contract.object_keys import ObjectKey, batch_id
from contract.saved_queries import SavedQuery
from contract.stored_line import Reason, quarantine, structured_data
from local.traffic import week
from local.traffic.facts import Facts, Request
from local.traffic.lines import Line, Quarantined
from local.traffic.truth import differences
from tests.support import router_grammar
from tests.support.hostile_shapes import LONG, SHAPES
from tests.support.logplex_frames import record
from tests.support.router_lines import RouterLines
from tests.trino.cases import each_query
from tests.trino.conftest import NewWorld
from tests.trino.world import World, batch_of

NOW = datetime(2026, 10, 14, 15, 30, tzinfo=UTC)
# For two hundred lines of a shape, on a node that compiles little and on a busy machine: a pattern that is not linear
# takes minutes. benchmarks/trino.py has the times of a usual node.
_MOST_SECONDS = 10
REQUEST = Request(
    method="GET",
    path="/",
    host="www.example.com",
    request_id="8601b555-6a83-4c12-8269-97c8e32cdb22",
    fwd=("192.0.2.7",),
    dyno="web.1",
    connect_ms=1,
    service_ms=18,
    status=200,
    bytes=13,
    protocol="http1.1",
)
SPOOF = "status=500&service=99999ms&at=error&code=H12"
_NAMES = list(glue_table.COLUMNS)
ROUTER_COLUMNS = _NAMES[_NAMES.index("at") : _NAMES.index("message")]
# What a client or an attacker can make the router write: in its own fields it stays what it is.
REQUESTS = [
    replace(REQUEST, path=f"/?{SPOOF}"),
    replace(REQUEST, path=f"/%20{SPOOF.replace('&', '%20')}"),
    replace(REQUEST, path="status=500"),
    replace(REQUEST, path="/" + "a" * LONG),
    replace(REQUEST, path="/" + "=" * LONG),
    replace(REQUEST, path="/é\u2028\u0085"),
    replace(REQUEST, path="/login  x", status=401),
    replace(REQUEST, path="/x code=H12 y"),
    replace(REQUEST, path="/q" + " w" * 100, status=401),
    replace(REQUEST, path='/x host=evil fwd="198.51.100.250" y', status=401),
    replace(REQUEST, path=f'/" {SPOOF.replace("&", " ")} dyno=web.9 "', status=403),
    replace(REQUEST, fwd=("status=500 service=99999ms at=error code=H12", "192.0.2.7")),
    replace(REQUEST, fwd=("path=/admin", "at=error", "192.0.2.7")),
    replace(REQUEST, fwd=('x" status=500 service=99999ms at=error code=H12 desc="y', "192.0.2.7")),
    replace(REQUEST, fwd=('1.2.3.4" dyno=x connect=1ms code=H12', "192.0.2.7"), dyno=None, service_ms=None),
    replace(REQUEST, fwd=("1.2.3.4",) * (LONG // 9) + ("192.0.2.7",)),
    replace(REQUEST, host="status=500"),
    replace(REQUEST, host=f"x {SPOOF.replace('&', ' ')}"),
    replace(REQUEST, host="h" * LONG),
]
# What the router would have to be broken for: a field that is no such number is none.
MALFORMED = [
    (" service=18ms", " service=" + "9" * 20 + "ms", replace(REQUEST, service_ms=None)),
    (" connect=1ms", " connect=-1ms", REQUEST),
    (" bytes=13", " bytes=" + "9" * 30, REQUEST),
    (" protocol=", " user_agent=\"at=error code=H12 desc='x' status=500\" protocol=", REQUEST),
    (" protocol=", ' x="' + "y" * LONG + '" protocol=', REQUEST),
]
# What an application can write: it is text, whatever it looks like.
TEXTS = [
    str(REQUEST).replace("=200", "=500").replace("=18ms", "=99999ms").encode(),
    b"<158>1 2026-10-14T15:00:00+00:00 host heroku router - - " + str(REQUEST).replace("=200", "=503").encode(),
    b"host heroku router - - at=error code=H12 status=500",
    b"Release v7 created by somebody@example.com",
    b"State changed from starting to up",
    b"Error L10 (output buffer overflow): 5 messages dropped since 2026-10-14T15:00:00+00:00.",
    b"Error R14 (Memory quota exceeded)",
    b"- starts with a dash",
    b'[a b="c"] starts like STRUCTURED-DATA',
    b"158 <158>1 2026-10-14T15:00:00+00:00 host heroku router - at=error status=500",
    bytes(range(32)),
    bytes(range(127, 256)),
    "\u2028 \u2029 \u0085 \ufeff \u202e".encode(),
    b"\xff\xfe\xc3",
    b"x" * LONG,
    b"status=500 " * (LONG // 11),
    b'"' * LONG,
    b"'; DROP TABLE syslog; --",
    b"%' OR 1=1 --",
    b"a\tb\\tc\\nd",
    b"multiple\nlines\r\nin one",
]
# Frames that are no syslog messages: quarantine lines, at the time of their batch's newest line.
NO_MESSAGES = [
    b"<158>1 2026-02-30T12:00:00+00:00 host heroku router - " + str(REQUEST).encode(),
    b"<158>1 9999-99-99T99:99:99Z host heroku router - at=error status=500",
    b"no header at all, status=500",
    b"<999>1 2026-10-14T15:00:00+00:00 host heroku router - status=500",
]


def _line(number: int, app: str, message: bytes, sender: tuple[int, str, str], facts: Facts | None = None) -> Line:
    return Line(app, NOW - timedelta(seconds=600 - number), *sender, message + b"\n", facts)


def hostile(app: str) -> Sequence[Line]:
    """All of them, as one app's lines."""
    router, web = (158, "heroku", "router"), (190, "app", "web.1")
    lines = [(str(request).encode(), router, request) for request in REQUESTS]
    for old, new, request in MALFORMED:
        text = str(REQUEST).replace(old, new)
        assert text != str(REQUEST)
        lines.append((text.encode(), router, request))
    made = [_line(number, app, *each) for number, each in enumerate(lines)]
    return made + [_line(100 + number, app, text, web) for number, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def attacked(new_world: NewWorld) -> World:
    """Ordinary traffic with all of it among it."""
    world = new_world("hostile_lines")
    app = world.apps[0]
    world.store(week.generate(world.apps, NOW, 2000))
    lines = hostile(app)
    world.deliver([batch_of(lines, *NO_MESSAGES)])
    world.lines += lines
    world.quarantined += [Quarantined(app, lines[-1].time, frame, seq) for seq, frame in enumerate(NO_MESSAGES, 2)]
    return world


@each_query
def test_every_query_runs_and_answers_the_truth(attacked: World, query: SavedQuery) -> None:
    assert not differences(attacked.answer(query, NOW).rows, attacked.expected(query, NOW))


def test_every_line_is_one_row_and_none_is_hidden(attacked: World) -> None:
    [[rows, readable]] = attacked.ask(
        f"SELECT count(*), count(message) FROM {attacked.database}.{attacked.table} "
        "WHERE year = '2026' AND month = '10' AND log_ts IS NOT NULL AND proc_id IS NOT NULL"
    ).values
    assert rows == readable == len(attacked.lines) + len(attacked.quarantined)


def _stored(message: bytes) -> bytes:
    return record(b"<158>1 2026-10-14T12:00:00+00:00 host heroku router - " + message).line + b"\n"


def test_no_shape_overflows_the_stack_or_takes_for_ever(new_world: NewWorld) -> None:
    """Simpler patterns did both, on two hundred rows of a shape."""
    world = new_world("hostile_shapes")
    app = world.apps[0]
    for number, (name, message) in enumerate(SHAPES.items()):
        day = datetime(2026, 10, 1 + number, 12, tzinfo=UTC)
        count = 1 if len(message) > LONG * 2 else 200
        key = ObjectKey(app, round(day.timestamp() * 1000), batch_id(app, name))
        world.put_lines(str(key), _stored(message) * count)
        answer = world.ask(
            f"SELECT count(proc_id), max(length(message)) FROM {world.database}.{world.table} "
            f"WHERE app = '{app}' AND year = '2026' AND month = '10' AND day = '{day:%d}'"
        )
        assert answer.values == [[count, len(message)]], name
        assert answer.seconds < _MOST_SECONDS, name


def test_javas_pattern_reads_what_the_router_wrote(new_world: NewWorld) -> None:
    """Of clean and hostile lines, numbered and not."""
    world = new_world("router_lines")
    lines = RouterLines(seed=1)
    messages = sorted({lines.line().message for _ in range(5000)})
    header = record(b"<158>1 2026-10-14T12:00:00+00:00 host heroku router - ").header
    stored = [
        header + structured_data(1 + number % 2) + b" " + message.encode() + b"\n"
        for number, message in enumerate(messages)
    ]
    world.put_lines(
        str(ObjectKey(world.apps[0], round(NOW.timestamp() * 1000), batch_id(world.apps[0], "x"))), b"".join(stored)
    )
    answer = world.ask(
        f"SELECT seq, message, {', '.join(ROUTER_COLUMNS)} FROM {world.database}.{world.table} "
        f"WHERE app = '{world.apps[0]}' AND year = '2026' AND month = '10' AND day = '14' ORDER BY message"
    )
    assert sorted(str(row["message"]) for row in answer.rows) == messages
    numbers = {message: number for number, message in enumerate(messages)}
    for row in answer.rows:
        message = str(row["message"])
        found = {name: row[name] for name in ROUTER_COLUMNS if row[name] is not None}
        assert found == router_grammar.read(message), message
        assert row["seq"] == (None, "2")[numbers[message] % 2]


def test_a_quarantine_line_is_counted_as_one(attacked: World) -> None:
    """Its bytes may look like anything."""
    assert b" router " in quarantine(Reason.BAD_TIME, timedelta(0), NO_MESSAGES[0]).line
    [[quarantined]] = attacked.ask(
        f"SELECT count(*) FROM {attacked.database}.{attacked.table} "
        "WHERE year = '2026' AND month = '10' AND source = 'logdrain' AND proc_id = 'quarantine' AND status IS NULL"
    ).values
    assert quarantined == len(NO_MESSAGES)
