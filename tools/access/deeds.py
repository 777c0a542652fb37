"""The columns of docs/reference/access.md: what people care about, as requests to AWS.

A deed lists every way to do it, because a right to the rarest of them is a right to the deed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from contract import names
from contract.buffer_table import slot_partition
from contract.object_keys import LOGS_PREFIX
from contract.slots import Slot
from tools.access.declared import ACCOUNT, Declared
from tools.access.parameters import parameter_ways
from tools.access.places import Places
from tools.access.rights import Deed
from tools.policy_evaluation.requests import Context, Request

# What conditions see of an upload: "Enforce conditional writes on Amazon S3 buckets".
NEW_OBJECT: Context = {"s3:if-none-match": "*", "s3:ObjectCreationOperation": "true"}
ANY_OBJECT: Context = {"s3:ObjectCreationOperation": "true"}


@dataclass(frozen=True)
class Group:
    """Columns that make one table."""

    title: str
    deeds: tuple[Deed, ...]


def groups(found: Declared) -> tuple[Group, ...]:
    """All columns by table."""
    places = Places.of(found)
    return (
        Group("Lines", _lines(found, places)),
        Group("Secrets and records", _secrets(found, places)),
        Group("Write", _writes(found, places)),
        Group("Delete", _deletes(found, places)),
        Group("Run", _runs(found, places)),
        Group("Change", _changes(found, places)),
    )


def _any(key: str, title: str, resource: str, actions: Iterable[str], context: Context | None = None) -> Deed:
    """A deed that each of the actions does by itself."""
    return Deed(key, title, tuple((Request(action, resource, context or {}),) for action in actions))


def _actions(service: str, *names_: str) -> list[str]:
    return [f"{service}:{name}" for name in names_]


# ---------------------------------------------------------------- lines

# Everything that hands out an object's content. S3 Select and copies need s3:GetObject too.
READS_OBJECTS = _actions(
    "s3",
    *("GetObject", "GetObjectVersion", "GetObjectTorrent", "GetObjectVersionTorrent", "GetObjectVersionForReplication"),
)
# TransactGetItems is GetItem to IAM. ConditionCheckItem answers questions about an item, and an export goes to a bucket
# of whoever asks for it.
READS_ITEMS = _actions(
    "dynamodb",
    *("GetItem", "BatchGetItem", "Query", "Scan", "PartiQLSelect", "ConditionCheckItem", "ExportTableToPointInTime"),
)
_NOON_MS = 1_764_000_000_000


def _batch(found: Declared) -> Context:
    """What conditions see of a batch: its partition, which is not the canary's."""
    slot = Slot.of(_NOON_MS, found.settings.flush_minutes)
    return {"dynamodb:LeadingKeys": (slot_partition(found.settings.apps[0], slot),)}


def _lines(found: Declared, places: Places) -> tuple[Deed, ...]:
    return (
        _any("read-objects", "read log objects", places.line, READS_OBJECTS),
        _any("read-results", "read results of queries", places.result, READS_OBJECTS),
        _any("read-buffer", "read batches in the buffer", places.buffer, READS_ITEMS, _batch(found)),
        _any("receive-spill", "receive spilled batches", places.spill, ["sqs:ReceiveMessage"]),
        _any("receive-dead", "receive dead letters", places.dead_letters, ["sqs:ReceiveMessage"]),
    )


# ---------------------------------------------------------------- secrets and records


def _secrets(found: Declared, places: Places) -> tuple[Deed, ...]:
    functions = f"log-group:/aws/lambda/{names.receiver_function(found.settings.name_prefix)}"
    group = f"arn:aws:logs:{found.settings.region}:{ACCOUNT}:{functions}:*"
    logs = _actions("logs", "GetLogEvents", "FilterLogEvents", "StartQuery", "StartLiveTail")
    return (
        Deed("read-drain-url", "read drain URLs", parameter_ways(found, places.drain_url)),
        Deed("read-accepted", "read what tokens are checked against", parameter_ways(found, places.accepted_tokens)),
        Deed("read-outputs", "read the stack's outputs", parameter_ways(found, places.outputs)),
        _any("receive-deletions", "receive records of deletions", places.deletions, ["sqs:ReceiveMessage"]),
        _any("list-keys", "list names of log objects", places.bucket, *_LISTING),
        _any("read-digests", "read digests", places.digest, READS_OBJECTS),
        _any("read-query-texts", "read texts of queries", places.workgroup, ["athena:GetQueryExecution"]),
        _any("read-function-logs", "read the functions' own logs", group, logs),
    )


_LISTING: tuple[list[str], Context] = (
    ["s3:ListBucket", "s3:ListBucketVersions"],
    {"s3:prefix": f"{LOGS_PREFIX}raxx-api-prod/"},
)


# ---------------------------------------------------------------- writing and deleting


def _writes(found: Declared, places: Places) -> tuple[Deed, ...]:
    puts = _actions("dynamodb", "PutItem", "UpdateItem", "BatchWriteItem", "PartiQLInsert", "PartiQLUpdate")
    return (
        _any("write-object", "write a new log object", places.line, ["s3:PutObject"], NEW_OBJECT),
        _any("overwrite-object", "overwrite a log object", places.line, ["s3:PutObject"], ANY_OBJECT),
        _any("write-digest", "write a new digest", places.digest, ["s3:PutObject"], NEW_OBJECT),
        _any("overwrite-digest", "overwrite a digest", places.digest, ["s3:PutObject"], ANY_OBJECT),
        _any("write-buffer", "put batches into the buffer", places.buffer, puts, _batch(found)),
        _any("send-spill", "send to the spill queue", places.spill, ["sqs:SendMessage"]),
        _any("send-deletions", "send to the queue of deletions", places.deletions, ["sqs:SendMessage"]),
        _any("publish", "publish to the topic of the alarms", places.topic, ["sns:Publish"]),
    )


