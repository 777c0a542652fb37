"""Rows of S3 objects in DuckDB: each object is read once, and a query sees only the objects that it needs."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from local.aws.athena.sql import Scan
from local.aws.athena.tables import PATH, Row, Table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GLACIER = {"GLACIER", "DEEP_ARCHIVE"}
_ROWS_AN_INSERT = 20_000

# Gives the bytes of an object by its bucket and key.
ReadObject = Callable[[str, str], bytes]


class StoredObject(NamedTuple):
    """An object that a table can read: its key, ETag, size in bytes as stored, and partition values."""

    key: str
    etag: str
    size: int
    partition: tuple[str, ...]


def stored_objects(s3: "S3Client", table: Table) -> list[StoredObject]:
    """List a table's objects in projected partitions, without those that Athena skips.

    Athena skips objects in Glacier, and restored ones unless the table has read_restored_glacier_objects (Athena user
    guide, "Query restored Amazon S3 Glacier objects").
    """
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=table.bucket, Prefix=table.prefix, OptionalObjectAttributes=["RestoreStatus"]
    )
    found = []
    for page in pages:
        for each in page.get("Contents", ()):
            partition = table.partition_of(each["Key"])
            if partition is None:
                continue
            if each.get("StorageClass") in _GLACIER and not (
                table.reads_restored and each.get("RestoreStatus", {}).get("IsRestoreInProgress") is False
            ):
                continue
            found.append(StoredObject(each["Key"], each["ETag"], each["Size"], partition))
    return found


class Rows:
    """The rows that were read so far, in one DuckDB database. Safe to use from several threads."""

    def __init__(self, read: ReadObject) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._relations: dict[tuple[str, tuple[str, ...]], str] = {}
        self._loaded: dict[tuple[str, str, str, str], int] = {}

    def select(
        self, cursor: duckdb.DuckDBPyConnection, scan: Scan, table: Table, objects: Sequence[StoredObject]
    ) -> list[StoredObject]:
        """Give the objects of the partitions that a scan reads."""
        names = [f'p[{index + 1}] AS "{name}"' for index, name in enumerate(table.partition_keys)]
        if not names or not scan.conditions:
            return list(objects)
        # A condition that fails on a partition excludes nothing: the query itself may never evaluate it.
        conditions = " AND ".join(f"coalesce(try({condition}), true)" for condition in scan.conditions)
        partitions = [list(each) for each in sorted({each.partition for each in objects})]
        kept = cursor.execute(
            f"SELECT p FROM (SELECT p, {', '.join(names)} FROM (SELECT unnest(?::VARCHAR[][]) AS p)) "  # noqa: S608
            f"WHERE {conditions}",
            [partitions],
        ).fetchall()
        wanted = {tuple(partition) for (partition,) in kept}
        return [each for each in objects if each.partition in wanted]

    def expose(
        self,
        cursor: duckdb.DuckDBPyConnection,
        scan: Scan,
        table: Table,
        objects: Sequence[StoredObject],
        check: Callable[[], None],
    ) -> None:
        """Create the view `scan.relation` of the rows of these objects; read objects that are new.

        `check` is called before each object and may raise to stop. Refused for an object that cannot be read.
        """
        with self._lock:
            relation = self._load(cursor, table, objects, check)
            numbers = [self._loaded[table.bucket, each.key, each.etag, relation] for each in objects]
        chosen = f"{scan.relation}_objects"
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE {chosen} AS "
            "SELECT unnest(?::INTEGER[]) AS object, unnest(?::VARCHAR[][]) AS p, unnest(?::VARCHAR[]) AS path",
            [
                numbers,
                [list(each.partition) for each in objects],
                [f"s3://{table.bucket}/{each.key}" for each in objects],
            ],
        )
        columns = [f'r."{name}"' for name in table.columns]
        columns += [f'o.p[{index + 1}] AS "{name}"' for index, name in enumerate(table.partition_keys)]
        columns.append(f'o.path AS "{PATH}"')
        cursor.execute(
            f"CREATE OR REPLACE TEMP VIEW {scan.relation} AS SELECT {', '.join(columns)} "  # noqa: S608
            f"FROM {relation} r JOIN {chosen} o ON r.object = o.object"
        )

    def _load(
        self,
        cursor: duckdb.DuckDBPyConnection,
        table: Table,
        objects: Sequence[StoredObject],
        check: Callable[[], None],
    ) -> str:
        relation = self._relation(cursor, table)
        rows: list[Row] = []
        numbers: list[int] = []
        new: dict[tuple[str, str, str, str], int] = {}

        def insert() -> None:
            values = ", ".join(f"r[{index + 1}]" for index in range(len(table.columns)))
            cursor.execute(
                f"INSERT INTO {relation} SELECT o, {values} FROM "  # noqa: S608
                "(SELECT unnest(?::INTEGER[]) AS o, unnest(?::VARCHAR[][]) AS r)",
                [numbers, rows],
            )
            self._loaded.update(new)
            for each in (rows, numbers, new):
                each.clear()

        for each in objects:
            identity = (table.bucket, each.key, each.etag, relation)
            if identity in self._loaded or identity in new:
                continue
            check()
            read = table.rows(each.key, self._read(table.bucket, each.key))
            new[identity] = len(self._loaded) + len(new)
            rows += read
            numbers += [new[identity]] * len(read)
            if len(rows) >= _ROWS_AN_INSERT:
                insert()
        insert()
        return relation

    def _relation(self, cursor: duckdb.DuckDBPyConnection, table: Table) -> str:
        shape = (table.pattern.pattern, tuple(table.columns))
        if shape not in self._relations:
            relation = f"rows_{len(self._relations)}"
            columns = ", ".join(f'"{name}" VARCHAR' for name in table.columns)
            cursor.execute(f"CREATE TABLE {relation} (object INTEGER, {columns})")
            self._relations[shape] = relation
        return self._relations[shape]
