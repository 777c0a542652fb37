"""The Glue catalog: what makes the objects a table."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import glue

from contract import table, view
from contract.keys import PARTITION_KEYS


@dataclass(frozen=True)
class CatalogArgs:
    """Names, the bucket whose objects the table reads, and the apps whose partitions it has."""

    database_name: str
    table_name: str
    bucket: pulumi.Input[str]
    apps: tuple[str, ...]


class Catalog(pulumi.ComponentResource):
    """Database, table and view; partitions are projected, so none is ever registered."""

    def __init__(self, name: str, args: CatalogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Catalog", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.database = glue.CatalogDatabase(
            f"{name}-database", name=args.database_name, description="Logs of Heroku apps", opts=child
        )
        bucket = pulumi.Output.from_input(args.bucket)
        self.table = glue.CatalogTable(
            f"{name}-table",
            name=args.table_name,
            database_name=self.database.name,
            description="One line of a Heroku app's log",
            table_type="EXTERNAL_TABLE",
            parameters=bucket.apply(lambda bucket: table.parameters(bucket, args.apps)),
            partition_keys=[{"name": key, "type": "string"} for key in PARTITION_KEYS],
            storage_descriptor={
                "location": bucket.apply(table.location),
                "input_format": table.INPUT_FORMAT,
                "output_format": table.OUTPUT_FORMAT,
                "compressed": True,
                "ser_de_info": {
                    "serialization_library": table.SERDE,
                    "parameters": {"input.regex": table.ROW_PATTERN},
                },
                "columns": [
                    {"name": column, "type": "string", "comment": meaning} for column, meaning in table.COLUMNS.items()
                ],
            },
            opts=child,
        )
        self.view = glue.CatalogTable(
            f"{name}-view",
            name=view.NAME,
            database_name=self.database.name,
            description="One request of the router, with types",
            table_type="VIRTUAL_VIEW",
            parameters=view.PARAMETERS,
            view_original_text=pulumi.Output.all(self.database.name, self.table.name).apply(
                lambda names: view.original_text(*names)
            ),
            view_expanded_text=view.EXPANDED_TEXT,
            storage_descriptor={
                "ser_de_info": {"name": view.SERDE, "serialization_library": view.SERDE},
                "columns": [{"name": column, "type": kind.hive_type} for column, kind in view.COLUMNS.items()],
            },
            opts=child,
        )
        self.register_outputs({"database": self.database.name, "table": self.table.name})
