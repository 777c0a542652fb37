"""Running checks side by side, each with its time: what one finds, or cannot, does not hide what the others do."""

import shlex
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contract.outputs import Outputs
from runbook.clients import aws
from runbook.clients.aws import Aws
from runbook.clients.heroku import Heroku
from runbook.doctor.faults import Check, Fault
from runbook.errors import RunbookError

# For Athena to stop the queries of checks that nobody waits for any more.
_LAST_CALLS_S = 2.0


class GivenUp(Exception):
    """Nobody waits for the check any more."""


@dataclass(frozen=True)
class Finding:
    """A fault, and the values that its texts have here beside the stack's outputs."""

    fault: Fault
    values: Mapping[str, object]

    @classmethod
    def of(cls, fault: Fault, **values: object) -> "Finding":
        """Make a finding of a fault and the names in its texts."""
        return cls(fault, values)


@dataclass(frozen=True)
class Unknown:
    """What could not be looked at, and why."""

    reason: str


# Yields what it finds and what it cannot tell; returns what is said when that is nothing.
Examination = Generator[Finding | Unknown, None, str]


@dataclass(frozen=True)
class Report:
    """A check's outcome: `fine` is what was found to be well, if nothing else was found."""

    check: Check
    findings: tuple[Finding, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    fine: str = ""
    seconds: float = 0.0


@dataclass
class Surroundings:
    """What a check may ask, as whom, and what time it is. `given_up` is set once nobody waits for it."""

    outputs: Outputs
    reader: Aws
    break_glass: Aws
    heroku: Callable[[], Heroku]
    now: datetime
    given_up: threading.Event = field(default_factory=threading.Event)
    _texts: dict[str, str | None] = field(default_factory=dict)

    def pause(self, seconds: float) -> None:
        """Wait between two looks; GivenUp once nobody waits for what comes after it."""
        if self.given_up.wait(seconds):
            raise GivenUp

    def parameter(self, name: str, *, secret: bool = True) -> str | None:
        """The text of a parameter below the stack's path; None when there is none. RunbookError, Denied.

        Several checks ask for the same: it is read once, or twice where two ask at a time.
        """
        if name not in self._texts:
            self._texts[name] = self._read(name, secret=secret)
        return self._texts[name]

    def _read(self, name: str, *, secret: bool) -> str | None:
        ssm = (self.break_glass if secret else self.reader).client("ssm")
        full_name = self.outputs.parameter_prefix + name
        with explained():
            try:
                return str(ssm.get_parameter(Name=full_name, WithDecryption=secret)["Parameter"]["Value"])
            except ssm.exceptions.ParameterNotFound:
                return None


@contextmanager
def explained() -> Iterator[None]:
    """Raise what boto3 raises as what it means to an operator."""
    try:
        yield
    except RunbookError:
        raise
    except Exception as error:
        meaning = aws.explain(error)
        if meaning is None:
            raise
        raise meaning from None


def unknown(error: RunbookError) -> Unknown:
    """What could not be looked at, from the error that came instead."""
    return Unknown(str(error).removeprefix("could not tell: "))


def examine(
    checks: Mapping[Check, Callable[[Surroundings], Examination]], surroundings: Surroundings, seconds: float
) -> list[Report]:
    """Run checks side by side, each for so many seconds at most, and give their reports in order.

    On Ctrl-C the checks are told, so that they stop what they have running in Athena.
    """
    reports: dict[Check, Report] = {}

    def run(check: Check) -> None:
        reports[check] = _report(check, checks[check], surroundings)

    # Daemons: a check that hangs must not keep the process from ending.
    threads = {check: threading.Thread(target=run, args=[check], daemon=True) for check in checks}
    end = time.monotonic() + seconds
    try:
        for thread in threads.values():
            thread.start()
        for thread in threads.values():
            thread.join(max(0.0, end - time.monotonic()))
    finally:
        surroundings.given_up.set()
        last = time.monotonic() + _LAST_CALLS_S
        in_time = dict(reports)
        for thread in threads.values():
            thread.join(max(0.0, last - time.monotonic()))
    late = Unknown(f"no answer within {seconds:g} s: try again, or give it longer with --timeout")
    return [in_time.get(check) or Report(check, unknown=(late,), seconds=seconds) for check in checks]


def _report(check: Check, run: Callable[[Surroundings], Examination], surroundings: Surroundings) -> Report:
    begin = time.monotonic()
    seen: list[Finding | Unknown] = []
    fine = ""
    try:
        with explained():
            fine = _collect(run(surroundings), seen)
    except RunbookError as error:
        seen.append(unknown(error))
    except Exception as error:  # noqa: BLE001  a fault of one check must not hide the others
        seen.append(Unknown(f"the check itself failed ({type(error).__name__}: {error})"))
    findings = tuple(each for each in seen if isinstance(each, Finding))
    unknowns = tuple(each for each in seen if isinstance(each, Unknown))
    return Report(check, findings, unknowns, "" if seen else fine, time.monotonic() - begin)


def _collect(examination: Examination, seen: list[Finding | Unknown]) -> str:
    while True:
        try:
            seen.append(next(examination))
        except StopIteration as ended:
            return str(ended.value)


def texts(finding: Finding, outputs: Outputs) -> tuple[str, str, str]:
    """What is said of a finding, what to do, and the command for it."""
    values: dict[str, Any] = {**outputs.by_name(), **finding.values}
    fault = finding.fault
    # A key under logs/ can be anything, and the command is pasted into a shell.
    quoted = {name: shell_word(str(value)) for name, value in values.items()}
    return fault.found.format_map(values), fault.remedy.format_map(values), fault.command.format_map(quoted)


def shell_word(text: str) -> str:
    """A text as one word for bash, without control characters, which could steer the terminal."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(char if char.isalnum() else f"\\U{ord(char):08x}" for char in text) + "'"
