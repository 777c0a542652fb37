"""The Glue catalog: what makes the objects a table."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import glue

from contract import glue_table, router_view
from contract.object_keys import PARTITION_KEYS


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
            parameters=bucket.apply(lambda bucket: glue_table.parameters(bucket, args.apps)),
            partition_keys=[{"name": key, "type": "string"} for key in PARTITION_KEYS],
            storage_descriptor={
                "location": bucket.apply(glue_table.location),
                "input_format": glue_table.INPUT_FORMAT,
                "output_format": glue_table.OUTPUT_FORMAT,
                "compressed": True,
                "ser_de_info": {
                    "serialization_library": glue_table.SERDE,
                    "parameters": {"input.regex": glue_table.ROW_PATTERN},
                },
                "columns": [
                    {"name": column, "type": "string", "comment": meaning}
                    for column, meaning in glue_table.COLUMNS.items()
                ],
            },
            opts=child,
        )
        self.view = glue.CatalogTable(
            f"{name}-view",
            name=router_view.NAME,
            database_name=self.database.name,
            description="One request of the router, with types",
            table_type="VIRTUAL_VIEW",
            parameters=router_view.PARAMETERS,
            view_original_text=pulumi.Output.all(self.database.name, self.table.name).apply(
                lambda names: router_view.original_text(*names)
            ),
            view_expanded_text=router_view.EXPANDED_TEXT,
            storage_descriptor={
                "ser_de_info": {"name": router_view.SERDE, "serialization_library": router_view.SERDE},
                "columns": [{"name": column, "type": kind.hive_type} for column, kind in router_view.COLUMNS.items()],
            },
            opts=child,
        )
        self.register_outputs({"database": self.database.name, "table": self.table.name})
