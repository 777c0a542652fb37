"""The view `router_requests`, the router's lines with typed columns, and how Athena stores a view in Glue."""

import base64
import json
from typing import Any, NamedTuple

from contract import glue_table

NAME = "router_requests"
_MEANINGS = glue_table.COLUMNS | glue_table.PARTITION_MEANINGS


class Column(NamedTuple):
    """A column: its SQL expression, its type in Trino and in Hive, which must be equivalent, and what it holds."""

    expression: str
    trino_type: str
    hive_type: str
    meaning: str


def _text(column: str) -> Column:
    return Column(column, "varchar", "string", _MEANINGS[column])


def _number(column: str) -> Column:
    # The table's pattern limits the digits, but another writer's line in the bucket can have more.
    return Column(f"try_cast({column} AS bigint)", "bigint", "bigint", _MEANINGS[column])


# A line's time in UTC, without a zone: the time since the epoch, added to the epoch. Athena rejects or misreads a cast
# of a timestamp with a zone to one without ("Athena engine version 3", limitations: "Casting from TimestampTZ to
# Timestamp is not supported"; cube-js/cube #5849 and #10779).
TIME_UTC = (
    "TIMESTAMP '1970-01-01 00:00:00.000' "
    "+ (try(from_iso8601_timestamp(log_ts)) - from_iso8601_timestamp('1970-01-01T00:00:00Z'))"
)

# What the client waited.
_CONNECT_MS, _SERVICE_MS = _number("connect_ms").expression, _number("service_ms").expression
_WAIT_MS = f"coalesce({_CONNECT_MS} + {_SERVICE_MS}, {_SERVICE_MS}, {_CONNECT_MS})"
# Websockets, and streams: the router ends a request with H12 unless the response begins within 30 s, so one without an
# error that took longer had begun ("HTTP Routing", "Timeouts"). Their time says nothing about the app's speed.
_LONG_LIVED = f"coalesce(status = '101' OR (code IS NULL AND {_SERVICE_MS} > 30000), false)"

# Partition keys pass through, so that a condition on them still limits what is read. `time` has no zone, because Hive
# has no type with one.
COLUMNS = {
    "time": Column(TIME_UTC, "timestamp(3)", "timestamp", "log_ts in UTC, to the millisecond, without a zone"),
    **{name: _text(name) for name in ("at", "code", "descr", "method", "path", "request_id", "fwd", "fwd_ip", "dyno")},
    **{name: _number(name) for name in ("connect_ms", "service_ms", "status", "bytes")},
    "wait_ms": Column(_WAIT_MS, "bigint", "bigint", "what the client waited: connect_ms + service_ms"),
    "long_lived": Column(
        _LONG_LIVED, "boolean", "boolean", "a websocket or a stream, whose time says nothing about the app's speed"
    ),
    **{name: _text(name) for name in ("log_ts", "message", "app", "year", "month", "day")},
}


def sql(database: str, table: str) -> str:
    """The view's query."""
    columns = ",\n    ".join(
        name if column.expression == name else f"{column.expression} AS {name}" for name, column in COLUMNS.items()
    )
    return f"SELECT\n    {columns}\nFROM {database}.{table}\nWHERE source = 'heroku' AND proc_id = 'router'"


def original_text(database: str, table: str) -> str:
    """The view_original_text of the view's Glue table (Trino, `ViewReaderUtil`): base64 of JSON, in a comment.

    Athena reports a view as stale when these types and those of the Glue columns differ.
    """
    definition: dict[str, Any] = {
        "originalSql": sql(database, table),
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": name, "type": column.trino_type} for name, column in COLUMNS.items()],
    }
    text = json.dumps(definition, separators=(",", ":"), sort_keys=True)
    return f"/* Presto View: {base64.b64encode(text.encode()).decode()} */"


# The other properties that make a Glue table an Athena view. A view reads no objects and needs no SerDe, but without
# one Athena answers "Table storage descriptor is missing SerDe info" (hashicorp/terraform-provider-aws #28517).
SERDE = "-"
EXPANDED_TEXT = "/* Presto View */"
PARAMETERS = {"presto_view": "true", "comment": "Presto View"}