def _deletes(found: Declared, places: Places) -> tuple[Deed, ...]:
    items = _actions("dynamodb", "DeleteItem", "BatchWriteItem", "PartiQLDelete", "DeleteTable")
    messages = _actions("sqs", "DeleteMessage", "PurgeQueue", "DeleteQueue")
    return (
        _any("delete-object", "delete a log object", places.line, ["s3:DeleteObject"]),
        _any("delete-version", "delete a version of one", places.line, ["s3:DeleteObjectVersion"]),
        _any("delete-digest", "delete a digest", places.digest, ["s3:DeleteObject", "s3:DeleteObjectVersion"]),
        _any("delete-result", "delete a result of a query", places.result, ["s3:DeleteObject"]),
        _any("delete-batch", "delete batches from the buffer", places.buffer, items, _batch(found)),
        _any("delete-spilled", "delete spilled batches", places.spill, messages),
        _any("delete-dead", "delete dead letters", places.dead_letters, messages),
        _any("delete-deletions", "delete records of deletions", places.deletions, messages),
    )


# ---------------------------------------------------------------- running


def _runs(found: Declared, places: Places) -> tuple[Deed, ...]:
    invoke = _actions("lambda", "InvokeFunction", "InvokeAsync")
    return (
        Deed("query", "run a query and see its result", (_query(found, places),)),
        _any("restore", "restore from Glacier", places.line, ["s3:RestoreObject"]),
        _any("invoke-flusher", "invoke the flusher", places.flusher, invoke),
        _any("invoke-canary", "invoke the canary", places.canary, invoke),
        _any("invoke-digester", "invoke the digester", places.digester, invoke),
        _any("invoke-receiver", "invoke the receiver past the endpoint", places.receiver, invoke),
        _any("assume-reader", "assume the reader role", places.reader, ["sts:AssumeRole"]),
        _any("assume-restorer", "assume the restorer role", places.restorer, ["sts:AssumeRole"]),
        _any("assume-function", "assume the role of a function", places.flusher_role, ["sts:AssumeRole"]),
        _any("assume-schedule", "assume the role of a schedule", places.schedule_role, ["sts:AssumeRole"]),
        Deed("move-dead", "move dead letters back", (_move(places),)),
    )


def _query(found: Declared, places: Places) -> tuple[Request, ...]:
    """What Athena does for whoever asks ("Access to databases and tables", "Access to Amazon S3 from Athena")."""
    settings = found.settings
    through: Context = {"aws:CalledVia": ("athena.amazonaws.com",), "aws:ViaAWSService": "true"}
    listed: Context = {**through, **_LISTING[1]}
    glue = f"arn:aws:glue:{settings.region}:{ACCOUNT}"
    database, table = settings.database_name, settings.table_name
    described = ("catalog", f"database/{database}", f"table/{database}/{table}")
    of_athena = _actions("athena", "StartQueryExecution", "GetQueryExecution", "GetQueryResults")
    return (
        *(Request(action, places.workgroup) for action in of_athena),
        *(Request("glue:GetTable", f"{glue}:{name}", through) for name in described),
        Request("s3:GetBucketLocation", places.bucket, through),
        Request("s3:ListBucket", places.bucket, listed),
        Request("s3:GetObject", places.line, through),
        Request("s3:PutObject", places.result, {**through, **ANY_OBJECT}),
        Request("s3:GetObject", places.result, through),
    )


def _move(places: Places) -> tuple[Request, ...]:
    # "StartMessageMoveTask", Amazon SQS API Reference.
    of_source = _actions("sqs", "StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    return (*(Request(action, places.dead_letters) for action in of_source), Request("sqs:SendMessage", places.spill))


# ---------------------------------------------------------------- changing what decides


def _changes(found: Declared, places: Places) -> tuple[Deed, ...]:
    url_key = parameter_ways(found, places.drain_url)[0][-1].resource
    keys = _actions("kms", "PutKeyPolicy", "CreateGrant", "DisableKey", "ScheduleKeyDeletion")
    table = _actions("dynamodb", "PutResourcePolicy", "DeleteResourcePolicy", "UpdateTable")
    roles = _actions("iam", "PutRolePolicy", "AttachRolePolicy", "UpdateAssumeRolePolicy", "DeleteRolePolicy")
    code = _actions("lambda", "UpdateFunctionCode", "UpdateFunctionConfiguration", "AddPermission", "DeleteFunction")
    parameters = _actions("ssm", "PutParameter", "DeleteParameter", "DeleteParameters")
    queue = _actions("sqs", "SetQueueAttributes", "AddPermission", "RemovePermission")
    return (
        _any("change-bucket", "change lifecycle or versioning", *_bucket(places)),
        _any("change-bucket-policy", "change the bucket's policy", places.bucket, _POLICY_OF_BUCKET),
        _any("change-queue", "change the spill queue's policy", places.spill, queue),
        _any("change-table", "change the buffer's policy", places.buffer, table),
        _any("change-key", "change the key of the drain URLs", url_key, keys),
        _any("change-tokens", "change what tokens are checked against", places.accepted_tokens, parameters),
        _any("change-roles", "change the reader role", places.reader, roles),
        _any("change-code", "change the functions' code", places.flusher, code),
        _any("change-topic", "change the topic of the alarms", places.topic, ["sns:SetTopicAttributes"]),
    )


_POLICY_OF_BUCKET = _actions("s3", "PutBucketPolicy", "DeleteBucketPolicy")


def _bucket(places: Places) -> tuple[str, list[str]]:
    return places.bucket, _actions("s3", "PutLifecycleConfiguration", "PutBucketVersioning")
