"""A Trino node on loopback, which reads the Glue catalog and bucket of the local AWS as Athena reads the real ones."""

import json
import os
import re
import socket
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from local.child import Child, LocalError
from local.trino import download, java
from local.trino.catalog import CATALOG
from local.trino.query import Client

_PATIENCE_S = 120
_POLL_S = 0.1
_HOST = "127.0.0.1"
_FAULT = re.compile(r"^(?:\d+\) .*|.*\tERROR\t.*|Error: .*)$", re.MULTILINE)


class Trino:
    """A running node, for use in a `with` statement. It ends with the block, or with the process."""

    def __init__(self, catalog: Mapping[str, str], *, heap: str = "2G", brief: bool = False) -> None:
        """Choose the properties of its catalog (catalog.py) and its heap.

        `brief` compiles little code: the node starts sooner and runs a few small queries faster, but do not measure
        speed with it.
        """
        self._catalog, self._heap, self._brief = catalog, heap, brief
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Start it and wait until it answers; LocalError if it cannot be installed or does not start."""
        with self._running:
            self._start()
            self._running = self._running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _start(self) -> None:
        server = download.folder()
        jvm = java.find()
        folder = Path(self._running.enter_context(tempfile.TemporaryDirectory(prefix="trino-")))
        port = _free_port()
        self.url = f"http://{_HOST}:{port}"
        _write(folder / "config.properties", self._config(port, server, folder))
        _write(folder / "catalog" / f"{CATALOG}.properties", self._catalog)
        log = folder / "server.log"
        command = [str(jvm), *self._jvm_options(), *_start_options(server, folder)]
        child = Child("local.trino.node", {"command": command, "log": str(log)}, log=folder / "node.log")
        self._running.callback(child.stop)
        self.client = Client(_HOST, port)
        self._wait(child.ready["pid"], log)

    def _config(self, port: int, server: Path, folder: Path) -> dict[str, str]:
        return {
            "coordinator": "true",
            "node-scheduler.include-coordinator": "true",
            "http-server.http.port": str(port),
            "node.bind-ip": _HOST,
            "node.internal-address": _HOST,
            "discovery.uri": self.url,
            "node.environment": "local",
            # By default it logs each request to its working directory.
            "http-server.log.enabled": "false",
            "plugin.dir": str(server / "plugin"),
            "catalog.config-dir": str(folder / "catalog"),
        }

    def _jvm_options(self) -> list[str]:
        brief = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"] if self._brief else []
        return [f"-Xmx{self._heap}", *brief]

    def _wait(self, pid: int, log: Path) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not _started(self.url):
            if not _alive(pid):
                raise LocalError(f"Trino did not start: {_fault(log)}")
            if time.monotonic() > deadline:
                raise LocalError(f"Trino did not start within {_PATIENCE_S} seconds: {_fault(log)}")
            time.sleep(_POLL_S)


def _start_options(server: Path, folder: Path) -> list[str]:
    # As Trino's own bin/launcher does (Trino documentation, "Deploying Trino", JVM config).
    return [
        "-Dfile.encoding=UTF-8",
        "-Djdk.attach.allowAttachSelf=true",
        "--add-modules=jdk.incubator.vector",
        "--enable-native-access=ALL-UNNAMED",
        f"-Dconfig={folder / 'config.properties'}",
        f"-Dnode.data-dir={folder}",
        "-cp",
        f"{server / 'lib'}/*",
        "io.trino.server.TrinoServer",
    ]


def _write(path: Path, properties: Mapping[str, str]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")


def _free_port() -> int:
    # The node's configuration contains its own address, so the port must be known before it starts.
    with socket.create_server((_HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def _started(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/v1/info", timeout=_PATIENCE_S) as answer:  # noqa: S310  loopback
            return json.load(answer)["starting"] is False
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _fault(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    faults: list[str] = _FAULT.findall(text) or text.strip().splitlines()[-1:]
    return " ".join(faults[0].split()) if faults else "its log is empty"
