"""`query`: runs a saved query, optionally with another window and filters."""

import difflib
from typing import Annotated

import typer

from contract.saved_queries import SavedQuery, saved_queries
from contract.window import Window
from runbook import stack_outputs
from runbook.errors import RunbookError
from runbook.search import athena_command, estimate, next_step, query_limit, result_output
from runbook.search.query_options import QueryOptions
from runbook.session import Apps, AsJson, Session, Yes, session_of
from runbook.terminal import printing, times

_LIST = "list"
# Parameters that the options of the window set.
_OF_WINDOW = {"window", "moment"}


def _complete_name(incomplete: str) -> list[str]:
    return [saved.name for saved in saved_queries() if saved.name.startswith(incomplete)]


def query(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Name of the query; `list` shows all.", autocompletion=_complete_name)
    ] = _LIST,
    app: Apps = [],  # noqa: B006  typer copies it
    last: times.Last = None,
    since: times.From = None,
    until: times.To = None,
    around: Annotated[
        str | None, typer.Option(metavar="TIME", help="A window of minutes before and after this time.")
    ] = None,
    minutes: Annotated[int | None, typer.Option(help=f"Minutes for --around; default: {times.AROUND_MINUTES}.")] = None,
    request_id: Annotated[str | None, typer.Option(help="Request id, for the query `request`.")] = None,
    trusted_hops: Annotated[
        int | None,
        typer.Option(help="Proxies in front of the app, such as a CDN, whose addresses are not the client's."),
    ] = None,
    long_lived: Annotated[bool, typer.Option("--long-lived", help="Only websockets and streams.")] = False,
    every: Annotated[
        str | None, typer.Option(metavar="TIME", help="Count by 1m, 5m or 1h, for the query `errors-by-surface`.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Maximum number of rows, for a query with a limit.")] = None,
    print_sql: Annotated[bool, typer.Option("--print-sql", help="Print the SQL and do not run it.")] = False,
    confirm_over: athena_command.ConfirmOver = athena_command.CONFIRM_OVER,
    yes: Yes = False,
    as_csv: athena_command.AsCsv = False,
    as_chart: athena_command.AsChart = False,
    as_json_lines: result_output.AsJsonLines = False,
    as_json: AsJson = False,
) -> None:
    r"""Run a saved query.

    \b
      hla query list
      hla query summary
      hla query errors-since --app raxx-api-prod
      hla query errors-by-surface --last 3h --every 5m --chart
      hla query around --around 2026-11-24T03:12 --minutes 10
      hla query request --request-id 0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77

    Without a window, the query uses its own, which the list shows. After the result, the command names the next one.
    """
    session = session_of(ctx, as_json=as_json)
    if name == _LIST:
        show_list(session)
        return
    selected = result_output.Format(session.as_json, as_csv, as_json_lines, as_chart)
    selected.check_limit(limit)
    over_bytes = estimate.size(confirm_over)
    options = QueryOptions(
        tuple(app), last, since, until, around, minutes, request_id, trusted_hops, long_lived, every, limit
    )
    now = times.now()
    chosen = options.fill_in(find(name), now)
    outputs = session.outputs
    apps = stack_outputs.searched_apps(outputs, app)
    chosen = chosen.on_table(outputs.database, outputs.table)
    if print_sql:
        _print_sql(session, chosen)
        return
    scope = options.window(now) or Window.last(times.duration(next_step.own_window(chosen)), now)
    stored = estimate.of_window(session.s3, outputs.bucket, apps, scope)
    athena_command.confirm_size(stored, over_bytes, yes=yes)
    missing_since = athena_command.not_in_s3_since(session, app, scope)
    found = query_limit.cut(chosen, athena_command.stream(session, chosen.with_one_row_more().sql), options.moment(now))
    following = next_step.command(session, chosen, found, options, now)
    about = {
        "query": chosen.name,
        "title": chosen.title,
        "window": chosen.window,
        "sql": chosen.sql,
        "next": following,
        "objects_in_glacier": stored.objects_in_glacier,
        "not_in_s3_since": missing_since,
    }
    if selected.for_people:
        printing.note(f"{chosen.title}, {chosen.window}")
    more = query_limit.note(session, chosen, options, selected)
    result_output.show(session, found, about, selected, more=more, drawn=chosen.chart)
    if not session.as_json:
        athena_command.note_not_in_s3(session, missing_since)
        athena_command.note_objects_in_glacier(session, stored, app, scope)
        if following:
            printing.note(f"next: {following}")


def find(name: str) -> SavedQuery:
    """Find a saved query by name. RunbookError suggests the nearest name."""
    known = {saved.name: saved for saved in saved_queries()}
    if name in known:
        return known[name]
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}? " if nearest else ""
    raise RunbookError(f"unknown query {name!r}: {hint}The queries are {', '.join(known)}")


def show_list(session: Session) -> None:
    """Print all saved queries."""
    queries = saved_queries()
    if session.as_json:
        keys = ("name", "title", "purpose", "window", "parameters", "columns", "chart", "next", "tip")
        printing.document({"queries": [{key: getattr(saved, key) for key in keys} for saved in queries]})
        return
    printing.table(
        ("query", "shows", "window", "options"),
        [(saved.name, saved.title, saved.window, _options(saved)) for saved in queries],
    )
    printing.note("change any window with --last 24h, --from and --to, or --around; for details add --json")


def _options(saved: SavedQuery) -> str:
    return " ".join(f"--{name.replace('_', '-')}" for name in saved.parameters if name not in _OF_WINDOW)


def _print_sql(session: Session, saved: SavedQuery) -> None:
    if session.as_json:
        printing.document({"query": saved.name, "window": saved.window, "sql": saved.sql})
    else:
        print(saved.sql, end="")
