"""Stand-ins of the commands that RUNBOOK.md runs and this machine need not have: `command_stubs.py TOOL ARGUMENT...`.

heroku asks the local stack's Heroku, pulumi knows the outputs, make says what it would do, aws is the real one. What
the tool would not accept is told on stderr, and the exit code is not 0.
"""

import json
import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Usage(NamedTuple):
    """How many arguments a command takes, and its options: those with a value, without, and that there have to be."""

    least: int = 0
    most: int = 0
    valued: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


APP = frozenset({"--app", "-a"})
# heroku 11.10.0 on npm: its oclif.manifest.json.
HEROKU = {
    "auth:whoami": Usage(),
    "drains": Usage(valued=APP | {"--remote", "-r"}, plain=frozenset({"--json"}), required=APP),
    "drains:add": Usage(1, 1, valued=APP | {"--remote", "-r"}, required=APP),
    "drains:remove": Usage(1, 1, valued=APP | {"--remote", "-r"}, required=APP),
    "logs": Usage(
        valued=APP | {"--remote", "-r", "--num", "-n", "--source", "-s", "--dyno-name", "-d", "--process-type", "-p"},
        plain=frozenset({"--tail", "-t", "--no-color", "--force-colors"}),
        required=APP,
    ),
    "ps": Usage(0, 99, valued=APP | {"--remote", "-r"}, plain=frozenset({"--json", "--no-wrap"}), required=APP),
}

STACK = frozenset({"--stack", "-s"})
# pulumi.com/docs/iac/cli/commands/, of Pulumi CLI 3.255.
PULUMI = {
    "config set": Usage(1, 2, valued=STACK | {"--type"}, plain=frozenset({"--path", "--plaintext", "--secret"})),
    "preview": Usage(valued=STACK, plain=frozenset({"--diff", "--refresh", "--json"})),
    "stack output": Usage(0, 1, valued=STACK, plain=frozenset({"--json", "-j", "--show-secrets", "--non-interactive"})),
    "stack select": Usage(0, 1, valued=STACK, plain=frozenset({"--create", "-c"})),
    "up": Usage(valued=STACK, plain=frozenset({"--yes", "-y", "--refresh", "--diff", "--skip-preview"})),
}

# What the emulator of AWS does not serve. The AWS CLI checks the arguments all the same, and answers by itself.
UNSERVED = {
    ("iam", "simulate-principal-policy"),
    ("lambda", "get-account-settings"),
    ("logs", "filter-log-events"),
}


class Wrong(Exception):
    """What the tool would say of its arguments."""


def parse(table: dict[str, Usage], arguments: Sequence[str]) -> tuple[str, list[str], dict[str, str]]:
    """The command, its arguments, and its options by name; Wrong for what the command does not take."""
    names = [name for name in table if list(arguments[: len(name.split())]) == name.split()]
    if not names:
        raise Wrong(f"no command, or one that the table lacks: {' '.join(arguments)}")
    name = max(names, key=len)
    usage = table[name]
    rest = iter(arguments[len(name.split()) :])
    values, options = [], dict[str, str]()
    for argument in rest:
        if not argument.startswith("-"):
            values.append(argument)
            continue
        option, equals, value = argument.partition("=")
        if option not in usage.valued | usage.plain or (equals and option in usage.plain):
            raise Wrong(f"{name} has no {argument}")
        options[option] = value if equals or option in usage.plain else _value(option, rest)
    if not usage.least <= len(values) <= usage.most or "" in values:
        raise Wrong(f"{name} takes {usage.least} to {usage.most} arguments: {values}")
    if usage.required and not usage.required & options.keys():
        raise Wrong(f"{name} needs {' or '.join(sorted(usage.required))}")
    return name, values, options


def _value(option: str, rest: Iterator[str]) -> str:
    value = next(rest, "")
    if not value:
        raise Wrong(f"{option} needs a value")
    return value


def heroku(arguments: Sequence[str]) -> None:
    """Run a command of the Heroku CLI, as far as the stand-in of its API goes."""
    name, values, options = parse(HEROKU, arguments)
    drains = f"/apps/{options.get('--app')}/log-drains"
    if name == "drains":
        found = _ask_heroku("GET", drains)
        print(json.dumps(found, indent=2) if "--json" in options else "\n".join(drain["url"] for drain in found))
    elif name == "drains:add":
        _ask_heroku("POST", drains, {"url": values[0]})
    elif name == "drains:remove":
        _ask_heroku("DELETE", f"{drains}/{urllib.parse.quote(values[0], safe='')}")


def _ask_heroku(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(
        os.environ["HEROKU_API_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {os.environ['HEROKU_API_KEY']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def pulumi(arguments: Sequence[str]) -> None:
    """Run a command of the Pulumi CLI: it only answers for the outputs."""
    name, values, _ = parse(PULUMI, arguments)
    if name == "stack output":
        outputs = json.loads(Path(os.environ["STACK_OUTPUTS"]).read_text(encoding="utf-8"))
        print(outputs[values[0]] if values else json.dumps(outputs))


def aws(arguments: Sequence[str]) -> None:
    """Run the AWS CLI of the virtual environment."""
    aside = ["--generate-cli-skeleton", "output"] if tuple(arguments[:2]) in UNSERVED else []
    if arguments[:1] == ["sqs"]:
        # Version 1 prefers an old address of SQS to AWS_ENDPOINT_URL.
        aside += ["--endpoint-url", os.environ["AWS_ENDPOINT_URL"]]
    _become(str(Path(sys.executable).parent / "aws"), *arguments, *aside)


def make(arguments: Sequence[str]) -> None:
    """Say what make would do, if it has these targets."""
    _become("/usr/bin/make", "--dry-run", *arguments)


def _become(*command: str) -> None:
    os.execv(command[0], command)


def install(folder: Path) -> None:
    """Put the tools into a folder, for PATH."""
    for tool in TOOLS:
        script = folder / tool
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{__file__}" {tool} "$@"\n', encoding="utf-8")
        script.chmod(0o755)


TOOLS = {"aws": aws, "heroku": heroku, "make": make, "pulumi": pulumi}

if __name__ == "__main__":
    try:
        TOOLS[sys.argv[1]](sys.argv[2:])
    except (Wrong, OSError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
