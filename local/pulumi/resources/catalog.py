"""Glue and Athena."""

from collections.abc import Mapping
from typing import Any

from local.pulumi.resources.account import ACCOUNT_ID, Account, Creator, Outputs
from local.pulumi.resources.inputs import Inputs, pascals


def _database(account: Account, inputs: Inputs) -> Outputs:
    name = inputs["name"]
    account.clients["glue"].create_database(DatabaseInput=inputs.rest("name", "description"), **inputs.tag_map("Tags"))
    return f"{ACCOUNT_ID}:{name}", {"arn": f"arn:aws:glue:{account.region}:{ACCOUNT_ID}:database/{name}"}


def _table(account: Account, inputs: Inputs) -> Outputs:
    name, database = inputs["name"], inputs.take("databaseName")
    table = inputs.rest("name", "description", "tableType", "partitionKeys", "viewOriginalText", "viewExpandedText")
    # The keys of `parameters` are data, and not names of AWS's.
    if "parameters" in inputs:
        table["Parameters"] = inputs.pop("parameters")
    if "storageDescriptor" in inputs:
        table["StorageDescriptor"] = _storage(inputs.pop("storageDescriptor"))
    account.clients["glue"].create_table(DatabaseName=database, TableInput=table)
    arn = f"arn:aws:glue:{account.region}:{ACCOUNT_ID}:table/{database}/{name}"
    return f"{ACCOUNT_ID}:{database}:{name}", {"arn": arn}


def _storage(declared: Mapping[str, Any]) -> dict[str, Any]:
    storage: dict[str, Any] = pascals({key: value for key, value in declared.items() if key != "serDeInfo"})
    # The provider drops an empty block (hashicorp/terraform-provider-aws #28517).
    if serde := declared.get("serDeInfo"):
        storage["SerdeInfo"] = pascals({key: value for key, value in serde.items() if key != "parameters"})
        if "parameters" in serde:
            storage["SerdeInfo"]["Parameters"] = serde["parameters"]
    return storage


# Names that Terraform spells otherwise than AWS.
_WORKGROUP_NAMES = {
    "EnforceWorkgroupConfiguration": "EnforceWorkGroupConfiguration",
    "PublishCloudwatchMetricsEnabled": "PublishCloudWatchMetricsEnabled",
}


def _workgroup(account: Account, inputs: Inputs) -> Outputs:
    name = inputs["name"]
    request = inputs.rest("name", "description", "configuration")
    if "Configuration" in request:
        request["Configuration"] = {
            _WORKGROUP_NAMES.get(key, key): value for key, value in request["Configuration"].items()
        }
    inputs.pop("forceDestroy", None)  # counts when it is destroyed, which is when the emulator ends
    account.clients["athena"].create_work_group(**request, **inputs.tag_list())
    return name, {"arn": f"arn:aws:athena:{account.region}:{ACCOUNT_ID}:workgroup/{name}"}


def _named_query(account: Account, inputs: Inputs) -> Outputs:
    created = account.clients["athena"].create_named_query(
        **inputs.rest("name", "description", "database"),
        **inputs.renamed(workgroup="WorkGroup", query="QueryString"),
    )
    return created["NamedQueryId"], {}


CREATE: dict[str, Creator] = {
    "aws:athena/namedQuery:NamedQuery": _named_query,
    "aws:athena/workgroup:Workgroup": _workgroup,
    "aws:glue/catalogDatabase:CatalogDatabase": _database,
    "aws:glue/catalogTable:CatalogTable": _table,
}
