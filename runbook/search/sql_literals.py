"""Text in SQL. Pure."""

from runbook.errors import RunbookError


def literal(text: str) -> str:
    """Write a string literal of Trino (Trino, "Data types", VARCHAR): only the quote is special, and is doubled.

    RunbookError for control characters, which no stored line has, and for text that is not valid UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RunbookError(f"{text!r} is not valid UTF-8, so no line contains it") from None
    if any((char < " " and char != "\t") or char == "\x7f" for char in text):
        raise RunbookError(f"{text!r} has control characters, which are stored as #012 and so on: search for those")
    return "'" + text.replace("'", "''") + "'"
