"""Finds a Java that is new enough for Trino."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from local.child import LocalError

OLDEST = 24

_VERSION = re.compile(r'version "(\d+)')


def find(candidates: Iterable[Path] | None = None) -> Path:
    """Give the first `java` that is new enough; LocalError if there is none.

    By default the candidates are those of JAVA_HOME, PATH and the usual folders.
    """
    seen = []
    for java in _installed() if candidates is None else candidates:
        version = _version(java)
        if version is not None and version >= OLDEST:
            return java
        seen.append(f"{java} is {version or 'not Java'}")
    raise LocalError(
        f"Trino needs Java {OLDEST} or newer: install one, such as Temurin 25, and set JAVA_HOME to it "
        f"({', '.join(seen) or 'there is no Java at all'})"
    )


def _installed() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if on_path := shutil.which("java"):
        yield Path(on_path)
    yield from sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    yield from sorted(Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home/bin/java"))


def _version(java: Path) -> int | None:
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    version = _VERSION.search(told.stderr)
    return int(version[1]) if version else None
