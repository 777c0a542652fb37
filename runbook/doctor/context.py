"""What a check gets, and what it yields."""

import shlex
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from contract import names
from contract.outputs import MEANINGS, Outputs
from contract.token_hashes import parse_hashes
from runbook.clients import aws
from runbook.clients.aws import Aws
from runbook.clients.heroku import Heroku
from runbook.doctor.faults import Fault
from runbook.errors import RunbookError
from runbook.session import Session
from runbook.terminal import next_command

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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

    def texts(self, session: Session) -> tuple[str, str, str]:
        """Fill in the fault's texts: what was found, the remedy, and the command for it, with the global options."""
        # An output that is missing or invalid stays a placeholder.
        placeholders = {name: f"<{name}>" for name in MEANINGS}
        values: dict[str, Any] = {**placeholders, **session.outputs.by_name(), **self.values}
        # A key under logs/ can contain anything, and people paste the command into a shell.
        quoted = {name: shell_word(str(value)) for name, value in values.items()}
        fault = self.fault
        # Before values are filled in: some are of lines, which are shown as they are.
        remedy, command = (
            next_command.addressed(session, text, is_template=True) for text in (fault.remedy, fault.command)
        )
        return fault.found.format_map(values), remedy.format_map(values), command.format_map(quoted)


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

    @property
    def s3(self) -> "S3Client":
        """The reader's client of S3, for buckets of the stack's account only."""
        return aws.of_account(self.reader.client("s3"), self.outputs.account_id)

    @property
    def break_glass_s3(self) -> "S3Client":
        """The operator's own one."""
        return aws.of_account(self.break_glass.client("s3"), self.outputs.account_id)

    def token_hashes(self, app: str) -> dict[str, str]:
        """The hashes of an app's accepted tokens, by whose they are; empty if SSM has no valid ones."""
        try:
            return parse_hashes(self.parameter(names.token_hashes(app), secret=False) or "")
        except ValueError:
            return {}

    def drain_url(self, app: str) -> str | None:
        """An app's drain URL; None if SSM has none. Never shown."""
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
