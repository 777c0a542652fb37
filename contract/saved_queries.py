"""The saved queries, `queries/<order>-<name>.sql`, and how to run them with other parameters. Pure.

A file begins with a header of `-- key: value` lines and runs unchanged. For each name in the header's `parameters`, the
lines between `-- <name>` and `-- </name>` can be replaced by another value.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from contract import router_view
from contract.object_keys import APP_NAME
from contract.window import Window

_FOLDER = Path(__file__).parent / "queries"
_KEYS = ("title", "purpose", "parameters", "window", "columns", "tip")
_HEADER = re.compile(rf"^-- ({'|'.join(_KEYS)}): (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^(?P<indent> *)-- <(?P<name>\w+)>\n(?P<lines>.*?)^ *-- </(?P=name)>$", re.MULTILINE | re.DOTALL)
# The names in the files are production's; other stacks may have another database and table.
_TABLE = re.compile(r"\braxx_heroku_logs\.syslog\b")
_VIEW = re.compile(rf"\braxx_heroku_logs\.{router_view.NAME}\b")
# Heroku Dev Center, "HTTP Request IDs": the ids that the router accepts from clients; its own have this form too.
_REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}", re.ASCII)
_MOST_ROWS = 100_000
_MOST_HOPS = 9


@dataclass(frozen=True)
class SavedQuery:
    """A saved query; `sql` is the whole file with its header, `parameters` are what `with_parameters` can change."""

    name: str
    title: str
    purpose: str
    parameters: tuple[str, ...]
    window: str
    columns: tuple[str, ...]
    tip: str
    sql: str

    def on_table(self, database: str, table: str) -> Self:
        """The same query on another table and its view."""
        sql = _TABLE.sub(f"{database}.{table}", self.sql)
        return replace(self, sql=_VIEW.sub(f"{database}.{router_view.NAME}", sql))

    def with_parameters(
        self,
        *,
        app: str | None = None,
        window: Window | None = None,
        limit: int | None = None,
        request_id: str | None = None,
        trusted_hops: int | None = None,
        long_lived: bool = False,
    ) -> Self:
        """The same query with these values; None keeps the file's own.

        `trusted_hops` is the number of proxies, such as a CDN, whose addresses in fwd= are not the client's.
        `long_lived` selects websockets and streams in place of the other requests. Nothing but a single valid value
        gets into the SQL. ValueError for an invalid app name, a limit that is not 1 to 100000, an invalid request id,
        trusted hops that are not 0 to 9, and a parameter that the query does not have.
        """
        written: dict[str, tuple[str, ...]] = {}
        if app is not None:
            written["app"] = (f"AND app = '{_app(app)}'",)
        if window is not None:
            written["window"] = _conjunction(window.predicates)
        if limit is not None:
            written["limit"] = (f"LIMIT {_limit(limit)}",)
        if request_id is not None:
            written["request_id"] = (f"SELECT '{_request_id(request_id)}' AS id",)
        if trusted_hops is not None:
            written["trusted_hops"] = (f"SELECT {_hops(trusted_hops)} AS trusted",)
        if long_lived:
            written["long_lived"] = ("AND long_lived",)
        if unknown := written.keys() - set(self.parameters):
            raise ValueError(
                f"{self.name} has no parameter {', '.join(sorted(unknown))}: it has {', '.join(self.parameters)}"
            )

        def block(match: re.Match[str]) -> str:
            name, indent = match["name"], match["indent"]
            lines = [f"{indent}{line}\n" for line in written.get(name, ())]
            return f"{indent}-- <{name}>\n{''.join(lines) or match['lines']}{indent}-- </{name}>"

        sql = _BLOCK.sub(block, self.sql)
        if window is None:
            return replace(self, sql=sql)
        return replace(
            self, sql=sql.replace(f"-- window: {self.window}\n", f"-- window: {window}\n"), window=str(window)
        )


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
    )


def _conjunction(predicates: tuple[str, ...]) -> tuple[str, ...]:
    first, *others = predicates
    return (first, *(f"AND {predicate}" for predicate in others))


def _app(app: str) -> str:
    if not APP_NAME.fullmatch(app):
        raise ValueError(f"invalid app {app!r}: write 3 to 30 of a-z, 0-9 and -, starting with a letter")
    return app


def _limit(limit: int) -> int:
    if not 1 <= limit <= _MOST_ROWS:
        raise ValueError(f"invalid limit {limit}: write a number from 1 to {_MOST_ROWS}")
    return limit


def _hops(hops: int) -> int:
    if not 0 <= hops <= _MOST_HOPS:
        raise ValueError(f"invalid number of trusted hops {hops}: write a number from 0 to {_MOST_HOPS}")
    return hops


def _request_id(request_id: str) -> str:
    if not _REQUEST_ID.fullmatch(request_id):
        raise ValueError(f"invalid request id {request_id!r}: write 20 to 200 letters, digits, +, /, = and -")
    return request_id
