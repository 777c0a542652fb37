"""Removes and registers drains at Heroku: first a plan to show, then steps that are safe to repeat."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runbook.clients.heroku import Drain, Heroku
from runbook.drains import urls
from runbook.errors import RunbookError, ask_each


@dataclass(frozen=True)
class AppDrains:
    """An app's drains to this stack, and how many other drains it has."""

    app: str
    ours: tuple[Drain, ...]
    others: int

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
    return [_of_app(app, drains, endpoint) for app, drains in found.items()], failed


def _of_app(app: str, drains: tuple[Drain, ...], endpoint: str) -> AppDrains:
    # A drain that an add-on registered belongs to the add-on.
    ours = tuple(each for each in drains if not each.addon and urls.is_ours(each.url, endpoint))
    return AppDrains(app, ours, len(drains) - len(ours))


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
