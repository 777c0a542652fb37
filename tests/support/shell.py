"""Blocks of shell from documents and workflows, run with stand-ins of commands."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from tests.support.paths import PROJECT

_LONGEST_S = 60


class Shell:
    """A folder in which a block runs, with stand-ins of commands; `calls` are theirs, one list of words each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / ".venv" / "bin").mkdir(parents=True)
        self._install(folder / ".venv" / "bin" / "python", f'exec "{sys.executable}" "$@"')
        self._install(folder / ".venv" / "bin" / "hla", f'exec "{sys.executable}" -m runbook "$@"')

    def command(self, name: str, program: str) -> None:
        """Put a command on PATH: Python, which finds its words in `words` and the earlier calls' in `earlier`."""
        script = self.folder / f"{name}.py"
        script.write_text(
            "import json, pathlib, sys\n"
            "words, log = sys.argv[1:], pathlib.Path(__file__).with_suffix('.calls')\n"
            "earlier = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []\n"
            "log.open('a').write(json.dumps(words) + '\\n')\n" + program,
            encoding="utf-8",
        )
        self._install(self.folder / "bin" / name, f'exec "{sys.executable}" -S "{script}" "$@"')

    def calls(self, name: str) -> list[list[str]]:
        log = self.folder / f"{name}.calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def run(self, text: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a block, with more variables in its environment."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        environment = {"PATH": path, "PYTHONPATH": str(PROJECT), **more}
        return subprocess.run(
            ["bash", "-c", text], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=_LONGEST_S
        )

    @staticmethod
    def _install(path: Path, line: str) -> None:
        path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)
