"""The saved queries: `queries/<order>-<name>.sql`, and the same queries with other parameters. Pure.

A file begins with a header of `-- key: value` lines and runs as it stands. What can be changed stands between a line
`-- <name>` and a line `-- </name>`, for each name of the header's `parameters`; other values replace the lines between.
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
# The files run as they stand in production; elsewhere database and table may have other names.
_TABLE = re.compile(r"\braxx_heroku_logs\.syslog\b")
_VIEW = re.compile(rf"\braxx_heroku_logs\.{router_view.NAME}\b")
# Heroku Dev Center, "HTTP Request IDs": what the router takes from a client; its own ids are of these too.
_REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}", re.ASCII)
_MOST_ROWS = 100_000


@dataclass(frozen=True)
class SavedQuery:
    """A query of the runbook, as its file has it; `sql` is the whole file, header included.

    `parameters` are the names of what `with_parameters` can change in it.
    """

    name: str
    title: str
    purpose: str
    parameters: tuple[str, ...]
    window: str
    columns: tuple[str, ...]
    tip: str
    sql: str

    def on_table(self, database: str, table: str) -> Self:
        """The same query, asked of a table of another name, and of the view beside it."""
        sql = _TABLE.sub(f"{database}.{table}", self.sql)
        return replace(self, sql=_VIEW.sub(f"{database}.{router_view.NAME}", sql))

    def with_parameters(
        self,
        *,
        app: str | None = None,
        window: Window | None = None,
        limit: int | None = None,
        request_id: str | None = None,
    ) -> Self:
        """The same query with these values written into it; None leaves what the file says.

        Nothing that could be more than one value gets into the SQL: ValueError, which says what is expected, for an app
        that Heroku could not name so, a limit that is not 1 to 100000, a request id that is none, and for a parameter
        that the query does not have.
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
        if unknown := written.keys() - set(self.parameters):
            raise ValueError(
                f"{self.name} has no parameter {', '.join(sorted(unknown))}: it takes {', '.join(self.parameters)}"
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
    """Read all queries, in the runbook's order; ValueError names a file whose header or blocks are wrong."""
    return tuple(
        read(path.stem.partition("-")[2], path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.sql"))
    )


def read(name: str, sql: str) -> SavedQuery:
    """Read a query from the text of its file; ValueError when the header lacks something or the blocks are others."""
    header = dict(_HEADER.findall(sql))
    if missing := set(_KEYS) - header.keys():
        raise ValueError(f"{name}: its header lacks {', '.join(sorted(missing))}")
    parameters = tuple(header["parameters"].split(", "))
    blocks = [block["name"] for block in _BLOCK.finditer(sql)]
    if sorted(blocks) != sorted(parameters):
        raise ValueError(f"{name}: its header names the parameters {', '.join(parameters)}, marked are {blocks}")
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
    if not isinstance(app, str) or not APP_NAME.fullmatch(app):
        raise ValueError(f"app is {app!r}: give the name of a Heroku app, 3 to 30 of a-z, 0-9 and -, a letter first")
    return app


def _limit(limit: int) -> int:
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= _MOST_ROWS:
        raise ValueError(f"limit is {limit!r}: give a whole number from 1 to {_MOST_ROWS}")
    return limit


def _request_id(request_id: str) -> str:
    if not isinstance(request_id, str) or not _REQUEST_ID.fullmatch(request_id):
        raise ValueError(f"request_id is {request_id!r}: give the router's, 20 to 200 of letters, digits, + / = and -")
    return request_id
