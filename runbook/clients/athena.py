"""Runs queries in the stack's workgroup, and stops them when the operator stops waiting."""

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from runbook import prices
from runbook.clients import athena_failures
from runbook.clients.athena_failures import Cause
from runbook.errors import RunbookError

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef

# A value of a result: a Python value of its type, or Athena's text if it cannot be parsed.
Value = str | int | float | bool | Decimal | date | datetime | None

_FIRST_POLL_S, _LONGEST_POLL_S = 0.1, 1.0
_REPEAT_AFTER_S = 3.0
# A statement that only reads: another one could have written a part before it failed.
_READS = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?:SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_PRECISION = re.compile(r"\(\d+(?:, ?\d+)?\)")
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
class Result:
    """A query's rows as Python values, and its statistics.

    `complete` is false if there were more rows than requested. `output` is the s3:// URL of all rows as CSV.
    """

    id: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    complete: bool
    scanned_bytes: int
    milliseconds: int
    output: str

    @property
    def usd(self) -> float:
        """The cost of the query, in US dollars."""
        return prices.query_cost(self.scanned_bytes)


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
        """Run a query and read its rows, at most `most_rows`; `watch` gets the progress at each poll.

        A query that failed for a reason that may pass is repeated once; Athena does not charge for failed queries
        ("Amazon Athena pricing"). QueryFailed if it does not succeed. Any other exception, such as Ctrl-C, also stops
        the query in Athena, which would otherwise go on and be charged.
        """
        try:
            return self._run(sql, most_rows, watch)
        except QueryFailed as failed:
            if not (failed.cause and failed.cause.repeat and _READS.match(sql)):
                raise
        self._pause(_REPEAT_AFTER_S)
        try:
            return self._run(sql, most_rows, watch)
        except QueryFailed as failed:
            raise QueryFailed(failed.state, failed.reason, failed.id, failed.cause, repeated=True) from None

    def _run(self, sql: str, most_rows: int | None, watch: Callable[[Progress], object]) -> Result:
        # Chosen before the request, so that a query can be stopped even if the response with its id is lost.
        token = str(uuid4())
        id_ = None
        try:
            id_ = self._start(sql, token)
            execution = self._wait(id_, watch)
            return self._result(execution, most_rows)
        except RunbookError:
            raise
        except BaseException:
            with suppress(Exception):
                # Starting with the same token again gives the id of the same query (Athena API reference,
                # "StartQueryExecution").
                self._client.stop_query_execution(QueryExecutionId=id_ or self._start(sql, token))
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

    def _result(self, execution: "QueryExecutionTypeDef", most_rows: int | None) -> Result:
        id_ = execution["QueryExecutionId"]
        columns: tuple[Column, ...] = ()
        rows: list[tuple[Value, ...]] = []
        complete = True
        # Only the result of a SELECT begins with a row of column names.
        headers = 1 if execution.get("StatementType") == "DML" else 0
        for page in self._client.get_paginator("get_query_results").paginate(QueryExecutionId=id_):
            result = page["ResultSet"]
            columns = columns or tuple(
                Column(info["Name"], info["Type"]) for info in result["ResultSetMetadata"]["ColumnInfo"]
            )
            rows += [tuple(_values(columns, row.get("Data", []))) for row in result["Rows"][headers:]]
            headers = 0
            if most_rows is not None and len(rows) > most_rows:
                complete = False
                del rows[most_rows:]
                break
        statistics = execution.get("Statistics", {})
        return Result(
            id=id_,
            columns=columns,
            rows=tuple(rows),
            complete=complete,
            scanned_bytes=statistics.get("DataScannedInBytes", 0),
            milliseconds=statistics.get("TotalExecutionTimeInMillis", 0),
            output=execution.get("ResultConfiguration", {}).get("OutputLocation", ""),
        )


# ---------------------------------------------------------------- values


def _values(columns: Sequence[Column], data: Sequence[Any]) -> Iterator[Value]:
    for column, datum in zip(columns, data, strict=True):
        text = datum.get("VarCharValue")
        yield None if text is None else read_value(text, column.type)


def read_value(text: str, type_: str) -> Value:
    """Parse a value in Athena's format, with zoned times as UTC; the text itself for other types."""
    reader = _READERS.get(_PRECISION.sub("", type_))
    if reader is None:
        return text
    try:
        return reader(text)
    except (ValueError, ArithmeticError, KeyError):
        return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        # NaN and Infinity stay text, because neither JSON nor a chart can show them.
        raise ValueError(text)
    return number


def _zoned(text: str) -> datetime:
    """Parse `2026-11-24 01:00:00.000 UTC`, also with another zone or an offset."""
    time_, _, zone = text.rpartition(" ")
    return datetime.fromisoformat(time_).replace(tzinfo=_zone(zone)).astimezone(UTC)


def _zone(name: str) -> timezone | ZoneInfo:
    if found := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    return UTC if name == "UTC" else ZoneInfo(name)


_READERS: dict[str, Callable[[str], Value]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint"), int),
    **dict.fromkeys(("real", "float", "double"), _finite),
    "decimal": Decimal,
    "boolean": {"true": True, "false": False}.__getitem__,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "timestamp with time zone": _zoned,
}
