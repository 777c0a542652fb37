"""A Parquet file of lines has their times and texts, and appears when it is whole."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from runbook.errors import RunbookError
from runbook.search import parquet

LINE = {"app": "a", "source": "app", "proc_id": "web.1"}


def test_it_has_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "it's.parquet"
    texts = ["plain", "quote ' \" \\ \u2028 \x9b 取", ""]
    parquet.write(str(path), [{"time": "2026-11-24T03:00:00.123456+00:00", **LINE, "message": text} for text in texts])
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        rows = database.execute("SELECT epoch_us(time), app, message FROM read_parquet($1)", [str(path)]).fetchall()
    microseconds = int(datetime(2026, 11, 24, 3, tzinfo=UTC).timestamp()) * 1_000_000 + 123_456
    assert rows == [(microseconds, "a", text) for text in texts]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_of_no_lines_it_has_the_columns(tmp_path: Path) -> None:
    parquet.write(str(tmp_path / "none.parquet"), [])
    with duckdb.connect() as database:
        described = database.execute("DESCRIBE FROM read_parquet($1)", [str(tmp_path / "none.parquet")]).fetchall()
    assert [name for name, *_ in described] == ["time", "app", "source", "proc_id", "message"]


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        yield {"time": "2026-11-24T03:00:00+00:00", **LINE, "message": ""}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parquet.write(str(tmp_path / "half.parquet"), failing())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    with pytest.raises(RunbookError, match="exists: remove it"):
        parquet.check(str(tmp_path))
    with pytest.raises(RunbookError, match="there is no folder"):
        parquet.check(str(tmp_path / "no" / "lines.parquet"))
    parquet.check(str(tmp_path / "lines.parquet"))


def test_without_duckdb_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(RunbookError, match="its extra `parquet`"):
        parquet.check(str(tmp_path / "lines.parquet"))
