"""Where the runbook finds the stack's outputs: in SSM, in a file, or in a rendered RUNBOOK.md."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from contract import names
from contract.outputs import Outputs
from runbook.errors import RunbookError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


# The comment at the end of a rendered runbook; in it, `>` is escaped.
_COMMENT_BEGIN, _COMMENT_END = "<!-- outputs\n", "\n-->"


def parse(text: str, source: str) -> Outputs:
    """Read a JSON object of outputs, or the comment of a runbook that `render` wrote.

    RunbookError names `source` and what is wrong there: at once if it has no outputs, otherwise for each use of an
    output that is missing or invalid.
    """
    _, comment, document = text.rpartition(_COMMENT_BEGIN)
    return Outputs.parse(document.partition(_COMMENT_END)[0] if comment else text, source, RunbookError)


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


def chosen_apps(outputs: Outputs, apps: Collection[str]) -> tuple[str, ...]:
    """Give these apps, or all that drain if there are none; RunbookError for one that does not drain."""
    for app in apps:
        if app not in outputs.apps and outputs.has("retired_apps") and app in outputs.retired_apps:
            raise RunbookError(f"{app} is retired, so it has no drain: move it from `retiredApps` to `apps` and deploy")
    return _chosen(outputs.apps, apps)


def searched_apps(outputs: Outputs, apps: Collection[str]) -> tuple[str, ...]:
    """Give these apps, or all that can be queried if there are none; RunbookError for one that cannot.

    Without the output of retired apps, those that drain are all.
    """
    needs_retired = not set(apps) <= set(outputs.apps)
    return _chosen(outputs.all_apps if needs_retired or outputs.has("retired_apps") else outputs.apps, apps)


def _chosen(known: tuple[str, ...], apps: Collection[str]) -> tuple[str, ...]:
    for app in apps:
        if app not in known:
            raise RunbookError(f"{app!r} is not an app of this stack: it has {', '.join(known)}")
    return tuple(app for app in known if not apps or app in apps)
