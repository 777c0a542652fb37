"""Errors that end a command: it prints one line to stderr and exits with code 2."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Found = TypeVar("Found")


class RunbookError(Exception):
    """What went wrong and what to do, in one line."""


class Denied(RunbookError):
    """The credentials lack a permission, so the state is unknown."""


def ask_each(names: Iterable[str], ask: Callable[[str], Found]) -> tuple[dict[str, Found], dict[str, str]]:
    """Call `ask` for each name; give the results and the errors, by name. RunbookError if every call failed."""
    found: dict[str, Found] = {}
    errors: dict[str, RunbookError] = {}
    for name in names:
        try:
            found[name] = ask(name)
        except RunbookError as error:
            errors[name] = error
    if errors and not found:
        raise next(iter(errors.values()))
    return found, {name: str(error) for name, error in errors.items()}
