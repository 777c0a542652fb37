"""`doctor`: checks everything that can be broken."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from runbook.doctor import faults
from runbook.doctor.faults import CHECKS, Check
from runbook.errors import RunbookError
from runbook.session import AsJson, Session, session_of
from runbook.terminal import next_command, printing, times

if TYPE_CHECKING:
    from runbook.doctor.run_checks import Report

_NAMES = {check.name: check for check in CHECKS}
_WIDTH = max(map(len, _NAMES)) + 2


def doctor(
    ctx: typer.Context,
    only: Annotated[list[str], typer.Option(metavar="CHECK", help="Run only this check; repeatable.")] = [],  # noqa: B006  typer copies it
    show_list: Annotated[bool, typer.Option("--list", help="List the checks and the permissions they need.")] = False,
    timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Time limit for all checks.")] = 30,
    as_json: AsJson = False,
) -> None:
    r"""Find what is broken, and what to do about it.

    \b
      hla doctor
      hla doctor --only drains --only endpoint
      hla doctor --list

    Changes nothing. Posts an empty batch per app to the endpoint, which stores nothing. A check without permission says
    which identity has it; the other checks still run. Exit codes: 1 if something is wrong, otherwise 2 if something
    could not be checked, otherwise 0.
    """
    session = session_of(ctx, as_json=as_json)
    chosen = _chosen(only)
    if show_list:
        _show_list(session, chosen)
        return
    reports = _run(session, chosen, timeout)
    if session.as_json:
        printing.document(_document(session, reports))
    else:
        _show(session, reports)
    if any(report.findings for report in reports):
        raise typer.Exit(1)
    if any(report.unknown for report in reports):
        raise typer.Exit(2)


def _chosen(names: list[str]) -> list[Check]:
    if unknown := [name for name in names if name not in _NAMES]:
        raise RunbookError(f"unknown check {unknown[0]!r}: the checks are {', '.join(_NAMES)}")
    return [check for check in CHECKS if not names or check.name in names]


def _run(session: Session, chosen: list[Check], timeout_s: float) -> "list[Report]":
    from runbook.clients import heroku
    from runbook.doctor import run_checks
    from runbook.doctor.context import Context

    context = Context(session.outputs, session.aws, session.own_aws, heroku.from_environment, times.now())
    with printing.status(f"running {printing.counted(len(chosen), 'check', 'checks')}"):
        return run_checks.run({check: run_checks.FUNCTIONS[check] for check in chosen}, context, timeout_s)


def _show_list(session: Session, chosen: list[Check]) -> None:
    if session.as_json:
        printing.document(
            {
                "identities": dict(faults.IDENTITIES),
                "checks": [
                    {"name": check.name, "looks_at": check.looks_at, "identities": list(check.identities)}
                    for check in chosen
                ],
            }
        )
        return
    rows = [(check.name, check.looks_at, ", ".join(check.identities)) for check in chosen]
    printing.table(("check", "looks at", "with the permissions of"), rows)
    for identity, meaning in faults.IDENTITIES.items():
        printing.note(f"{identity}: {meaning}")


def _show(session: Session, reports: "list[Report]") -> None:
    for report in reports:
        name = report.check.name
        for finding in report.findings:
            found, remedy, command = finding.texts(session)
            _line("WRONG", "bold red", name, found)
            _line("", "", "", f"{remedy}:")
            _line("", "", "", f"  {command}", bold=True)
        for unknown in report.unknown:
            _line("could not tell", "yellow", name, next_command.addressed(session, unknown.reason))
        if report.fine:
            _line("ok", "green", name, report.fine)
    printing.note(_summary(reports))


def _summary(reports: "list[Report]") -> str:
    wrong = sum(bool(report.findings) for report in reports)
    unknown = sum(bool(report.unknown) for report in reports)
    found = [f"{wrong} found something wrong"] * (wrong > 0) + [f"{unknown} could not tell everything"] * (unknown > 0)
    return f"{printing.counted(len(reports), 'check', 'checks')}: {', '.join(found) or 'nothing is wrong'}"


def _line(verdict: str, style: str, name: str, text: str, *, bold: bool = False) -> None:
    from rich.text import Text

    shown = (printing.printable(text), "bold" if bold else "")
    printing.lines([Text.assemble((f"{verdict:<15}", style), f"{name:<{_WIDTH}}", shown)])


def _document(session: Session, reports: "list[Report]") -> dict[str, Any]:
    findings = []
    for report in reports:
        for finding in report.findings:
            found, remedy, command = finding.texts(session)
            findings.append(
                {
                    "check": report.check.name,
                    "fault": finding.fault.code,
                    "found": found,
                    "remedy": remedy,
                    "command": command,
                }
            )
    return {
        "findings": findings,
        "could_not_tell": [
            {"check": report.check.name, "reason": next_command.addressed(session, unknown.reason)}
            for report in reports
            for unknown in report.unknown
        ],
        "fine": {report.check.name: report.fine for report in reports if report.fine},
        "seconds": {report.check.name: round(report.seconds, 3) for report in reports},
    }
