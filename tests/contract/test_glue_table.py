"""Each stored line is a row: the router's own fields in columns, and nothing that a stranger wrote among them."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import glue_table
from contract.object_keys import projection
from contract.stored_line import Reason, quarantine, structured_data
from tests.support.logplex_frames import NOON_MS, record

# As Hive's SerDe compiles it.
ROW = re.compile(glue_table.ROW_PATTERN, re.DOTALL | re.ASCII)
HEADER_COLUMNS = ("pri", "log_ts", "seq", "host", "source", "proc_id", "msgid")
ROUTER_COLUMNS = tuple(name for name in glue_table.COLUMNS if name not in (*HEADER_COLUMNS, "message"))
TIME = "2026-11-24T12:00:00.123456+00:00"

ROUTER = (
    'at=info method=GET path="/api/auth?next=/" host=raxx.example request_id=8601b555-6a83-4c12-8269-97c8e32cdb22 '
    'fwd="203.0.113.7" dyno=web.1 connect=1ms service=18ms status=200 bytes=13 protocol=https'
)
ROUTER_ROW = {
    "at": "info",
    "method": "GET",
    "path": "/api/auth?next=/",
    "request_id": "8601b555-6a83-4c12-8269-97c8e32cdb22",
    "fwd": "203.0.113.7",
    "fwd_ip": "203.0.113.7",
    "dyno": "web.1",
    "connect_ms": "1",
    "service_ms": "18",
    "status": "200",
    "bytes": "13",
}


def row(line: str) -> dict[str, str | None]:
    """Columns of a line that have a value; the SerDe gives a row only where the pattern matches all of the line."""
    match = ROW.fullmatch(line)
    assert match, "no row: every column would be NULL"
    return {name: value for name, value in zip(glue_table.COLUMNS, match.groups(), strict=True) if value is not None}


def stored(message: str, sender: str = "heroku router", pri: int = 158) -> str:
    return record(f"<{pri}>1 {TIME} host {sender} - {message}\n".encode()).line.decode()


@pytest.mark.parametrize("sender", ["app web.1", "heroku router", "token shuttle", "token log-shuttle"])
@pytest.mark.parametrize("message", ["- hi", "-", "- ", "- - hi", "- [info] hi", '- [meta sequenceId="2"] hi', " - hi"])
def test_a_message_that_begins_like_structured_data_is_a_message(message: str, sender: str) -> None:
    """Logplex leaves STRUCTURED-DATA out and log-shuttle's messages begin with `- `: all of it is the message."""
    assert row(stored(message, sender)) == row(stored("hi", sender)) | {"message": message}


@pytest.mark.parametrize("sender", ["app web.1", "heroku router", "heroku logplex", "app router"])
@pytest.mark.parametrize("message", ["hi", "", ROUTER, '[meta sequenceId="3"] hi', "- hi"])
@pytest.mark.parametrize("number", [2, 2_147_483_647])
def test_a_numbered_line_is_the_same_row_with_its_number(sender: str, message: str, number: int) -> None:
    one = record(f"<158>1 {TIME} host {sender} - {message}\n".encode())
    numbered = one.header + structured_data(number) + one.message
    assert row(numbered.decode()) == row(one.line.decode()) | {"seq": str(number)}


def router_columns(line: str) -> dict[str, str | None]:
    return {name: value for name, value in row(line).items() if name in ROUTER_COLUMNS}


# ---------------------------------------------------------------- the table


def test_the_columns_are_the_documented_ones_in_the_order_of_the_groups() -> None:
    names = (
        "pri log_ts seq host source proc_id msgid at code descr method path request_id fwd fwd_ip dyno connect_ms "
        "service_ms status bytes message"
    )
    assert tuple(glue_table.COLUMNS) == tuple(names.split())
    assert ROW.groups == len(glue_table.COLUMNS)


def test_restored_objects_are_read() -> None:
    """Without the parameter Athena skips what was restored from Glacier, in silence."""
    parameters = glue_table.parameters("a-bucket", ["an-app"])
    assert parameters["read_restored_glacier_objects"] == "true"
    assert projection("a-bucket", ["an-app"]).items() <= parameters.items()
    assert glue_table.location("a-bucket") == "s3://a-bucket/logs/"


