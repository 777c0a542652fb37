"""Buckets, queues and tables."""

import json

from local.pulumi.resources.account import Account, Creator, Outputs
from local.pulumi.resources.spelling import Inputs, in_aws_words

# Pulumi's names of a queue's attributes, and those of SQS that are not spelled alike.
_QUEUE_ATTRIBUTES = {
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
# CreateBucket refuses a LocationConstraint here, and needs one in all other regions.
_HOME = "us-east-1"


def _bucket(account: Account, inputs: Inputs) -> Outputs:
    name, s3 = inputs.take("bucket"), account.clients["s3"]
    place = {} if account.region == _HOME else {"LocationConstraint": account.region}
    s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
    if tags := inputs.tags("TagSet", as_list=True):
        s3.put_bucket_tagging(Bucket=name, Tagging=tags)
    return name, {}


def _bucket_ownership(account: Account, inputs: Inputs) -> Outputs:
    bucket, rule = inputs.take("bucket"), in_aws_words(inputs.take("rule"))
    account.clients["s3"].put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [rule]})
    return bucket, {}


def _queue(account: Account, inputs: Inputs) -> Outputs:
    name, tags = inputs.take("name"), inputs.tags("tags")
    attributes = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in inputs.rest(_QUEUE_ATTRIBUTES).items()
    }
    url = account.clients["sqs"].create_queue(
        QueueName=name, **({"Attributes": attributes} if attributes else {}), **tags
    )["QueueUrl"]
    return url, {"url": url}


def _queue_policy(account: Account, inputs: Inputs) -> Outputs:
    url, policy = inputs.take("queueUrl"), inputs.take("policy")
    account.clients["sqs"].set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, {}


def _notification(account: Account, inputs: Inputs) -> Outputs:
    bucket, queues = inputs.take("bucket"), inputs.take("queues")
    account.clients["s3"].put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": queue["id"],
                    "QueueArn": queue["queueArn"],
                    "Events": queue["events"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": queue["filterPrefix"]}]}},
                }
                for queue in queues
            ]
        },
    )
    return bucket, {}


def _table(account: Account, inputs: Inputs) -> Outputs:
    name, dynamodb = inputs.take("name"), account.clients["dynamodb"]
    keys = {"HASH": inputs.pop("hashKey", None), "RANGE": inputs.pop("rangeKey", None)}
    parameters = inputs.tags("Tags", as_list=True)
    if schema := [{"AttributeName": key, "KeyType": kind} for kind, key in keys.items() if key]:
        parameters["KeySchema"] = schema
    if attributes := inputs.pop("attributes", None):
        parameters["AttributeDefinitions"] = [
            {f"Attribute{key.title()}": value for key, value in attribute.items()} for attribute in attributes
        ]
    ttl = inputs.pop("ttl", None)
    dynamodb.create_table(TableName=name, **parameters, **inputs.rest())
    if ttl:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=in_aws_words(ttl))
    return name, {}


CREATE: dict[str, Creator] = {
    "aws:dynamodb/table:Table": _table,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketNotification:BucketNotification": _notification,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket_ownership,
    "aws:sqs/queue:Queue": _queue,
    "aws:sqs/queuePolicy:QueuePolicy": _queue_policy,
}
