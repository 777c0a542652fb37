"""The local Athena: boto3 calls over a socket, objects as the receiver stores them, answers as Athena gives them."""

import base64
import gzip
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import boto3
import duckdb
import pytest
from botocore.exceptions import ClientError

from contract import glue_table
from contract.object_keys import PARTITION_KEYS, ObjectKey
from local.aws.athena.engine import Cancelled, Query
from local.aws.athena.rows import Rows
from local.aws.athena.tables import Row, Table
from local.aws.server import LocalAws
from local.child import Child, LocalError

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

BUCKET, DATABASE, WORKGROUP = "raxx-logs-test", "raxx_heroku_logs", "raxx-log-queries"
APPS = ("raxx-api-prod", "raxx-velvet-prod")
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
ROUTER = (
    'at=info method=GET path="/v1/x?a=b" host=h request_id=r-1 fwd="1.2.3.4" dyno=web.1 '
    "connect=0ms service=12ms status=500 bytes=17"
)


def line(time_text: str, message: str, *, proc_id: str = "web.1", source: str = "app") -> str:
    return f"<190>1 {time_text} host {source} {proc_id} - - {message}\n"


class Emulator:
    """An emulator with the stack's bucket, table and workgroup, and short ways to use it."""

    def __init__(self) -> None:
        self.aws = LocalAws(clock=lambda: NOW)
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        self.s3: S3Client = session.client("s3", endpoint_url=self.aws.url)
        self.glue: GlueClient = session.client("glue", endpoint_url=self.aws.url)
        self.athena: AthenaClient = session.client("athena", endpoint_url=self.aws.url)
        self.s3.create_bucket(Bucket=BUCKET)
        self.glue.create_database(DatabaseInput={"Name": DATABASE})
        self.create_table("syslog")
        self.athena.create_work_group(
            Name=WORKGROUP,
            Configuration={
                "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/athena-results/"},
                "EnforceWorkGroupConfiguration": True,
            },
        )

    def close(self) -> None:
        for client in (self.s3, self.glue, self.athena):
            client.close()
        self.aws.stop()

    def create_table(self, name: str, **parameters: str) -> None:
        self.glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {**glue_table.parameters(BUCKET, APPS), **parameters},
                "PartitionKeys": [{"Name": key, "Type": "string"} for key in PARTITION_KEYS],
                "StorageDescriptor": {
                    "Location": glue_table.location(BUCKET),
                    "InputFormat": glue_table.INPUT_FORMAT,
                    "OutputFormat": glue_table.OUTPUT_FORMAT,
                    "SerdeInfo": {
                        "SerializationLibrary": glue_table.SERDE,
                        "Parameters": {"input.regex": glue_table.ROW_PATTERN},
                    },
                    "Columns": [{"Name": column, "Type": "string"} for column in glue_table.COLUMNS],
                },
            },
        )

    def put(self, app: str, day: date, number: int, *lines: str, **arguments: Any) -> int:
        """Store an object of noon of a day; the size in bytes."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        key = str(ObjectKey(app, round(noon.timestamp() * 1000), UUID(int=number)))
        body = gzip.compress("".join(lines).encode("utf-8", "surrogateescape"), mtime=0)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, **arguments)
        return len(body)

    def start(self, sql: str, **arguments: Any) -> str:
        request = {"WorkGroup": WORKGROUP, "QueryExecutionContext": {"Database": DATABASE}, **arguments}
        return self.athena.start_query_execution(QueryString=sql, **request)["QueryExecutionId"]

    def finish(self, identifier: str) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            execution: Any = self.athena.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]
            if execution["Status"]["State"] not in {"QUEUED", "RUNNING"}:
                return dict(execution)
        raise AssertionError("the query does not end")

    def run(self, sql: str, **arguments: Any) -> dict[str, Any]:
        return self.finish(self.start(sql, **arguments))

    def rows(self, sql: str, **arguments: Any) -> list[list[str | None]]:
        """Run a query that succeeds, and give its rows without the header."""
        execution = self.run(sql, **arguments)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        answer = self.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
        return [[value.get("VarCharValue") for value in row["Data"]] for row in answer["ResultSet"]["Rows"][1:]]

    def failure(self, sql: str, **arguments: Any) -> str:
        status = self.run(sql, **arguments)["Status"]
        assert status["State"] == "FAILED"
        return str(status["StateChangeReason"])


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with closing(Emulator()) as emulator:
        yield emulator


TODAY, YESTERDAY = date(2026, 11, 24), date(2026, 11, 23)


def test_a_stored_router_line_is_a_row_of_typed_text(emulator: Emulator) -> None:
    emulator.put(APPS[0], TODAY, 1, line("2026-11-24T00:30:00.5+00:00", ROUTER, proc_id="router", source="heroku"))
    assert emulator.rows("SELECT app, day, method, path, fwd_ip, status, service_ms, code FROM syslog") == [
        [APPS[0], "24", "GET", "/v1/x?a=b", "1.2.3.4", "500", "12", None]
    ]


def test_values_are_rendered_as_athena_renders_them_and_null_has_no_value(emulator: Emulator) -> None:
    sql = (
        "SELECT now() AS tz, localtimestamp AS ts, current_date AS d, 12e0 AS x, 1e7 AS big, 5 AS i, "
        "count(*) AS n, true AS b, CAST(NULL AS varchar) AS nothing, '' AS empty, 1.50 AS dec"
    )
    execution = emulator.run(sql)
    answer = emulator.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"]
    assert answer["Rows"][1]["Data"] == [
        {"VarCharValue": "2026-11-24 01:00:00.000 UTC"},
        {"VarCharValue": "2026-11-24 01:00:00.000"},
        {"VarCharValue": "2026-11-24"},
        {"VarCharValue": "12.0"},
        {"VarCharValue": "10000000.0"},
        {"VarCharValue": "5"},
        {"VarCharValue": "1"},
        {"VarCharValue": "true"},
        {},
        {"VarCharValue": ""},
        {"VarCharValue": "1.50"},
    ]
    kinds = {column["Name"]: column["Type"] for column in answer["ResultSetMetadata"]["ColumnInfo"]}
    assert kinds == {
        "tz": "timestamp with time zone",
        "ts": "timestamp",
        "d": "date",
        "x": "double",
        "big": "double",
        "i": "integer",
        "n": "bigint",
        "b": "boolean",
        "nothing": "varchar",
        "empty": "varchar",
        "dec": "decimal",
    }


def test_results_are_paged_with_the_header_on_the_first_page_only(emulator: Emulator) -> None:
    identifier = emulator.run("SELECT x FROM UNNEST(sequence(1, 5)) AS t(x)")["QueryExecutionId"]
    pages = emulator.athena.get_paginator("get_query_results").paginate(
        QueryExecutionId=identifier, PaginationConfig={"PageSize": 2}
    )
    values = [[row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in pages]
    assert values == [["x", "1"], ["2", "3"], ["4", "5"]]
    with pytest.raises(ClientError, match="MaxResults must be between"):
        emulator.athena.get_query_results(QueryExecutionId=identifier, MaxResults=1001)


def test_the_result_is_a_csv_at_the_workgroups_enforced_location(emulator: Emulator) -> None:
    execution = emulator.run(
        """SELECT 'a"b' AS x, CAST(NULL AS varchar) AS y, '' AS z""",
        ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/elsewhere/"},
    )
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{BUCKET}/athena-results/{execution['QueryExecutionId']}.csv"
    key = location.removeprefix(f"s3://{BUCKET}/")
    stored = emulator.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert stored == b'"x","y","z"\n"a""b",,""\n'


def test_without_an_enforcing_workgroup_the_callers_location_counts_and_is_needed(emulator: Emulator) -> None:
    with pytest.raises(ClientError, match="No output location provided"):
        emulator.start("SELECT 1", WorkGroup="primary")
    execution = emulator.run(
        "SELECT 1", WorkGroup="primary", ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/mine"}
    )
    assert execution["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{BUCKET}/mine/")


def test_an_unknown_workgroup_is_refused(emulator: Emulator) -> None:
    with pytest.raises(ClientError, match=r"InvalidRequestException.*WorkGroup nosuch is not found"):
        emulator.start("SELECT 1", WorkGroup="nosuch")


def test_only_the_partitions_that_the_conditions_leave_are_scanned(emulator: Emulator) -> None:
    today = emulator.put(APPS[0], TODAY, 1, line("2026-11-24T00:30:00+00:00", "today"))
    emulator.put(APPS[0], YESTERDAY, 2, line("2026-11-23T00:30:00+00:00", "yesterday"))
    emulator.put(APPS[1], TODAY, 3, line("2026-11-24T00:30:00+00:00", "velvet"))
    sql = (
        "SELECT message FROM syslog WHERE concat(year, month, day) BETWEEN date_format(now(), '%Y%m%d') "
        f"AND '99999999' AND app = '{APPS[0]}' AND message <> ''"
    )
    execution = emulator.run(sql)
    assert execution["Statistics"]["DataScannedInBytes"] == today
    assert execution["Statistics"]["EngineExecutionTimeInMillis"] >= 0
    assert emulator.rows(sql) == [["today"]]


def test_objects_outside_the_projection_are_not_read(emulator: Emulator) -> None:
    emulator.put("raxx-other-prod", TODAY, 1, line("2026-11-24T00:30:00+00:00", "unknown app"))
    body = gzip.compress(line("2026-11-24T00:30:00+00:00", "one digit").encode())
    emulator.s3.put_object(Bucket=BUCKET, Key=f"logs/{APPS[0]}/2026/11/1/x.gz", Body=body)
    emulator.s3.put_object(Bucket=BUCKET, Key=f"logs/{APPS[0]}/2025/11/01/x.gz", Body=body)
    assert emulator.rows("SELECT count(*) FROM syslog") == [["0"]]


def test_an_object_that_is_replaced_is_read_again(emulator: Emulator) -> None:
    emulator.put(APPS[0], TODAY, 1, line("2026-11-24T00:30:00+00:00", "first"))
    assert emulator.rows("SELECT message FROM syslog") == [["first"]]
    emulator.put(APPS[0], TODAY, 1, line("2026-11-24T00:30:00+00:00", "second"))
    assert emulator.rows("SELECT message FROM syslog") == [["second"]]


def test_a_query_over_the_workgroups_cut_off_is_cancelled(emulator: Emulator) -> None:
    emulator.athena.create_work_group(
        Name="small",
        Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/r/"},
            "BytesScannedCutoffPerQuery": 10_000_000,
        },
    )
    noise = "".join(line("2026-11-24T00:30:00+00:00", "x"))
    key = str(ObjectKey(APPS[0], round(NOW.timestamp() * 1000), UUID(int=1))).removesuffix(".gz")
    emulator.s3.put_object(Bucket=BUCKET, Key=key, Body=noise.encode() + b"y" * 10_000_000)
    status = emulator.run("SELECT count(*) FROM syslog", WorkGroup="small")["Status"]
    assert status["State"] == "CANCELLED"
    assert "Bytes scanned limit was exceeded" in status["StateChangeReason"]
    assert emulator.run("SELECT 1", WorkGroup="small")["Status"]["State"] == "SUCCEEDED"


def test_an_empty_object_is_stored(emulator: Emulator) -> None:
    """boto3 waits for `100 Continue` before a body, be it empty."""
    emulator.s3.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    assert emulator.s3.head_object(Bucket=BUCKET, Key="empty")["ContentLength"] == 0


ENDLESS = (
    "SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS a(x) CROSS JOIN UNNEST(sequence(1, 100000)) AS b(y) "
    "CROSS JOIN UNNEST(sequence(1, 100000)) AS c(z) WHERE x + y + z < 0"
)


def test_a_running_query_can_be_stopped(emulator: Emulator) -> None:
    identifier = emulator.start(ENDLESS)
    with pytest.raises(ClientError, match="Query has not yet finished"):
        emulator.athena.get_query_results(QueryExecutionId=identifier)
    emulator.athena.stop_query_execution(QueryExecutionId=identifier)
    assert emulator.finish(identifier)["Status"]["State"] == "CANCELLED"
    with pytest.raises(ClientError, match=r"Final query state: CANCELLED"):
        emulator.athena.get_query_results(QueryExecutionId=identifier)


def test_a_stop_between_two_statements_of_the_engine_is_not_lost() -> None:
    class Cursor:
        """Runs until an interrupt comes while it runs; one that comes before is forgotten."""

        def __init__(self) -> None:
            self.entered, self.asked, self.interrupted = (threading.Event() for _ in range(3))

        def execute(self, *_: Any) -> NoReturn:
            self.entered.set()
            self.asked.wait()
            self.interrupted.clear()
            assert self.interrupted.wait(10), "the stop was lost"
            raise duckdb.InterruptException("interrupted")

        def interrupt(self) -> None:
            self.interrupted.set()
            self.asked.set()

        def close(self) -> None: ...

    cursor: Any = Cursor()
    query = Query(cursor, Rows(lambda _bucket, _key: b""), None)
    clients: Any = None
    with ThreadPoolExecutor() as pool:
        run = pool.submit(query.run, "SELECT 1", "", clients, clients, NOW)
        cursor.entered.wait()
        stop = pool.submit(query.stop)
        with pytest.raises(Cancelled):
            run.result()
        stop.result()


def test_stopping_a_finished_query_changes_nothing(emulator: Emulator) -> None:
    identifier = emulator.run("SELECT 1")["QueryExecutionId"]
    emulator.athena.stop_query_execution(QueryExecutionId=identifier)
    assert emulator.finish(identifier)["Status"]["State"] == "SUCCEEDED"


def test_executions_are_listed_newest_first_and_a_token_asks_only_once(emulator: Emulator) -> None:
    first = emulator.start("SELECT 1", ClientRequestToken="t" * 32)
    assert emulator.start("SELECT 1", ClientRequestToken="t" * 32) == first
    second = emulator.start("SELECT 2")
    assert emulator.athena.list_query_executions(WorkGroup=WORKGROUP)["QueryExecutionIds"] == [second, first]
    got = emulator.athena.batch_get_query_execution(QueryExecutionIds=[first, "nosuch"])
    assert [each["QueryExecutionId"] for each in got["QueryExecutions"]] == [first]
    with pytest.raises(ClientError, match="QueryExecution nosuch was not found"):
        emulator.athena.get_query_execution(QueryExecutionId="nosuch")


def test_a_corrupt_object_fails_the_query_and_is_named(emulator: Emulator) -> None:
    key = str(ObjectKey(APPS[0], round(NOW.timestamp() * 1000), UUID(int=9)))
    emulator.s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(b"x" * 100)[:-4])
    assert key in emulator.failure("SELECT count(*) FROM syslog")


def test_lines_end_as_hadoop_ends_them_and_bad_utf8_becomes_a_replacement_character(emulator: Emulator) -> None:
    emulator.put(APPS[0], TODAY, 1, "a\rb\r\nc\n\nd \x0b \u2028 e\n\udcff\n")
    assert emulator.rows("SELECT message FROM syslog") == [["a"], ["b"], ["c"], [""], ["d \x0b \u2028 e"], ["\ufffd"]]


def test_a_line_that_the_pattern_does_not_match_is_null_in_every_column(emulator: Emulator) -> None:
    emulator.glue.create_table(
        DatabaseName=DATABASE,
        TableInput={
            "Name": "digits",
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": {
                "InputFormat": glue_table.INPUT_FORMAT,
                "Location": f"s3://{BUCKET}/digits",
                "SerdeInfo": {
                    "SerializationLibrary": glue_table.SERDE,
                    "Parameters": {"input.regex": r"(\d+)(x?)(y)?"},
                },
                "Columns": [
                    {"Name": "n", "Type": "string"},
                    {"Name": "x", "Type": "string"},
                    {"Name": "y", "Type": "string"},
                ],
            },
        },
    )
    emulator.s3.put_object(Bucket=BUCKET, Key="digits/1", Body=b"12\n\xd9\xa3\n12z\n")
    assert emulator.rows("SELECT n, x, y FROM digits") == [["12", "", None], [None] * 3, [None] * 3]


def test_a_line_of_megabytes_is_one_row(emulator: Emulator) -> None:
    emulator.put(APPS[0], TODAY, 1, line("2026-11-24T00:30:00+00:00", "é" * 3_000_000))
    assert emulator.rows("SELECT length(message) FROM syslog") == [["3000000"]]


def test_archived_objects_are_skipped_until_restored_and_then_read_if_the_table_says_so(emulator: Emulator) -> None:
    emulator.put(APPS[0], TODAY, 1, line("2026-11-24T00:30:00+00:00", "old"), StorageClass="GLACIER")
    emulator.create_table("unrestored", read_restored_glacier_objects="false")
    assert emulator.rows("SELECT count(*) FROM syslog") == [["0"]]
    [key] = [each["Key"] for each in emulator.s3.list_objects_v2(Bucket=BUCKET, Prefix="logs/")["Contents"]]
    emulator.s3.restore_object(Bucket=BUCKET, Key=key, RestoreRequest={"Days": 1})
    assert emulator.rows("SELECT count(*) FROM syslog") == [["1"]]
    assert emulator.rows("SELECT count(*) FROM unrestored") == [["0"]]


def create_view(emulator: Emulator, **changes: Any) -> None:
    """Create router_requests as Glue has it from our declaration; a change of None leaves the field out."""
    declared = {
        "originalSql": "SELECT day AS d, TRY_CAST(service_ms AS integer) AS ms FROM syslog WHERE proc_id = 'router'",
        "catalog": "awsdatacatalog",
        "schema": DATABASE,
        "columns": [{"name": "d", "type": "varchar"}, {"name": "ms", "type": "integer"}],
    }
    encoded = base64.b64encode(json.dumps(declared).encode()).decode()
    storage = {
        "SerdeInfo": {"Name": "-", "SerializationLibrary": "-"},
        "Columns": [{"Name": "d", "Type": "string"}, {"Name": "ms", "Type": "int"}],
    }
    fields: dict[str, Any] = {
        "Name": "router_requests",
        "TableType": "VIRTUAL_VIEW",
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "Parameters": {"presto_view": "true"},
        "StorageDescriptor": storage,
    }
    for name, value in changes.items():
        place = storage if name in {"SerdeInfo", "Columns"} else fields
        place[name] = value
    made: Any = {
        name: {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value
        for name, value in fields.items()
        if value is not None
    }
    emulator.glue.create_table(DatabaseName=DATABASE, TableInput=made)


def test_a_view_is_expanded_and_pruned_like_its_table(emulator: Emulator) -> None:
    today = emulator.put(
        APPS[0], TODAY, 1, line("2026-11-24T00:30:00+00:00", ROUTER, proc_id="router", source="heroku")
    )
    emulator.put(APPS[0], YESTERDAY, 2, line("2026-11-23T00:30:00+00:00", ROUTER, proc_id="router", source="heroku"))
    create_view(emulator)
    sql = f"SELECT ms FROM {DATABASE}.router_requests WHERE d = '24'"
    assert emulator.rows(sql, QueryExecutionContext={}) == [["12"]]
    assert emulator.run(sql)["Statistics"]["DataScannedInBytes"] == today


NO_SERDE = "Table storage descriptor is missing SerDe info"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"SerdeInfo": None}, NO_SERDE, id="no SerDe"),
        pytest.param({"StorageDescriptor": None}, NO_SERDE, id="no storage descriptor"),
        pytest.param({"Columns": [{"Name": "d", "Type": "string"}]}, "VIEW_IS_STALE", id="a column less"),
        pytest.param(
            {"Columns": [{"Name": "d", "Type": "string"}, {"Name": "ms", "Type": "bigint"}]},
            "VIEW_IS_STALE",
            id="another type",
        ),
        pytest.param({"ViewOriginalText": "SELECT 1"}, "INVALID_VIEW", id="no definition"),
        pytest.param({"TableType": None}, "NullPointerException Name is null", id="no table type"),
    ],
)
def test_a_view_that_glue_takes_and_athena_does_not_is_refused(
    emulator: Emulator, changes: dict[str, Any], reason: str
) -> None:
    """Whatever the emulator forgave here would only show on AWS."""
    create_view(emulator, **changes)
    assert reason in emulator.failure("SELECT count(*) FROM router_requests")


@pytest.mark.parametrize(
    ("field", "reason"),
    [("SerdeInfo", NO_SERDE), ("InputFormat", "HIVE_UNSUPPORTED_FORMAT: Unable to create input format")],
)
def test_a_table_that_glue_takes_and_athena_does_not_is_refused(emulator: Emulator, field: str, reason: str) -> None:
    definition: Any = emulator.glue.get_table(DatabaseName=DATABASE, Name="syslog")["Table"]
    storage = {name: value for name, value in definition["StorageDescriptor"].items() if name != field}
    kept = {name: definition[name] for name in ("TableType", "Parameters", "PartitionKeys")}
    less: Any = {"Name": "less", "StorageDescriptor": storage, **kept}
    emulator.glue.create_table(DatabaseName=DATABASE, TableInput=less)
    assert reason in emulator.failure("SELECT count(*) FROM less")


def test_a_cast_that_athena_refuses_is_refused(emulator: Emulator) -> None:
    """Trino casts; Athena has refused it, and has also answered another time than Trino does."""
    reason = emulator.failure("SELECT CAST(now() AS timestamp)")
    assert "Casting a Timestamp with Time Zone to Timestamp is not supported" in reason


def test_a_wrong_query_fails_with_the_reason(emulator: Emulator) -> None:
    assert emulator.failure("SELECT 1 FROM nosuch") == (
        f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{DATABASE}.nosuch' does not exist"
    )
    assert "Could not convert string 'x'" in emulator.failure("SELECT CAST('x' AS bigint)")
    assert "see `make test-trino`" in emulator.failure("SELECT format_datetime(now(), 'yyyy')")
    emulator.create_table("wrong", **{"projection.day.type": "date"})
    assert "projection.day.type is 'date'" in emulator.failure("SELECT 1 FROM wrong")


def test_an_object_is_parsed_once_however_often_it_is_queried(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    rows = Table.rows

    def counted(self: Table, key: str, data: bytes) -> list[Row]:
        parsed.append(key)
        return rows(self, key, data)

    monkeypatch.setattr(Table, "rows", counted)
    for number in range(3):
        emulator.put(APPS[0], TODAY, number, line("2026-11-24T00:30:00+00:00", "x") * 10_000)
    for _ in range(2):
        assert emulator.rows("SELECT count(*) FROM syslog") == [["30000"]]
    assert len(parsed) == len(set(parsed)) == 3


def test_the_child_serves_until_its_parent_closes_its_input(tmp_path: Path) -> None:
    config = {"host": "127.0.0.1", "port": 0, "clock": "2026-11-24T01:00:00Z"}
    child = Child("local.aws.server", config, log=tmp_path / "log")
    try:
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        with closing(session.client("s3", endpoint_url=child.ready["url"])) as s3:
            assert s3.list_buckets()["Buckets"] == []
        port = int(child.ready["url"].rpartition(":")[2])
        with pytest.raises(LocalError, match=f"cannot listen on 127.0.0.1:{port}"):
            Child("local.aws.server", {**config, "port": port}, log=tmp_path / "log2")
    finally:
        child.stop()
    assert "GET" not in (tmp_path / "log").read_text()
    with pytest.raises(LocalError, match="'noon' is not an ISO 8601 time"):
        Child("local.aws.server", {**config, "clock": "noon"}, log=tmp_path / "log3")
