"""Glue and Athena."""

from local.cloud.account import ACCOUNT_ID, Account, Creator, Outputs
from local.cloud.inputs import Inputs, pascals


def _database(account: Account, inputs: Inputs) -> Outputs:
    name = inputs["name"]
    account.clients["glue"].create_database(DatabaseInput=inputs.rest("name", "description"))
    return f"{ACCOUNT_ID}:{name}", {"arn": f"arn:aws:glue:{account.region}:{ACCOUNT_ID}:database/{name}"}


def _table(account: Account, inputs: Inputs) -> Outputs:
    name, database = inputs["name"], inputs.take("databaseName")
    storage = inputs.take("storageDescriptor")
    serde = storage.pop("serDeInfo", {})
    parameters = {"Parameters": serde.pop("parameters")} if "parameters" in serde else {}
    account.clients["glue"].create_table(
        DatabaseName=database,
        TableInput={
            **inputs.rest("name", "description", "tableType", "partitionKeys", "viewOriginalText", "viewExpandedText"),
            "Parameters": inputs.take("parameters"),
            "StorageDescriptor": {**pascals(storage), "SerdeInfo": {**pascals(serde), **parameters}},
        },
    )
    arn = f"arn:aws:glue:{account.region}:{ACCOUNT_ID}:table/{database}/{name}"
    return f"{ACCOUNT_ID}:{database}:{name}", {"arn": arn}


def _workgroup(account: Account, inputs: Inputs) -> Outputs:
    name, configuration = inputs["name"], pascals(inputs.take("configuration"))
    configuration["EnforceWorkGroupConfiguration"] = configuration.pop("EnforceWorkgroupConfiguration")
    configuration["PublishCloudWatchMetricsEnabled"] = configuration.pop("PublishCloudwatchMetricsEnabled")
    inputs.take("forceDestroy")  # counts when it is destroyed, which is when the emulator ends
    account.clients["athena"].create_work_group(Configuration=configuration, **inputs.rest("name", "description"))
    return name, {"arn": f"arn:aws:athena:{account.region}:{ACCOUNT_ID}:workgroup/{name}"}


def _named_query(account: Account, inputs: Inputs) -> Outputs:
    created = account.clients["athena"].create_named_query(
        WorkGroup=inputs.take("workgroup"),
        QueryString=inputs.take("query"),
        **inputs.rest("name", "description", "database"),
    )
    return created["NamedQueryId"], {}


CREATE: dict[str, Creator] = {
    "aws:athena/namedQuery:NamedQuery": _named_query,
    "aws:athena/workgroup:Workgroup": _workgroup,
    "aws:glue/catalogDatabase:CatalogDatabase": _database,
    "aws:glue/catalogTable:CatalogTable": _table,
}
