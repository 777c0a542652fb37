"""The options of `query` that choose what is asked: as values of a saved query, and as words of a command. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from contract.saved_queries import SavedQuery
from contract.window import Window
from runbook.errors import RunbookError
from runbook.terminal import next_command, times


@dataclass(frozen=True)
class QueryOptions:
    """The options as given; None, False and no apps are those that were not given."""

    apps: tuple[str, ...] = ()
    last: str | None = None
    since: str | None = None
    until: str | None = None
    around: str | None = None
    minutes: int | None = None
    request_id: str | None = None
    trusted_hops: int | None = None
    long_lived: bool = False
    every: str | None = None
    limit: int | None = None

    def window(self, now: datetime) -> Window | None:
        """Give the window; None for the query's own. RunbookError for options that do not make a window."""
        if self.around is None:
            if self.minutes is not None:
                raise RunbookError("--minutes needs --around: add a time with --around, or use --last")
            return times.window(self.last, self.since, self.until, now)
        if self.last or self.since or self.until:
            raise RunbookError("--around already sets the window: remove --last, --from and --to")
        return times.around(self.around, self.minutes)

    def moment(self, now: datetime) -> datetime:
        """Give the time that lines have to be near to: that of --around, or else the end of the window."""
        window = self.window(now)
        if window is None:
            return now
        return window.since + (window.until - window.since) / 2 if self.around else window.until

    def fill_in(self, saved: SavedQuery, now: datetime) -> SavedQuery:
        """Give a saved query with these options. RunbookError for one that is invalid, missing or not the query's."""
        if self.request_id is None and "request_id" in saved.parameters:
            raise RunbookError(f"{saved.name} needs --request-id, from a router line or the header X-Request-ID")
        window = self.window(now)
        try:
            return saved.with_parameters(
                apps=self.apps,
                window=window,
                limit=self.limit,
                request_id=self.request_id,
                trusted_hops=self.trusted_hops,
                long_lived=self.long_lived,
                moment=self.moment(now) if window and "moment" in saved.parameters else None,
                every=self.every,
            )
        except ValueError as error:
            raise RunbookError(str(error)) from None

    def with_limit(self, limit: int) -> Self:
        """The same options with another limit."""
        return replace(self, limit=limit)

    def words(self) -> list[str]:
        """Write the options for a command line."""
        return [
            *next_command.app_options(self.apps),
            *_written({"--last": self.last, "--from": self.since, "--to": self.until}),
            *_written({"--around": self.around, "--minutes": self.minutes, "--request-id": self.request_id}),
            *self._filters(("trusted_hops", "long_lived")),
            *_written({"--every": self.every, "--limit": self.limit}),
        ]

    def kept(self, parameters: Collection[str], now: datetime) -> list[str]:
        """Write what another command keeps: the apps, the window, and the filters among its `parameters`."""
        window = self.window(now)
        around = next_command.scope([], window) if self.around and window else []
        window_words = _written({"--last": self.last, "--from": self.since, "--to": self.until})
        return [*next_command.app_options(self.apps), *around, *window_words, *self._filters(parameters)]

    def _filters(self, parameters: Collection[str]) -> list[str]:
        hops = _written({"--trusted-hops": self.trusted_hops}) if "trusted_hops" in parameters else []
        return [*hops, "--long-lived"] if self.long_lived and "long_lived" in parameters else hops


def _written(options: dict[str, str | int | None]) -> list[str]:
    return [word for name, value in options.items() if value is not None for word in (name, str(value))]
