"""A text or regular expression that lines contain, or do not contain: in SQL, and in Python. Pure."""

import re
from dataclasses import dataclass
from functools import cached_property

from runbook.errors import RunbookError
from runbook.search import regular_expressions
from runbook.search.sql_literals import literal

_LONGEST = 1000


@dataclass(frozen=True)
class TextFilter:
    """Plain text, or a regular expression of the subset of regular_expressions.py, to be found in a message.

    The condition and `found_in` select the same messages. RunbookError for a text that no line can contain.
    """

    text: str
    regexp: bool = False
    ignore_case: bool = False

    def __post_init__(self) -> None:
        if not self.text or len(self.text) > _LONGEST:
            raise RunbookError(f"--match and --exclude take 1 to {_LONGEST} characters, not {len(self.text)}")
        literal(self.text)
        _ = self._compiled

    @cached_property
    def condition(self) -> str:
        """The condition in SQL that the message contains it, which is never NULL."""
        # A line without a message has NULL there, of which a condition would be neither true nor false.
        message = "coalesce(message, '')"
        if self.ignore_case:
            message = f"lower({message})"
        if self.regexp:
            return f"regexp_like({message}, {literal(self._expression)})"
        sought = f"lower({literal(self.text)})" if self.ignore_case else literal(self.text)
        return f"strpos({message}, {sought}) > 0"

    def found_in(self, message: str) -> bool:
        """Whether a message contains it."""
        return self._compiled.search(lower(message) if self.ignore_case else message) is not None

    @property
    def highlighted(self) -> re.Pattern[str]:
        """What to highlight in a message as it is shown."""
        return re.compile(self._expression, re.IGNORECASE if self.ignore_case else re.NOFLAG)

    @cached_property
    def _expression(self) -> str:
        if self.regexp:
            return regular_expressions.translate(self.text, lower if self.ignore_case else None)
        return re.escape(lower(self.text) if self.ignore_case else self.text)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        try:
            return re.compile(self._expression)
        except (re.error, OverflowError, RecursionError) as error:
            raise RunbookError(f"invalid regular expression {self.text!r}: {error}") from None


def lower(text: str) -> str:
    """Write a text in lower case as Trino's lower does, character by character."""
    return text.lower() if text.isascii() else "".join(character.lower()[0] for character in text)
