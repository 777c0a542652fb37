"""Names that the stack sets and other parts look up: SSM parameters, log groups, environment variables."""

# Defaults of the settings with which the operator's tools find a stack.
DEFAULT_PARAMETER_PREFIX = "/raxx/log-drain/"
DEFAULT_READER_ROLE = "raxx-log-athena-reader"

# SSM parameters below the prefix.
OUTPUTS = "outputs"
BUCKET_ARN = "bucket_arn"
READER_ROLE_ARN = "athena_reader_role_arn"
DRAIN_KEYS = "drain_keys"

# The receiver's environment variables.
BUCKET_VARIABLE = "LOG_BUCKET"
APPS_VARIABLE = "LOG_APPS"  # comma-separated
DRAIN_KEYS_VARIABLE = "DRAIN_KEYS_PARAMETER"  # the parameter's full name
SPILL_QUEUE_VARIABLE = "SPILL_QUEUE_URL"
RECEIVER_VARIABLES = (BUCKET_VARIABLE, APPS_VARIABLE, DRAIN_KEYS_VARIABLE, SPILL_QUEUE_VARIABLE)


def drain_url(app: str) -> str:
    """Give the SSM parameter, below the prefix, that holds an app's drain URL."""
    return f"drain_url/{app}"


def receiver_function(name_prefix: str) -> str:
    """Give the name of the receiver's Lambda function, which is also the namespace of its metrics."""
    return f"{name_prefix}-receiver"


def function_log_group(function: str) -> str:
    """Give the log group to which Lambda writes the log of a function."""
    return f"/aws/lambda/{function}"


def access_log_group(name_prefix: str) -> str:
    """Give the log group of the endpoint's access log."""
    return f"/aws/apigateway/{name_prefix}-drain"
