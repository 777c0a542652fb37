"""Where the list of a saved query ends: it is asked for one row more, which shows that there are more. Pure."""

from dataclasses import replace
from datetime import datetime

from contract.saved_queries import MOST_ROWS, SavedQuery
from runbook.clients.athena import Stream
from runbook.clients.athena_rows import Row, Rows
from runbook.search.query_options import QueryOptions
from runbook.search.result_output import MOST_TABLE_ROWS, Format
from runbook.session import Session
from runbook.terminal import next_command, printing


def cut(saved: SavedQuery, found: Stream, moment: datetime) -> Stream:
    """Leave the row beyond the query's limit out; `complete` says at the end whether there was one.

    The rows of `around` are the nearest to `moment`, so the one beyond is the first or the last: they are all read
    here. In `recent-deploys` the limit is that of restarts, which come last.
    """
    if saved.limit is None:
        return found
    names = [column.name for column in found.columns]
    if saved.name == "around":
        return replace(found, rows=_nearest(list(found.rows), saved.limit, names.index("log_ts"), moment))
    if saved.name == "recent-deploys":
        process = names.index("proc_id")
        return replace(found, rows=Rows(found.rows, saved.limit, counts=lambda row: row[process] != "api"))
    return replace(found, rows=Rows(found.rows, saved.limit))


def note(session: Session, saved: SavedQuery, options: QueryOptions, selected: Format) -> str:
    """Say which rows of a result that is not complete are shown, and how to see more."""
    if saved.limit is None:
        return ""
    shown = {
        "around": f"only {saved.limit:,} lines are shown, those nearest to the time",
        "recent-deploys": f"all deploys are shown, but of the restarts only the newest {saved.limit:,}",
    }.get(saved.name, f"only the first {saved.limit:,} rows are shown")
    if saved.limit == MOST_ROWS:
        return f"{shown}, and --limit cannot be higher: choose a shorter window"
    words = options.with_limit(min(10 * saved.limit, MOST_ROWS)).words()
    if selected.is_table and 10 * saved.limit > MOST_TABLE_ROWS:
        words.append("--csv")
    command = next_command.command_line(session, "query", saved.name, *words)
    return f"{shown}; to see more: `{printing.printable(command)}`"


def _nearest(rows: list[Row], most: int, log_ts: int, moment: datetime) -> Rows:
    if len(rows) <= most:
        return Rows(rows)
    first, last = (datetime.fromisoformat(str(rows[index][log_ts])) for index in (0, -1))
    is_first = abs(first - moment) > abs(last - moment)
    return Rows(rows[1:] if is_first else rows[:-1], complete=False)
