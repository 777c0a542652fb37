"""`query`: runs a saved query, optionally with another window and filters."""

import difflib
import re
from datetime import datetime
from typing import Annotated

import typer

from contract.saved_queries import SavedQuery, saved_queries
from contract.window import Window
from runbook import stack_outputs
from runbook.errors import RunbookError
from runbook.search import athena_command, estimate
from runbook.session import AsJson, Session, Yes, session_of
from runbook.terminal import printing, times

_LIST = "list"
_AROUND_MINUTES = 5
_DEFAULT_WINDOW = re.compile(r"the last (\d+) (minute|hour|day)s?")


def query(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the query; `list` shows all.")] = _LIST,
    app: Annotated[str | None, typer.Option(help="Only this app.")] = None,
    last: times.Last = None,
    since: times.From = None,
    until: times.To = None,
    around: Annotated[
        str | None, typer.Option(metavar="TIME", help="A window of minutes before and after this time.")
    ] = None,
    minutes: Annotated[int | None, typer.Option(help=f"Minutes for --around; default: {_AROUND_MINUTES}.")] = None,
    request_id: Annotated[str | None, typer.Option(help="Request id, for the query `request`.")] = None,
    trusted_hops: Annotated[
        int | None,
        typer.Option(help="Proxies in front of the app, such as a CDN, whose addresses are not the client's."),
    ] = None,
    long_lived: Annotated[bool, typer.Option("--long-lived", help="Only websockets and streams.")] = False,
    limit: Annotated[int | None, typer.Option(help="Maximum number of rows, for a query with a limit.")] = None,
    confirm_over: athena_command.ConfirmOver = athena_command.CONFIRM_OVER,
    yes: Yes = False,
    as_csv: athena_command.AsCsv = False,
    as_chart: athena_command.AsChart = False,
    as_json: AsJson = False,
) -> None:
    r"""Run a saved query.

    \b
      python -m runbook query list
      python -m runbook query errors-by-surface
      python -m runbook query errors-by-surface --last 7d --app raxx-api-prod --chart
      python -m runbook query around --around 2026-11-24T03:12 --minutes 10
      python -m runbook query request --request-id 0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77

    Without a window, the query uses its own, which the list shows.
    """
    session = session_of(ctx, as_json=as_json)
    if name == _LIST:
        show_list(session)
        return
    athena_command.check_formats(session, as_csv=as_csv, as_chart=as_chart)
    chosen = find(name)
    over_bytes = estimate.size(confirm_over)
    now = times.now()
    window = _window(last, since, until, around, minutes, now)
    if request_id is None and "request_id" in chosen.parameters:
        raise RunbookError(f"{chosen.name} needs --request-id, from a router line or the header X-Request-ID")
    try:
        chosen = chosen.with_parameters(
            app=app,
            window=window,
            limit=limit,
            request_id=request_id,
            trusted_hops=trusted_hops,
            long_lived=long_lived,
        )
    except ValueError as error:
        raise RunbookError(str(error)) from None
    outputs = session.outputs
    apps = stack_outputs.searched_apps(outputs, app)
    chosen = chosen.on_table(outputs.database, outputs.table)
    scope = window or default_window(chosen, now)
    stored = estimate.of_window(session.s3, outputs.bucket, apps, scope)
    athena_command.confirm_size(stored, over_bytes, yes=yes)
    missing_since = athena_command.not_in_s3_since(session, app, scope)
    result = athena_command.run(session, chosen.sql)
    about = {
        "query": chosen.name,
        "title": chosen.title,
        "window": chosen.window,
        "sql": chosen.sql,
        "objects_in_glacier": stored.objects_in_glacier,
        "not_in_s3_since": missing_since,
    }
    if not (session.as_json or as_csv):
        printing.note(f"{chosen.title}, {chosen.window}")
    athena_command.show(session, result, about, as_csv=as_csv, as_chart=as_chart)
    if not session.as_json:
        athena_command.note_not_in_s3(session, missing_since)
        athena_command.note_objects_in_glacier(session, stored, app, scope)


def find(name: str) -> SavedQuery:
    """Find a saved query by name. RunbookError suggests the nearest name."""
    known = {saved.name: saved for saved in saved_queries()}
    if name in known:
        return known[name]
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}? " if nearest else ""
    raise RunbookError(f"unknown query {name!r}: {hint}The queries are {', '.join(known)}")


def default_window(saved: SavedQuery, now: datetime) -> Window:
    """The query's own window, from its header; for the estimate."""
    found = _DEFAULT_WINDOW.fullmatch(saved.window)
    if not found:
        raise RunbookError(f"{saved.name} has no default window: give one with --last or --from")
    return Window.last(times.duration(f"{found[1]}{found[2][0]}"), now)


def show_list(session: Session) -> None:
    """Print all saved queries."""
    queries = saved_queries()
    if session.as_json:
        keys = ("name", "title", "purpose", "window", "parameters", "columns", "tip")
        printing.document({"queries": [{key: getattr(saved, key) for key in keys} for saved in queries]})
        return
    printing.table(
        ("query", "shows", "window", "options"),
        [(saved.name, saved.title, saved.window, _options(saved)) for saved in queries],
    )
    printing.note("change any window with --last 24h, --from and --to, or --around; for details add --json")


def _options(saved: SavedQuery) -> str:
    return " ".join(f"--{name.replace('_', '-')}" for name in saved.parameters if name != "window")


def _window(
    last: str | None, since: str | None, until: str | None, around: str | None, minutes: int | None, now: datetime
) -> Window | None:
    if around is None:
        if minutes is not None:
            raise RunbookError("--minutes needs --around: add a time with --around, or use --last")
        return times.window(last, since, until, now)
    if last or since or until:
        raise RunbookError("--around already sets the window: remove --last, --from and --to")
    return times.around(around, _AROUND_MINUTES if minutes is None else minutes)
