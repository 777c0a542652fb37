"""Asking the operator."""

import sys

import typer

from runbook.errors import RunbookError


def ask(question: str, *, yes: bool) -> None:
    """Go on only with the operator's consent; `yes` is --yes, by which it was given before.

    RunbookError when the answer is no, or when nobody is there to give one.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise RunbookError(f"{question} Nobody is there to answer: add --yes to go on")
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        # Ctrl-C at the question is Ctrl-C.
        raise KeyboardInterrupt from None
    if not agreed:
        raise RunbookError("nothing was done")
