"""The global options: which stack, which identity, which output format."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract.outputs import Outputs
from runbook import settings, stack_outputs
from runbook.clients import aws
from runbook.clients.aws import Aws
from runbook.clients.buffer import Buffer
from runbook.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def _complete_apps(ctx: typer.Context, incomplete: str) -> list[str]:
    """Suggest the stack's apps to the shell; none, if they cannot be read."""
    session = ctx.find_object(Session) or Session()
    with suppress(Exception):
        session.use(ctx.find_root().params)
        return [app for app in session.outputs.all_apps if app.startswith(incomplete)]
    return []


# Options of several commands.
Apps = Annotated[
    list[str],
    typer.Option(
        "--app", "-a", metavar="APP", help="Only this app; repeatable; default: all.", autocompletion=_complete_apps
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


@dataclass
class Session(Settings):
    """The stack and the clients that a command uses, created when first used.

    `configured` is what commands use that have no global options.
    """

    as_json: bool = False
    make_client: aws.MakeClient = aws.make_client
    configured: Settings = field(default_factory=Settings)

    def configure(self, configured: Settings) -> None:
        """Use these settings, unless an option says otherwise."""
        self.configured = configured
        for each in fields(Settings):
            setattr(self, each.name, getattr(configured, each.name))

    def use(self, given: Mapping[str, Any]) -> None:
        """Use what is configured, and in its place global options that were given, which are not None."""
        self.configure(settings.configured(os.environ, settings.path()))
        for name in settings.NAMES:
            if (value := given.get(name)) is not None:
                self.set(name, value)

    @cached_property
    def own_aws(self) -> Aws:
        """Clients of the operator's own identity, even with --assume."""
        return Aws(profile=self.profile, region=self.region, make_client=self.make_client)

    @cached_property
    def reader_aws(self) -> Aws:
        """Clients of the assumed reader role."""
        role = self._outputs_of_file.reader_role_arn if self._outputs_of_file else self.role
        return self.own_aws.role(role)

    @cached_property
    def restorer_aws(self) -> Aws:
        """Clients of the restorer role, which the operator's own identity assumes, even with --assume."""
        return self.own_aws.role(self.outputs.restorer_role_arn)

    def forget_reader(self) -> None:
        """Assume the reader role anew the next time: its credentials are valid for an hour."""
        self.__dict__.pop("reader_aws", None)

    @property
    def aws(self) -> Aws:
        """The clients to use: those of the reader role with --assume, otherwise the operator's."""
        return self.reader_aws if self.assume else self.own_aws

    @cached_property
    def outputs(self) -> Outputs:
        """The stack's outputs. RunbookError if they cannot be read."""
        return self._outputs_of_file or stack_outputs.from_ssm(self.aws.client("ssm"), self.prefix)

    @property
    def known_outputs(self) -> Outputs | None:
        """The stack's outputs, if they have been read."""
        return self.__dict__.get("outputs")

    @property
    def buffer(self) -> Buffer:
        """The stack's buffer, with the clients to use."""
        return Buffer(self.aws.client("dynamodb"), self.outputs.buffer)

    @property
    def s3(self) -> "S3Client":
        """The client of S3, for buckets of the stack's account only."""
        return aws.of_account(self.aws.client("s3"), self.outputs.account_id)

    @cached_property
    def _outputs_of_file(self) -> Outputs | None:
        return stack_outputs.from_file(self.outputs_file) if self.outputs_file else None


def session_of(ctx: typer.Context, *, as_json: bool = False) -> Session:
    """The session of a command; --json works before and after the command's name."""
    session = ctx.find_object(Session) or Session()
    session.as_json = session.as_json or as_json
    return session
