"""Stopping and starting drains: first a look, which is shown, then steps, each of which can be done again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runbook.clients.heroku import Drain, Heroku
from runbook.drains import urls
from runbook.errors import RunbookError, of_each


@dataclass(frozen=True)
class AppDrains:
    """An app's drains to this stack, and how many it has to elsewhere."""

    app: str
    ours: tuple[Drain, ...]
    others: int

    def has(self, url: str) -> bool:
        """Whether one of ours has this URL."""
        return any(drain.url == url for drain in self.ours)


@dataclass
class Outcome:
    """The drains that were removed, with their apps, and why others could not be, by app."""

    done: list[tuple[str, Drain]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Started:
    """Apps that were registered; ids of drains that run, and UUIDs, by app; ours with other tokens; failures by app."""

    registered: list[str] = field(default_factory=list)
    running: dict[str, str] = field(default_factory=dict)
    app_ids: dict[str, str] = field(default_factory=dict)
    leftovers: list[tuple[str, str]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def look(heroku: Heroku, endpoint: str, apps: Iterable[str]) -> tuple[list[AppDrains], dict[str, str]]:
    """Give the drains of apps, and why they could not be had by app; RunbookError when they could be of none."""
    found, failed = of_each(apps, heroku.drains)
    return [_of_app(app, drains, endpoint) for app, drains in found.items()], failed


def _of_app(app: str, drains: tuple[Drain, ...], endpoint: str) -> AppDrains:
    # An add-on's drain is the add-on's, wherever it goes.
    ours = tuple(each for each in drains if not each.addon and urls.is_ours(each.url, endpoint))
    return AppDrains(app, ours, len(drains) - len(ours))


def stop(heroku: Heroku, plan: Sequence[AppDrains]) -> Outcome:
    """Remove all our drains of apps; one that fails does not stop the others."""
    outcome = Outcome()
    for app, drain in [(each.app, drain) for each in plan for drain in each.ours]:
        try:
            heroku.remove_drain(app, drain.id)
        except RunbookError as error:
            outcome.failed[app] = str(error)
        else:
            outcome.done.append((app, drain))
    return outcome


def start(heroku: Heroku, plan: Sequence[AppDrains], urls: Mapping[str, str]) -> Started:
    """Register a drain for each app that lacks the one of its URL; one that fails does not stop the others."""
    started = Started()
    for each in plan:
        url = urls[each.app]
        started.leftovers += [(each.app, drain.id) for drain in each.ours if drain.url != url]
        try:
            # First: without it Pulumi cannot be told of the drain.
            started.app_ids[each.app] = heroku.app_id(each.app)
            if not each.has(url):
                started.running[each.app] = heroku.add_drain(each.app, url).id
                started.registered.append(each.app)
            else:
                started.running[each.app] = next(drain.id for drain in each.ours if drain.url == url)
        except RunbookError as error:
            started.failed[each.app] = str(error)
    return started
