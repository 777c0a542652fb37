"""Table and view in Glue, against what this version declares."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from contract import table, view
from contract.keys import PARTITION_KEYS
from runbook.doctor import catalogue
from runbook.doctor.examination import Examination, Finding, Surroundings, explained
from runbook.outputs import Outputs

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_Differences = Callable[[Mapping[str, Any], Outputs], Iterator[str]]


def examine(surroundings: Surroundings) -> Examination:
    """Read both from Glue and compare them."""
    outputs = surroundings.outputs
    glue: GlueClient = surroundings.reader.client("glue")
    compared: dict[str, _Differences] = {outputs.table: _table_differences, outputs.view: _view_differences}
    for name, differences in compared.items():
        full_name = f"{outputs.database}.{name}"
        with explained():
            try:
                found = glue.get_table(DatabaseName=outputs.database, Name=name)["Table"]
            except glue.exceptions.EntityNotFoundException:
                yield Finding.of(catalogue.TABLE_MISSING, name=full_name)
                continue
        if parts := list(differences(found, outputs)):
            yield Finding.of(catalogue.TABLE_DIFFERS, name=full_name, parts=", ".join(parts))
    return f"{' and '.join(compared)} are as this version declares them"


def _table_differences(found: Mapping[str, Any], outputs: Outputs) -> Iterator[str]:
    descriptor = found["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo", {})
    parameters = found.get("Parameters", {})
    declared = table.parameters(outputs.bucket, outputs.apps)
    if _columns(descriptor["Columns"]) != [(name, "string") for name in table.COLUMNS]:
        yield "columns"
    if _columns(found.get("PartitionKeys", [])) != [(name, "string") for name in PARTITION_KEYS]:
        yield "partition keys"
    if serde.get("SerializationLibrary") != table.SERDE:
        yield "SerDe"
    if serde.get("Parameters", {}).get("input.regex") != table.ROW_PATTERN:
        yield "row pattern"
    if descriptor.get("Location", "").rstrip("/") != table.location(outputs.bucket).rstrip("/"):
        yield "location"
    # Glue adds parameters of its own.
    yield from (f"parameter {key}" for key, value in declared.items() if parameters.get(key) != value)


def _view_differences(found: Mapping[str, Any], outputs: Outputs) -> Iterator[str]:
    if found.get("ViewOriginalText") != view.original_text(outputs.database, outputs.table):
        yield "query"
    declared = [(name, column.hive_type) for name, column in view.COLUMNS.items()]
    if _columns(found["StorageDescriptor"]["Columns"]) != declared:
        yield "columns"


def _columns(columns: list[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(column["Name"], column["Type"]) for column in columns]
