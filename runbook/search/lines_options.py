"""The options of `lines`, checked: what is sought, and what cannot be asked together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from contract.window import Window
from runbook.errors import RunbookError
from runbook.search.cut import Cut
from runbook.search.selection import Selection
from runbook.search.text_filters import TextFilter
from runbook.terminal import times, zones

DEFAULT_LIMIT = 1000
_SPAN, _FOLLOW_SPAN = timedelta(minutes=30), timedelta(minutes=1)
_MOST_WITH_CONTEXT = 200_000


@dataclass(frozen=True)
class LinesOptions:
    """What was written on the command line; None or nothing for what was not."""

    last: str | None = None
    since: str | None = None
    until: str | None = None
    around: str | None = None
    minutes: int | None = None
    zone_name: str | None = None
    match: Sequence[str] = ()
    exclude: Sequence[str] = ()
    regexp: bool = False
    ignore_case: bool = False
    dynos: Sequence[str] = ()
    sources: Sequence[str] = ()
    limit: int | None = None
    first: int | None = None
    before: int | None = None
    after: int | None = None
    context: int | None = None
    follow: bool = False
    no_pager: bool = False
    as_json: bool = False
    as_jsonl: bool = False
    as_csv: bool = False
    parquet: str | None = None

    def check(self) -> None:
        """RunbookError for options that do not go together, or that have nothing to act on."""
        texts = [*self.match, *self.exclude]
        _needs("--ignore-case", self.ignore_case, "--match or --exclude", texts)
        _needs("--regexp", self.regexp, "--match or --exclude", texts)
        _needs("-A, -B and -C", self.lines_before or self.lines_after, "--match or --exclude", texts)
        _needs("--minutes", self.minutes is not None, "--around", self.around)
        _exclusive({"--limit": self.limit, "--first": self.first})
        _exclusive(dict.fromkeys(self.formats, True))
        for name, value in {
            "--last": self.last,
            "--from": self.since,
            "--to": self.until,
            "--first": self.first,
        }.items():
            _exclusive({"--around": self.around, name: value})
        files = [name for name in self.formats if name in ("--csv", "--parquet")]
        with_context = self.lines_before + self.lines_after or None
        for name, value in {
            "--to": self.until,
            "--around": self.around,
            "--first": self.first,
            "-A, -B and -C": with_context,
            **dict.fromkeys(files, True),
        }.items():
            _exclusive({"--follow": self.follow or None, name: value})
        for name in files:
            _exclusive({"-A, -B and -C": with_context, name: True})
        if with_context and self.cut_limit * (1 + with_context) > _MOST_WITH_CONTEXT:
            raise RunbookError(f"this can be more than {_MOST_WITH_CONTEXT:,} lines: lower --limit, -A, -B or -C")

    @property
    def formats(self) -> list[str]:
        """The options that were given of those that print something else than lines for people."""
        given = {
            "--json": self.as_json,
            "--jsonl": self.as_jsonl,
            "--csv": self.as_csv,
            "--parquet": self.parquet is not None,
        }
        return [name for name, value in given.items() if value]

    @property
    def zone(self) -> tzinfo:
        """The zone of times without an offset, and of those shown."""
        return zones.zone(self.zone_name) if self.zone_name is not None else UTC

    @property
    def lines_before(self) -> int:
        """How many lines to show before each selected one."""
        return (self.context or 0) if self.before is None else self.before

    @property
    def lines_after(self) -> int:
        """How many lines to show after each selected one."""
        return (self.context or 0) if self.after is None else self.after

    @property
    def cut_limit(self) -> int:
        """The most selected lines to show."""
        return self.first or self.limit or DEFAULT_LIMIT

    @property
    def takes_all(self) -> bool:
        """Whether all lines are written, one by one: an export without a limit."""
        with_context = self.lines_before or self.lines_after
        limited = self.limit or self.first or with_context
        return bool(self.formats) and "--json" not in self.formats and not limited and not self.follow

    def window(self, now: datetime) -> Window:
        """The window to search. RunbookError if the options do not make one."""
        if self.around is not None:
            return times.around(self.around, self.minutes, self.zone, now)
        asked = times.window(self.last, self.since, self.until, now, self.zone)
        return asked or Window.last(_FOLLOW_SPAN if self.follow else _SPAN, now)

    def cut(self, now: datetime) -> Cut:
        """Which lines to show if there are more than the limit."""
        moment = times.instant(self.around, self.zone, now) if self.around is not None else None
        return Cut(self.cut_limit, oldest=self.first is not None, moment=moment)

    def selection(self, window: Window | None) -> Selection:
        """Which lines to show. RunbookError for a filter that no line can pass."""
        return Selection(window, self.dynos, self.sources, self._filters(self.match), self._filters(self.exclude))

    def _filters(self, texts: Sequence[str]) -> tuple[TextFilter, ...]:
        return tuple(TextFilter(text, self.regexp, self.ignore_case) for text in texts)


def _needs(name: str, given: object, needed: str, value: object) -> None:
    if given and not value:
        raise RunbookError(f"{name} needs {needed}")


def _exclusive(options: dict[str, object]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise RunbookError(f"{given[0]} and {given[1]} are mutually exclusive: give only one")
