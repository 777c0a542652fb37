"""How Pulumi's state is brought in step with drains that were removed or registered outside of it. Pure.

The Heroku provider fails on a drain that is gone instead of saying so, so a refresh does not help. Nor does `pulumi
state delete`: the destroy guard depends on every drain, and a drain that was replaced after it had gone stays in the
state, marked for deletion, under the URN of the new one; without a terminal the command cannot be told which of the two
is meant (`locateStackResource` in pkg/cmd/pulumi/state/io.go). So entries are taken out of the exported state.
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
# What the stack itself is to do with drains: `true` or `false`.
ENABLE = "pulumi config set drainsEnabled {}"
EXPORT, IMPORT = "pulumi stack export", "pulumi stack import"


def urn(outputs: Outputs, app: str) -> str:
    """The URN of an app's drain in this stack (Pulumi, "Resource names")."""
    return f"{_stack_urn(outputs)}{_NAME}{app}"


@dataclass(frozen=True)
class Entry:
    """A drain in the state: its app's name and UUID, its id, and whether it was replaced and waits for its deletion."""

    app: str
    app_id: str
    id: str
    replaced: bool


class State:
    """The state of a stack, as `pulumi stack export` writes it. What is not about drains stays as it is."""

    def __init__(self, document: Any, resources: list[dict[str, Any]]) -> None:
        self._document, self._resources = document, resources

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an exported state. RunbookError when it is none."""
        try:
            document = json.loads(text)
            resources = document["deployment"].get("resources") or []
            if not all(isinstance(each["urn"], str) for each in resources):
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RunbookError(f"stdin is not the state of a stack: `{EXPORT}` writes it") from None
        return cls(document, resources)

    def drains(self) -> list[Entry]:
        """The drains that Pulumi knows of."""
        return [_entry(each) for each in self._resources if _NAME in each["urn"]]

    def without(self, gone: Collection[Entry]) -> dict[str, Any]:
        """The state without these drains, for `pulumi stack import`, which checks that no dependency is missing."""
        kept = [each for each in self._resources if not (_NAME in each["urn"] and _entry(each) in gone)]
        # A dependency means the drain in use, as one that waits for its deletion stands after all others.
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
    """A resource without its dependencies on what is lost. Only the destroy guard has any, and no inputs of them."""
    if not set(lost) & set(resource.get("dependencies") or ()):
        return resource
    return resource | {"dependencies": [each for each in resource["dependencies"] if each not in lost]}


def in_step(forget: str) -> str:
    """The shell's line that has Pulumi forget drains; `forget` is the command line of this runbook that does it.

    When that fails it prints nothing, and Pulumi imports nothing.
    """
    return f"{EXPORT} | {forget} | {IMPORT}"


def adopt(outputs: Outputs, app: str, app_id: str, drain_id: str) -> str:
    """Have Pulumi know a drain that is there; `:sensitive` is the field that its URL belongs to."""
    parent = shlex.quote(f"drains={_stack_urn(outputs)}::{_COMPONENT}::drains")
    provider = shlex.quote(f"heroku={_stack_urn(outputs)}::pulumi:providers:heroku::heroku")
    return (
        f"pulumi import {_TYPE} drains-{app} {shlex.quote(f'{app_id}:{drain_id}:sensitive')} "
        f"--parent {parent} --provider {provider} --protect=false --generate-code=false --yes"
    )


def _stack_urn(outputs: Outputs) -> str:
    return f"urn:pulumi:{outputs.stack}::{outputs.project}"
