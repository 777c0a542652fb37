"""Stand-ins of the commands that RUNBOOK.md runs and `make up` does not provide: pulumi knows the outputs, make says
what it would do. What the tool would not accept is told on stderr, and the exit code is not 0.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from local.heroku.command_line import Usage, Wrong, parse
from tests.support.paths import PROJECT

STACK = frozenset({"--stack", "-s"})
# pulumi.com/docs/iac/cli/commands/, of Pulumi CLI 3.255.
PULUMI = {
    "config set": Usage(1, 2, valued=STACK | {"--type"}, plain=frozenset({"--path", "--plaintext", "--secret"})),
    "preview": Usage(valued=STACK, plain=frozenset({"--diff", "--refresh", "--json"})),
    "stack output": Usage(0, 1, valued=STACK, plain=frozenset({"--json", "-j", "--show-secrets", "--non-interactive"})),
    "stack select": Usage(0, 1, valued=STACK, plain=frozenset({"--create", "-c"})),
    "up": Usage(valued=STACK, plain=frozenset({"--yes", "-y", "--refresh", "--diff", "--skip-preview"})),
}


def pulumi(arguments: Sequence[str]) -> None:
    """Run a command of the Pulumi CLI: it only answers for the outputs."""
    name, values, _ = parse(PULUMI, arguments)
    if name == "stack output":
        outputs = json.loads(Path(os.environ["STACK_OUTPUTS"]).read_text(encoding="utf-8"))
        print(outputs[values[0]] if values else json.dumps(outputs))


def make(arguments: Sequence[str]) -> None:
    """Say what make would do, if it has these targets."""
    _become("/usr/bin/make", "--dry-run", *arguments)


def _become(*command: str) -> None:
    os.execv(command[0], command)


def install(folder: Path) -> None:
    """Put the tools into a folder, for PATH."""
    for tool in TOOLS:
        script = folder / tool
        script.write_text(
            f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -S -m {__name__} {tool} "$@"\n',
            encoding="utf-8",
        )
        script.chmod(0o755)


TOOLS = {"make": make, "pulumi": pulumi}

if __name__ == "__main__":
    try:
        TOOLS[sys.argv[1]](sys.argv[2:])
    except (Wrong, OSError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
