"""Wildcards of policies: `*` is any text, `?` any one character, and nothing else is special."""

import re
from functools import cache


class NotUnderstood(Exception):
    """A policy uses an element, operator or variable that is not evaluated here."""


def matches(text: str, pattern: str) -> bool:
    """Whether a text has the form of a pattern; policy variables such as `${aws:username}` are not understood."""
    return _compiled(pattern).fullmatch(text) is not None


def arn_matches(arn: str, pattern: str) -> bool:
    """Whether an ARN has the form of a pattern, each of the six parts for itself ("ARN condition operators")."""
    parts, patterns = arn.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) and all(map(matches, parts, patterns))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    if "${" in pattern:
        raise NotUnderstood(f"policy variable in {pattern}")
    special = {"*": ".*", "?": "."}
    return re.compile("".join(special.get(each, re.escape(each)) for each in pattern))
