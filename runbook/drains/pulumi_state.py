"""Updates Pulumi's state after drains were removed or registered without Pulumi. Pure.

A refresh does not help, because the Heroku provider fails on a drain that is gone. Nor does `pulumi state delete`: the
destroy guard depends on every drain, and a drain that was replaced after it was gone stays in the state, marked for
deletion, under the URN of the new one. Without a terminal the command cannot be told which of the two to delete
(`locateStackResource` in pkg/cmd/pulumi/state/io.go). So we remove entries from the exported state.
"""

import json
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from contract.outputs import Outputs
from runbook.errors import RunbookError

_COMPONENT = "raxx:logdrain:Drains"
_TYPE = "heroku:drain/drain:Drain"
_NAME = f"::{_COMPONENT}${_TYPE}::drains-"
EXPORT, IMPORT = "pulumi stack export", "pulumi stack import"


@dataclass(frozen=True)
class Entry:
    """A drain in the state: its app's name and UUID, its id, and whether it was replaced and is pending deletion."""

    app: str
    app_id: str
    id: str
    replaced: bool


class State:
    """The state of a stack, as `pulumi stack export` writes it."""

    def __init__(self, document: Any, resources: list[dict[str, Any]]) -> None:
        self._document, self._resources = document, resources

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an exported state. RunbookError if it is invalid."""
        try:
            document = json.loads(text)
            resources = document["deployment"].get("resources") or []
            if not all(isinstance(each["urn"], str) for each in resources):
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RunbookError(f"stdin is not the state of a stack: write it with `{EXPORT}`") from None
        return cls(document, resources)

    def drains(self) -> list[Entry]:
        """The drains in the state."""
        return [_entry(each) for each in self._resources if _NAME in each["urn"]]

    def without(self, gone: Collection[Entry]) -> dict[str, Any]:
        """The state without these drains, for `pulumi stack import`, which checks that no dependency is missing."""
        kept = [each for each in self._resources if not (_NAME in each["urn"] and _entry(each) in gone)]
        # Dependencies refer to the drain in use, because drains pending deletion come after all other resources.
        in_use = {each["urn"] for each in kept if not each.get("delete")}
        lost = {each["urn"] for each in self._resources if _NAME in each["urn"]} - in_use
        deployment = self._document["deployment"] | {"resources": [_independent(each, lost) for each in kept]}
        return {**self._document, "deployment": deployment}


def _entry(resource: dict[str, Any]) -> Entry:
    app = resource["urn"].partition(_NAME)[2]
    known = resource.get("inputs") or {}
    app_id = known.get("appId")
    return Entry(app, app_id if isinstance(app_id, str) else app, str(resource.get("id")), bool(resource.get("delete")))


def _independent(resource: dict[str, Any], lost: Collection[str]) -> dict[str, Any]:
    """A resource without its dependencies on lost drains. Only the destroy guard has any, and only as dependencies."""
    if not set(lost) & set(resource.get("dependencies") or ()):
        return resource
    return resource | {"dependencies": [each for each in resource["dependencies"] if each not in lost]}


def enable_command(outputs: Outputs, *, enable: bool) -> str:
    """The shell command that sets drainsEnabled."""
    return _of_stack(outputs, f"pulumi config set drainsEnabled {str(enable).lower()}")


def up_command(outputs: Outputs) -> str:
    """The shell command that deploys the stack."""
    return _of_stack(outputs, "pulumi up")


def filter_command(outputs: Outputs, forget: str) -> str:
    """The shell command that makes Pulumi forget drains; `forget` is the runbook's command that filters the state.

    If it fails it prints nothing, and Pulumi imports nothing.
    """
    return f"{_of_stack(outputs, EXPORT)} | {forget} | {_of_stack(outputs, IMPORT)}"


def import_command(outputs: Outputs, app: str, app_id: str, drain_id: str) -> str:
    """The shell command that imports an existing drain into Pulumi; `:sensitive` names the field of its URL."""
    parent = shlex.quote(f"drains={stack_urn(outputs)}::{_COMPONENT}::drains")
    provider = shlex.quote(f"heroku={stack_urn(outputs)}::pulumi:providers:heroku::heroku")
    return (
        f"pulumi import {_TYPE} drains-{app} {shlex.quote(f'{app_id}:{drain_id}:sensitive')} "
        f"--parent {parent} --provider {provider} --protect=false --generate-code=false --yes"
    )


def stack_urn(outputs: Outputs) -> str:
    """The beginning of the URNs of everything in the stack."""
    return f"urn:pulumi:{outputs.stack}::{outputs.project}"


def _of_stack(outputs: Outputs, command: str) -> str:
    """A command for the stack, as another one may be selected; without its name, which is not worth failing for."""
    return f"{command} --stack {shlex.quote(outputs.stack)}" if outputs.has("stack") else command
