"""Asks the operator for confirmation."""

import sys

import typer

from runbook.errors import RunbookError


def ask(question: str, *, yes: bool) -> None:
    """Ask a yes-no question, unless `yes` (--yes). RunbookError if the answer is no, or without a terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RunbookError(f"{question} stdin is not a terminal: add --yes to continue")
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        # Ctrl-C at the question ends the command like any other Ctrl-C.
        raise KeyboardInterrupt from None
    if not agreed:
        raise RunbookError("cancelled: nothing was changed")
