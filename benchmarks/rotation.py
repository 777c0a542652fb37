"""How long each app has two drains while the tokens are rotated, and what else is deployed in that time.

The program runs a second time against the local stack, with the next token generation. As Pulumi's engine does it, a
new drain is created when the program declares it, and the old ones are removed when the program has ended
(pulumi/pulumi, developer-docs/architecture/resource-registration.md, "The Step Generator").
"""

import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any

from local.pulumi import program, project
from local.stack import LocalStack, Options
from runbook.clients.heroku import Heroku

_DRAIN, _PARAMETER = "heroku:drain/drain:Drain", "aws:ssm/parameter:Parameter"


class Rotation:
    """The cloud of a stack's second run, which changes nothing but parameters and drains.

    `changes` are the names of what it created or changed, in order, and `drains` the times of the new drains.
    """

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._lock = threading.Lock()
        self.changes: list[str] = []
        self.drains: dict[str, float] = {}

    def configure(self, token: str, inputs: Mapping[str, Any]) -> None:
        """Keep the configuration of the first run."""

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an invoke."""
        return self._stack.cloud.look_up(token, arguments)

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Create what is new, and drains once more; set parameters; give what the first run made of the rest."""
        made = self._stack.cloud.made.get(name)
        if made and token != _DRAIN and not (token == _PARAMETER and self._set_parameter(inputs)):
            return made
        if not made or token == _DRAIN:
            made = self._stack.cloud.create(token, name, inputs)
        with self._lock:
            self.changes.append(name)
            if token == _DRAIN:
                self.drains[name] = monotonic()
        return made

    def _set_parameter(self, inputs: Mapping[str, Any]) -> bool:
        ssm = self._stack.client("ssm")
        name, value = inputs["name"], inputs["value"]
        if ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == value:
            return False
        ssm.put_parameter(Name=name, Value=value, Type=inputs["type"], Overwrite=True)
        return True


def main() -> None:
    """Rotate the tokens of a local stack once, and print what happened."""
    with LocalStack(Options()) as stack:
        old = {app: stack.heroku.drains(app) for app in stack.settings.apps}
        rotation = Rotation(stack)
        program.run(project.load_local("prod", {"tokenGeneration": "2"}), rotation)
        heroku = Heroku("local", stack.heroku.url)
        overlaps = []
        for app, drains in old.items():
            for drain in drains:
                heroku.remove_drain(app, drain["id"])
            overlaps.append(monotonic() - rotation.drains[f"drains-{app}"])
    first = min(map(rotation.changes.index, rotation.drains))
    others = [name for name in rotation.changes[first:] if name not in rotation.drains]
    print(f"{len(rotation.changes)} changes: {', '.join(rotation.changes)}")
    print(f"after the first new drain: {', '.join(others) or 'nothing but drains'}")
    print(f"two drains per app for at most {max(overlaps) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
