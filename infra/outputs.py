"""What the stack's outputs mean: the runbook and the operator's tools read them by these names. None is a secret."""

MEANINGS = {
    "bucket": "Name of the archive's bucket.",
    "endpoint": "URL of the drain endpoint, without app and token.",
    "readerRoleArn": "ARN of the role that operators assume to query.",
    "writerUserArn": "ARN of the user whose credentials a receiver outside Lambda has.",
    "workgroup": "Athena workgroup that holds the saved queries.",
    "database": "Glue database of table and view.",
    "table": "Glue table: every stored line.",
    "view": "Glue view: the router's lines, with types.",
    "apps": "Names of the Heroku apps whose logs are kept.",
    "parameterPrefix": "Path of the SSM parameters, with its trailing slash.",
    "spillQueue": "URL of the queue that takes batches while S3 does not.",
    "deadLetterQueue": "URL of the queue for batches that could not be stored for hours.",
}
