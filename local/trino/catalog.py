"""The catalog that Trino reads: the Glue tables that the program registered in the local AWS, and copies of them."""

from typing import TYPE_CHECKING, Any

from contract import router_view

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_glue import GlueClient

# Athena's name for it, which the view's definition repeats.
CATALOG = "awsdatacatalog"
# The beginning of locations in the folder that is given to `properties`.
LOCAL_ROOT = "local:///"

_READ_ONLY = ("DatabaseName", "CreateTime", "UpdateTime", "CatalogId", "VersionId", "IsRegisteredWithLakeFormation")


def properties(aws_url: str, region: str, folder: "Path | None" = None) -> dict[str, str]:
    """Give the properties of a Hive catalog over the Glue and S3 at a URL, and over a folder as LOCAL_ROOT."""
    return {
        "connector.name": "hive",
        "hive.metastore": "glue",
        "hive.metastore.glue.endpoint-url": aws_url,
        "hive.metastore.glue.region": region,
        "hive.metastore.glue.aws-access-key": "local",
        "hive.metastore.glue.aws-secret-key": "local",
        # The catalog has no statistics, and Trino would ask the emulator for those of each partition.
        "hive.table-statistics-enabled": "false",
        "hive.partition-projection-enabled": "true",
        # Athena reads folders below a location, too (Athena user guide, "Table location in Amazon S3").
        "hive.recursive-directories": "true",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": aws_url,
        "s3.region": region,
        "s3.path-style-access": "true",
        "s3.aws-access-key": "local",
        "s3.aws-secret-key": "local",
        **({"fs.native-local.enabled": "true", "local.location": str(folder)} if folder else {}),
    }


def lend_owner(glue: "GlueClient", database: str) -> None:
    """Change the registered view in the two ways in which Trino differs from Athena.

    Trino runs a view with the permissions of its owner, Athena with those of the caller. Trino recognises a view by its
    comment, and takes a Glue table's description for that comment.
    """
    definition = _definition(glue, database, router_view.NAME)
    definition.pop("Description", None)
    definition["Owner"] = "local"
    glue.update_table(DatabaseName=database, TableInput=definition)


def copy(glue: "GlueClient", database: str, table: str, *, into: str, bucket: str, root: str) -> None:
    """Create a database `into` with a copy of a registered table, and of its view, over other objects.

    In the copy, locations begin with `root`, such as `s3://another/` or `local:///`, instead of `s3://<bucket>/`.
    """
    definition = _definition(glue, database, table)
    registered = f"s3://{bucket}/"
    storage, parameters = definition["StorageDescriptor"], definition["Parameters"]
    storage["Location"] = _moved(storage["Location"], registered, root)
    parameters["storage.location.template"] = _moved(parameters["storage.location.template"], registered, root)
    glue.create_database(DatabaseInput={"Name": into})
    glue.create_table(DatabaseName=into, TableInput=definition)
    viewing = _definition(glue, database, router_view.NAME)
    viewing["ViewOriginalText"] = router_view.original_text(into, table)
    glue.create_table(DatabaseName=into, TableInput=viewing)
    lend_owner(glue, into)


def _definition(glue: "GlueClient", database: str, name: str) -> Any:
    table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    return {key: value for key, value in table.items() if key not in _READ_ONLY}


def _moved(location: str, registered: str, root: str) -> str:
    if not location.startswith(registered):
        raise ValueError(
            f"the location {location!r} is not in the bucket of {registered!r}: give the bucket that it is in"
        )
    return root + location.removeprefix(registered)
