"""What `make test-trino` needs is found, or refused in one line that says what to do; no network, no Java."""

import hashlib
import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.child import LocalError
from local.trino import download, java
from local.trino.query import at_clock

NOW = datetime(2026, 11, 24, 1, 2, 3, 456_789, UTC)


def jvm(folder: Path, version: str) -> Path:
    """A `java` that says what it is."""
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    path.chmod(0o755)
    return path


def test_a_java_that_is_new_enough_is_taken_and_an_older_one_passed_over(tmp_path: Path) -> None:
    old, new = jvm(tmp_path / "old", "21.0.9"), jvm(tmp_path / "new", "24.0.1")
    assert java.find([old, new]) == new


def test_without_a_java_that_is_new_enough_it_says_so(tmp_path: Path) -> None:
    old = jvm(tmp_path / "old", "21.0.9")
    with pytest.raises(LocalError, match=r"needs Java 24 or newer: install one.*java is 21, .*none is not Java"):
        java.find([old, tmp_path / "none"])
    with pytest.raises(LocalError, match="there is no Java at all"):
        java.find([])


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of Maven Central with a server of a few bytes; TRINO_CACHE is an empty folder."""
    monkeypatch.setenv("MAVEN_CENTRAL_URL", (tmp_path / "mirror").as_uri())
    monkeypatch.setenv("TRINO_CACHE", str(tmp_path / "cache"))
    archive = tmp_path / "mirror" / download.PATH
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as packed:
        for name in ("lib/a.jar", "plugin/hive/b.jar", "plugin/kafka/c.jar", "bin/launcher", "secrets-plugin/d.jar"):
            packed.addfile(tarfile.TarInfo(f"{download.NAME}/{name}"), io.BytesIO())
    return archive


def test_a_server_is_downloaded_once_and_keeps_the_hive_plugin(mirror: Path) -> None:
    sha256 = hashlib.sha256(mirror.read_bytes()).hexdigest()
    server = download.folder(sha256)
    assert {str(path.relative_to(server)) for path in server.rglob("*.*")} == {"lib/a.jar", "plugin/hive/b.jar"}
    assert [path.name for path in server.parent.iterdir()] == [server.name]
    mirror.unlink()
    assert download.folder() == server


def test_what_has_another_hash_is_refused_and_leaves_nothing(mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"cannot get Trino 476 .*its SHA-256 is"):
        download.folder()
    assert not list((tmp_path / "cache").iterdir())


def test_a_download_that_cannot_be_had_says_what_to_do(mirror: Path) -> None:
    mirror.unlink()
    with pytest.raises(LocalError, match=r"check the network and .*, or set MAVEN_CENTRAL_URL to a mirror"):
        download.folder()


def test_a_query_gets_another_clock_to_the_millisecond() -> None:
    assert at_clock("SELECT now(), NOW()", NOW).count("TIMESTAMP '2026-11-24 01:02:03.456 UTC'") == 2


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT now(), current_date", "SELECT LOCALTIMESTAMP"])
def test_a_query_that_would_ask_the_nodes_own_clock_is_refused(sql: str) -> None:
    with pytest.raises(ValueError, match=r"ask for the time by now\(\) alone"):
        at_clock(sql, NOW)
