"""The SQL engine of the local Athena: runs a query in Trino's SQL and gives rows of text as GetQueryResults does."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from local.aws.athena.rows import ReadObject, Rows, stored_objects
from local.aws.athena.sql import Columns, Refused, View, plan
from local.aws.athena.tables import Table, read_definition

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

_INTERRUPT_S = 0.01

# DuckDB's type -> Athena's name for it, and the expression that writes a value as Athena does; {} is the column.
_SHOWN = {
    "VARCHAR": ("varchar", "{}"),
    '"NULL"': ("unknown", "CAST({} AS VARCHAR)"),
    "HUGEINT": ("bigint", "CAST({} AS VARCHAR)"),  # a sum, which is a bigint in Trino
    "TIMESTAMP": ("timestamp", "strftime({}, '%Y-%m-%d %H:%M:%S.%g')"),
    "TIMESTAMP WITH TIME ZONE": ("timestamp with time zone", "strftime({}, '%Y-%m-%d %H:%M:%S.%g') || ' UTC'"),
}


class Cancelled(Exception):
    """The query was stopped; the text says why."""


@dataclass(frozen=True)
class Column:
    """A column of a result: its name and Athena's type."""

    name: str
    type: str


@dataclass(frozen=True)
class Result:
    """A query's result: rows of values as text, None for NULL."""

    columns: list[Column]
    rows: list[list[str | None]]


class Query:
    """One run of a query, to be started once; `stop` may be called from another thread at any time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, rows: Rows, cutoff: int | None) -> None:
        self._cursor, self._rows, self._cutoff = cursor, rows, cutoff
        self._stopped, self._ended = threading.Event(), threading.Event()
        self.scanned = 0  # bytes as stored

    def stop(self) -> None:
        """Make `run` raise Cancelled, and wait until it has ended; only for a query that is or will be run."""
        self._stopped.set()
        # DuckDB ignores an interrupt between two statements, so one may not be enough.
        while not self._ended.wait(_INTERRUPT_S):
            with suppress(duckdb.ConnectionException):  # closed in this moment
                self._cursor.interrupt()

    def run(self, sql: str, database: str, glue: "GlueClient", s3: "S3Client", now: datetime) -> Result:
        """Run a query; Refused with the reason if it fails, Cancelled if it was stopped."""
        tables: dict[tuple[str, str], Table] = {}

        def catalog(of_database: str, name: str) -> Columns | View:
            definition = read_definition(glue, of_database, name)
            if isinstance(definition, View):
                return definition
            tables[of_database, name] = definition
            return definition.relation

        try:
            planned = plan(sql, database, catalog, now)
            listed = {name: stored_objects(s3, table) for name, table in tables.items()}
            chosen = [
                self._rows.select(
                    self._cursor, scan, tables[scan.database, scan.table], listed[scan.database, scan.table]
                )
                for scan in planned.scans
            ]
            self.scanned = sum(each.size for objects in chosen for each in objects)
            if self._cutoff is not None and self.scanned > self._cutoff:
                raise Cancelled("Query cancelled! : Bytes scanned limit was exceeded")
            for scan, objects in zip(planned.scans, chosen, strict=True):
                self._rows.expose(self._cursor, scan, tables[scan.database, scan.table], objects, self._check)
            return self._fetch(planned.sql)
        except duckdb.Error as error:
            self._check()
            raise Refused(_reason(error)) from None
        finally:
            self._cursor.close()
            self._ended.set()

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Cancelled("Query was cancelled")

    def _fetch(self, sql: str) -> Result:
        self._check()
        described = [(name, kind) for name, kind, *_ in self._cursor.execute(f"DESCRIBE {sql}").fetchall()]
        shown = [_shown(kind) for _, kind in described]
        rendered = ", ".join(expression.format(f"c{index}") for index, (_, expression) in enumerate(shown))
        names = ", ".join(f"c{index}" for index in range(len(shown)))
        rows = self._cursor.execute(f"SELECT {rendered} FROM ({sql}) AS answer({names})").fetchall()  # noqa: S608
        columns = [Column(name, kind) for (name, _), (kind, _) in zip(described, shown, strict=True)]
        return Result(columns, [list(row) for row in rows])


class Engine:
    """The engine's database, in memory, shared by all queries."""

    def __init__(self, read: ReadObject) -> None:
        # Do not download extensions: the engine must not use the network.
        self._database = duckdb.connect(
            config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        )
        self._rows = Rows(read)
        self._lock = threading.Lock()

    def query(self, *, cutoff: int | None = None) -> Query:
        """Prepare a query; `cutoff` is the maximum number of bytes that it may scan."""
        with self._lock:
            cursor = self._database.cursor()
        cursor.execute("SET TimeZone = 'UTC'; SET default_null_order = 'NULLS_LAST'")
        return Query(cursor, self._rows, cutoff)

    def close(self) -> None:
        """Forget everything."""
        self._database.close()


def _shown(kind: str) -> tuple[str, str]:
    return _SHOWN.get(kind, (kind.partition("(")[0].lower(), "CAST({} AS VARCHAR)"))


def _reason(error: duckdb.Error) -> str:
    reason = str(error).partition("\n")[0]
    # Trino may run what DuckDB does not know or reads differently.
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException | duckdb.ParserException):
        return f"{reason} (this is DuckDB: to try the query on Trino, see `make test-trino`)"
    return reason