# ---------------------------------------------------------------- the router


# Fields are found by key; an empty or absent one is NULL, and quotes are no part of a value.
@pytest.mark.parametrize(
    ("message", "changes"),
    [
        pytest.param(ROUTER, {}, id="old-router"),
        pytest.param(ROUTER + " tls=true tls_version=tls1.3", {}, id="new-router"),
        pytest.param(ROUTER.replace("https", "http1.1"), {}, id="protocol-with-a-dot"),
        pytest.param(" ".join(reversed(ROUTER.split())), {}, id="another-order"),
        pytest.param(
            ROUTER.replace("at=info", 'at=error code=H12 desc="Request timeout"').replace("=200", "=503"),
            {"at": "error", "code": "H12", "descr": "Request timeout", "status": "503"},
            id="error",
        ),
        pytest.param(
            ROUTER.replace("at=info", 'at=error code=H10 desc="App crashed"')
            .replace("dyno=web.1", "dyno=")
            .replace("1ms", "")
            .replace("service=18ms", "service=")
            .replace("=200", "=503")
            .replace("bytes=13", "bytes="),
            {"at": "error", "code": "H10", "descr": "App crashed", "status": "503"}
            | dict.fromkeys(["dyno", "connect_ms", "service_ms", "bytes"]),
            id="no-dyno",
        ),
        pytest.param(ROUTER.replace('"', ""), {}, id="unquoted"),
        pytest.param(
            ROUTER.replace("=web.1", '="web.1"')
            .replace("=GET", '="GET"')
            .replace("=8601", '="8601')
            .replace("22 ", '22" '),
            {},
            id="all-quoted",
        ),
        pytest.param(ROUTER.replace("/api/auth?next=/", "/"), {"path": "/"}, id="root"),
        pytest.param(ROUTER.replace("/api/auth?next=/", '/a"b'), {"path": '/a"b'}, id="quote-in-path"),
        pytest.param(ROUTER.replace("service=18ms", "service=30000ms"), {"service_ms": "30000"}, id="slow"),
        pytest.param(
            ROUTER.replace("=18ms", "=" + "9" * 20 + "ms"), {"service_ms": None}, id="20-digits-are-no-number"
        ),
        pytest.param(ROUTER.replace("=200", "=2000"), {"status": None}, id="4-digits-are-no-status"),
        pytest.param(ROUTER.replace("bytes=13", "bytes=-"), {"bytes": None}, id="no-bytes"),
        pytest.param(
            ROUTER.replace("203.0.113.7", "2001:db8::1"), {"fwd": "2001:db8::1", "fwd_ip": "2001:db8::1"}, id="ipv6"
        ),
        pytest.param("at=info", {**dict.fromkeys(ROUTER_ROW), "at": "info"}, id="one-field"),
        pytest.param("Stopping all processes", dict.fromkeys(ROUTER_ROW), id="no-fields"),
        pytest.param("", dict.fromkeys(ROUTER_ROW), id="empty"),
    ],
)
def test_router_fields(message: str, changes: dict[str, str | None]) -> None:
    expected = {name: value for name, value in (ROUTER_ROW | changes).items() if value is not None}
    assert router_columns(stored(message)) == expected
    assert row(stored(message))["message"] == message


SPOOF = "status=500&service=99999ms&at=error&code=H12"


