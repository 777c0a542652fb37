"""Runs queries in the stack's workgroup, and stops them when the operator stops waiting."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from runbook import prices
from runbook.clients import athena_failures
from runbook.clients.athena_failures import Cause
from runbook.clients.athena_rows import Row, Rows
from runbook.clients.athena_values import Value, read_value
from runbook.errors import RunbookError

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef, ResultSetTypeDef

_FIRST_POLL_S, _LONGEST_POLL_S = 0.1, 1.0
_REPEAT_AFTER_S = 3.0
# A statement that only reads: another one could have written a part before it failed.
_READS = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?:SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL)
_UNDER_WAY = {"QUEUED", "RUNNING"}


@dataclass(frozen=True)
class Column:
    """A column of a result; `type` is Trino's name, such as varchar or bigint."""

    name: str
    type: str


@dataclass(frozen=True)
class Progress:
    """The state of a running query, QUEUED or RUNNING, and the bytes scanned so far."""

    state: str
    scanned_bytes: int


@dataclass(frozen=True)
class Execution:
    """A query that succeeded: its columns and statistics. `output` is the s3:// URL of all rows as CSV."""

    id: str
    columns: tuple[Column, ...]
    scanned_bytes: int
    milliseconds: int
    output: str

    @property
    def usd(self) -> float:
        """The cost of the query, in US dollars."""
        return prices.query_cost(self.scanned_bytes)


@dataclass(frozen=True)
class Result(Execution):
    """A query's rows as Python values. `complete` is false if there were more rows than requested."""

    rows: tuple[Row, ...]
    complete: bool

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.rows)


@dataclass(frozen=True)
class Stream(Execution):
    """A query's rows as they are read, page by page: iterate over `rows` once, and then look at the rest."""

    rows: Rows

    @property
    def complete(self) -> bool:
        """Whether no row was left out; known when `rows` has ended."""
        return self.rows.complete

    @property
    def count(self) -> int:
        """The number of rows that were given so far."""
        return self.rows.count


class QueryFailed(RunbookError):
    """Athena ended the query, for this reason; `cause` is what the reason means, None if it is not a known one."""

    def __init__(self, state: str, reason: str, id_: str, cause: Cause | None, *, repeated: bool = False) -> None:
        self.state, self.reason, self.id, self.cause = state, reason, id_, cause
        twice = ", also when it was repeated" if repeated else ""
        means = f". {cause.what[0].upper()}{cause.what[1:]}: {cause.remedy}" if cause else ""
        super().__init__(f"the query {state.lower()}{twice}: {' '.join(reason.split())} (query execution {id_}){means}")


