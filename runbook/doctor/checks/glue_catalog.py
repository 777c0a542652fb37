"""Checks table and view in Glue against this version of the stack, and queries the view."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from contract import glue_table, router_view
from contract.object_keys import PARTITION_KEYS, partition
from contract.outputs import Outputs
from runbook.clients.athena import QueryFailed
from runbook.clients.athena_failures import Cause, Kind
from runbook.doctor import faults
from runbook.doctor.checks import failed_query, queries
from runbook.doctor.context import Context, Finding, Findings, Unknown, explained

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_Differences = Callable[[Mapping[str, Any], Outputs], Iterator[str]]


def check(context: Context) -> Findings:
    """Compare table and view, and query the view if nothing differs."""
    outputs = context.outputs
    glue: GlueClient = context.reader.client("glue")
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
    # A query of a table that differs would only report the same fault again.
    if fine:
        yield from _query(context)
    return f"{' and '.join(compared)} are as declared, and Athena can query {outputs.view}"


def _query(context: Context) -> Iterator[Finding | Unknown]:
    """Query the view for one row of today: Athena reads only today's partitions and stops at the first row."""
    outputs, now = context.outputs, context.now
    values = partition("", now.date())
    day = {key: values[key] for key in ("year", "month", "day")}
    where = " AND ".join(f"{key} = '{value}'" for key, value in day.items())
    sql = f"SELECT *\nFROM {outputs.view}\nWHERE {where}\nLIMIT 1"
    try:
        queries.ask(context, sql)
    except QueryFailed as failed:
        yield _meaning(context, failed, day)


def _meaning(context: Context, failed: QueryFailed, day: Mapping[str, str]) -> Finding | Unknown:
    name = f"{context.outputs.database}.{context.outputs.view}"
    if failed_query.names_object(context, failed):
        return Unknown(f"whether Athena can query {name}: it cannot read an object of today; see the check `lines`")
    reason = " ".join(failed.reason.split())
    match failed.cause:
        case Cause(kind=Kind.STALE_VIEW):
            return Finding.of(faults.VIEW_STALE, name=name, reason=reason)
        case Cause(kind=Kind.NO_SERDE):
            return Finding.of(faults.VIEW_WITHOUT_SERDE, name=name)
        case None if failed.state == "FAILED":
            return Finding.of(faults.VIEW_FAILS, name=name, reason=reason, **day)
    return Unknown.because(failed)


def _table_differences(found: Mapping[str, Any], outputs: Outputs) -> Iterator[str]:
    descriptor = found["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo", {})
    parameters = found.get("Parameters", {})
    declared = glue_table.parameters(outputs.bucket, outputs.all_apps)
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
    # Glue adds its own parameters.
    yield from (f"parameter {key}" for key, value in declared.items() if parameters.get(key) != value)


def _view_differences(found: Mapping[str, Any], outputs: Outputs) -> Iterator[str]:
    serde = found["StorageDescriptor"].get("SerdeInfo")
    # A missing SerDe is a separate fault.
    if serde is not None and serde.get("SerializationLibrary") != router_view.SERDE:
        yield "SerDe"
    if found.get("ViewOriginalText") != router_view.original_text(outputs.database, outputs.table):
        yield "query"
    declared = [(name, column.hive_type) for name, column in router_view.COLUMNS.items()]
    if _columns(found["StorageDescriptor"]["Columns"]) != declared:
        yield "columns"


def _columns(columns: list[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(column["Name"], column["Type"]) for column in columns]
