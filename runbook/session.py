"""What the options before a command say: which stack, as whom, and how to print."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import typer

from contract.names import DEFAULT_PARAMETER_PREFIX, DEFAULT_READER_ROLE
from contract.outputs import Outputs
from runbook import stack_outputs
from runbook.clients.aws import Aws

# The options that several commands have.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass
class Session:
    """A command's surroundings; AWS is not asked before something of it is used."""

    prefix: str = DEFAULT_PARAMETER_PREFIX
    outputs_file: str | None = None
    assume: bool = False
    role: str = DEFAULT_READER_ROLE
    profile: str | None = None
    region: str | None = None
    as_json: bool = False

    @cached_property
    def own_aws(self) -> Aws:
        """Clients of the operator's own identity, whatever --assume says."""
        return Aws(profile=self.profile, region=self.region)

    @cached_property
    def reader_aws(self) -> Aws:
        """Clients of the reader role, which is assumed."""
        role = self._outputs_of_file.reader_role_arn if self._outputs_of_file else self.role
        return self.own_aws.role(role)

    @property
    def aws(self) -> Aws:
        """Clients of whoever commands work as: the reader role with --assume, else the operator."""
        return self.reader_aws if self.assume else self.own_aws

    @cached_property
    def outputs(self) -> Outputs:
        """The stack's outputs; RunbookError when they cannot be had."""
        return self._outputs_of_file or stack_outputs.from_ssm(self.aws.client("ssm"), self.prefix)

    @cached_property
    def _outputs_of_file(self) -> Outputs | None:
        return stack_outputs.from_file(self.outputs_file) if self.outputs_file else None


def session_of(ctx: typer.Context, *, as_json: bool = False) -> Session:
    """The session of a command, whose --json counts before and after the command's name."""
    session = ctx.find_object(Session) or Session()
    session.as_json = session.as_json or as_json
    return session
