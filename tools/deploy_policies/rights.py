"""What each type of resource needs in AWS: the actions of its provider, and the ARNs to which they can be narrowed.

Reading is what a refresh does; writing is creating, changing and deleting. Sources: the pages "Actions, resources, and
condition keys for …" of the Service Authorization Reference, one per service; the calls of the Terraform AWS provider
(tests/golden/provider_calls.jsonl has those that were seen); and what is named beside an entry. ARNs are formats of the
names in `documents.Names`.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Grant(NamedTuple):
    """Actions of one service on some resources, under conditions; `why` says why a resource is no narrower."""

    service: str
    on: tuple[str, ...]
    read: str = ""
    write: str = ""
    condition: Mapping[str, Mapping[str, str]] | None = None
    why: str = ""

    def actions(self, *, write: bool) -> list[str]:
        """The actions with the service's prefix: those that read, and those that write too if asked for."""
        names = [*self.read.split(), *(self.write.split() if write else [])]
        return [f"{self.service}:{name}" for name in names]


_NO_RESOURCE = ("*",)
_AWS_HAS_NO_RESOURCE = "AWS defines no resource for these actions"

_S3 = "arn:{partition}:s3:::{bucket}"
_HERE = "{region}:{account}"
_API = "arn:{partition}:apigateway:{region}::/apis"
_ALARMS = "arn:{partition}:cloudwatch:" + _HERE + ":alarm:{prefix}-*"
_DASHBOARDS = "arn:{partition}:cloudwatch::{account}:dashboard/{prefix}-*"
_FUNCTIONS = "arn:{partition}:lambda:" + _HERE + ":function:{prefix}-*"
_GLUE = "arn:{partition}:glue:" + _HERE
_CATALOG = "A right in Glue needs the same right on all that is above, which is the account's catalog"
_DATABASE = (f"{_GLUE}:catalog", _GLUE + ":database/{database}", _GLUE + ":table/{database}/*")
_LOG_GROUPS = tuple(
    "arn:{partition}:logs:" + _HERE + f":log-group:/aws/{service}/{{prefix}}-*" for service in ("lambda", "apigateway")
)
_QUEUES = "arn:{partition}:sqs:" + _HERE + ":{prefix}-*"
_ROLES = ("arn:{partition}:iam::{account}:role/{prefix}-*", "arn:{partition}:iam::{account}:role/{reader_role}")
_USER = "arn:{partition}:iam::{account}:user/{writer_user}"
_PARAMETERS = "arn:{partition}:ssm:" + _HERE + ":parameter{parameters}*"
_SCHEDULER = "arn:{partition}:scheduler:" + _HERE
_TABLES = "arn:{partition}:dynamodb:" + _HERE + ":table/{prefix}-*"
_TOPICS = "arn:{partition}:sns:" + _HERE + ":{prefix}-*"
_WORKGROUP = "arn:{partition}:athena:" + _HERE + ":workgroup/{workgroup}"
_KEYS = "arn:{partition}:kms:" + _HERE + ":key/*"

_NAMED_QUERIES = Grant(
    "athena", (_WORKGROUP,), "GetNamedQuery ListNamedQueries", "CreateNamedQuery UpdateNamedQuery DeleteNamedQuery"
)
# An inline policy is part of its role.
_ROLE_POLICIES = Grant("iam", _ROLES, "GetRolePolicy ListRolePolicies GetRole", "PutRolePolicy DeleteRolePolicy")
_BUCKET_TAGS = "GetBucketTagging ListTagsForResource"
_IDS = "AWS chooses the id, and none of these can be told by a tag while it is created"
_APIS = (_API, f"{_API}/*")

