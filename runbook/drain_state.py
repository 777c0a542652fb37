"""Commands that bring Pulumi's state in step with drains that were removed or registered outside of it. Pure.

The Heroku provider fails on a drain that is gone instead of saying so, so a refresh does not help.
"""

import shlex

from runbook.outputs import Outputs

_COMPONENT = "raxx:logdrain:Drains"
_TYPE = "heroku:drain/drain:Drain"
# What the stack itself is to do with drains: `true` or `false`.
ENABLE = "pulumi config set drainsEnabled {}"


def urn(outputs: Outputs, app: str) -> str:
    """The URN of an app's drain in this stack (Pulumi, "Resource names")."""
    return f"{_stack_urn(outputs)}::{_COMPONENT}${_TYPE}::drains-{app}"


def forget(outputs: Outputs, app: str) -> str:
    """Have Pulumi forget a drain that is gone."""
    # In quotes: there is a $ in it.
    return f"pulumi state delete --yes {shlex.quote(urn(outputs, app))}"


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
