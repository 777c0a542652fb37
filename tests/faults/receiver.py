"""`python -m receiver` as a process, and what it holds of the machine while it runs."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local.pulumi.project import FOLDER
from tests.support.fakes import APP

_SAMPLE_S = 0.2


class Held(NamedTuple):
    """Threads and descriptors."""

    threads: int
    descriptors: int


class Receiver:
    """A running receiver; `samples` is what it held, several times a second."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self.port = process, port
        self.samples: list[Held] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def held(self) -> Held:
        """What it holds now."""
        folder = Path(f"/proc/{self.process.pid}")
        return Held(len(list((folder / "task").iterdir())), len(list((folder / "fd").iterdir())))

    def is_back_at(self, before: Held, seconds: float) -> bool:
        """Whether it holds no more than before, by then at the latest."""
        end = time.monotonic() + seconds
        while self.held().threads > before.threads or self.held().descriptors > before.descriptors:
            if time.monotonic() > end:
                return False
            self._over.wait(_SAMPLE_S)
        return True

    def most(self) -> Held:
        """The most that it held of each."""
        return Held(*(max(values) for values in zip(*self.samples, strict=True)))

    def close(self) -> None:
        """End the samples."""
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            self.samples.append(self.held())


@contextmanager
def receiver(environment: Mapping[str, str], log: Path, *options: str) -> Iterator[Receiver]:
    """Run one on any free port; what it prints goes to a file."""
    settings = {
        "LOG_BUCKET": "a-bucket",
        "LOG_APPS": APP,
        "TOKEN_HASHES_PATH": "/token_hashes/",
        "BUFFER_TABLE": "a-table",
        "SPILL_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/spill",
    }
    with log.open("w") as stdout:
        process = subprocess.Popen(
            [sys.executable, "-m", "receiver", "--port", "0", *options],
            cwd=FOLDER,
            env={**os.environ, **settings, **environment},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr
        running = Receiver(process, int(process.stderr.readline().rpartition(":")[2]))
        try:
            yield running
            process.terminate()
            _, said = process.communicate(timeout=20)
            assert (process.returncode, said) == (0, "")
        finally:
            running.close()
            process.kill()
            process.communicate()