# What a client can write (its path, its forwarded addresses) never gets into another column.
@pytest.mark.parametrize(
    ("message", "changes"),
    [
        pytest.param(ROUTER.replace("/api/auth?next=/", f"/?{SPOOF}"), {"path": f"/?{SPOOF}"}, id="query-string"),
        pytest.param(
            ROUTER.replace("/api/auth?next=/", '/" status=500 x="'),
            {"path": '/" status=500 x="'},
            id="closing-quote",
        ),
        pytest.param(
            ROUTER.replace("/api/auth?next=/", "/%20status=500"), {"path": "/%20status=500"}, id="escaped-space"
        ),
        pytest.param(ROUTER.replace("/api/auth?next=/", "status=500"), {"path": "status=500"}, id="path-is-a-field"),
        *(
            pytest.param(ROUTER.replace("203.0", f"{text}203.0"), {"fwd": f"{text}203.0.113.7"}, id=f"fwd-{name}")
            for name, text in {
                "invented-address": "198.51.100.1,",
                "invented-address-and-space": "198.51.100.1, ",
                "invented-fields": "status=500 dyno=x, ",
                "invented-fields-with-commas": "path=/admin,at=error,",
                "closing-quote": 'x" code=H12 at=error dyno=y", ',
                "invented-end": f'1.2.3.4" dyno=x {SPOOF} y=", ',
                "a-quote-in-front": '"',
            }.items()
        ),
        pytest.param(
            ROUTER.replace("203.0", '1.2.3.4" dyno=x, 203.0').replace("=web.1", "="),
            {"fwd": '1.2.3.4" dyno=x, 203.0.113.7', "dyno": None},
            id="fwd-invented-end-and-no-dyno",
        ),
        pytest.param(ROUTER.replace("raxx.example", "status=500"), {}, id="host-header"),
        pytest.param(f'{ROUTER} user_agent="at=error code=H12 status=500"', {}, id="user-agent"),
    ],
)
def test_a_clients_text_is_in_no_other_column(message: str, changes: dict[str, str | None]) -> None:
    expected = {name: value for name, value in (ROUTER_ROW | changes).items() if value is not None}
    assert router_columns(stored(message)) == expected


H31 = (
    'error code=H31 desc="Misdirected Request" method=GET path="/" host=a.example '
    'request_id=4b0adc25-f648-c9c5-0b09-537cc99a4b84 fwd="203.0.113.7" dyno= connect= service= status=421 bytes= '
    "protocol=http agent="
)


# Router 2.0 writes the path decoded, and H31 ends with a header.
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            'at=info method=GET path="/api/Bible 1951/books" host=www.example.org '
            'request_id=4b0adc25-f648-c9c5-0b09-537cc99a4b84 fwd="203.0.113.9" dyno=web.1 connect=0ms service=3ms '
            "status=200 bytes=2256 protocol=http2.0 tls=true tls_version=tls1.3",
            {
                "at": "info", "method": "GET", "path": "/api/Bible 1951/books",
                "request_id": "4b0adc25-f648-c9c5-0b09-537cc99a4b84", "fwd": "203.0.113.9", "fwd_ip": "203.0.113.9",
                "dyno": "web.1", "connect_ms": "0", "service_ms": "3", "status": "200", "bytes": "2256",
            },
            id="space",
        ),
        *(
            pytest.param(ROUTER.replace("/api/auth?next=/", path), ROUTER_ROW | {"path": path}, id=name)
            for name, path in {
                "two-spaces": "/login  x",
                "an-error-code": "/x code=H12 y",
                "thirty-words": "/q" + " w" * 30,
                "a-thousand-words": "/q" + " w" * 1000,
                "ends-in-a-space": "/q ",
                "a-quoted-field": '/x host=evil fwd="198.51.100.250" y',
                "a-host": '/x" host=evil.example y',
                "a-tail": '/x" dyno=web.9 connect=1ms service=77777ms status=500 bytes=1 protocol=http',
                "an-agent": '/x" dyno= connect= service= status=421 bytes= protocol=http agent="',
            }.items()
        ),
        pytest.param(
            ROUTER.replace("/api/auth?next=/", '/x host=evil fwd="198.51.100.250" y').replace("203.0.113.7", ""),
            {name: value for name, value in ROUTER_ROW.items() if not name.startswith("fwd")}
            | {"path": '/x host=evil fwd="198.51.100.250" y'},
            id="a-quoted-address-and-none",
        ),
        *(
            pytest.param(
                H31 + agent,
                {
                    "code": "H31", "descr": "Misdirected Request", "method": "GET", "path": "/",
                    "request_id": "4b0adc25-f648-c9c5-0b09-537cc99a4b84", "fwd": "203.0.113.7",
                    "fwd_ip": "203.0.113.7", "status": "421",
                },
                id=f"agent-{number}",
            )
            for number, agent in enumerate(
                ['"curl"', '""', '"a" status=200 code=H12 service=77777ms dyno=web.7 b="c"', '" dyno=web.7 status=200"']
            )
        ),
    ],
)  # fmt: skip
def test_a_decoded_path_and_an_agent_are_the_clients(message: str, expected: dict[str, str]) -> None:
    assert router_columns(stored(message)) == expected


