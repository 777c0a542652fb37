"""Table and view in Glue, against what this version declares, and the view asked."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from contract import glue_table, router_view
from contract.object_keys import PARTITION_KEYS, partition
from contract.outputs import Outputs
from runbook.clients.athena import QueryFailed
from runbook.doctor import faults
from runbook.doctor.checks import queries
from runbook.doctor.examination import Examination, Finding, Surroundings, Unknown, explained

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_Differences = Callable[[Mapping[str, Any], Outputs], Iterator[str]]


def examine(surroundings: Surroundings) -> Examination:
    """Read both from Glue and compare them, and query the view."""
    outputs = surroundings.outputs
    glue: GlueClient = surroundings.reader.client("glue")
    fine = True
    compared: dict[str, _Differences] = {outputs.table: _table_differences, outputs.view: _view_differences}
    for name, differences in compared.items():
        full_name = f"{outputs.database}.{name}"
        with explained():
            try:
                found = glue.get_table(DatabaseName=outputs.database, Name=name)["Table"]
            except glue.exceptions.EntityNotFoundException:
                fine = False
                yield Finding.of(faults.TABLE_MISSING, name=full_name)
                continue
        if name == outputs.view and "SerdeInfo" not in found["StorageDescriptor"]:
            fine = False
            yield Finding.of(faults.VIEW_WITHOUT_SERDE, name=full_name)
        if parts := list(differences(found, outputs)):
            fine = False
            yield Finding.of(faults.TABLE_DIFFERS, name=full_name, parts=", ".join(parts))
    # What differs is mended first: a query would only say so again.
    if fine:
        yield from _query(surroundings)
    return f"{' and '.join(compared)} are as this version declares them, and Athena answers a query of {outputs.view}"


def _query(surroundings: Surroundings) -> Iterator[Finding | Unknown]:
    """Ask the view for one row of today; its partitions alone are read, and Athena stops at the first row."""
    outputs, now = surroundings.outputs, surroundings.now
    values = partition("", now.date())
    day = {key: values[key] for key in ("year", "month", "day")}
    where = " AND ".join(f"{key} = '{value}'" for key, value in day.items())
    sql = f"SELECT *\nFROM {outputs.view}\nWHERE {where}\nLIMIT 1"
    try:
        queries.ask(surroundings, sql)
    except QueryFailed as failed:
        name = f"{outputs.database}.{outputs.view}"
        if queries.unreadable_object(failed, outputs.bucket):
            yield Unknown(f"{name} was not answered: an object of today cannot be read, which the check `lines` names")
        else:
            yield Finding.of(faults.VIEW_FAILS, name=name, reason=failed.reason, **day)


def _table_differences(found: Mapping[str, Any], outputs: Outputs) -> Iterator[str]:
    descriptor = found["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo", {})
    parameters = found.get("Parameters", {})
    declared = glue_table.parameters(outputs.bucket, outputs.apps)
    if _columns(descriptor["Columns"]) != [(name, "string") for name in glue_table.COLUMNS]:
        yield "columns"
    if _columns(found.get("PartitionKeys", [])) != [(name, "string") for name in PARTITION_KEYS]:
        yield "partition keys"
    if serde.get("SerializationLibrary") != glue_table.SERDE:
        yield "SerDe"
    if serde.get("Parameters", {}).get("input.regex") != glue_table.ROW_PATTERN:
        yield "row pattern"
    if descriptor.get("Location", "").rstrip("/") != glue_table.location(outputs.bucket).rstrip("/"):
        yield "location"
    # Glue adds parameters of its own.
    yield from (f"parameter {key}" for key, value in declared.items() if parameters.get(key) != value)


def _view_differences(found: Mapping[str, Any], outputs: Outputs) -> Iterator[str]:
    serde = found["StorageDescriptor"].get("SerdeInfo")
    # None at all is a fault of its own.
    if serde is not None and serde.get("SerializationLibrary") != router_view.SERDE:
        yield "SerDe"
    if found.get("ViewOriginalText") != router_view.original_text(outputs.database, outputs.table):
        yield "query"
    declared = [(name, column.hive_type) for name, column in router_view.COLUMNS.items()]
    if _columns(found["StorageDescriptor"]["Columns"]) != declared:
        yield "columns"


def _columns(columns: list[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(column["Name"], column["Type"]) for column in columns]
