"""`lines`: the apps' logs, as `heroku logs` shows them."""

import json
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn, TypeVar
from uuid import UUID

import typer

from contract.object_keys import ObjectKey
from contract.window import Window
from runbook import stack_outputs
from runbook.clients import aws
from runbook.clients.athena import Result
from runbook.clients.buffer import Buffer
from runbook.errors import RunbookError
from runbook.search import athena_command, estimate, line_rows, lines_sql
from runbook.search.line_rows import Row, Selection
from runbook.search.tail import PAUSE_S, Tail
from runbook.search.unflushed import Unflushed, untils_of
from runbook.session import AsJson, Session, Yes, session_of
from runbook.terminal import printing, times

if TYPE_CHECKING:
    from rich.text import Text

_DEFAULT_SPAN = timedelta(minutes=30)
_FOLLOW_SPAN = timedelta(minutes=1)

Read = TypeVar("Read")
_COLOURS = ("cyan", "yellow", "green", "magenta", "red", "bright_cyan", "bright_yellow", "bright_green")


def lines(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Option(help="Only this app; default: all.")] = None,
    last: times.Last = None,
    since: times.From = None,
    until: times.To = None,
    match: Annotated[
        str | None, typer.Option("--match", "-m", metavar="TEXT", help="Only lines that contain this text.")
    ] = None,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i", help="Ignore case in --match.")] = False,
    dyno: Annotated[
        str | None,
        typer.Option("--dyno", "-d", metavar="NAME", help="Only this dyno: web.1, web, router, canary, ..."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of lines, the newest.")] = 1000,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show the last minute, then lines as they come, until Ctrl-C.")
    ] = False,
    confirm_over: athena_command.ConfirmOver = athena_command.CONFIRM_OVER,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    r"""Show the apps' logs, oldest first; by default those of the last 30 minutes.

    Lines that are not in S3 yet are read from the buffer, so a line is shown within two seconds of its arrival. With
    --follow the buffer is read about once per second, which costs about $0.25 per hour and app at 20 POSTs per second,
    and less than a cent at one. Canaries, which the stack itself sends, are shown only with --dyno canary.

    \b
      python -m runbook lines --app raxx-api-prod --match "code=H12"
      python -m runbook lines --app raxx-api-prod --dyno web.1 --last 2h --match timeout -i
      python -m runbook lines --from 2026-11-24T03:00 --to 2026-11-24T03:10
      python -m runbook lines --follow --dyno router
    """
    session = session_of(ctx, as_json=as_json)
    if ignore_case and match is None:
        raise RunbookError("--ignore-case needs --match")
    if follow and until is not None:
        raise RunbookError("--follow and --to are mutually exclusive: give only one")
    now = times.now()
    window = times.window(last, since, until, now) or Window.last(_FOLLOW_SPAN if follow else _DEFAULT_SPAN, now)
    over_bytes = estimate.size(confirm_over)
    apps = stack_outputs.searched_apps(session.outputs, app)
    stored = estimate.of_window(session.s3, session.outputs.bucket, apps, window)
    athena_command.confirm_size(stored, over_bytes, yes=yes)
    selection = Selection(window, dyno, match, ignore_case)
    found = _find(session, app, apps, selection, limit, now)
    if follow:
        _print(session, found.rows, apps)
        _follow(session, apps, Selection(None, dyno, match, ignore_case), now, found.unflushed)
    if session.as_json:
        printing.document(
            {
                "window": {"from": window.since, "to": window.until},
                "lines": [_as_dict(row) for row in found.rows],
                "not_in_s3": found.not_in_s3,
                "objects_in_glacier": stored.objects_in_glacier,
                **athena_command.statistics(found.result),
                "complete": found.complete,
            }
        )
        return
    _print(session, found.rows, apps)
    if not found.complete:
        printing.note(f"the window has older lines than these {limit:,}: narrow it, or raise --limit")
    printing.note(athena_command.summary(found.result))
    if found.not_in_s3:
        printing.note(f"{printing.counted(found.not_in_s3, 'line is', 'lines are')} from the buffer, not in S3 yet")
    athena_command.note_objects_in_glacier(session, stored, app, window)


class _Found(NamedTuple):
    """The newest rows of a window, oldest first, and where they come from."""

    rows: list[Row]
    complete: bool
    not_in_s3: int
    result: Result
    unflushed: Unflushed | None


