"""The SQL of `lines`: the newest matching lines of a window. Pure."""

import re

from contract.canary import NOT_A_CANARY
from contract.window import Window
from runbook.errors import RunbookError

COLUMNS = ("log_ts", "app", "source", "proc_id", "message", "seq", '"$path"')

# RFC 5424 section 6: PROCID is printable US-ASCII without space.
_PROC_ID = re.compile(r"[!-~]{1,128}")
_LONGEST_TEXT = 1000


def sql(
    table: str,
    window: Window,
    *,
    app: str | None = None,
    dyno: str | None = None,
    match: str | None = None,
    ignore_case: bool = False,
    limit: int,
) -> str:
    """Write a query for up to `limit` lines, newest first; `table` includes the database.

    The last column is the URL of the line's object (Athena user guide, "Get the file locations for source data in
    Amazon S3").

    `dyno` is a PROCID such as web.1 or router, or a process type such as web for all its dynos. `match` is plain text
    in the message. Canaries are left out, unless `dyno` asks for them. RunbookError for a value that no line can have.
    """
    conditions: list[str] = []
    if app is not None:
        conditions.append(f"app = {literal(app)}")
    conditions += [*window.predicates, NOT_A_CANARY if dyno is None else _of_dyno(dyno)]
    if match is not None:
        conditions.append(_matching(match, ignore_case=ignore_case))
    where = "\n    AND ".join(conditions)
    # Within a millisecond, the text of the time decides, which has microseconds; then the number within one time. All
    # of it backwards, as the lines are shown oldest first.
    return (
        f"SELECT {', '.join(COLUMNS)}\nFROM {table}\nWHERE\n    {where}\n"
        "ORDER BY try(from_iso8601_timestamp(log_ts)) DESC, log_ts DESC, app DESC, "
        "coalesce(try_cast(seq AS bigint), 1) DESC, source DESC, proc_id DESC, message DESC\n"
        f"LIMIT {limit}"
    )


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


def _of_dyno(dyno: str) -> str:
    if not _PROC_ID.fullmatch(dyno):
        raise RunbookError(f"invalid dyno {dyno!r}: write web.1, web or router")
    return f"(proc_id = {literal(dyno)} OR strpos(proc_id, {literal(dyno + '.')}) = 1)"


def _matching(match: str, *, ignore_case: bool) -> str:
    if not match or len(match) > _LONGEST_TEXT:
        raise RunbookError(f"--match takes 1 to {_LONGEST_TEXT} characters, not {len(match)}")
    if ignore_case:
        return f"strpos(lower(message), lower({literal(match)})) > 0"
    return f"strpos(message, {literal(match)}) > 0"
