"""Removes and registers drains at Heroku: first a plan to show, then steps that are safe to repeat."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from contract.outputs import Outputs
from runbook.clients.heroku import Drain, Heroku
from runbook.drains import urls
from runbook.errors import RunbookError, ask_each


@dataclass(frozen=True)
class AppDrains:
    """An app's drains to this stack, and its other drains.

    This is the one rule for which drains are ours: those that lead to the stack's endpoint, unless an add-on registered
    them.
    """

    app: str
    ours: tuple[Drain, ...]
    others: tuple[Drain, ...]

    @classmethod
    def of(cls, app: str, drains: Iterable[Drain], endpoint: str) -> Self:
        """Tell an app's drains apart; `endpoint` is that of the stack."""
        listed = tuple(drains)
        ours = tuple(each for each in listed if not each.addon and urls.is_ours(each.url, endpoint))
        return cls(app, ours, tuple(each for each in listed if each not in ours))

    @property
    def alike(self) -> tuple[Drain, ...]:
        """The other drains that look like ours: of another stack, or of an endpoint that this stack had before."""
        return tuple(each for each in self.others if not each.addon and urls.looks_like_ours(each.url))

    def has(self, url: str) -> bool:
        """Whether one of ours has this URL."""
        return any(drain.url == url for drain in self.ours)


@dataclass
class StopResult:
    """The removed drains with their apps, and by app why its drains could not be removed."""

    removed: list[tuple[str, Drain]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class StartResult:
    """What `start` did.

    `registered` are the apps that got a new drain, `running` the ids of all right drains by app, `leftovers` the apps
    and ids of drains to this stack with another token, and `failed` the reasons by app.
    """

    registered: list[str] = field(default_factory=list)
    running: dict[str, str] = field(default_factory=dict)
    app_ids: dict[str, str] = field(default_factory=dict)
    leftovers: list[tuple[str, str]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def plan_of(heroku: Heroku, endpoint: str, apps: Iterable[str]) -> tuple[list[AppDrains], dict[str, str]]:
    """Give the drains of the apps, and by app why they could not be read. RunbookError if none could be read."""
    found, failed = ask_each(apps, heroku.drains)
    return [AppDrains.of(app, drains, endpoint) for app, drains in found.items()], failed


def deployed_endpoint(outputs: Outputs) -> str:
    """Give the stack's endpoint. RunbookError if the outputs were written before the stack was deployed.

    No drain leads to a placeholder, so it would seem that there are none.
    """
    if not outputs.knows_endpoint:
        raise RunbookError(
            "these outputs were written before the stack was deployed, so they do not tell which drains are this "
            "stack's: write them again with `make runbook`, or omit --outputs"
        )
    return outputs.endpoint


def removal(app: str, drain_id: str) -> str:
    """The command of the Heroku CLI that removes a drain."""
    return shlex.join(["heroku", "drains:remove", drain_id, "--app", app])


def stop(heroku: Heroku, plan: Sequence[AppDrains]) -> StopResult:
    """Remove all drains to this stack; one failure does not stop the others."""
    result = StopResult()
    for app, drain in [(each.app, drain) for each in plan for drain in each.ours]:
        try:
            heroku.remove_drain(app, drain.id)
        except RunbookError as error:
            result.failed[app] = str(error)
        else:
            result.removed.append((app, drain))
    return result


def start(heroku: Heroku, plan: Sequence[AppDrains], urls: Mapping[str, str]) -> StartResult:
    """Register a drain for each app that has none with its URL; one failure does not stop the others."""
    result = StartResult()
    for each in plan:
        url = urls[each.app]
        result.leftovers += [(each.app, drain.id) for drain in each.ours if drain.url != url]
        try:
            # Before registering, because Pulumi cannot import the drain without it.
            result.app_ids[each.app] = heroku.app_id(each.app)
            if not each.has(url):
                result.running[each.app] = heroku.add_drain(each.app, url).id
                result.registered.append(each.app)
            else:
                result.running[each.app] = next(drain.id for drain in each.ours if drain.url == url)
        except RunbookError as error:
            result.failed[each.app] = str(error)
    return result
