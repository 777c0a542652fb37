"""The metrics that AWS writes of this stack's resources for nothing, as far as alarms, dashboard and bill use them.

Sources, each in the service's own guide: "Monitor HTTP APIs by using CloudWatch metrics", "Types of metrics for Lambda
functions", "DynamoDB metrics and dimensions", "Available CloudWatch metrics for Amazon SQS", "Metrics and dimensions"
(S3), "Creating a billing alarm".
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import TypeVar

Name = TypeVar("Name")


class Resource(StrEnum):
    """What a metric is of; infra/ and runbook/ know its name."""

    API = "api"
    RECEIVER = "receiver"
    FLUSHER = "flusher"
    CANARY = "canary"
    DIGESTER = "digester"
    BUFFER = "buffer"
    SPILL_QUEUE = "spill queue"
    DEAD_LETTERS = "dead letters"
    DELETIONS = "deletions"
    BUCKET = "bucket"


_API, _LAMBDA, _DYNAMODB, _SQS, _S3 = "AWS/ApiGateway", "AWS/Lambda", "AWS/DynamoDB", "AWS/SQS", "AWS/S3"
_BILLING, _CHARGES = "AWS/Billing", "EstimatedCharges"
# The only region that has them: they are of the account, in all regions.
BILLING_REGION = "us-east-1"


def _function(resource: Resource) -> dict[str, str]:
    return {"FunctionName": resource}


def _service(name: str) -> dict[str, str]:
    return {"ServiceName": name, "Currency": "USD"}


_OF_API = {"ApiId": Resource.API}
_OF_BUFFER = {"TableName": Resource.BUFFER}


class Vended(Enum):
    """Each metric: its namespace, its name, and its dimensions; a value is a Resource, or the text itself."""

    API_REQUESTS = _API, "Count", _OF_API
    API_4XX = _API, "4xx", _OF_API
    API_5XX = _API, "5xx", _OF_API
    API_BYTES = _API, "DataProcessed", _OF_API

    RECEIVER_ERRORS = _LAMBDA, "Errors", _function(Resource.RECEIVER)
    RECEIVER_THROTTLES = _LAMBDA, "Throttles", _function(Resource.RECEIVER)
    RECEIVER_DURATION = _LAMBDA, "Duration", _function(Resource.RECEIVER)
    FLUSHER_ERRORS = _LAMBDA, "Errors", _function(Resource.FLUSHER)
    FLUSHER_DURATION = _LAMBDA, "Duration", _function(Resource.FLUSHER)
    CANARY_ERRORS = _LAMBDA, "Errors", _function(Resource.CANARY)
    DIGESTER_ERRORS = _LAMBDA, "Errors", _function(Resource.DIGESTER)

    BUFFER_WRITE_UNITS = _DYNAMODB, "ConsumedWriteCapacityUnits", _OF_BUFFER
    BUFFER_READ_UNITS = _DYNAMODB, "ConsumedReadCapacityUnits", _OF_BUFFER
    BUFFER_THROTTLES = _DYNAMODB, "WriteThrottleEvents", _OF_BUFFER

    SPILLED = _SQS, "NumberOfMessagesSent", {"QueueName": Resource.SPILL_QUEUE}
    SPILL_AGE = _SQS, "ApproximateAgeOfOldestMessage", {"QueueName": Resource.SPILL_QUEUE}
    DEAD_LETTERS = _SQS, "ApproximateNumberOfMessagesVisible", {"QueueName": Resource.DEAD_LETTERS}
    DELETIONS = _SQS, "ApproximateNumberOfMessagesVisible", {"QueueName": Resource.DELETIONS}

    OBJECTS = _S3, "NumberOfObjects", {"BucketName": Resource.BUCKET, "StorageType": "AllStorageTypes"}
    STANDARD_BYTES = _S3, "BucketSizeBytes", {"BucketName": Resource.BUCKET, "StorageType": "StandardStorage"}
    GLACIER_BYTES = _S3, "BucketSizeBytes", {"BucketName": Resource.BUCKET, "StorageType": "GlacierStorage"}

    COST_API = _BILLING, _CHARGES, _service("AmazonApiGateway")
    COST_LAMBDA = _BILLING, _CHARGES, _service("AWSLambda")
    COST_BUFFER = _BILLING, _CHARGES, _service("AmazonDynamoDB")
    COST_S3 = _BILLING, _CHARGES, _service("AmazonS3")
    COST_CLOUDWATCH = _BILLING, _CHARGES, _service("AmazonCloudWatch")
    COST_QUEUES = _BILLING, _CHARGES, _service("AWSQueueService")
    COST_ATHENA = _BILLING, _CHARGES, _service("AmazonAthena")

    def __init__(self, namespace: str, title: str, dimensions: Mapping[str, str]) -> None:
        self.namespace, self.title, self.dimensions = namespace, title, dimensions

    def dimensions_in(self, resources: Mapping[Resource, Name]) -> dict[str, Name | str]:
        """The dimensions in a stack whose resources have these names."""
        return {
            name: resources[value] if isinstance(value, Resource) else value for name, value in self.dimensions.items()
        }