# By Pulumi's type, without its last part: aws:s3/bucket is aws:s3/bucket:Bucket.
RIGHTS: Mapping[str, tuple[Grant, ...]] = {
    "aws:apigatewayv2/api": (
        Grant("apigateway", _APIS, "GET", "POST PATCH DELETE", why=_IDS),
        Grant(
            "apigateway",
            ("arn:{partition}:apigateway:{region}::/tags/*",),
            "GET",
            "POST PUT DELETE",
            why="The path has the whole ARN of the API, whose id AWS chooses",
        ),
    ),
    "aws:apigatewayv2/integration": (Grant("apigateway", _APIS, "GET", "POST PATCH DELETE", why=_IDS),),
    "aws:apigatewayv2/route": (Grant("apigateway", _APIS, "GET", "POST PATCH DELETE", why=_IDS),),
    "aws:apigatewayv2/stage": (
        Grant("apigateway", _APIS, "GET", "POST PATCH DELETE", why=_IDS),
        # "Configuring logging for an HTTP API", permissions to activate logging.
        Grant(
            "logs",
            _NO_RESOURCE,
            "",
            "CreateLogDelivery GetLogDelivery UpdateLogDelivery DeleteLogDelivery ListLogDeliveries PutResourcePolicy "
            "DescribeResourcePolicies",
            why=_AWS_HAS_NO_RESOURCE,
        ),
    ),
    "aws:athena/namedQuery": (_NAMED_QUERIES,),
    "aws:athena/workgroup": (
        Grant(
            "athena",
            (_WORKGROUP,),
            "GetWorkGroup ListTagsForResource",
            "CreateWorkGroup UpdateWorkGroup DeleteWorkGroup TagResource UntagResource",
        ),
    ),
    "aws:budgets/budget": (
        Grant(
            "budgets",
            ("arn:{partition}:budgets::{account}:budget/{prefix}-*",),
            "ViewBudget ListTagsForResource",
            "ModifyBudget TagResource UntagResource",
        ),
    ),
    "aws:cloudwatch/dashboard": (Grant("cloudwatch", (_DASHBOARDS,), "GetDashboard", "PutDashboard DeleteDashboards"),),
    "aws:cloudwatch/logGroup": (
        Grant("logs", _NO_RESOURCE, "DescribeLogGroups", why=_AWS_HAS_NO_RESOURCE),
        Grant(
            "logs",
            tuple(f"{group}{end}" for group in _LOG_GROUPS for end in ("", ":*")),
            "ListTagsForResource",
            "CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy TagResource UntagResource",
        ),
    ),
    "aws:cloudwatch/metricAlarm": (
        Grant(
            "cloudwatch",
            ("arn:{partition}:cloudwatch:" + _HERE + ":alarm:*",),
            "DescribeAlarms",
            why="The doctor lists them by the beginning of their names, which the ARN does not say",
        ),
        Grant(
            "cloudwatch",
            (_ALARMS,),
            "ListTagsForResource",
            "PutMetricAlarm DeleteAlarms EnableAlarmActions DisableAlarmActions TagResource UntagResource",
        ),
    ),
    "aws:cloudwatch/queryDefinition": (
        Grant(
            "logs",
            _NO_RESOURCE,
            "DescribeQueryDefinitions",
            "PutQueryDefinition DeleteQueryDefinition",
            why=_AWS_HAS_NO_RESOURCE,
        ),
    ),
    "aws:dynamodb/table": (
        Grant(
            "dynamodb",
            (_TABLES,),
            "DescribeTable DescribeContinuousBackups DescribeTimeToLive ListTagsOfResource",
            "CreateTable UpdateTable DeleteTable UpdateTimeToLive UpdateContinuousBackups TagResource UntagResource",
        ),
    ),
    "aws:dynamodb/resourcePolicy": (
        Grant("dynamodb", (_TABLES,), "GetResourcePolicy", "PutResourcePolicy DeleteResourcePolicy"),
    ),
    "aws:glue/catalogDatabase": (
        Grant(
            "glue",
            (*_DATABASE, _GLUE + ":userDefinedFunction/{database}/*"),
            "GetDatabase GetTags",
            "CreateDatabase UpdateDatabase DeleteDatabase TagResource UntagResource",
            why=_CATALOG,
        ),
    ),
    "aws:glue/catalogTable": (
        Grant(
            "glue",
            _DATABASE,
            "GetTable GetPartitionIndexes",
            "CreateTable UpdateTable DeleteTable",
            why=_CATALOG,
        ),
    ),
    "aws:iam/role": (
        Grant(
            "iam",
            _ROLES,
            "GetRole ListRolePolicies ListAttachedRolePolicies ListInstanceProfilesForRole ListRoleTags",
            "CreateRole DeleteRole UpdateRole UpdateAssumeRolePolicy UpdateRoleDescription TagRole UntagRole",
        ),
    ),
    "aws:iam/rolePolicy": (_ROLE_POLICIES,),
    "aws:iam/user": (
        Grant(
            "iam",
            (_USER,),
            "GetUser ListUserTags ListGroupsForUser ListAttachedUserPolicies",
            "CreateUser DeleteUser UpdateUser TagUser UntagUser",
        ),
    ),
    "aws:iam/userPolicy": (Grant("iam", (_USER,), "GetUser GetUserPolicy", "PutUserPolicy DeleteUserPolicy"),),
    # A key has no name, and its alias is made after it: its tags say whose it is from the first call on.
    "aws:kms/key": (
        Grant(
            "kms",
            _NO_RESOURCE,
            "",
            "CreateKey",
            {"StringEquals": {"aws:RequestTag/{tag}": "{tag_value}"}},
            _AWS_HAS_NO_RESOURCE,
        ),
        # "Controlling access to tags", AWS KMS: whoever creates a key with tags needs this for all keys.
        Grant(
            "kms",
            (_KEYS,),
            "",
            "TagResource",
            {"StringEquals": {"aws:RequestTag/{tag}": "{tag_value}"}},
            "A key that is being created has neither id nor tags; so this allows to tag keys of others, too",
        ),
        Grant(
            "kms",
            (_KEYS,),
            "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
            "PutKeyPolicy EnableKeyRotation DisableKeyRotation EnableKey DisableKey UpdateKeyDescription "
            "ScheduleKeyDeletion CancelKeyDeletion TagResource UntagResource",
            {"StringEquals": {"aws:ResourceTag/{tag}": "{tag_value}"}},
            "AWS chooses the id; the condition says whose key",
        ),
    ),
    "aws:lambda/function": (
        Grant(
            "lambda",
            (_FUNCTIONS,),
            "GetFunction GetFunctionConfiguration GetFunctionCodeSigningConfig ListVersionsByFunction ListTags",
            "CreateFunction UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction PutFunctionConcurrency "
            "DeleteFunctionConcurrency TagResource UntagResource",
        ),
        Grant(
            "iam",
            _ROLES[:1],
            "",
            "PassRole",
            {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        ),
    ),
    "aws:lambda/functionEventInvokeConfig": (
        Grant(
            "lambda",
            (_FUNCTIONS,),
            "GetFunctionEventInvokeConfig",
            "PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig",
        ),
    ),
    "aws:lambda/permission": (Grant("lambda", (_FUNCTIONS,), "GetPolicy", "AddPermission RemovePermission"),),
    # From version 6.23 the Terraform AWS provider tags buckets by S3 Control's API, which it falls back from.
    "aws:s3/bucket": (
        Grant(
            "s3",
            (_S3,),
            "ListBucket GetBucketLocation GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLogging "
            "GetBucketPolicy GetBucketRequestPayment GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration "
            f"GetLifecycleConfiguration GetReplicationConfiguration GetBucketObjectLockConfiguration {_BUCKET_TAGS}",
            "CreateBucket DeleteBucket PutBucketTagging TagResource UntagResource PutBucketObjectLockConfiguration",
        ),
    ),
    "aws:s3/bucketLifecycleConfiguration": (
        Grant("s3", (_S3,), "GetLifecycleConfiguration", "PutLifecycleConfiguration"),
    ),
    "aws:s3/bucketNotification": (Grant("s3", (_S3,), "GetBucketNotification", "PutBucketNotification"),),
    "aws:s3/bucketObjectLockConfiguration": (
        Grant("s3", (_S3,), "GetBucketObjectLockConfiguration", "PutBucketObjectLockConfiguration"),
    ),
    "aws:s3/bucketOwnershipControls": (
        Grant("s3", (_S3,), "GetBucketOwnershipControls", "PutBucketOwnershipControls"),
    ),
    "aws:s3/bucketPolicy": (Grant("s3", (_S3,), "GetBucketPolicy", "PutBucketPolicy DeleteBucketPolicy"),),
    "aws:s3/bucketPublicAccessBlock": (
        Grant("s3", (_S3,), "GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock"),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration": (
        Grant("s3", (_S3,), "GetEncryptionConfiguration", "PutEncryptionConfiguration"),
    ),
    "aws:s3/bucketVersioning": (Grant("s3", (_S3,), "GetBucketVersioning", "PutBucketVersioning"),),
    "aws:scheduler/schedule": (
        Grant(
            "scheduler",
            (_SCHEDULER + ":schedule/{prefix}-*/*",),
            "GetSchedule",
            "CreateSchedule UpdateSchedule DeleteSchedule",
        ),
        Grant(
            "iam",
            _ROLES[:1],
            "",
            "PassRole",
            {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        ),
    ),
    # Deleting a group deletes its schedules ("DeleteScheduleGroup").
    "aws:scheduler/scheduleGroup": (
        Grant(
            "scheduler",
            (_SCHEDULER + ":schedule-group/{prefix}-*",),
            "GetScheduleGroup ListTagsForResource",
            "CreateScheduleGroup DeleteScheduleGroup TagResource UntagResource",
        ),
        Grant("scheduler", (_SCHEDULER + ":schedule/{prefix}-*/*",), "", "DeleteSchedule"),
    ),
    "aws:sns/topic": (
        Grant(
            "sns",
            (_TOPICS,),
            "GetTopicAttributes ListTagsForResource",
            "CreateTopic DeleteTopic SetTopicAttributes TagResource UntagResource",
        ),
    ),
    "aws:sns/topicPolicy": (Grant("sns", (_TOPICS,), "GetTopicAttributes", "SetTopicAttributes"),),
    "aws:sns/topicSubscription": (
        Grant("sns", (_TOPICS,), "ListSubscriptionsByTopic", "Subscribe"),
        Grant(
            "sns",
            _NO_RESOURCE,
            "GetSubscriptionAttributes",
            "SetSubscriptionAttributes Unsubscribe",
            why=_AWS_HAS_NO_RESOURCE,
        ),
    ),
    "aws:sqs/queue": (
        Grant(
            "sqs",
            (_QUEUES,),
            "GetQueueAttributes GetQueueUrl ListQueueTags",
            "CreateQueue DeleteQueue SetQueueAttributes TagQueue UntagQueue",
        ),
    ),
    "aws:sqs/queuePolicy": (Grant("sqs", (_QUEUES,), "GetQueueAttributes", "SetQueueAttributes"),),
    # A refresh reads the values too, those of SecureStrings decrypted.
    "aws:ssm/parameter": (
        Grant("ssm", _NO_RESOURCE, "DescribeParameters", why=_AWS_HAS_NO_RESOURCE),
        Grant(
            "ssm",
            (_PARAMETERS,),
            "GetParameter GetParameters ListTagsForResource",
            "PutParameter DeleteParameter AddTagsToResource RemoveTagsFromResource",
        ),
        Grant(
            "kms",
            (_KEYS,),
            "Decrypt",
            "Encrypt GenerateDataKey",
            {
                "StringEquals": {
                    "aws:ResourceTag/{tag}": "{tag_value}",
                    "kms:ViaService": "ssm.{region}.amazonaws.com",
                },
            },
            "AWS chooses the id; the condition says whose key. AWS's own key aws/ssm needs no right",
        ),
    ),
}

# What a lookup of the program needs, in every run of it.
LOOKUPS = (Grant("iam", ("arn:{partition}:iam::{account}:user/{break_glass_user}",), "GetUser"),)

_STATE = "arn:{partition}:s3:::{state_bucket}"
_IN_STATE = f"{_STATE}/.pulumi"
_STATE_KEY = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "{state_key}"}}
# Where a DIY backend keeps what (pulumi/pulumi, pkg/backend/diy: store.go, lock.go, meta.go). A preview takes no lock
# and writes nothing (backend.go). The bucket may hold the states of other projects, and old states hold old secrets.
# The secrets provider awskms has KMS decrypt the data key, with which Pulumi encrypts by itself (pkg/secrets/cloud).
STATE = (
    Grant("s3", (_STATE,), "ListBucket GetBucketLocation"),
    Grant("s3", (_IN_STATE + "/meta.yaml", _IN_STATE + "/stacks/{project}/{stack}.json*"), "GetObject"),
    Grant(
        "s3",
        (
            _IN_STATE + "/stacks/{project}/{stack}.json*",
            *(_IN_STATE + f"/{folder}/{{project}}/{{stack}}/*" for folder in ("history", "backups", "journal")),
            _IN_STATE + "/locks/organization/{project}/{stack}/*",
        ),
        "",
        "GetObject PutObject DeleteObject",
    ),
    Grant("kms", (_KEYS,), "Decrypt", "", _STATE_KEY, "The condition names the key by its alias"),
)

# What the test after a deployment needs besides: the reader role, and what the doctor asks with its own identity.
SMOKE_TEST = (
    Grant("sts", _ROLES[1:], "AssumeRole"),
    Grant("iam", (*_ROLES, _USER), "SimulatePrincipalPolicy"),
    Grant("sqs", ("arn:{partition}:sqs:" + _HERE + ":{prefix}-deletions",), "ReceiveMessage"),
    Grant("cloudwatch", _NO_RESOURCE, "ListDashboards", why=_AWS_HAS_NO_RESOURCE),
)
