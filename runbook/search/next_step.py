"""The command that a saved query names as the next one, filled with the values of its result's first row. Pure."""

import re
import shlex
from dataclasses import replace
from datetime import datetime

from contract.saved_queries import SavedQuery, saved_queries
from runbook.clients.athena import Stream
from runbook.clients.athena_values import Value
from runbook.search.query_options import QueryOptions
from runbook.session import Session
from runbook.terminal import next_command, printing, times

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_DEFAULT_WINDOW = re.compile(r"the last (\d+) (minute|hour|day)s?")


def command(session: Session, saved: SavedQuery, found: Stream, options: QueryOptions, now: datetime) -> str | None:
    """Write the next command, for the same window. None if there is no row, or if it lacks a value that is needed."""
    if saved.next is None or found.rows.first is None:
        return None
    row = dict(zip([column.name for column in found.columns], found.rows.first, strict=True))
    words = [_filled(word, row) for word in shlex.split(saved.next)]
    given = [word for word in words if word is not None]
    if len(given) < len(words):
        return None
    return next_command.command_line(session, *given, *_kept(saved, given, options, now))


def own_window(saved: SavedQuery) -> str:
    """Give the query's own window as a value of --last. ValueError if it has another one, from options."""
    found = _DEFAULT_WINDOW.fullmatch(saved.window)
    if not found:
        raise ValueError(f"{saved.name} has no window of its own: {saved.window}")
    return f"{found[1]}{found[2][0]}"


def _filled(word: str, row: dict[str, Value]) -> str | None:
    """Fill a word in. None without a value, or if a value can control the terminal: a shell needs it unchanged."""
    values = {name: row[name] for name in _PLACEHOLDER.findall(word)}
    text = _PLACEHOLDER.sub(lambda match: str(printing.plain(values[match[1]])).replace(".000Z", "Z"), word)
    return None if None in values.values() or printing.printable(text) != text else text


def _kept(saved: SavedQuery, words: list[str], options: QueryOptions, now: datetime) -> list[str]:
    """Write the apps, the window and the filters, unless the command sets them or has none."""
    target = _QUERIES.get(words[1]) if words[0] == "query" else None
    if target is None and words[0] != "lines":
        return []
    parameters = target.parameters if target else ()
    apps = () if "--app" in words else options.apps
    if "--around" in words:
        return replace(options, apps=apps, last=None, since=None, until=None, around=None).kept(parameters, now)
    window, own = options.window(now), own_window(_QUERIES[saved.name])
    if target and window and "moment" in saved.parameters:
        # What was changed before a moment, however few minutes were looked at.
        until = next_command.scope([], window)[-1]
        return [*QueryOptions(apps).kept((), now), "--last", own_window(target), "--to", until]
    kept = replace(options, apps=apps).kept(parameters, now)
    is_longer = target is None or times.duration(own) > times.duration(own_window(target))
    return [*kept, "--last", own] if window is None and is_longer else kept


_QUERIES = {query.name: query for query in saved_queries()}