class Athena:
    """Runs queries in one workgroup and database."""

    def __init__(
        self,
        client: "AthenaClient",
        workgroup: str,
        database: str,
        *,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """`pause` waits some seconds between two polls."""
        self._client, self._workgroup, self._database, self._pause = client, workgroup, database, pause

    def scan_limit(self) -> int | None:
        """The bytes at which the workgroup cancels a query; None if it has no limit."""
        workgroup = self._client.get_work_group(WorkGroup=self._workgroup)["WorkGroup"]
        return workgroup.get("Configuration", {}).get("BytesScannedCutoffPerQuery")

    def run(
        self,
        sql: str,
        *,
        most_rows: int | None = None,
        watch: Callable[[Progress], object] = lambda _: None,
    ) -> Result:
        """Run a query and read its rows, at most `most_rows`, into memory; otherwise as `stream`."""
        found = self.stream(sql, watch=watch)
        limited = Rows(found.rows, most_rows)
        rows = tuple(limited)
        return Result(
            found.id, found.columns, found.scanned_bytes, found.milliseconds, found.output, rows, limited.complete
        )

    def stream(self, sql: str, *, watch: Callable[[Progress], object] = lambda _: None) -> Stream:
        """Run a query; its rows are read in pages, when they are needed. `watch` gets the progress at each poll.

        A query that failed for a reason that may pass is repeated once; Athena does not charge for failed queries
        ("Amazon Athena pricing"). QueryFailed if it does not succeed. Any other exception, such as Ctrl-C, also stops
        the query in Athena, which would otherwise go on and be charged.
        """
        try:
            return self._stream(sql, watch)
        except QueryFailed as failed:
            if not (failed.cause and failed.cause.repeat and _READS.match(sql)):
                raise
        self._pause(_REPEAT_AFTER_S)
        try:
            return self._stream(sql, watch)
        except QueryFailed as failed:
            raise QueryFailed(failed.state, failed.reason, failed.id, failed.cause, repeated=True) from None

    def _stream(self, sql: str, watch: Callable[[Progress], object]) -> Stream:
        # Chosen before the request, so that a query can be stopped even if the response with its id is lost.
        token = str(uuid4())
        started: list[str] = []
        # Starting with the same token again gives the id of the same query (Athena API reference,
        # "StartQueryExecution").
        with self._stopping(lambda: started[0] if started else self._start(sql, token)):
            started.append(self._start(sql, token))
            execution = self._wait(started[0], watch)
        pages = self._pages(started[0])
        first = next(pages)
        columns = tuple(Column(info["Name"], info["Type"]) for info in first["ResultSetMetadata"]["ColumnInfo"])
        # Only the result of a SELECT begins with a row of column names.
        headers = 1 if execution.get("StatementType") == "DML" else 0
        statistics = execution.get("Statistics", {})
        return Stream(
            id=started[0],
            columns=columns,
            scanned_bytes=statistics.get("DataScannedInBytes", 0),
            milliseconds=statistics.get("TotalExecutionTimeInMillis", 0),
            output=execution.get("ResultConfiguration", {}).get("OutputLocation", ""),
            rows=Rows(_rows(columns, first, pages, headers)),
        )

    def _pages(self, id_: str) -> Iterator["ResultSetTypeDef"]:
        with self._stopping(lambda: id_):
            for page in self._client.get_paginator("get_query_results").paginate(QueryExecutionId=id_):
                yield page["ResultSet"]

    @contextmanager
    def _stopping(self, id_of: Callable[[], str]) -> Iterator[None]:
        """Stop the query if the block is interrupted."""
        try:
            yield
        # A reader that needs no more rows closes the generator.
        except (RunbookError, GeneratorExit):
            raise
        except BaseException:
            with suppress(Exception):
                self._client.stop_query_execution(QueryExecutionId=id_of())
            raise

    def _start(self, sql: str, token: str) -> str:
        return self._client.start_query_execution(
            QueryString=sql,
            ClientRequestToken=token,
            WorkGroup=self._workgroup,
            QueryExecutionContext={"Database": self._database},
        )["QueryExecutionId"]

    def _wait(self, id_: str, watch: Callable[[Progress], object]) -> "QueryExecutionTypeDef":
        pause_s = _FIRST_POLL_S
        while True:
            execution = self._client.get_query_execution(QueryExecutionId=id_)["QueryExecution"]
            status = execution["Status"]
            if status["State"] == "SUCCEEDED":
                return execution
            if status["State"] not in _UNDER_WAY:
                reason = status.get("StateChangeReason", "no reason given")
                cause = athena_failures.cause_of(reason, status.get("AthenaError"))
                raise QueryFailed(status["State"], reason, id_, cause)
            watch(Progress(status["State"], execution.get("Statistics", {}).get("DataScannedInBytes", 0)))
            self._pause(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_POLL_S)


def _rows(
    columns: Sequence[Column], page: "ResultSetTypeDef | None", others: Iterator["ResultSetTypeDef"], headers: int
) -> Iterator[Row]:
    # Not a loop over all pages: itertools.chain would hold the first one to the end.
    while page is not None:
        for row in page["Rows"][headers:]:
            yield tuple(_values(columns, row.get("Data", [])))
        page, headers = next(others, None), 0


def _values(columns: Sequence[Column], data: Sequence[Any]) -> Iterator[Value]:
    for column, datum in zip(columns, data, strict=True):
        text = datum.get("VarCharValue")
        yield None if text is None else read_value(text, column.type)
