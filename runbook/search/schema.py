"""`schema`: the columns that a query can use, with their meaning."""

from collections.abc import Iterator
from typing import NamedTuple

import typer

from contract import glue_table, router_view
from contract.outputs import Outputs
from runbook.session import AsJson, session_of
from runbook.terminal import printing


class _Column(NamedTuple):
    relation: str
    column: str
    type: str
    meaning: str


def schema(ctx: typer.Context, as_json: AsJson = False) -> None:
    r"""List the columns of the table and the view, with type and meaning.

    The table syslog has every stored line. The view router_requests has the router's lines, one per request, with
    numbers and times.

    \b
      hla schema
      hla schema --json
    """
    session = session_of(ctx, as_json=as_json)
    columns = list(_columns(session.outputs))
    if session.as_json:
        printing.document({"columns": [column._asdict() for column in columns]})
    else:
        printing.table(_Column._fields, columns)


def _columns(outputs: Outputs) -> Iterator[_Column]:
    for name, meaning in (glue_table.COLUMNS | glue_table.PARTITION_MEANINGS).items():
        yield _Column(outputs.table, name, "varchar", meaning)
    for name, column in router_view.COLUMNS.items():
        yield _Column(outputs.view, name, column.trino_type, column.meaning)
