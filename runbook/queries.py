"""The saved queries: `queries/<order>-<name>.sql`, each with a header of `-- key: value` lines. Pure."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

_FOLDER = Path(__file__).parent / "queries"
_HEADER = re.compile(r"-- (title|purpose|window|columns|tip): (.+)")
# The files run as they stand in production; elsewhere the table may have another name.
_TABLE = "raxx_heroku_logs.syslog"


@dataclass(frozen=True)
class SavedQuery:
    """A query of the runbook, as its file has it; `sql` is the whole file, header included."""

    name: str
    title: str
    purpose: str
    window: str
    columns: tuple[str, ...]
    tip: str
    sql: str

    def on_table(self, database: str, table: str) -> Self:
        """The same query, asked of a table of another name."""
        return replace(self, sql=self.sql.replace(_TABLE, f"{database}.{table}"))


def saved_queries() -> tuple[SavedQuery, ...]:
    """Read all queries, in the runbook's order; ValueError names a file whose header is incomplete."""
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.sql")))


def _read(path: Path) -> SavedQuery:
    sql = path.read_text(encoding="utf-8")
    header = dict(_HEADER.findall(sql))
    if missing := {"title", "purpose", "window", "columns", "tip"} - header.keys():
        raise ValueError(f"{path.name}: its header lacks {', '.join(sorted(missing))}")
    return SavedQuery(
        name=path.stem.partition("-")[2],
        title=header["title"],
        purpose=header["purpose"],
        window=header["window"],
        columns=tuple(header["columns"].split(", ")),
        tip=header["tip"],
        sql=sql,
    )
