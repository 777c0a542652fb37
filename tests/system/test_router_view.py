"""The view of the router's lines: what Glue and Athena each hold of it agrees, and its rows are typed."""

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlglot
from sqlglot import expressions

from contract import glue_table, router_view
from contract.object_keys import PARTITION_KEYS
from local.logplex.nodes import post
from local.stack import LocalStack
from runbook.clients.athena import Athena
from runbook.clients.athena_values import Value
from tests.support.recording_monitor import Run, run

DATABASE, TABLE = "raxx_heroku_logs", "syslog"
# Trino's types by Hive's names, for all that the view has ("Data types in Athena").
HIVE_NAMES = {"varchar": "string", "bigint": "bigint", "boolean": "boolean", "timestamp(3)": "timestamp"}


def decoded(text: str) -> str:
    found = re.fullmatch(r"/\* Presto View: ([A-Za-z0-9+/]+=*) \*/", text)
    assert found
    return base64.b64decode(found[1], validate=True).decode()


@pytest.fixture(scope="module")
def declared() -> Run:
    return run({"databaseName": "some_logs", "tableName": "lines"})


@pytest.fixture(scope="module")
def definition(declared: Run) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(decoded(declared["catalog-view"].inputs["viewOriginalText"]))
    return loaded


# ---------------------------------------------------------------- as it is declared


def test_the_definition_is_written_in_one_way_only() -> None:
    """Other blanks or another order of keys would be a diff in every preview."""
    text = decoded(router_view.original_text(DATABASE, TABLE))
    assert text == json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True)


def test_glue_says_that_it_is_a_view(declared: Run) -> None:
    inputs = declared["catalog-view"].inputs
    assert inputs["tableType"] == "VIRTUAL_VIEW"
    assert inputs["parameters"]["presto_view"] == "true"
    assert inputs["viewExpandedText"] == "/* Presto View */"
    assert (inputs["name"], inputs["databaseName"]) == ("router_requests", "some_logs")


def test_it_has_a_serde_of_no_meaning(declared: Run, stack: LocalStack) -> None:
    """Without one, which is what the provider makes of an empty block too, Athena refuses the view."""
    assert declared["catalog-view"].inputs["storageDescriptor"]["serDeInfo"] == {
        "name": "-",
        "serializationLibrary": "-",
    }
    names = {"DatabaseName": stack.outputs["database"], "Name": stack.outputs["view"]}
    in_glue = stack.client("glue").get_table(**names)["Table"]["StorageDescriptor"]
    assert in_glue["SerdeInfo"] == {"Name": "-", "SerializationLibrary": "-"}


def test_the_types_in_glue_are_those_of_the_definition(declared: Run, definition: dict[str, Any]) -> None:
    """Where they differ Athena calls the view stale and refuses it."""
    in_glue = declared["catalog-view"].inputs["storageDescriptor"]["columns"]
    assert [(column["name"], column["type"]) for column in in_glue] == [
        (column["name"], HIVE_NAMES[column["type"]]) for column in definition["columns"]
    ]


def test_the_query_is_of_the_stacks_own_table_and_gives_the_columns_in_their_order(
    definition: dict[str, Any],
) -> None:
    query = sqlglot.parse_one(definition["originalSql"], read="trino")
    assert isinstance(query, expressions.Select)
    assert query.named_selects == [column["name"] for column in definition["columns"]]
    [source] = query.find_all(expressions.Table)
    assert (source.db, source.name) == (definition["schema"], "lines") == ("some_logs", "lines")
    assert definition["catalog"] == "awsdatacatalog"


def test_the_query_reads_only_columns_that_the_table_has_and_passes_each_partition_key() -> None:
    """A key that the view lacked could not limit what a query scans."""
    query = sqlglot.parse_one(router_view.sql(DATABASE, TABLE), read="trino")
    assert {column.name for column in query.find_all(expressions.Column)} <= {*glue_table.COLUMNS, *PARTITION_KEYS}
    for key in PARTITION_KEYS:
        assert router_view.COLUMNS[key].expression == key


# ---------------------------------------------------------------- as it answers

