"""What a check gets, and what it yields."""

import shlex
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contract import drain_url, names
from contract.outputs import Outputs
from runbook.clients import aws
from runbook.clients.aws import Aws
from runbook.clients.heroku import Heroku
from runbook.doctor.faults import Fault
from runbook.errors import RunbookError


class GivenUp(Exception):
    """The check's result is no longer needed."""


@dataclass(frozen=True)
class Finding:
    """A fault that was found, and the values for its texts that are not outputs of the stack."""

    fault: Fault
    values: Mapping[str, object]

    @classmethod
    def of(cls, fault: Fault, **values: object) -> "Finding":
        """Make a finding of a fault and the values for its texts."""
        return cls(fault, values)

    def texts(self, outputs: Outputs) -> tuple[str, str, str]:
        """Fill in the fault's texts: what was found, the remedy, and the command for it."""
        values: dict[str, Any] = {**outputs.by_name(), **self.values}
        # A key under logs/ can contain anything, and people paste the command into a shell.
        quoted = {name: shell_word(str(value)) for name, value in values.items()}
        fault = self.fault
        return fault.found.format_map(values), fault.remedy.format_map(values), fault.command.format_map(quoted)


@dataclass(frozen=True)
class Unknown:
    """Something that could not be checked, and why."""

    reason: str

    @classmethod
    def because(cls, error: RunbookError) -> "Unknown":
        """Something that could not be checked because of an error."""
        return cls(str(error).removeprefix("could not tell: "))


# A check yields what it finds and what it cannot tell. It returns the text to show if it yielded nothing.
Findings = Generator[Finding | Unknown, None, str]


@dataclass
class Context:
    """What all checks share: the stack, the clients of both identities, and the time.

    `given_up` is set once the results are no longer needed.
    """

    outputs: Outputs
    reader: Aws
    break_glass: Aws
    heroku: Callable[[], Heroku]
    now: datetime
    given_up: threading.Event = field(default_factory=threading.Event)
    _parameters: dict[str, str | None] = field(default_factory=dict)

    def pause(self, seconds: float) -> None:
        """Wait before polling again; GivenUp once the results are no longer needed."""
        if self.given_up.wait(seconds):
            raise GivenUp

    def parameter(self, name: str, *, secret: bool = True) -> str | None:
        """The value of a parameter under the stack's prefix; None if it does not exist. RunbookError, Denied.

        Several checks need the same parameters, so values are cached.
        """
        if name not in self._parameters:
            self._parameters[name] = self._read(name, secret=secret)
        return self._parameters[name]

    def drain_keys(self) -> tuple[str, ...]:
        """The keys that the receiver accepts, the current one first; empty if SSM has no valid list. Never shown."""
        try:
            return drain_url.parse_keys(self.parameter(names.DRAIN_KEYS) or "")
        except ValueError:
            return ()

    def expected_url(self, app: str) -> str | None:
        """An app's drain URL from the current key, or without keys the one in SSM; None if SSM has neither.

        Only the check `parameters` reports when the two differ.
        """
        if keys := self.drain_keys():
            return drain_url.url(self.outputs.stage_url, app, keys[0])
        return self.parameter(names.drain_url(app))

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
    """Turn boto3's errors into a RunbookError that tells an operator what to do."""
    try:
        yield
    except RunbookError:
        raise
    except Exception as error:
        meaning = aws.explain(error)
        if meaning is None:
            raise
        raise meaning from None


def shell_word(text: str) -> str:
    """Quote a text as one word for bash; control characters, which could control the terminal, are escaped."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(char if char.isalnum() else f"\\U{ord(char):08x}" for char in text) + "'"
