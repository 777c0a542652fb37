"""Queries in the stack's workgroup: started, watched, read, and stopped when the operator no longer waits."""

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
from runbook.errors import RunbookError

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef

# A value of a result: what its type says, or the text that Athena sent where that cannot be read as one.
Value = str | int | float | bool | Decimal | date | datetime | None

_FIRST_POLL_S, _LONGEST_POLL_S = 0.1, 1.0
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
    """How far a query is: QUEUED or RUNNING, and the bytes scanned so far."""

    state: str
    scanned_bytes: int


@dataclass(frozen=True)
class Result:
    """A query's rows, as Python values, and what it took. `complete` is false when there were more rows than asked for.

    `output` is where Athena keeps all of them as CSV, an s3:// URL.
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
        """What the query cost, in US dollars."""
        return prices.query_cost(self.scanned_bytes)


class QueryFailed(RunbookError):
    """A query that Athena ended as failed; `reason` is Athena's own."""

    def __init__(self, reason: str, id_: str) -> None:
        super().__init__(f"the query failed: {reason} (query execution {id_})")
        self.reason = reason


class Athena:
    """One workgroup, and the database that a query's unqualified names are of."""

    def __init__(
        self,
        client: "AthenaClient",
        workgroup: str,
        database: str,
        *,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """`pause` waits some seconds between two looks at a query."""
        self._client, self._workgroup, self._database, self._pause = client, workgroup, database, pause

    def scan_limit(self) -> int | None:
        """The bytes at which the workgroup ends a query; None when it has no limit."""
        workgroup = self._client.get_work_group(WorkGroup=self._workgroup)["WorkGroup"]
        return workgroup.get("Configuration", {}).get("BytesScannedCutoffPerQuery")

    def run(
        self,
        sql: str,
        *,
        most_rows: int | None = None,
        watch: Callable[[Progress], object] = lambda _: None,
    ) -> Result:
        """Run a query to its end and read its rows, `most_rows` at most; `watch` is told of each look at it.

        QueryFailed, or another RunbookError, with Athena's reason when it does not succeed. Whatever else ends this
        early, Ctrl-C above all, stops the query in Athena: it would go on, and be charged, unseen.
        """
        # Known before the request is sent, so that a query whose id never came back can be stopped too.
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
                # The same token again is the same query again, and gives its id (Athena API reference,
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
                reason = " ".join(status.get("StateChangeReason", "no reason given").split())
                if status["State"] == "FAILED":
                    raise QueryFailed(reason, id_)
                raise RunbookError(f"the query {status['State'].lower()}: {reason} (query execution {id_})")
            watch(Progress(status["State"], execution.get("Statistics", {}).get("DataScannedInBytes", 0)))
            self._pause(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_POLL_S)

    def _result(self, execution: "QueryExecutionTypeDef", most_rows: int | None) -> Result:
        id_ = execution["QueryExecutionId"]
        columns: tuple[Column, ...] = ()
        rows: list[tuple[Value, ...]] = []
        complete = True
        # Only the answer of a SELECT begins with the names of its columns.
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
    """Read a value as Athena writes it, times with a zone as UTC; the text itself for a type without a Python one."""
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
        # NaN and Infinity stay text: JSON has no such numbers, and no chart can be drawn of them.
        raise ValueError(text)
    return number


def _zoned(text: str) -> datetime:
    """`2026-11-24 01:00:00.000 UTC`, or another zone, or an offset."""
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
