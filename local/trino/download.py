"""The Trino server: downloaded from Maven Central once, checked by its hash, and kept without the plugins not needed.

The environment variable TRINO_CACHE is the folder that keeps it (default: heroku-log-drain in the user's cache);
MAVEN_CENTRAL_URL is a mirror of Maven Central.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import IO

from local.child import LocalError

VERSION = "476"

NAME = f"trino-server-{VERSION}"
SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
_MAVEN_CENTRAL = "https://repo1.maven.org/maven2"
PATH = f"io/trino/trino-server/{VERSION}/{NAME}.tar.gz"
_KEPT_PLUGIN = "hive"
_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 60


def folder(sha256: str = SHA256) -> Path:
    """Give the folder of the server, with `lib` and `plugin/hive`; download it if needed (821 MB; 372 MB stay).

    LocalError if the download fails or has another hash.
    """
    cache = _cache()
    server = cache / NAME
    if not server.exists():
        try:
            _install(cache, server, sha256)
        except (OSError, HTTPException, tarfile.TarError) as error:
            raise LocalError(
                f"cannot get Trino {VERSION} ({_url()}: {error}): check the network and {cache}, or set "
                "MAVEN_CENTRAL_URL to a mirror, or TRINO_CACHE to a folder that has it"
            ) from error
    return server


def _install(cache: Path, server: Path, sha256: str) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="download-") as work:
        print(f"downloading {_url()} into {cache}, once", flush=True)
        with tempfile.TemporaryFile(dir=work) as archive:
            _download(archive, sha256)
            archive.seek(0)
            with tarfile.open(fileobj=archive, mode="r:gz") as packed:
                packed.extractall(work, filter="data")
        unpacked = Path(work, NAME)
        # Only now: files of one plugin are links to files of others.
        for unneeded in (*unpacked.glob("plugin/*"), unpacked / "secrets-plugin", unpacked / "bin"):
            if unneeded.name != _KEPT_PLUGIN:
                shutil.rmtree(unneeded)
        try:
            unpacked.rename(server)
        except OSError:
            # Another process was faster.
            if not server.exists():
                raise


def _download(archive: IO[bytes], sha256: str) -> None:
    digest = hashlib.sha256()
    with urllib.request.urlopen(_url(), timeout=_TIMEOUT_S) as answer:  # noqa: S310  the hash decides
        while block := answer.read(_BLOCK_BYTES):
            digest.update(block)
            archive.write(block)
    if digest.hexdigest() != sha256:
        raise OSError(f"its SHA-256 is {digest.hexdigest()} instead of {sha256}")


def _url() -> str:
    return f"{os.environ.get('MAVEN_CENTRAL_URL', _MAVEN_CENTRAL).rstrip('/')}/{PATH}"


def _cache() -> Path:
    if chosen := os.environ.get("TRINO_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heroku-log-drain"
