"""Athena's query executions, really run: WSGI middleware that passes every other call to the application behind it.

Source: Athena API reference (API version 2017-05-18), whose protocol is AWS JSON 1.1.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.aws.athena.engine import Cancelled, Column, Engine, Query, Result
from local.aws.athena.rows import ReadObject
from local.aws.athena.sql import Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

Clock = Callable[[], datetime]
_Item = TypeVar("_Item")

_PAGE = 1000  # GetQueryResults' most rows, header and all
_LISTED = 50
_CREDENTIAL_REGION = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")


class _InvalidRequest(Exception):
    """A request that Athena refuses with an InvalidRequestException."""


@dataclass
class _Execution:
    """One query execution; `state` changes under the lock of the front."""

    id: str
    sql: str
    database: str
    workgroup: str
    output: str
    query: Query
    submitted: datetime
    state: str = "QUEUED"
    reason: str = ""
    completed: datetime | None = None
    started_s: float = field(default_factory=time.monotonic)
    took_ms: int = 0
    result: Result = field(default_factory=lambda: Result([], []))

    @property
    def done(self) -> bool:
        return self.state not in {"QUEUED", "RUNNING"}

    def describe(self) -> dict[str, Any]:
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted.timestamp()}
        if self.reason:
            status["StateChangeReason"] = self.reason
        if self.completed:
            status["CompletionDateTime"] = self.completed.timestamp()
        if self.state == "FAILED":
            status["AthenaError"] = {"ErrorCategory": 2, "Retryable": False, "ErrorMessage": self.reason}
        took_ms = self.took_ms if self.done else round((time.monotonic() - self.started_s) * 1000)
        return {
            "QueryExecutionId": self.id,
            "Query": self.sql,
            "StatementType": "DML",
            "ResultConfiguration": {"OutputLocation": self.output},
            "QueryExecutionContext": {"Database": self.database, "Catalog": "awsdatacatalog"},
            "Status": status,
            "Statistics": {
                "EngineExecutionTimeInMillis": took_ms,
                "TotalExecutionTimeInMillis": took_ms,
                "DataScannedInBytes": self.query.scanned,
            },
            "WorkGroup": self.workgroup,
        }


class AthenaFront:
    """WSGI middleware: answers calls about query executions; `application` answers all others.

    Workgroups, tables and objects are read from the endpoint itself, so set `endpoint_url` before the first query.
    `clock` gives the time of now(), and `read` an object's bytes.
    """

    def __init__(self, application: "WSGIApplication", *, clock: Clock, read: ReadObject) -> None:
        self.endpoint_url = ""
        self._application, self._clock = application, clock
        self._engine = Engine(read)
        self._lock = threading.Lock()
        self._executions: dict[str, _Execution] = {}
        self._tokens: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        self._clients: dict[str, _Clients] = {}
        self._operations: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
            "StartQueryExecution": self._start,
            "StopQueryExecution": self._stop,
            "GetQueryExecution": lambda request, _: {"QueryExecution": self._find(request).describe()},
            "BatchGetQueryExecution": self._batch_get,
            "GetQueryResults": self._results,
            "ListQueryExecutions": self._list,
        }

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        service, _, name = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        operation = self._operations.get(name) if service == "AmazonAthena" else None
        if operation is None:
            return self._application(environ, start_response)
        region = _CREDENTIAL_REGION.search(environ.get("HTTP_AUTHORIZATION", ""))
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            request = json.loads(environ["wsgi.input"].read(length) or b"{}")
            status, answer = "200 OK", operation(request, region[1] if region else "us-east-1")
        except _InvalidRequest as error:
            status = "400 Bad Request"
            answer = {
                "__type": "InvalidRequestException",
                "AthenaErrorCode": "INVALID_INPUT",
                "Message": str(error),
            }
        body = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))])
        return [body]

    def close(self) -> None:
        """Stop and forget all queries."""
        with self._lock:
            running = [each for each in self._executions.values() if not each.done]
        for execution in running:
            execution.query.stop()
        for thread in self._threads:
            thread.join()
        self._engine.close()

    # ------------------------------------------------------------ operations

    def _start(self, request: dict[str, Any], region: str) -> dict[str, Any]:
        if request.get("ExecutionParameters"):
            raise _InvalidRequest(
                "The local Athena does not support ExecutionParameters: write the values into the query"
            )
        clients, name = self._clients_of(region), request.get("WorkGroup", "primary")
        configuration = _workgroup(clients.athena, name)
        identifier = str(uuid4())
        asked = request.get("ResultConfiguration", {}).get("OutputLocation", "")
        own = configuration.get("ResultConfiguration", {}).get("OutputLocation", "")
        location = own if configuration.get("EnforceWorkGroupConfiguration") else asked or own
        if not location.startswith("s3://"):
            raise _InvalidRequest(
                "No output location provided. An output location is required either through the Workgroup result "
                "configuration setting or as an API input."
            )
        execution = _Execution(
            id=identifier,
            sql=request.get("QueryString", ""),
            database=request.get("QueryExecutionContext", {}).get("Database", ""),
            workgroup=name,
            output=f"{location.rstrip('/')}/{identifier}.csv",
            query=self._engine.query(cutoff=configuration.get("BytesScannedCutoffPerQuery")),
            submitted=self._clock(),
        )
        with self._lock:
            # A repeated token is a repeated request, such as a retry by boto3.
            known = self._tokens.setdefault(request.get("ClientRequestToken", identifier), identifier)
            if known != identifier:
                return {"QueryExecutionId": known}
            self._executions[identifier] = execution
            thread = threading.Thread(target=self._run, args=[execution, clients], daemon=True)
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
            thread.start()
        return {"QueryExecutionId": identifier}

    def _stop(self, request: dict[str, Any], _: str) -> dict[str, Any]:
        execution = self._find(request)
        self._end(execution, "CANCELLED", "Query was cancelled by user")
        execution.query.stop()
        return {}

    def _batch_get(self, request: dict[str, Any], _: str) -> dict[str, Any]:
        wanted = request.get("QueryExecutionIds", [])
        known = [self._executions[each] for each in wanted if each in self._executions]
        unknown = [{"QueryExecutionId": each} for each in wanted if each not in self._executions]
        return {
            "QueryExecutions": [each.describe() for each in known],
            "UnprocessedQueryExecutionIds": unknown,
        }

    def _results(self, request: dict[str, Any], _: str) -> dict[str, Any]:
        execution = self._find(request)
        if not execution.done:
            raise _InvalidRequest(f"Query has not yet finished. Current state: {execution.state}")
        if execution.state != "SUCCEEDED":
            raise _InvalidRequest(f"Query did not finish successfully. Final query state: {execution.state}")
        result = execution.result
        header: list[str | None] = [column.name for column in result.columns]
        page, token = _page([header, *result.rows], request, _PAGE)
        rows = [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in page]
        return {
            "UpdateCount": 0,
            "ResultSet": {
                "Rows": rows,
                "ResultSetMetadata": {"ColumnInfo": [_column_info(column) for column in result.columns]},
            },
            **token,
        }

    def _list(self, request: dict[str, Any], _: str) -> dict[str, Any]:
        name = request.get("WorkGroup", "primary")
        newest_first = [each.id for each in reversed(self._executions.values()) if each.workgroup == name]
        page, token = _page(newest_first, request, _LISTED)
        return {"QueryExecutionIds": page, **token}

    # ------------------------------------------------------------ executions

    def _find(self, request: dict[str, Any]) -> _Execution:
        identifier = request.get("QueryExecutionId", "")
        try:
            return self._executions[identifier]
        except KeyError:
            raise _InvalidRequest(f"QueryExecution {identifier} was not found") from None

    def _clients_of(self, region: str) -> "_Clients":
        with self._lock:
            if region not in self._clients:
                self._clients[region] = _Clients(self.endpoint_url, region)
            return self._clients[region]

    def _run(self, execution: _Execution, clients: "_Clients") -> None:
        with self._lock:
            if not execution.done:
                execution.state = "RUNNING"
        try:
            result = execution.query.run(
                execution.sql, execution.database, clients.glue, clients.s3, execution.submitted
            )
            bucket, _, key = execution.output.removeprefix("s3://").partition("/")
            clients.s3.put_object(Bucket=bucket, Key=key, Body=_csv(result), ContentType="text/csv")
        except Cancelled as cancelled:
            self._end(execution, "CANCELLED", str(cancelled))
        except (Refused, ClientError, BotoCoreError) as error:
            self._end(execution, "FAILED", str(error))
        except Exception as error:
            self._end(execution, "FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}")
            raise
        else:
            execution.result = result
            self._end(execution, "SUCCEEDED", "")

    def _end(self, execution: _Execution, state: str, reason: str) -> None:
        with self._lock:
            if not execution.done:
                execution.took_ms = round((time.monotonic() - execution.started_s) * 1000)
                execution.completed = self._clock()
                execution.reason = reason
                execution.state = state


class _Clients:
    """Clients of the endpoint itself, in one region."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=region)  # noqa: S106
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        self.athena: AthenaClient = session.client("athena", endpoint_url=endpoint_url, config=config)
        self.glue: GlueClient = session.client("glue", endpoint_url=endpoint_url, config=config)
        self.s3: S3Client = session.client("s3", endpoint_url=endpoint_url, config=config)


