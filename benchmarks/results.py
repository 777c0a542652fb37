"""How much memory a large result takes, as CSV, JSON and JSON lines: the peak of a child process without network.

`python -m benchmarks.results` prints a table; `python -m benchmarks.results csv 1000000` is one such child.
"""

import resource
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3

from runbook.clients.athena import Athena
from runbook.terminal import printing, row_stream

ROWS = 1_000_000
FORMATS = ("csv", "json", "jsonl")
_PAGE = 1_000
_COLUMNS = ("app", "log_ts", "source", "proc_id", "message")


class Pages:
    """Athena with one query that finds `rows` log lines, in pages as GetQueryResults gives them."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def start_query_execution(self, **_: Any) -> dict[str, Any]:
        """Start the query."""
        return {"QueryExecutionId": "id"}

    def get_query_execution(self, **_: Any) -> dict[str, Any]:
        """Tell that it succeeded."""
        return {"QueryExecution": {"StatementType": "DML", "Status": {"State": "SUCCEEDED"}}}

    def get_paginator(self, _: str) -> "Pages":
        """Give itself."""
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        """Give pages, the first with a row of column names."""
        rows = self._lines()
        metadata = {"ColumnInfo": [{"Name": name, "Type": "varchar"} for name in _COLUMNS]}
        while page := [row for _, row in zip(range(_PAGE), rows, strict=False)]:
            yield {"ResultSet": {"Rows": page, "ResultSetMetadata": metadata}}

    def _lines(self) -> Iterator[dict[str, Any]]:
        yield _row(*_COLUMNS)
        for number in range(self._rows):
            yield _row(
                "raxx-api-prod",
                f"2026-11-24T03:00:00.{number:06}+00:00",
                "heroku",
                "router",
                f'at=info method=GET path="/v1/orders/{number}" host=api.raxx.app request_id={number:036} '
                f'fwd="203.0.113.7" dyno=web.1 connect=1ms service=30ms status=200 bytes=512 protocol=https',
            )


def _row(*values: str) -> dict[str, Any]:
    return {"Data": [{"VarCharValue": value} for value in values]}


def write(format_: str, count: int) -> None:
    """Write a result of `count` rows to stdout, and the peak of this process in KB to stderr."""
    # What the command loads as well.
    boto3.client("athena", region_name="us-east-1")
    client: Any = Pages(count)
    found = Athena(client, "workgroup", "database").stream("SELECT 1")
    rows = found.rows
    if format_ == "csv":
        printing.comma_separated(_COLUMNS, rows)
    elif format_ == "json":
        row_stream.document({"sql": "SELECT 1"}, _COLUMNS, rows, lambda: {"complete": found.complete})
    else:
        row_stream.json_lines(_COLUMNS, rows)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)


def peak_mb(format_: str, count: int) -> float:
    """Give the peak resident memory of a child process that writes this number of rows, in MB."""
    command = [sys.executable, "-m", "benchmarks.results", format_, str(count)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(done.stderr) * 1024 / 1e6


def main() -> None:
    """Print the table."""
    if len(sys.argv) == 3:
        write(sys.argv[1], int(sys.argv[2]))
        return
    print("format      rows  peak MB")
    for format_ in FORMATS:
        for count in (1_000, ROWS):
            print(f"{format_:6}  {count:8,}  {peak_mb(format_, count):7.1f}", flush=True)


if __name__ == "__main__":
    main()