APP = "raxx-api-prod"
TIME = "2026-11-24T00:30:00.123456+00:00"
GOOD = (
    'at=info method=GET path="/v1/x?a=b" host=api.example request_id=r-1 fwd="9.9.9.9, 1.2.3.4" dyno=web.1 '
    "connect=0ms service=12ms status=200 bytes=17 protocol=https"
)
CRASHED = (
    'at=error code=H10 desc="App crashed" method=POST path="/" host=api.example request_id=r-2 fwd="1.2.3.4" '
    "dyno= connect= service= status=503 bytes= protocol=https"
)
IMITATIONS = [
    ("app", "web.1", GOOD),
    ("app", "router", GOOD),
    ("heroku", "web.1", GOOD),
    ("app", "web.1", f"x heroku router - - {GOOD}"),
    ("app", "web.1", f"\n<158>1 {TIME} host heroku router - {GOOD}"),
]

CLOCK = datetime(2026, 11, 24, 0, 30, 1, tzinfo=UTC)


def frame(source: str, proc_id: str, message: str) -> bytes:
    text = f"<158>1 {TIME} host {source} {proc_id} - {message}".encode()
    return b"%d %b" % (len(text), text)


Rows = dict[Value, dict[str, Value]]


@pytest.fixture(scope="module")
def rows(stack: LocalStack) -> Rows:
    """The view's rows by request, after one batch with two requests and what imitates them."""
    body = b"".join(frame(*line) for line in [*IMITATIONS, ("heroku", "router", GOOD), ("heroku", "router", CRASHED)])
    assert post(stack.drain_urls[APP], body, "0" * 32, CLOCK) == 200
    stack.flush()
    athena = Athena(stack.client("athena"), stack.outputs["workgroup"], stack.outputs["database"])
    name = f"{stack.outputs['database']}.{stack.outputs['view']}"
    answer = athena.run(f"SELECT * FROM {name} WHERE year = '2026' AND month = '11' AND day = '24'")
    columns = [column.name for column in answer.columns]
    assert columns == list(router_view.COLUMNS)
    stored = athena.run(f"SELECT count(*) AS n FROM {stack.outputs['database']}.{stack.outputs['table']}")
    assert stored.rows == ((len(IMITATIONS) + 2,),)
    found = [dict(zip(columns, row, strict=True)) for row in answer.rows]
    assert len(found) == len({row["request_id"] for row in found})
    return {row["request_id"]: row for row in found}


def test_a_request_is_one_row_and_what_imitates_it_is_none(rows: Rows) -> None:
    """An application writes what it likes; the router's name and place in a line it can't write."""
    assert rows.keys() == {"r-1", "r-2"}


def test_a_request_is_a_typed_row(rows: Rows) -> None:
    assert rows["r-1"] == {
        "time": datetime.fromisoformat("2026-11-24 00:30:00.123"),
        "at": "info",
        "code": None,
        "descr": None,
        "method": "GET",
        "path": "/v1/x?a=b",
        "request_id": "r-1",
        "fwd": "9.9.9.9, 1.2.3.4",
        "fwd_ip": "1.2.3.4",
        "dyno": "web.1",
        "connect_ms": 0,
        "service_ms": 12,
        "status": 200,
        "bytes": 17,
        "wait_ms": 12,
        "long_lived": False,
        "log_ts": TIME,
        "message": GOOD,
        "app": APP,
        "year": "2026",
        "month": "11",
        "day": "24",
    }


def test_a_field_that_the_router_left_empty_is_null(rows: Rows) -> None:
    """An empty text or 0 would be counted by averages."""
    crashed = rows["r-2"]
    empty = {"dyno", "connect_ms", "service_ms", "wait_ms", "bytes"}
    assert {name for name, value in crashed.items() if value is None} == empty
    assert (crashed["code"], crashed["descr"], crashed["status"]) == ("H10", "App crashed", 503)


def test_numbers_and_times_compare_as_such(rows: Rows, stack: LocalStack) -> None:
    """As texts, '12' would be less than '5'."""
    athena = Athena(stack.client("athena"), stack.outputs["workgroup"], stack.outputs["database"])
    answer = athena.run(
        f"SELECT request_id FROM {stack.outputs['database']}.{stack.outputs['view']} "
        "WHERE service_ms > 5 AND status < 1000 AND time >= timestamp '2026-11-24 00:30:00'"
    )
    assert answer.rows == (("r-1",),)
