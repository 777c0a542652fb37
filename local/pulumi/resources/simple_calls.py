"""The resources that are one API call with their inputs as its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from local.pulumi.resources.account import Account, Creator, Outputs
from local.pulumi.resources.spelling import Inputs

_INLINE_POLICY = {"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName", "user": "UserName"}


@dataclass(frozen=True)
class Call:
    """An operation of a service: called, it creates a resource.

    `id` is made of the inputs, or names a value of the response. `names` are parameters that are named otherwise than
    by the rules of spelling.py. All inputs but those in `beside` go into the parameter `into`, if there is one.
    """

    service: str
    operation: str
    id: str
    names: Mapping[str, str] = field(default_factory=dict)
    into: str = ""
    beside: tuple[str, ...] = ()
    tags: Literal["", "list", "map"] = ""

    def __call__(self, account: Account, inputs: Inputs) -> Outputs:
        """Create the resource."""
        known = dict(inputs)
        parameters = inputs.tags("Tags", as_list=self.tags == "list") if self.tags else {}
        beside = Inputs({key: inputs.pop(key) for key in self.beside if key in inputs})
        rest = inputs.rest(self.names)
        parameters |= beside.rest() | ({self.into: rest} if self.into else rest)
        response = getattr(account.clients[self.service], self.operation)(**parameters)
        return self.id.format(**known) if "{" in self.id else response[self.id], {}


CREATE: dict[str, Creator] = {
    "aws:athena/namedQuery:NamedQuery": Call("athena", "create_named_query", "NamedQueryId"),
    "aws:athena/workgroup:Workgroup": Call("athena", "create_work_group", "{name}", tags="list"),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Call(
        "logs",
        "put_query_definition",
        "queryDefinitionId",
        {"name": "name", "logGroupNames": "logGroupNames", "queryString": "queryString"},
    ),
    "aws:dynamodb/resourcePolicy:ResourcePolicy": Call("dynamodb", "put_resource_policy", "{resourceArn}"),
    "aws:glue/catalogDatabase:CatalogDatabase": Call(
        "glue", "create_database", "{name}", into="DatabaseInput", tags="map"
    ),
    "aws:glue/catalogTable:CatalogTable": Call(
        "glue", "create_table", "{databaseName}:{name}", into="TableInput", beside=("databaseName",)
    ),
    "aws:iam/role:Role": Call(
        "iam",
        "create_role",
        "{name}",
        {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
        tags="list",
    ),
    "aws:iam/rolePolicy:RolePolicy": Call("iam", "put_role_policy", "{role}:{name}", _INLINE_POLICY),
    "aws:iam/user:User": Call("iam", "create_user", "{name}", {"name": "UserName"}, tags="list"),
    "aws:iam/userPolicy:UserPolicy": Call("iam", "put_user_policy", "{user}:{name}", _INLINE_POLICY),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Call(
        "lambda", "put_function_event_invoke_config", "{functionName}"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Call(
        "s3",
        "put_bucket_lifecycle_configuration",
        "{bucket}",
        into="LifecycleConfiguration",
        beside=("bucket", "transitionDefaultMinimumObjectSize"),
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": Call(
        "s3", "put_object_lock_configuration", "{bucket}", into="ObjectLockConfiguration", beside=("bucket",)
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Call("s3", "put_bucket_policy", "{bucket}"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Call(
        "s3", "put_public_access_block", "{bucket}", into="PublicAccessBlockConfiguration", beside=("bucket",)
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Call(
        "s3", "put_bucket_encryption", "{bucket}", into="ServerSideEncryptionConfiguration", beside=("bucket",)
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Call("s3", "put_bucket_versioning", "{bucket}"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Call("scheduler", "create_schedule_group", "{name}", tags="list"),
    "aws:ssm/parameter:Parameter": Call("ssm", "put_parameter", "{name}", tags="list"),
}
