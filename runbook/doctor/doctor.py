"""`doctor`: everything that can be broken, looked at side by side."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from runbook.doctor import faults
from runbook.doctor.faults import CHECKS, Check
from runbook.errors import RunbookError
from runbook.session import AsJson, Session, session_of
from runbook.terminal import printing, times

if TYPE_CHECKING:
    from rich.text import Text

    from runbook.doctor.examination import Report

_NAMES = {check.name: check for check in CHECKS}
_WIDTH = max(map(len, _NAMES)) + 2


def doctor(
    ctx: typer.Context,
    only: Annotated[list[str], typer.Option(metavar="CHECK", help="Only this check; can be repeated.")] = [],  # noqa: B006  typer copies it
    show_list: Annotated[
        bool, typer.Option("--list", help="Say what is checked, and whose rights that needs.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long a check may take.")] = 30,
    as_json: AsJson = False,
) -> None:
    r"""Find out whether the drain is broken, and what to do.

    \b
      python -m runbook doctor
      python -m runbook doctor --only drains --only endpoint
      python -m runbook doctor --list

    Nothing is changed. The endpoint gets an empty batch for each app, which stores nothing. A check that lacks a right
    says whose it needs, and does not hide the others. Exit code: 1 if anything is wrong, else 2 if anything could not
    be looked at, else 0.
    """
    session = session_of(ctx, as_json=as_json)
    chosen = _chosen(only)
    if show_list:
        _show_list(session, chosen)
        return
    reports = _examine(session, chosen, timeout)
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
        raise RunbookError(f"there is no check {unknown[0]!r}: there are {', '.join(_NAMES)}")
    return [check for check in CHECKS if not names or check.name in names]


def _examine(session: Session, chosen: list[Check], seconds: float) -> "list[Report]":
    from runbook.clients import heroku
    from runbook.doctor.examination import Surroundings, examine
    from runbook.doctor.registry import FUNCTIONS

    surroundings = Surroundings(session.outputs, session.aws, session.own_aws, heroku.from_environment, times.now())
    with printing.status(f"making {len(chosen)} checks side by side"):
        return examine({check: FUNCTIONS[check] for check in chosen}, surroundings, seconds)


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
    printing.table(("check", "looks at", "with the rights of"), rows)
    for identity, meaning in faults.IDENTITIES.items():
        printing.note(f"{identity}: {meaning}")


def _show(session: Session, reports: "list[Report]") -> None:
    from runbook.doctor.examination import texts

    for report in reports:
        for finding in report.findings:
            found, remedy, command = texts(finding, session.outputs)
            _line("WRONG", "bold red", report, found)
            _line("", "", None, f"{remedy}:")
            _line("", "", None, f"  {command}", bold=True)
        for unknown in report.unknown:
            _line("could not tell", "yellow", report, unknown.reason)
        if report.fine:
            _line("ok", "green", report, report.fine)
    printing.note(_summary(reports))


def _summary(reports: "list[Report]") -> str:
    wrong = sum(bool(report.findings) for report in reports)
    untold = sum(bool(report.unknown) for report in reports)
    told = [f"{wrong} found something wrong"] * (wrong > 0) + [f"{untold} could not tell all"] * (untold > 0)
    return f"{printing.counted(len(reports), 'check', 'checks')}: {', '.join(told) or 'all is well'}"


def _line(verdict: str, style: str, report: "Report | None", text: str, *, bold: bool = False) -> None:
    from rich.text import Text

    name = report.check.name if report else ""
    line = Text.assemble(
        (f"{verdict:<15}", style), f"{name:<{_WIDTH}}", (printing.printable(text), "bold" if bold else "")
    )
    _print(line)


def _print(line: "Text") -> None:
    out = printing.console()
    if out.is_terminal:
        # Commands are copied from here: no line is broken.
        out.print(line, soft_wrap=True)
    else:
        print(line.plain.rstrip())


def _document(session: Session, reports: "list[Report]") -> dict[str, Any]:
    from runbook.doctor.examination import texts

    findings = []
    for report in reports:
        for finding in report.findings:
            found, remedy, command = texts(finding, session.outputs)
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
            {"check": report.check.name, "reason": unknown.reason} for report in reports for unknown in report.unknown
        ],
        "fine": {report.check.name: report.fine for report in reports if report.fine},
        "seconds": {report.check.name: round(report.seconds, 3) for report in reports},
    }
