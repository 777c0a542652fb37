"""Checks Athena: the workgroup, the lines of the last day, and the loss reports."""

import functools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from contract import saved_queries
from contract.object_keys import RESULTS_PREFIX
from contract.outputs import Outputs
from contract.window import Window
from runbook.clients.athena import Athena, QueryFailed, Result
from runbook.clients.heroku import Drain
from runbook.doctor import faults
from runbook.doctor.checks import failed_query, objects
from runbook.doctor.context import Context, Finding, Findings, Unknown, explained
from runbook.drains import heroku_drains
from runbook.drains.heroku_drains import AppDrains
from runbook.errors import RunbookError
from runbook.terminal.printing import counted

_DAY = timedelta(hours=24)


def workgroup(context: Context) -> Findings:
    """Compare the workgroup's configuration."""
    outputs = context.outputs
    athena = context.reader.client("athena")
    with explained():
        found = athena.get_work_group(WorkGroup=outputs.workgroup)["WorkGroup"]
    configuration = found.get("Configuration", {})
    for difference in _workgroup_differences(found.get("State"), configuration, outputs.bucket):
        yield Finding.of(faults.WORKGROUP_DIFFERS, difference=difference)
    limit = configuration.get("BytesScannedCutoffPerQuery", 0)
    return f"{outputs.workgroup} enforces its settings, and cancels a query at {limit / 1024**3:g} GiB"


def _workgroup_differences(state: str | None, configuration: dict[str, Any], bucket: str) -> Iterator[str]:
    if state != "ENABLED":
        yield "is disabled"
    if not configuration.get("EnforceWorkGroupConfiguration"):
        yield "lets clients override its settings"
    if not configuration.get("BytesScannedCutoffPerQuery"):
        yield "has no limit on bytes scanned"
    location = f"s3://{bucket}/{RESULTS_PREFIX}"
    if configuration.get("ResultConfiguration", {}).get("OutputLocation") != location:
        yield f"does not store results under {location}"


def lines(context: Context) -> Findings:
    """Count the lines of the last 24 hours by app, and compare with the objects in the bucket."""
    outputs, now = context.outputs, context.now
    window = Window.last(_DAY, now)
    where = "\n    AND ".join(window.predicates)
    sql = f"SELECT app, count(*) AS lines\nFROM {outputs.table}\nWHERE {where}\nGROUP BY app"
    try:
        found = {str(app): int(str(number)) for app, number in ask(context, sql).rows}
    except QueryFailed as failed:
        yield failed_query.meaning(context, failed)
        return ""
    s3 = context.s3
    for app in outputs.apps:
        if not found.get(app) and (stored := objects.count(s3, outputs.bucket, app, window)):
            yield Finding.of(
                faults.LINES_INVISIBLE,
                app=app, objects=counted(stored, "object", "objects"),
                year=f"{now:%Y}", month=f"{now:%m}", day=f"{now:%d}",
            )  # fmt: skip
    counts = (f"{app} {counted(found[app], 'line', 'lines')}" for app in outputs.apps if app in found)
    return f"in the last 24 h: {', '.join(counts) or 'no lines and no objects'}"


def losses(context: Context) -> Findings:
    """Sum the losses of this stack's drains since yesterday by app; show those of other drains apart."""
    outputs, now = context.outputs, context.now
    yesterday = datetime.combine(now.date() - timedelta(days=1), time(), UTC)
    [saved] = [each for each in saved_queries.saved_queries() if each.name == "lines-lost"]
    query = saved.with_parameters(window=Window(yesterday, now)).on_table(outputs.database, outputs.table)
    result = ask(context, query.sql)
    app, drain, lost = (saved.columns.index(name) for name in ("app", "drain", "lines_lost"))
    by_drain = Counter[tuple[str, str]]()
    for row in result.rows:
        by_drain[str(row[app]), str(row[drain] or "")] += int(str(row[lost]))

    @functools.cache
    def drains_of(name: str) -> tuple[Drain, ...]:
        return context.heroku().drains(name)

    ours, others = Counter[str](), list[str]()
    for (name, drain_name), number in sorted(by_drain.items()):
        lines = counted(number, "line", "lines")
        try:
            if not drain_name or _is_ours(drains_of(name), outputs, drain_name, yesterday):
                ours[name] += number
            else:
                others.append(f"{name}'s other drain {drain_name} lost {lines}")
        except RunbookError as error:
            reason = Unknown.because(error).reason
            yield Unknown(f"whether {name}'s drain {drain_name}, which lost {lines}, is this stack's: {reason}")
    for name, number in ours.items():
        yield Finding.of(faults.LINES_LOST, app=name, lines=counted(number, "line", "lines"))
    return "; ".join(["no losses of this stack's drains reported since yesterday, 00:00 UTC", *others])


def _is_ours(drains: tuple[Drain, ...], outputs: Outputs, drain_name: str, since: datetime) -> bool:
    """Whether a drain that lost lines after `since` leads, or led, to this stack. RunbookError if that is not known."""
    ours = AppDrains.of("", drains, heroku_drains.deployed_endpoint(outputs)).ours
    if any(each.name == drain_name for each in drains):
        return any(each.name == drain_name for each in ours)
    # It was removed. If this stack's drain is older than that, it replaced none of this stack's.
    if any(_is_older(each.created_at, since) for each in ours):
        return False
    raise RunbookError(
        "the app no longer has this drain; it was another's, or this stack's before a rotation or an emergency stop"
    )


def _is_older(created_at: str, since: datetime) -> bool:
    try:
        return datetime.fromisoformat(created_at) < since
    except (ValueError, TypeError):
        return False


def ask(context: Context, sql: str) -> Result:
    """Run a query as the reader. RunbookError if it fails or is denied."""
    outputs = context.outputs
    client = context.reader.client("athena")
    with explained():
        return Athena(client, outputs.workgroup, outputs.database, pause=context.pause).run(sql)
