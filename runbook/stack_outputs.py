"""Where the runbook finds the stack's outputs: in SSM, or in a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from contract import names
from contract.outputs import InvalidOutputs, Outputs
from runbook.errors import RunbookError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def parse(text: str, source: str) -> Outputs:
    """Read the JSON object of all outputs; RunbookError names `source` and what is wrong there."""
    try:
        return Outputs.parse(text, source)
    except InvalidOutputs as error:
        raise RunbookError(str(error)) from None


def from_file(path: str) -> Outputs:
    """Read the outputs from a file, or from standard input for `-`."""
    if path == "-":
        return parse(sys.stdin.read(), "standard input")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunbookError(
            f"cannot read {path} ({reason}): save the outputs with `pulumi stack output --json > {path}`"
        ) from None
    return parse(text, path)


def from_ssm(ssm: "SSMClient", prefix: str) -> Outputs:
    """Read the outputs from the parameter `<prefix>outputs`; RunbookError when it does not exist."""
    name = f"{prefix}{names.OUTPUTS}"
    try:
        text = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        raise RunbookError(
            f"there is no SSM parameter {name} in {ssm.meta.region_name}: set --region or --prefix to the stack's, "
            "or deploy the stack"
        ) from None
    return parse(text, f"the SSM parameter {name}")


def chosen_apps(outputs: Outputs, app: str | None) -> tuple[str, ...]:
    """Give the app, or for None all that drain; RunbookError names them when it is none of them."""
    if app in outputs.retired_apps:
        raise RunbookError(f"{app} is retired, so it has no drain: move it from `retiredApps` to `apps` and deploy")
    return _chosen(outputs.apps, app)


def searched_apps(outputs: Outputs, app: str | None) -> tuple[str, ...]:
    """Give the app, or for None all that can be queried; RunbookError names them when it is none of them."""
    return _chosen(outputs.all_apps, app)


def _chosen(apps: tuple[str, ...], app: str | None) -> tuple[str, ...]:
    if app is None:
        return apps
    if app not in apps:
        raise RunbookError(f"{app!r} is not an app of this stack: it has {', '.join(apps)}")
    return (app,)
