"""Child processes of the local stack: they get a configuration, report when ready, and end with their parent."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn, cast

_PATIENCE_S = 30
_PROJECT = Path(__file__).parent.parent


class LocalError(Exception):
    """Why the local stack cannot run, in one line that says what to do."""


class Child:
    """A module of ours that runs as a process. `ready` is what it reported when it was ready."""

    def __init__(
        self,
        module: str,
        config: Mapping[str, Any],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start `python -m MODULE` and wait until it is ready; LocalError with the reason if it does not start."""
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=_PROJECT,
                env={**os.environ, **(env or {})},
                text=True,
                # Only the parent handles Ctrl-C: it stops its children in order.
                start_new_session=True,
            )
        self._stdin, self._stdout = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        timer = threading.Timer(_PATIENCE_S, self._process.kill)
        timer.start()
        try:
            self._stdin.write(json.dumps(config) + "\n")
            self._stdin.flush()
            answer = self._stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            timer.cancel()
        self.ready: dict[str, Any] = json.loads(answer or "{}")
        if not answer or "error" in self.ready:
            self.stop()
            raise LocalError(f"{module} did not start: {self.ready.get('error') or _last_line(log)}")

    def stop(self) -> None:
        """Close its standard input, which ends the child, and wait."""
        self._stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "its log is empty"


class Parent:
    """The child's end of the standard streams. Create it before anything prints."""

    def __init__(self) -> None:
        self._answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
        # From here on, everything that is printed goes to the log.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self.config: dict[str, Any] = json.loads(sys.stdin.readline())

    def tell_ready(self, **facts: Any) -> None:
        """Report that the child is ready, and how to reach it."""
        self._say(facts)

    def tell_error(self, reason: str) -> NoReturn:
        """Report why the child cannot start, and end it."""
        self._say({"error": reason})
        sys.exit(1)

    def wait(self) -> None:
        """Return when the parent closes our standard input or is gone."""
        sys.stdin.read()

    def _say(self, facts: Mapping[str, Any]) -> None:
        self._answer.write(json.dumps(facts) + "\n")
        self._answer.close()
