"""Writes lines to a Parquet file with DuckDB, which only this needs."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runbook.errors import RunbookError
from runbook.search.sql_literals import literal

_COLUMNS = {"time": "TIMESTAMPTZ", **dict.fromkeys(("app", "source", "proc_id", "message"), "VARCHAR")}


def check(path: str) -> None:
    """RunbookError if no file can be written there, before a query costs anything."""
    try:
        import duckdb  # noqa: F401
    except ImportError:
        raise RunbookError(
            "--parquet needs DuckDB: install the tool with its extra `parquet`, or use --csv or --jsonl"
        ) from None
    if Path(path).exists():
        raise RunbookError(f"{path} exists: remove it, or choose another name")
    if not Path(path).absolute().parent.is_dir():
        raise RunbookError(f"there is no folder {Path(path).absolute().parent}: create it, or choose another name")


def write(path: str, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write lines to a file, which appears when it is whole."""
    import duckdb

    target = Path(path).absolute()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".hla-") as folder:
        rows, written = Path(folder) / "rows.jsonl", Path(folder) / "written.parquet"
        # On the disk, as rows of Python are slow to insert and large in memory.
        with rows.open("w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(line)}\n" for line in lines)
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in _COLUMNS.items())
        read = f"read_json({literal(str(rows))}, format = 'newline_delimited', columns = {{{columns}}})"
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            database.execute(f"COPY (FROM {read}) TO {literal(str(written))} (FORMAT parquet, COMPRESSION zstd)")
        written.rename(target)
