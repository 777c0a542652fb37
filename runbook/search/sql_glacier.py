"""Says which lines a query of one's own SQL skips because they are in Glacier, and how to restore them."""

from collections.abc import Iterator, Sequence
from datetime import date

from runbook.search import estimate, sql_days, sql_tokens
from runbook.search.estimate import Estimate
from runbook.session import Session
from runbook.terminal import next_command, printing, times

_MOST_COMMANDS = 3


def notes(session: Session, sql: str, archive: Estimate | None) -> tuple[str, ...]:
    """Give the notes for a query; `archive` is all that there is, None if it was not listed.

    The days are looked at if literals name them, a month at most. Days from an expression, such as the last seven, get
    no note.
    """
    outputs = session.outputs
    names = {name for kind, name in sql_tokens.tokens(sql) if kind == "name"}
    if not names & {outputs.table, outputs.view} or sql_days.has_only_expressions(sql):
        return ()
    if archive and archive.complete and not archive.objects_in_glacier:
        return ()
    if days := sql_days.days(sql, times.now().date()):
        return tuple(_of_days(session, sql, days))
    restore = next_command.command_line(session, "restore", "--from", "YYYY-MM-DD", "--to", "YYYY-MM-DD")
    skipped = f"lines older than {outputs.archive_after_days} days are in Glacier"
    return (f"{skipped}: the result lacks those that are not restored. To restore days: `{restore}`",)


def _of_days(session: Session, sql: str, days: Sequence[date]) -> Iterator[str]:
    outputs, s3 = session.outputs, session.s3
    named = [app for app in outputs.all_apps if app in sql_days.apps(sql)]
    counts = {
        day: estimate.of_window(s3, outputs.bucket, named or outputs.all_apps, window).objects_in_glacier
        for day in days
        for window in sql_days.windows([day])
    }
    if not (skipped := [day for day, count in counts.items() if count]):
        return
    objects = printing.counted(sum(counts.values()), "object is", "objects are")
    windows = sql_days.windows(skipped)
    commands = [
        f"`{next_command.command_line(session, 'restore', *next_command.scope(named, window))}`"
        for window in windows[:_MOST_COMMANDS]
    ]
    more = f", and so on for {len(windows) - _MOST_COMMANDS} more" if len(windows) > _MOST_COMMANDS else ""
    yield (
        f"the result is incomplete: {objects} in Glacier for {printing.counted(len(skipped), 'day', 'days')}. "
        f"To restore them: {', '.join(commands)}{more}"
    )