def _find(
    session: Session, app: str | None, apps: Sequence[str], selection: Selection, limit: int, now: datetime
) -> _Found:
    if selection.window is None:
        raise TypeError("the past has a window")
    outputs = session.outputs
    sql = lines_sql.sql(
        f"{outputs.database}.{outputs.table}",
        selection.window,
        app=app,
        dyno=selection.dyno,
        match=selection.match,
        ignore_case=selection.ignore_case,
        # One more than shown, to know whether there are more.
        limit=limit + 1,
    )
    # Before Athena is asked: unflushed.py says why.
    window, minutes = selection.window, outputs.flush_minutes
    unflushed = _guarded(lambda: Unflushed(_buffer(session), apps, minutes, window, now))
    result = athena_command.run(session, sql, most_rows=limit)
    in_s3 = [line_rows.of_athena(values[:-1]) for values in result.rows]
    objects = {name for values in result.rows if (name := _object_name(str(values[-1]), outputs.bucket))}
    waiting = _guarded(lambda: unflushed.rows(selection, objects)) if unflushed else None
    rows = sorted([*in_s3, *(waiting or ())], key=lambda row: row.position)
    shown = rows[-limit:]
    from_buffer = len(set(map(id, shown)) & set(map(id, waiting or ())))
    return _Found(shown, result.complete and len(rows) <= limit, from_buffer, result, unflushed)


def _object_name(url: str, bucket: str) -> UUID | None:
    """The name in an object's URL; None for an object that is not ours."""
    try:
        return ObjectKey.parse(url.removeprefix(f"s3://{bucket}/")).name
    except ValueError:
        return None


def _guarded(read: Callable[[], Read]) -> Read | None:
    """Read the buffer; None, and a note, if that fails: the lines in S3 are worth showing without."""
    try:
        return read()
    except Exception as error:
        explained = aws.explain(error)
        if explained is None:
            raise
        printing.note(f"lines that are not in S3 yet are missing: {explained}")
        return None


def _follow(
    session: Session, apps: Sequence[str], selection: Selection, began: datetime, seen: Unflushed | None
) -> NoReturn:
    """Show lines as they come, until Ctrl-C."""
    lengths = {until.minutes for untils in untils_of(_buffer(session)).values() for until in untils}
    tail = Tail(apps, {*lengths, session.outputs.flush_minutes}, selection, began, seen.contents if seen else ())
    failing = False
    while True:
        try:
            rows = tail.poll(_buffer(session), times.now())
            failing = False
        except Exception as error:
            explained = aws.explain(error)
            if explained is None:
                raise
            if not failing:
                printing.note(f"cannot read the buffer, trying again: {explained}")
            rows, failing = [], True
            session.forget_reader()
        try:
            _print(session, rows, apps)
            time.sleep(PAUSE_S)
        except KeyboardInterrupt:
            _print(session, tail.rest(), apps)
            raise


def _buffer(session: Session) -> Buffer:
    return Buffer(session.aws.client("dynamodb"), session.outputs.buffer)


def _print(session: Session, rows: Sequence[Row], apps: Sequence[str]) -> None:
    """Print rows at once: as lines, or as one JSON document each."""
    if session.as_json:
        for row in rows:
            print(json.dumps(_as_dict(row), ensure_ascii=False))
    else:
        printing.lines(_line(row, with_app=len(apps) > 1) for row in rows)
    sys.stdout.flush()


def _as_dict(row: Row) -> dict[str, Any]:
    return {"time": _utc(row.log_ts), **{name: getattr(row, name) for name in ("app", "source", "proc_id", "message")}}


def _line(row: Row, *, with_app: bool) -> "Text":
    """`2026-11-24T03:00:00.000000+00:00 app[web.1]: hello`, with all before the message in the colour of the dyno."""
    from rich.text import Text

    head = f"{_utc(row.log_ts)} {row.app + ' ' if with_app else ''}{row.source}[{row.proc_id}]:"
    # Not hash(), which differs between runs: a dyno keeps its colour.
    colour = _COLOURS[zlib.crc32(f"{row.source}[{row.proc_id}]".encode()) % len(_COLOURS)]
    return Text.assemble((printing.printable(head), colour), " ", printing.printable(row.message))


def _utc(log_ts: str) -> str:
    return datetime.fromisoformat(log_ts).astimezone(UTC).isoformat(timespec="microseconds")
