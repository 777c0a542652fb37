"""CloudWatch Logs on this machine: each log group is a file of events, which functions and the gateway write."""

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from io import TextIOBase
from pathlib import Path
from typing import Any, TextIO


def file_of(folder: Path, group: str) -> Path:
    """Give the file with the events of a log group."""
    return folder / f"{group.strip('/').replace('/', '.')}.events"


def write(path: Path, message: str) -> None:
    """Add an event, now."""
    event = json.dumps({"timestamp": int(time.time() * 1000), "message": message})
    with path.open("a", encoding="utf-8") as file:
        # One write, because threads and processes write at the same time.
        file.write(event + "\n")


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the events, oldest first: {"timestamp", "message"}. None for a group that nothing has written to."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


class Recorded(TextIOBase):
    """A text stream whose lines are events too, as Lambda makes events of what a function prints."""

    def __init__(self, stream: TextIO, path: Path) -> None:
        """Pass on to a stream, and write to a file of events."""
        self._stream, self._path, self._rest = stream, path, ""
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Write text; each line is an event once it is complete."""
        with self._lock:
            self._stream.write(text)
            *lines, self._rest = (self._rest + text).split("\n")
            for line in filter(None, lines):
                write(self._path, line)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()


class AccessLog:
    """The access log of a stage: an event per request, of its format, in which `-` stands for an absent value."""

    def __init__(self, path: str, format: str) -> None:  # noqa: A002  its name in AccessLogSettings
        """Write to a file of events; `format` has variables such as $context.status."""
        self._path, self._format = Path(path), format

    def note(self, context: Mapping[str, object]) -> None:
        """Add the event of a request. The names of its variables are without `$context.`."""
        told = re.sub(r"\$context\.([\w.]+)", lambda name: str(context.get(name[1], "-")), self._format)
        write(self._path, told)
