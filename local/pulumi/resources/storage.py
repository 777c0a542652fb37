"""S3, SSM and SQS."""

import json
from collections.abc import Mapping
from typing import Any

from local.pulumi.resources.account import Account, Creator, Outputs
from local.pulumi.resources.inputs import Inputs, pascals

# Pulumi's names of a queue's attributes, and SQS's.
_QUEUE_ATTRIBUTES = {
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
}


# Elsewhere CreateBucket needs a LocationConstraint, and the provider sends its region. Here S3 refuses one.
_HOME = "us-east-1"


def _bucket(account: Account, inputs: Inputs) -> Outputs:
    name, s3 = inputs.take("bucket"), account.clients["s3"]
    place = {} if account.region == _HOME else {"LocationConstraint": account.region}
    s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
    if tags := inputs.tag_list("TagSet"):
        s3.put_bucket_tagging(Bucket=name, Tagging=tags)
    inputs.pop("forceDestroy", None)  # counts when it is destroyed, which is when the emulator ends
    return name, {"arn": f"arn:aws:s3:::{name}"}


def _bucket_ownership(account: Account, inputs: Inputs) -> Outputs:
    bucket, rule = inputs.take("bucket"), pascals(inputs.take("rule"))
    account.clients["s3"].put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [rule]})
    return bucket, {}


def _bucket_public_access(account: Account, inputs: Inputs) -> Outputs:
    bucket = inputs.take("bucket")
    locks = inputs.rest("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    account.clients["s3"].put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=locks)
    return bucket, {}


def _bucket_policy(account: Account, inputs: Inputs) -> Outputs:
    bucket = inputs.take("bucket")
    account.clients["s3"].put_bucket_policy(Bucket=bucket, Policy=inputs.take("policy"))
    return bucket, {}


# Pulumi's names of a default encryption, and S3's.
_ENCRYPTION_NAMES = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}


def _bucket_encryption(account: Account, inputs: Inputs) -> Outputs:
    bucket = inputs.take("bucket")
    rules = [_encryption_rule(rule) for rule in inputs.take("rules")]
    account.clients["s3"].put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    return bucket, {}


def _encryption_rule(declared: Mapping[str, Any]) -> dict[str, Any]:
    default = "applyServerSideEncryptionByDefault"
    rule: dict[str, Any] = pascals({key: value for key, value in declared.items() if key != default})
    if default in declared:
        rule["ApplyServerSideEncryptionByDefault"] = {
            _ENCRYPTION_NAMES.get(key, key): value for key, value in declared[default].items()
        }
    return rule


def _bucket_versioning(account: Account, inputs: Inputs) -> Outputs:
    bucket, versioning = inputs.take("bucket"), pascals(inputs.take("versioningConfiguration"))
    account.clients["s3"].put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
    return bucket, {}


def _bucket_lifecycle(account: Account, inputs: Inputs) -> Outputs:
    bucket = inputs.take("bucket")
    rules = [{"ID" if key == "id" else key: value for key, value in rule.items()} for rule in inputs.take("rules")]
    account.clients["s3"].put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={"Rules": pascals(rules)},
        **inputs.rest("transitionDefaultMinimumObjectSize"),
    )
    return bucket, {}


def _parameter(account: Account, inputs: Inputs) -> Outputs:
    name = inputs["name"]
    ssm = account.clients["ssm"]
    ssm.put_parameter(**inputs.rest("name", "type", "value", "description"), **inputs.tag_list())
    return name, {"arn": ssm.get_parameter(Name=name)["Parameter"]["ARN"]}


def _queue(account: Account, inputs: Inputs) -> Outputs:
    sqs = account.clients["sqs"]
    attributes = {
        name: value if isinstance(value := inputs.pop(key), str) else json.dumps(value)
        for key, name in _QUEUE_ATTRIBUTES.items()
        if key in inputs
    }
    url = sqs.create_queue(
        QueueName=inputs.take("name"),
        **({"Attributes": attributes} if attributes else {}),
        **inputs.tag_map("tags"),
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, {"url": url, "arn": arn}


CREATE: dict[str, Creator] = {
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket_lifecycle,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket_ownership,
    "aws:s3/bucketPolicy:BucketPolicy": _bucket_policy,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket_public_access,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _bucket_encryption,
    "aws:s3/bucketVersioning:BucketVersioning": _bucket_versioning,
    "aws:sqs/queue:Queue": _queue,
    "aws:ssm/parameter:Parameter": _parameter,
}
