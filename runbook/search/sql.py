"""`sql`: runs any query in Athena's SQL."""

import sys
from dataclasses import replace
from typing import Annotated

import typer

from contract.saved_queries import on_table
from runbook.clients.athena_rows import Rows
from runbook.search import athena_command, estimate, partition_values, result_output, sql_glacier, sql_tokens
from runbook.session import AsJson, Yes, session_of
from runbook.terminal import printing, times

_MOST_ROWS = 1000


def sql(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="SQL", help="The query; - reads it from stdin.")],
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help=f"Maximum number of rows to print; default: {_MOST_ROWS} in a table or chart, else all."
        ),
    ] = None,
    confirm_over: athena_command.ConfirmOver = athena_command.CONFIRM_OVER,
    yes: Yes = False,
    as_csv: athena_command.AsCsv = False,
    as_chart: athena_command.AsChart = False,
    as_json_lines: result_output.AsJsonLines = False,
    as_json: AsJson = False,
) -> None:
    r"""Run SQL in Athena.

    The table syslog and the view router_requests need no database name. A saved query can be pasted as it is, with its
    comments: raxx_heroku_logs.syslog in it is this stack's table.

    \b
      hla sql "SELECT status, count(*) AS requests FROM router_requests
        WHERE year = '2026' AND month = '11' AND day = '24' GROUP BY 1 ORDER BY 1" --chart
      hla sql - --csv < query.sql > rows.csv

    The size of the query cannot be estimated from its text. If the whole archive is larger than --confirm-over, the
    command asks first. To keep a query small, filter by app, year, month and day.
    """
    session = session_of(ctx, as_json=as_json)
    selected = result_output.Format(session.as_json, as_csv, as_json_lines, as_chart)
    selected.check_limit(limit)
    over_bytes = estimate.size(confirm_over)
    if text == "-":
        text = sys.stdin.read()
    statement = sql_tokens.statement(text)
    outputs = session.outputs
    statement = on_table(statement, outputs.database, outputs.table)
    archive = None
    if not yes:
        archive = estimate.of_archive(session.s3, outputs.bucket, outputs.all_apps, times.now().date(), over_bytes)
        athena_command.confirm_size(
            archive, over_bytes, yes=yes, limit_bytes=athena_command.athena_of(session).scan_limit()
        )
    missing_since = athena_command.not_in_s3_since(session)
    notes = (*partition_values.notes(statement, outputs.all_apps), *sql_glacier.notes(session, statement, archive))
    found = athena_command.stream(session, statement)
    most = _MOST_ROWS if limit is None and selected.for_people else limit
    found = replace(found, rows=Rows(found.rows, most))
    result_output.show(session, found, {"sql": statement, "notes": notes, "not_in_s3_since": missing_since}, selected)
    if not session.as_json:
        for note in notes:
            printing.note(printing.printable(note))
        athena_command.note_not_in_s3(session, missing_since)