# Only the router's own lines have router columns: an application can print anything.
@pytest.mark.parametrize(
    ("line", "source"),
    [
        pytest.param(stored(ROUTER, "app web.1"), "app", id="application"),
        pytest.param(stored(ROUTER, "app router"), "app", id="process-type-router"),
        pytest.param(stored(ROUTER, "heroku web.1"), "heroku", id="dyno"),
        pytest.param(stored(f"{TIME} host heroku router - - {ROUTER}", "app web.1"), "app", id="header-as-text"),
        pytest.param(stored(f"heroku router - {ROUTER}", "app web.1"), "app", id="sender-as-text"),
        pytest.param(stored(f"- heroku router - - {ROUTER}", "app web.1"), "app", id="sender-behind-a-dash"),
        pytest.param(stored(f'[x y=" heroku router - "] {ROUTER}', "app web.1"), "app", id="sender-in-brackets"),
        pytest.param(f"<158>1 {TIME} host app heroku router - {ROUTER}", "app", id="sender-a-field-too-late"),
        pytest.param(f"<158>1 {TIME} host app web.1 heroku - router - - {ROUTER}", "app", id="sender-around-a-dash"),
    ],
)
def test_an_application_cannot_write_router_fields(line: str, source: str) -> None:
    assert router_columns(line) == {}
    assert row(line)["source"] == source


# ---------------------------------------------------------------- other lines


@pytest.mark.parametrize("reason", Reason)
def test_a_quarantine_line_is_a_row_with_its_reason(reason: Reason) -> None:
    line = quarantine(reason, timedelta(milliseconds=NOON_MS), b"158 <158>1 heroku router - - status=500").line.decode()
    assert row(line) == {
        "pri": "43",
        "log_ts": "2026-11-24T12:00:00.000000+00:00",
        "host": "host",
        "source": "logdrain",
        "proc_id": "quarantine",
        "msgid": reason.value,
        "message": "158 <158>1 heroku router - - status=500",
    }


def test_an_application_line_keeps_a_message_that_looks_like_structured_data() -> None:
    line = stored('[a b="c"] - hi', "app web.1", pri=190)
    assert row(line)["message"] == '[a b="c"] - hi'


# A line of another writer, without a syslog header, is a row all the same: a row of NULLs would hide it.
@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="empty"),
        pytest.param("Traceback (most recent call last):", id="text"),
        pytest.param(f"<190>1 2026-13-01T00:00:00Z host heroku router - - {ROUTER}", id="no-time"),
        pytest.param(f"host heroku router - {ROUTER}", id="no-PRI"),
        pytest.param('{"level": "info"}', id="json"),
        pytest.param(f"<190>1 {TIME} host app web.1 - no STRUCTURED-DATA", id="as-Logplex-sends-it"),
        pytest.param(f'<190>1 {TIME} host app web.1 - [a b="c"] hi', id="with-STRUCTURED-DATA"),
    ],
)
def test_a_foreign_line_is_all_message(line: str) -> None:
    assert row(line) == {"message": line}


@given(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=200))
def test_any_router_message_is_a_row_that_keeps_it(message: str) -> None:
    line = f"<158>1 {TIME} host heroku router - - {message}"
    assert row(line)["message"] == message
    assert row(line)["proc_id"] == "router"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param('path="' + "a" * 100_000, id="quote-that-never-ends"),
        pytest.param("fwd=" + "," * 100_000, id="commas"),
        pytest.param('fwd="a ' * 15_000, id="forwarded-again"),
        pytest.param('fwd="' + '"' * 100_000, id="forwarded-quotes"),
        pytest.param("a=" * 50_000, id="keys"),
        pytest.param(" ".join(["status=200"] * 10_000), id="fields"),
        pytest.param('[a b="c"]' * 10_000, id="brackets"),
    ],
)
def test_a_hostile_line_is_a_row(message: str) -> None:
    """Simpler patterns overflowed the stack on such lines, or took for ever, and the whole query with them."""
    assert row(stored(message))["message"] == message
