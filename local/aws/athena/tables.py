"""Tables and views of the Glue catalog: their definitions, their partitions, and the rows of an object.

Sources: Athena user guide, "Partition projection" and "Regex SerDe"; Hive's RegexSerDe; Hadoop's LineReader. What Glue
accepts and Athena refuses is refused here too, with Athena's message: Athena user guide, "Troubleshooting in Athena";
hashicorp/terraform-provider-aws #28517 (SerDe of a view); java.util.zip's words for an object that is not gzip.
"""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.aws.athena.sql import Columns, Refused, View

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_REGEX_SERDES = {"org.apache.hadoop.hive.serde2.RegexSerDe", "org.apache.hadoop.hive.contrib.serde2.RegexSerDe"}
_VIEW = re.compile(r"\s*/\* Presto View: (?P<json>[A-Za-z0-9+/=\s]+) \*/\s*")
# Types in a view's definition -> types in Glue ("Data types in Athena"), without precision and length.
_HIVE_TYPES = {"varchar": "string", "integer": "int", "real": "float"}
_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"

# The URL of a row's object.
PATH = "$path"

Row = list[str | None]


@dataclass(frozen=True)
class Table:
    """A table over text objects in S3, whose rows are read by one regular expression.

    All columns are strings. `places` matches the keys of objects and has a group for each partition key; `projected`
    says by key which values the projection contains.
    """

    database: str
    name: str
    bucket: str
    prefix: str
    columns: Sequence[str]
    partition_keys: Sequence[str]
    pattern: re.Pattern[str]
    places: re.Pattern[str]
    projected: Mapping[str, Callable[[str], bool]]
    reads_restored: bool

    @property
    def relation(self) -> Columns:
        """What a query needs to know about it."""
        columns = dict.fromkeys((*self.columns, *self.partition_keys), "VARCHAR")
        # Trino, "Hive connector", metadata columns.
        return Columns(columns, tuple(self.partition_keys), hidden={PATH: "VARCHAR"})

    def partition_of(self, key: str) -> tuple[str, ...] | None:
        """Give the partition values of an object's key, in the order of the keys; None if it is in no partition."""
        match = self.places.match(key)
        hidden = key.rpartition("/")[2].startswith(("_", "."))
        if not match or hidden or not all(contains(match[name]) for name, contains in self.projected.items()):
            return None
        return tuple(match[name] for name in self.partition_keys)

    def rows(self, key: str, data: bytes) -> list[Row]:
        """Read the rows of an object, one value per column; all are NULL in a line that the pattern does not match.

        Refused, with the object's name, if it cannot be decompressed.
        """
        nulls: Row = [None] * len(self.columns)
        fullmatch = self.pattern.fullmatch
        matches = map(fullmatch, _lines(self._text(key, data)))
        return [list(match.groups()) if match else nulls for match in matches]

    def _text(self, key: str, data: bytes) -> str:
        if key.endswith(".gz"):
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError, zlib.error) as error:
                why = {gzip.BadGzipFile: "Not in GZIP format", EOFError: "Unexpected end of ZLIB input stream"}
                raise Refused(
                    f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://{self.bucket}/{key} "
                    f"(offset=0, length={len(data)}): {why.get(type(error), error)}"
                ) from None
        return data.decode("utf-8", "replace")


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def read_definition(glue: "GlueClient", database: str, name: str) -> Table | View:
    """Read a table or view from the catalog; Refused if it does not exist or cannot be read here."""
    try:
        definition = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        raise Refused(f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{database}.{name}' does not exist") from None
    if not definition.get("TableType"):
        # Athena's message for a table that was created without a TableType ("Troubleshooting in Athena").
        raise Refused(f"FAILED: NullPointerException Name is null (table {database}.{name} has no TableType)")
    # An empty one is enough for a view: CloudFormation declares them so, and Athena reads them.
    if "SerdeInfo" not in definition.get("StorageDescriptor", {}):
        raise Refused("HIVE_METASTORE_ERROR: Table storage descriptor is missing SerDe info")
    if definition["TableType"] == "VIRTUAL_VIEW":
        return view_of(database, name, definition)
    return table_of(database, name, definition)


def view_of(database: str, name: str, definition: Mapping[str, Any]) -> View:
    """Read Athena's definition of a view: a comment with JSON in base64.

    Refused for anything else, and if the columns in Glue differ from those in the JSON.
    """
    match = _VIEW.fullmatch(str(definition.get("ViewOriginalText", "")))
    try:
        view = json.loads(base64.b64decode(match["json"])) if match else {}
        found = View(view["originalSql"], view.get("schema") or database)
        declared = [(each["name"], _hive_type(each["type"])) for each in view["columns"]]
    except (KeyError, TypeError, ValueError):
        raise Refused(f"INVALID_VIEW: the view {database}.{name} is not one that Athena made") from None
    in_glue = definition["StorageDescriptor"].get("Columns", ())
    if declared != [(each["Name"], _hive_type(each.get("Type", ""))) for each in in_glue]:
        raise Refused(f"VIEW_IS_STALE: View 'awsdatacatalog.{database}.{name}' is stale; it must be re-created")
    return found


def _hive_type(kind: str) -> str:
    base = kind.partition("(")[0]
    return _HIVE_TYPES.get(base, base)


def table_of(database: str, name: str, definition: Mapping[str, Any]) -> Table:
    """Read a table's definition from Glue's GetTable; Refused unless it is a projected table with the RegexSerDe."""
    described = f"table {database}.{name}"
    storage = definition.get("StorageDescriptor", {})
    parameters = definition.get("Parameters", {})
    serde = storage.get("SerdeInfo", {})
    if storage.get("InputFormat") != _TEXT_INPUT:
        raise Refused("HIVE_UNSUPPORTED_FORMAT: Unable to create input format " + storage.get("InputFormat", ""))
    if serde.get("SerializationLibrary") not in _REGEX_SERDES:
        raise Refused(f"NOT_SUPPORTED: {described}: the local engine reads only tables with the RegexSerDe")
    columns = [_string(described, each) for each in storage.get("Columns", ())]
    keys = [_string(described, each) for each in definition.get("PartitionKeys", ())]
    if keys and parameters.get("projection.enabled") != "true":
        raise Refused(f"NOT_SUPPORTED: {described}: the local engine supports only projected partitions")
    location = storage.get("Location", "").rstrip("/") + "/"
    bucket, places = _places(described, parameters.get("storage.location.template") or location, keys)
    return Table(
        database=database,
        name=name,
        bucket=bucket,
        prefix=location.removeprefix(f"s3://{bucket}/"),
        columns=columns,
        partition_keys=keys,
        pattern=_pattern(described, serde.get("Parameters", {}), len(columns)),
        places=places,
        projected={key: _projection(described, key, parameters) for key in keys},
        reads_restored=parameters.get("read_restored_glacier_objects", "").lower() == "true",
    )


def _string(described: str, column: Mapping[str, str]) -> str:
    if column.get("Type", "string") != "string":
        raise Refused(f"NOT_SUPPORTED: {described}: the local engine reads string columns only, not {column['Name']}")
    return column["Name"]


def _pattern(described: str, parameters: Mapping[str, str], columns: int) -> re.Pattern[str]:
    try:
        pattern = re.compile(parameters["input.regex"], re.DOTALL | re.ASCII)
    except (KeyError, re.error) as error:
        raise Refused(f"HIVE_INVALID_METADATA: {described}: input.regex is missing or wrong: {error}") from None
    if pattern.groups != columns:
        raise Refused(
            f"HIVE_INVALID_METADATA: {described}: input.regex has {pattern.groups} groups for {columns} columns"
        )
    return pattern


def _places(described: str, template: str, keys: Sequence[str]) -> tuple[str, re.Pattern[str]]:
    match = re.fullmatch(r"s3://([^/$]+)/(.*)", template)
    placeholders = re.findall(r"\$\{(.*?)\}", template)
    if not match or sorted(placeholders) != sorted(keys):
        raise Refused(
            f"INVALID_TABLE_PROPERTY: {described}: storage.location.template {template!r} must be an S3 URI with a "
            f"placeholder for each of {', '.join(keys) or 'no partition keys'}"
        )
    parts = re.split(r"\$\{(.*?)\}", match[2])
    pattern = "".join(f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return match[1], re.compile(pattern)


def _projection(described: str, key: str, parameters: Mapping[str, str]) -> Callable[[str], bool]:
    kind = parameters.get(f"projection.{key}.type", "")
    try:
        if kind == "enum":
            return frozenset(parameters[f"projection.{key}.values"].split(",")).__contains__
        if kind == "integer":
            first, last = map(int, parameters[f"projection.{key}.range"].split(","))
            digits = int(parameters.get(f"projection.{key}.digits", "1"))
            return frozenset(f"{value:0{digits}d}" for value in range(first, last + 1)).__contains__
    except (KeyError, ValueError) as error:
        raise Refused(f"INVALID_TABLE_PROPERTY: {described}: the projection of {key} is wrong: {error}") from None
    raise Refused(f"INVALID_TABLE_PROPERTY: {described}: projection.{key}.type is {kind!r}, not enum or integer")
