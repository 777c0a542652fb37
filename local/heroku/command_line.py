"""Stand-in for the Heroku CLI: `python -m local.heroku.command_line drains --app APP`, with the standard library only.

It asks the Heroku of HEROKU_API_URL. What the Heroku CLI would not accept is told on stderr, and the exit code is 2.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
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


def run(arguments: Sequence[str]) -> None:
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
    elif name == "auth:whoami":
        print("local")
    else:
        print("the local Heroku runs no dynos", file=sys.stderr)


def _ask_heroku(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310  the stand-in's address is ours
        os.environ["HEROKU_API_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {os.environ['HEROKU_API_KEY']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def main() -> None:
    """Run one command."""
    try:
        run(sys.argv[1:])
    except urllib.error.HTTPError as error:
        print(f"heroku: {json.load(error)['message']}", file=sys.stderr)
        sys.exit(1)
    except (Wrong, OSError) as error:
        print(f"heroku: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
