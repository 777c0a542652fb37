"""`sql`: any query, in Trino's SQL as Athena has it."""

import sys
from typing import Annotated

import typer

from runbook.errors import RunbookError
from runbook.search import athena_command, estimate
from runbook.session import AsJson, Yes, session_of
from runbook.terminal import times

_MOST_ROWS = 1000


def sql(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="SQL", help="The query; - reads it from stdin.")],
    limit: Annotated[int, typer.Option(min=1, help="Most rows to read; Athena keeps all of them.")] = _MOST_ROWS,
    confirm_over: athena_command.ConfirmOver = athena_command.CONFIRM_OVER,
    yes: Yes = False,
    as_csv: athena_command.AsCsv = False,
    as_chart: athena_command.AsChart = False,
    as_json: AsJson = False,
) -> None:
    r"""Ask Athena in SQL.

    Table syslog and view router_requests need no database in front.

    \b
      python -m runbook sql "SELECT status, count(*) AS requests FROM router_requests
        WHERE year = '2026' AND month = '11' AND day = '24' GROUP BY 1 ORDER BY 1" --chart

    How much a query will scan cannot be told from its text: name app, year, month and day in WHERE to keep it small. If
    the archive as a whole holds more than --confirm-over, you are asked first, whatever the query reads of it.
    """
    session = session_of(ctx, as_json=as_json)
    athena_command.check_formats(session, as_csv=as_csv, as_chart=as_chart)
    over_bytes = estimate.size(confirm_over)
    if text == "-":
        text = sys.stdin.read()
    if not text.strip():
        raise RunbookError("there is no SQL: give it as one argument in quotes, or - and the query on stdin")
    outputs = session.outputs
    if not yes:
        archive = estimate.of_archive(
            session.aws.client("s3"), outputs.bucket, outputs.apps, times.now().date(), over_bytes
        )
        athena_command.agree(archive, over_bytes, yes=yes, limit_bytes=athena_command.athena_of(session).scan_limit())
    result = athena_command.run(session, text, most_rows=limit)
    athena_command.show(session, result, {"sql": text}, as_csv=as_csv, as_chart=as_chart)
