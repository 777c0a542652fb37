"""What Athena says: its workgroup, the lines of the last day, and the losses that were reported."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from contract import saved_queries
from contract.object_keys import RESULTS_PREFIX
from contract.window import Window
from runbook.clients.athena import Athena, Result
from runbook.doctor import faults
from runbook.doctor.checks import objects
from runbook.doctor.examination import Examination, Finding, Surroundings, explained
from runbook.errors import RunbookError
from runbook.terminal.printing import counted

_DAY = timedelta(hours=24)


def workgroup(surroundings: Surroundings) -> Examination:
    """Read the workgroup's configuration."""
    outputs = surroundings.outputs
    athena = surroundings.reader.client("athena")
    with explained():
        found = athena.get_work_group(WorkGroup=outputs.workgroup)["WorkGroup"]
    configuration = found.get("Configuration", {})
    for difference in _workgroup_differences(found.get("State"), configuration, outputs.bucket):
        yield Finding.of(faults.WORKGROUP_DIFFERS, difference=difference)
    limit = configuration.get("BytesScannedCutoffPerQuery", 0)
    return f"{outputs.workgroup} is enforced, and ends a query at {limit / 1024**3:g} GiB"


def _workgroup_differences(state: str | None, configuration: dict[str, Any], bucket: str) -> Iterator[str]:
    if state != "ENABLED":
        yield "is disabled"
    if not configuration.get("EnforceWorkGroupConfiguration"):
        yield "lets clients override its settings"
    if not configuration.get("BytesScannedCutoffPerQuery"):
        yield "has no limit of bytes scanned"
    location = f"s3://{bucket}/{RESULTS_PREFIX}"
    if configuration.get("ResultConfiguration", {}).get("OutputLocation") != location:
        yield f"does not put results under {location}"


def lines(surroundings: Surroundings) -> Examination:
    """Count the lines of the last 24 hours by app, where there are objects of them."""
    outputs, now = surroundings.outputs, surroundings.now
    window = Window.last(_DAY, now)
    where = "\n    AND ".join(window.predicates)
    sql = f"SELECT app, count(*) AS lines\nFROM {outputs.table}\nWHERE {where}\nGROUP BY app"
    try:
        found = {str(app): int(str(number)) for app, number in ask(surroundings, sql).rows}
    except RunbookError as error:
        url = unreadable_object(error, outputs.bucket)
        if not url:
            raise
        yield Finding.of(faults.OBJECT_UNREADABLE, url=url)
        return ""
    s3 = surroundings.reader.client("s3")
    for app in outputs.apps:
        if not found.get(app) and (stored := objects.count(s3, outputs.bucket, app, window)):
            yield Finding.of(
                faults.LINES_INVISIBLE,
                app=app, objects=counted(stored, "object", "objects"),
                year=f"{now:%Y}", month=f"{now:%m}", day=f"{now:%d}",
            )  # fmt: skip
    told = (f"{app} {counted(found[app], 'line', 'lines')}" for app in outputs.apps if app in found)
    return f"the last 24 h: {', '.join(told) or 'nothing, and no objects either'}"


def losses(surroundings: Surroundings) -> Examination:
    """Sum the loss reports since yesterday by app."""
    outputs, now = surroundings.outputs, surroundings.now
    yesterday = datetime.combine(now.date() - timedelta(days=1), time(), UTC)
    [saved] = [each for each in saved_queries.saved_queries() if each.name == "lines-lost"]
    query = saved.with_parameters(window=Window(yesterday, now)).on_table(outputs.database, outputs.table)
    result = ask(surroundings, query.sql)
    app, lost = (saved.columns.index(name) for name in ("app", "lines_lost"))
    by_app: dict[str, int] = {}
    for row in result.rows:
        by_app[str(row[app])] = by_app.get(str(row[app]), 0) + int(str(row[lost]))
    for name, number in sorted(by_app.items()):
        yield Finding.of(faults.LINES_LOST, app=name, lines=counted(number, "line", "lines"))
    return "no report since yesterday, 00:00 UTC"


def unreadable_object(error: RunbookError, bucket: str) -> str | None:
    """The URL of the object that a query failed on; None when it failed on something else."""
    url = re.search(rf"s3://{re.escape(bucket)}/[^\s,;:()'\"]+", str(error))
    return url and url[0]


def ask(surroundings: Surroundings, sql: str) -> Result:
    """Run a query as the reader; RunbookError when it does not succeed or may not be run."""
    outputs = surroundings.outputs
    client = surroundings.reader.client("athena")
    with explained():
        return Athena(client, outputs.workgroup, outputs.database, pause=surroundings.pause).run(sql)
