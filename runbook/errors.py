"""What can keep a command from an answer. Each is shown as one line on stderr, and the exit code is 2."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Found = TypeVar("Found")


class RunbookError(Exception):
    """Why there is no answer, in one line that says what to do."""


class Denied(RunbookError):
    """The credentials in use lack a right: nothing is known of what was asked for."""


def of_each(names: Iterable[str], ask: Callable[[str], Found]) -> tuple[dict[str, Found], dict[str, str]]:
    """Give the answers by name, and why there is none of the others; RunbookError when there is no answer at all."""
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
