"""`lines`: the apps' logs, as `heroku logs` shows them."""

from typing import Annotated

import typer

from runbook.search import athena_command, estimate
from runbook.search.lines_answer import answer
from runbook.search.lines_options import DEFAULT_LIMIT, LinesOptions
from runbook.search.result_output import AsJsonLines
from runbook.session import Apps, AsJson, Yes, session_of
from runbook.terminal import times

_MOST = 100_000

# Process types and dynos that most apps have, and other PROCIDs (Heroku Dev Center, "Logging").
_DYNOS = ("api", "canary", "release", "router", "run", "scheduler", "web", "web.1", "worker", "worker.1")
_SOURCES = ("app", "heroku", "logdrain")


def _complete_dyno(incomplete: str) -> list[str]:
    return [name for name in _DYNOS if name.startswith(incomplete)]


def _complete_source(incomplete: str) -> list[str]:
    return [name for name in _SOURCES if name.startswith(incomplete)]


def lines(
    ctx: typer.Context,
    app: Apps = [],  # noqa: B006  typer copies it
    last: times.Last = None,
    since: times.From = None,
    until: times.To = None,
    around: Annotated[str | None, typer.Option(metavar="TIME", help="The lines nearest to this time.")] = None,
    minutes: Annotated[
        int | None,
        typer.Option(metavar="N", help=f"Minutes before and after --around; default: {times.AROUND_MINUTES}."),
    ] = None,
    zone: times.Zone = None,
    match: Annotated[
        list[str],
        typer.Option("--match", "-m", metavar="TEXT", help="Only lines that contain this text; repeatable: all."),
    ] = [],  # noqa: B006
    exclude: Annotated[
        list[str], typer.Option("--exclude", "-v", metavar="TEXT", help="No lines that contain this; repeatable.")
    ] = [],  # noqa: B006
    regexp: Annotated[
        bool, typer.Option("--regexp", "-E", help="--match and --exclude are regular expressions.")
    ] = False,
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", "-i", help="Ignore case in --match and --exclude.")
    ] = False,
    dyno: Annotated[
        list[str],
        typer.Option(
            "--dyno",
            "-d",
            metavar="NAME",
            help="Only this dyno: web.1, web, router, ...; repeatable: any.",
            autocompletion=_complete_dyno,
        ),
    ] = [],  # noqa: B006
    source: Annotated[
        list[str],
        typer.Option(
            "--source",
            metavar="NAME",
            help="Only from app, heroku or logdrain; repeatable: any.",
            autocompletion=_complete_source,
        ),
    ] = [],  # noqa: B006
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, max=_MOST, metavar="N", help=f"Maximum number of lines, the newest; default: {DEFAULT_LIMIT}."
        ),
    ] = None,
    first: Annotated[int | None, typer.Option(min=1, max=_MOST, metavar="N", help="The oldest N lines.")] = None,
    after: Annotated[
        int | None, typer.Option("--after", "-A", min=0, max=100, metavar="N", help="N lines of the app after each.")
    ] = None,
    before: Annotated[
        int | None, typer.Option("--before", "-B", min=0, max=100, metavar="N", help="N lines of the app before each.")
    ] = None,
    context: Annotated[
        int | None, typer.Option("--context", "-C", min=0, max=100, metavar="N", help="-A N and -B N.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show the last minute, then lines as they come, until Ctrl-C.")
    ] = False,
    no_pager: Annotated[bool, typer.Option("--no-pager", help="Do not page on a terminal.")] = False,
    confirm_over: athena_command.ConfirmOver = athena_command.CONFIRM_OVER,
    yes: Yes = False,
    as_csv: athena_command.AsCsv = False,
    as_jsonl: AsJsonLines = False,
    parquet_file: Annotated[str | None, typer.Option("--parquet", metavar="FILE", help="Write a Parquet file.")] = None,
    as_json: AsJson = False,
) -> None:
    r"""Show the apps' logs, oldest first; by default those of the last 30 minutes.

    \b
      hla lines --app raxx-api-prod --match "code=H12"
      hla lines --app raxx-api-prod --dyno web.1 --last 2h --match timeout -i -C 3
      hla lines --source app -E --match "(WARN|ERROR) " --exclude healthcheck
      hla lines --from "yesterday 23:00" --to 03:10 --tz local
      hla lines --around 2026-11-24T03:12 --minutes 2
      hla lines --follow --dyno router
      hla lines --from yesterday --to today --csv > lines.csv

    Lines that are not in S3 yet are read from the buffer, so a line is shown within two seconds of its arrival. With
    --follow the buffer is read about once per second, which costs about $0.25 per hour and app at 20 POSTs per second,
    and less than a cent at one. Canaries, which the stack itself sends, are shown only with --dyno canary.

    --csv, --jsonl and --parquet write all lines of the window, unless there is a limit; --json and lines for people
    show the newest, or with --around the nearest ones.

    A time is 2026-11-24T03:00, 03:00 (the last one that is past), today, yesterday, or now, in UTC unless --tz says
    otherwise; all formats for programs are in UTC. Regular expressions can have . [a-z] \d \w \s ( ) | ^ $ *
    + ? and {2,5}; anything else is refused.
    """
    session = session_of(ctx, as_json=as_json)
    options = LinesOptions(
        last=last,
        since=since,
        until=until,
        around=around,
        minutes=minutes,
        zone_name=zone,
        match=match,
        exclude=exclude,
        regexp=regexp,
        ignore_case=ignore_case,
        dynos=dyno,
        sources=source,
        limit=limit,
        first=first,
        before=before,
        after=after,
        context=context,
        follow=follow,
        no_pager=no_pager,
        as_json=session.as_json,
        as_jsonl=as_jsonl,
        as_csv=as_csv,
        parquet=parquet_file,
    )
    options.check()
    answer(session, app, options, estimate.size(confirm_over), yes=yes)
