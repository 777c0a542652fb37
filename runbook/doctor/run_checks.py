"""Runs all checks at the same time. A check that fails or hangs does not hide what the others find."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runbook.doctor import faults
from runbook.doctor.checks import (
    account,
    alarms,
    bucket,
    buffer,
    canary,
    deletions,
    digester,
    drains,
    endpoint,
    flusher,
    glue_catalog,
    identities,
    objects,
    parameters,
    queries,
    queues,
)
from runbook.doctor.context import Context, Finding, Findings, Unknown, explained
from runbook.doctor.faults import Check
from runbook.errors import RunbookError

FUNCTIONS: Mapping[Check, Callable[[Context], Findings]] = {
    faults.DRAINS: drains.check,
    faults.ENDPOINT: endpoint.check,
    faults.PARAMETERS: parameters.check,
    faults.QUEUES: queues.check,
    faults.BUFFER: buffer.check,
    faults.FLUSHER: flusher.check,
    faults.ACCOUNT: account.check,
    faults.CANARY: canary.check,
    faults.OBJECTS: objects.newest,
    faults.LAYOUT: objects.layout,
    faults.BUCKET: bucket.check,
    faults.WRITER: identities.writer,
    faults.READER: identities.reader,
    faults.CATALOG: glue_catalog.check,
    faults.WORKGROUP: queries.workgroup,
    faults.LINES: queries.lines,
    faults.LOSSES: queries.losses,
    faults.DELETIONS: deletions.check,
    faults.DIGESTS: digester.check,
    faults.ALARMS: alarms.check,
}


@dataclass(frozen=True)
class Report:
    """The result of a check; `fine` is what to show if it found nothing wrong."""

    check: Check
    findings: tuple[Finding, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    fine: str = ""
    seconds: float = 0.0


def run(
    checks: Mapping[Check, Callable[[Context], Findings]],
    context: Context,
    timeout_s: float,
    *,
    last_calls_s: float = 2.0,
) -> list[Report]:
    """Run checks at the same time, each for at most `timeout_s`, and give their reports in order.

    After the timeout, and on Ctrl-C, checks have `last_calls_s` to stop their queries in Athena.
    """
    reports: dict[Check, Report] = {}

    def report(check: Check) -> None:
        reports[check] = _report(check, checks[check], context)

    # Daemon threads, so that a check that hangs cannot keep the process alive.
    threads = [threading.Thread(target=report, args=[check], daemon=True) for check in checks]
    end = time.monotonic() + timeout_s
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
    finally:
        context.given_up.set()
        last = time.monotonic() + last_calls_s
        in_time = dict(reports)
        for thread in threads:
            thread.join(max(0.0, last - time.monotonic()))
    late = Unknown(f"no answer within {timeout_s:g} s: try again, or raise --timeout")
    return [in_time.get(check) or Report(check, unknown=(late,), seconds=timeout_s) for check in checks]


def _report(check: Check, function: Callable[[Context], Findings], context: Context) -> Report:
    begin = time.monotonic()
    seen: list[Finding | Unknown] = []
    fine = ""
    try:
        with explained():
            fine = _collect(function(context), seen)
    except RunbookError as error:
        seen.append(Unknown.because(error))
    except Exception as error:  # noqa: BLE001  an error in one check must not hide the others
        seen.append(Unknown(f"the check itself failed ({type(error).__name__}: {error})"))
    findings = tuple(each for each in seen if isinstance(each, Finding))
    unknown = tuple(each for each in seen if isinstance(each, Unknown))
    return Report(check, findings, unknown, "" if seen else fine, time.monotonic() - begin)


def _collect(findings: Findings, seen: list[Finding | Unknown]) -> str:
    while True:
        try:
            seen.append(next(findings))
        except StopIteration as ended:
            return str(ended.value)
