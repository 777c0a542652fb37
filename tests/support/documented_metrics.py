"""The metrics that AWS documents, as far as alarms are on them."""

# Namespace, metric and names of dimensions, as each service documents them.
DOCUMENTED = {
    # "Monitor HTTP APIs by using CloudWatch metrics": 4xx and 5xx in lower case, by ApiId or by ApiId and Stage.
    ("AWS/ApiGateway", "4xx", ("ApiId",)),
    ("AWS/ApiGateway", "5xx", ("ApiId",)),
    # "Types of metrics for Lambda functions", "View metrics for Lambda functions".
    ("AWS/Lambda", "Errors", ("FunctionName",)),
    ("AWS/Lambda", "Throttles", ("FunctionName",)),
    ("AWS/Lambda", "Duration", ("FunctionName",)),
    # "DynamoDB metrics and dimensions": ThrottledRequests would need the operation, too.
    ("AWS/DynamoDB", "WriteThrottleEvents", ("TableName",)),
    # "Available CloudWatch metrics for Amazon SQS".
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName",)),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName",)),
    # "Metrics and dimensions" of Amazon S3: daily, both dimensions.
    ("AWS/S3", "NumberOfObjects", ("BucketName", "StorageType")),
}
