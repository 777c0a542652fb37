"""A terminal in tests: what a command prints on it, without its colours."""

import io
import re

import pytest


class Terminal(io.StringIO):
    """Replaces stdout."""

    def isatty(self) -> bool:
        """Yes."""
        return True

    def text(self) -> str:
        """What was printed, without escape sequences."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.getvalue())


def terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> Terminal:
    """Make stdout a terminal with colours, of a width in characters."""
    shown = Terminal()
    monkeypatch.setattr("sys.stdout", shown)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return shown