def _workgroup(athena: "AthenaClient", name: str) -> dict[str, Any]:
    # For a workgroup that does not exist, moto answers null, which boto3 leaves out.
    workgroup = cast("dict[str, Any]", athena.get_work_group(WorkGroup=name).get("WorkGroup"))
    if not workgroup:
        raise _InvalidRequest(f"WorkGroup {name} is not found.")
    if workgroup.get("State") == "DISABLED":
        raise _InvalidRequest(f"WorkGroup {name} is disabled.")
    return workgroup.get("Configuration") or {}


def _page(items: list[_Item], request: dict[str, Any], most: int) -> tuple[list[_Item], dict[str, str]]:
    """Give the page that a request asks for, and the NextToken of the rest, if there is any."""
    start = int(request.get("NextToken", 0))
    if (size := request.get("MaxResults", most)) > most:
        raise _InvalidRequest(f"MaxResults must be between 1 and {most}, not {size}")
    end = start + size
    token = {"NextToken": str(end)} if end < len(items) else {}
    return items[start:end], token


def _column_info(column: Column) -> dict[str, Any]:
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": column.type,
        "Nullable": "UNKNOWN",
        "CaseSensitive": column.type == "varchar",
    }


def _csv(result: Result) -> bytes:
    """Write a result as Athena does: every value in quotes, NULL as an empty field."""

    def line(values: Iterable[str | None]) -> str:
        return ",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in values) + "\n"

    header = line(column.name for column in result.columns)
    return (header + "".join(map(line, result.rows))).encode()
