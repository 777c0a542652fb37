"""Splits Trino's SQL into tokens and statements. Pure."""

import re
from collections.abc import Iterator

from runbook.errors import RunbookError

# A token: its kind (text, name or operator), and its text; names and words in lower case.
Token = tuple[str, str]

# Strings, quoted names and comments as in Trino's SQL grammar; anything else is a name, a number or an operator.
_TOKEN = re.compile(
    r"(?P<skip>\s+|--[^\n]*|/\*.*?\*/)|'(?P<text>(?:[^']|'')*)'|\"(?P<quoted>(?:[^\"]|\"\")*)\"|(?P<word>\w+)"
    r"|(?P<operator><>|!=|<=|>=|\|\||.)",
    re.DOTALL,
)


def tokens(sql: str) -> Iterator[Token]:
    """Give the tokens, without white space and comments."""
    for found in _TOKEN.finditer(sql):
        kind = str(found.lastgroup)
        text = found[kind]
        if kind == "text":
            yield kind, text.replace("''", "'")
        elif kind in {"quoted", "word"}:
            yield "name", text.lower()
        elif kind == "operator":
            yield kind, text


def statement(sql: str) -> str:
    """Give the one statement of a text, with its comments and without its semicolon.

    Athena runs one statement at a time. RunbookError if there is none, or if there are several.
    """
    parts = [part for part in _parts(sql) if any(tokens(part))]
    if not parts:
        raise RunbookError("the SQL is empty: give it as one quoted argument, or give - and pipe the query in")
    if len(parts) > 1:
        raise RunbookError(f"the SQL has {len(parts)} statements, and Athena runs one at a time: give only one")
    return parts[0].strip()


def _parts(sql: str) -> Iterator[str]:
    """Split at semicolons that are not in a string, a quoted name or a comment."""
    begin = 0
    for found in _TOKEN.finditer(sql):
        if found["operator"] == ";":
            yield sql[begin : found.start()]
            begin = found.end()
    yield sql[begin:]
