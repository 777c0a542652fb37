"""The saved queries, `queries/<order>-<name>.sql`, and how to run them with other parameters. Pure.

A file begins with a header of `-- key: value` lines and runs unchanged. For each name in the header's `parameters`, the
lines between `-- <name>` and `-- </name>` can be replaced by another value. Two keys are optional: `chart`, the column
to draw, and `next`, the command to run next, with columns of the first row as placeholders.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from contract import router_view
from contract.object_keys import APP_NAME
from contract.window import Window, timestamp_literal

_Value = TypeVar("_Value")

_FOLDER = Path(__file__).parent / "queries"
_KEYS = ("title", "purpose", "parameters", "window", "columns", "tip")
_OPTIONAL_KEYS = ("chart", "next")
_HEADER = re.compile(rf"^-- ({'|'.join((*_KEYS, *_OPTIONAL_KEYS))}): (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^(?P<indent> *)-- <(?P<name>\w+)>\n(?P<lines>.*?)^ *-- </(?P=name)>$", re.MULTILINE | re.DOTALL)
# The names in the files are production's; other stacks may have another database and table.
_TABLE = re.compile(r"\braxx_heroku_logs\.syslog\b")
_VIEW = re.compile(rf"\braxx_heroku_logs\.{router_view.NAME}\b")
# Heroku Dev Center, "HTTP Request IDs": the ids that the router accepts from clients; its own have this form too.
_REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}", re.ASCII)
MOST_ROWS = 100_000
_LIMIT = re.compile(r"LIMIT (\d+)")
# The intervals to count by, as expressions on the view's time, and the names of their columns.
EVERY = {
    "1m": "date_trunc('minute', time)",
    "5m": "date_add('minute', -(minute(time) % 5), date_trunc('minute', time))",
    "1h": "date_trunc('hour', time)",
}
_TIME_COLUMNS = {"1m": "minute_utc", "5m": "minute_utc", "1h": "hour_utc"}
_MOST_HOPS = 9


@dataclass(frozen=True)
class SavedQuery:
    """A saved query; `sql` is the whole file with its header, `parameters` are what `with_parameters` can change.

    `limit` is the number of rows at which its list ends, None if it gives all; in `recent-deploys`, that of restarts.
    """

    name: str
    title: str
    purpose: str
    parameters: tuple[str, ...]
    window: str
    columns: tuple[str, ...]
    tip: str
    sql: str
    chart: str | None = None
    next: str | None = None
    limit: int | None = None

    def with_one_row_more(self) -> Self:
        """The same query with its limit raised by one: the row beyond the limit shows that there are more."""
        if self.limit is None:
            return self
        return replace(self, sql=_written(self.sql, {"limit": (f"LIMIT {self.limit + 1}",)}))

    def on_table(self, database: str, table: str) -> Self:
        """The same query on another table and its view."""
        return replace(self, sql=on_table(self.sql, database, table))

    def with_parameters(
        self,
        *,
        apps: tuple[str, ...] = (),
        window: Window | None = None,
        limit: int | None = None,
        request_id: str | None = None,
        trusted_hops: int | None = None,
        long_lived: bool = False,
        moment: datetime | None = None,
        every: str | None = None,
    ) -> Self:
        """The same query with these values; None, and no apps, keep the file's own.

        `trusted_hops` is the number of proxies, such as a CDN, whose addresses in fwd= are not the client's.
        `long_lived` selects websockets and streams in place of the other requests. `moment`, an aware time, is what the
        lines have to be near to; without one it is the end of the window. `every` is a key of EVERY. Nothing but a
        single valid value gets into the SQL. ValueError for an invalid app name, a limit that is not 1 to 100000, an
        invalid request id, trusted hops that are not 0 to 9, and a parameter that the query does not have.
        """
        if moment is None and window and "moment" in self.parameters:
            moment = window.until
        values = {
            "app": (f"AND app IN ({', '.join(map(_app, apps))})",) if apps else (),
            "window": () if window is None else _conjunction(window.predicates),
            "limit": _line("LIMIT {}", _limit, limit),
            "request_id": _line("SELECT '{}' AS id", _request_id, request_id),
            "trusted_hops": _line("SELECT {} AS trusted", _hops, trusted_hops),
            "long_lived": ("AND long_lived",) if long_lived else (),
            "moment": _line("SELECT {} AS moment", timestamp_literal, moment),
            "every": _line("{},", _every, every),
        }
        written = {name: lines for name, lines in values.items() if lines}
        if unknown := written.keys() - set(self.parameters):
            raise ValueError(
                f"{self.name} has no parameter {', '.join(sorted(unknown))}: it has {', '.join(self.parameters)}"
            )
        columns = tuple(_TIME_COLUMNS[every] if every and column == "hour_utc" else column for column in self.columns)
        header = {"columns": ", ".join(columns), "window": self.window if window is None else str(window)}
        return replace(
            self,
            sql=_with_header(_written(self.sql, written), header),
            columns=columns,
            window=header["window"],
            limit=self.limit if limit is None else limit,
        )


def on_table(sql: str, database: str, table: str) -> str:
    """Put another table and its view in the place of those that the files of the saved queries name."""
    return _VIEW.sub(f"{database}.{router_view.NAME}", _TABLE.sub(f"{database}.{table}", sql))


def saved_queries() -> tuple[SavedQuery, ...]:
    """Read all queries, in order. ValueError names a file with an invalid header or blocks."""
    return tuple(
        read(path.stem.partition("-")[2], path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.sql"))
    )


def read(name: str, sql: str) -> SavedQuery:
    """Read a query from the text of its file. ValueError if a header line is missing or the blocks differ from it."""
    header = dict(_HEADER.findall(sql))
    if missing := set(_KEYS) - header.keys():
        raise ValueError(f"{name}: the header lacks {', '.join(sorted(missing))}")
    parameters = tuple(header["parameters"].split(", "))
    blocks = [block["name"] for block in _BLOCK.finditer(sql)]
    if sorted(blocks) != sorted(parameters):
        raise ValueError(f"{name}: the header has the parameters {', '.join(parameters)}, but the blocks are {blocks}")
    return SavedQuery(
        name=name,
        title=header["title"],
        purpose=header["purpose"],
        parameters=parameters,
        window=header["window"],
        columns=tuple(header["columns"].split(", ")),
        tip=header["tip"],
        sql=sql,
        chart=header.get("chart"),
        next=header.get("next"),
        limit=int(limit[1]) if (limit := _LIMIT.search(sql)) else None,
    )


def _written(sql: str, values: Mapping[str, tuple[str, ...]]) -> str:
    """Replace the lines of blocks, by name."""

    def block(match: re.Match[str]) -> str:
        name, indent = match["name"], match["indent"]
        lines = [f"{indent}{line}\n" for line in values.get(name, ())]
        return f"{indent}-- <{name}>\n{''.join(lines) or match['lines']}{indent}-- </{name}>"

    return _BLOCK.sub(block, sql)


def _with_header(sql: str, values: Mapping[str, str]) -> str:
    return _HEADER.sub(lambda match: f"-- {match[1]}: {values.get(match[1], match[2])}", sql)


def _conjunction(predicates: tuple[str, ...]) -> tuple[str, ...]:
    first, *others = predicates
    return (first, *(f"AND {predicate}" for predicate in others))


def _line(text: str, checked: Callable[[_Value], object], value: _Value | None) -> tuple[str, ...]:
    return () if value is None else (text.format(checked(value)),)


def _app(app: str) -> str:
    if not APP_NAME.fullmatch(app):
        raise ValueError(f"invalid app {app!r}: write 3 to 30 of a-z, 0-9 and -, starting with a letter")
    return f"'{app}'"


def _limit(limit: int) -> int:
    if not 1 <= limit <= MOST_ROWS:
        raise ValueError(f"invalid limit {limit}: write a number from 1 to {MOST_ROWS}")
    return limit


def _every(every: str) -> str:
    if every not in EVERY:
        raise ValueError(f"invalid interval {every!r}: write {', '.join(EVERY)}")
    return f"{EVERY[every]} AS {_TIME_COLUMNS[every]}"


def _hops(hops: int) -> int:
    if not 0 <= hops <= _MOST_HOPS:
        raise ValueError(f"invalid number of trusted hops {hops}: write a number from 0 to {_MOST_HOPS}")
    return hops


def _request_id(request_id: str) -> str:
    if not _REQUEST_ID.fullmatch(request_id):
        raise ValueError(f"invalid request id {request_id!r}: write 20 to 200 letters, digits, +, /, = and -")
    return request_id
