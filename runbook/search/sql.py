"""`sql`: runs any query in Athena's SQL."""

import sys
from typing import Annotated

import typer

from runbook.errors import RunbookError
from runbook.search import athena_command, estimate, partition_values
from runbook.session import AsJson, Yes, session_of
from runbook.terminal import printing, times

_MOST_ROWS = 1000


def sql(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="SQL", help="The query; - reads it from stdin.")],
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of rows to print; Athena stores all.")] = _MOST_ROWS,
    confirm_over: athena_command.ConfirmOver = athena_command.CONFIRM_OVER,
    yes: Yes = False,
    as_csv: athena_command.AsCsv = False,
    as_chart: athena_command.AsChart = False,
    as_json: AsJson = False,
) -> None:
    r"""Run SQL in Athena.

    The table syslog and the view router_requests need no database name.

    \b
      python -m runbook sql "SELECT status, count(*) AS requests FROM router_requests
        WHERE year = '2026' AND month = '11' AND day = '24' GROUP BY 1 ORDER BY 1" --chart

    The size of the query cannot be estimated from its text. If the whole archive is larger than --confirm-over, the
    command asks first. To keep a query small, filter by app, year, month and day.
    """
    session = session_of(ctx, as_json=as_json)
    athena_command.check_formats(session, as_csv=as_csv, as_chart=as_chart)
    over_bytes = estimate.size(confirm_over)
    if text == "-":
        text = sys.stdin.read()
    if not text.strip():
        raise RunbookError("the SQL is empty: give it as one quoted argument, or give - and pipe the query in")
    outputs = session.outputs
    if not yes:
        archive = estimate.of_archive(session.s3, outputs.bucket, outputs.all_apps, times.now().date(), over_bytes)
        athena_command.confirm_size(
            archive, over_bytes, yes=yes, limit_bytes=athena_command.athena_of(session).scan_limit()
        )
    missing_since = athena_command.not_in_s3_since(session)
    result = athena_command.run(session, text, most_rows=limit)
    notes = partition_values.notes(text, outputs.all_apps)
    athena_command.show(
        session,
        result,
        {"sql": text, "notes": notes, "not_in_s3_since": missing_since},
        as_csv=as_csv,
        as_chart=as_chart,
    )
    if not session.as_json:
        for note in notes:
            printing.note(printing.printable(note))
        athena_command.note_not_in_s3(session, missing_since)
