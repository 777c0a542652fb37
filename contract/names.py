"""Names that the stack sets and other parts look up: SSM parameters, log groups, environment variables."""

# Defaults of the settings with which the operator's tools find a stack.
DEFAULT_PARAMETER_PREFIX = "/raxx/log-drain/"
DEFAULT_READER_ROLE = "raxx-log-athena-reader"

# SSM parameters below the prefix.
OUTPUTS = "outputs"
BUCKET_ARN = "bucket_arn"
READER_ROLE_ARN = "athena_reader_role_arn"
# Of an earlier version of the stack: the keys themselves.
REPLACED_KEYS = "drain_keys"

# The environment variables of receiver and flusher.
BUCKET_VARIABLE = "LOG_BUCKET"
APPS_VARIABLE = "LOG_APPS"  # comma-separated
HASHES_VARIABLE = "TOKEN_HASHES_PATH"  # the path of the hashes of accepted tokens, with its trailing slash
REPLACED_KEYS_VARIABLE = "DRAIN_KEYS_PARAMETER"  # read by receivers of an earlier version
SPILL_QUEUE_VARIABLE = "SPILL_QUEUE_URL"
BUFFER_VARIABLE = "BUFFER_TABLE"
FLUSH_MINUTES_VARIABLE = "FLUSH_MINUTES"
ANSWER_AFTER_VARIABLE = "ANSWER_AFTER_MS"
DELETIONS_VARIABLE = "DELETIONS_QUEUE_URL"
DRAIN_URLS_VARIABLE = "DRAIN_URLS_PATH"  # the path of the drain URLs, with its trailing slash
NAMESPACE_VARIABLE = "METRICS_NAMESPACE"
BUCKET_OWNER_VARIABLE = "BUCKET_OWNER"  # the account id; empty: any account
OBJECT_LOCK_VARIABLE = "OBJECT_LOCK_DAYS"  # 0 or empty: objects are not locked
# What each cannot do without. A receiver in Lambda that knows no table spills (receiver/aws.py).
RECEIVER_VARIABLES = (BUCKET_VARIABLE, APPS_VARIABLE, HASHES_VARIABLE, SPILL_QUEUE_VARIABLE)
OUTSIDE_VARIABLES = (*RECEIVER_VARIABLES, BUFFER_VARIABLE)
FLUSHER_VARIABLES = (BUCKET_VARIABLE, APPS_VARIABLE, SPILL_QUEUE_VARIABLE, BUFFER_VARIABLE)
CANARY_VARIABLES = (APPS_VARIABLE, BUFFER_VARIABLE, DRAIN_URLS_VARIABLE, DELETIONS_VARIABLE)
DIGESTER_VARIABLES = (BUCKET_VARIABLE,)

_DRAIN_URLS = "drain_url/"
_HASHES = "token_hashes/"


def drain_url(app: str) -> str:
    """Give the SSM parameter, below the prefix, that holds an app's drain URL."""
    return f"{_DRAIN_URLS}{app}"


def drain_urls_path(parameter_prefix: str) -> str:
    """Give the path of all drain URLs, to which an app's name is appended."""
    return f"{parameter_prefix}{_DRAIN_URLS}"


def token_hashes(app: str) -> str:
    """Give the SSM parameter, below the prefix, that holds the hashes of an app's accepted tokens."""
    return f"{_HASHES}{app}"


def token_hashes_path(parameter_prefix: str) -> str:
    """Give the path of the hashes of all apps, to which an app's name is appended."""
    return f"{parameter_prefix}{_HASHES}"


def receiver_function(name_prefix: str) -> str:
    """Give the name of the receiver's Lambda function, which is also the namespace of the metrics."""
    return f"{name_prefix}-receiver"


def flusher_function(name_prefix: str) -> str:
    """Give the name of the flusher's Lambda function."""
    return f"{name_prefix}-flusher"


# The schedules that invoke flusher, canary and digester; their groups have the function's name.
FLUSHER_SCHEDULE = "every-minute"
CANARY_SCHEDULE = "every-15-minutes"
DIGESTER_SCHEDULE = "every-hour"


def canary_function(name_prefix: str) -> str:
    """Give the name of the canary's Lambda function."""
    return f"{name_prefix}-canary"


def digester_function(name_prefix: str) -> str:
    """Give the name of the digester's Lambda function."""
    return f"{name_prefix}-digester"


def alarm_topic(name_prefix: str) -> str:
    """Give the name of the SNS topic of the alarms."""
    return f"{name_prefix}-alarms"


def alarm(name_prefix: str, name: str) -> str:
    """Give the name of an alarm in CloudWatch."""
    return f"{name_prefix}-{name}"


def dashboard(name_prefix: str) -> str:
    """Give the name of the dashboard."""
    return f"{name_prefix}-archive"


def log_query(name_prefix: str, name: str) -> str:
    """Give the name of a saved query of CloudWatch Logs; the console shows what precedes the slash as a folder."""
    return f"{name_prefix}/{name}"


def budget(name_prefix: str) -> str:
    """Give the name of the budget."""
    return f"{name_prefix}-monthly"


def spill_queue(name_prefix: str) -> str:
    """Give the name of the spill queue."""
    return f"{name_prefix}-spill"


def dead_letter_queue(name_prefix: str) -> str:
    """Give the name of the queue of dead letters."""
    return f"{name_prefix}-spill-dead-letters"


def deletions_queue(name_prefix: str) -> str:
    """Give the name of the queue that S3 tells of deleted objects."""
    return f"{name_prefix}-deletions"


def buffer_table(name_prefix: str) -> str:
    """Give the name of the buffer's DynamoDB table."""
    return f"{name_prefix}-buffer"


def function_log_group(function: str) -> str:
    """Give the log group to which Lambda writes the log of a function."""
    return f"/aws/lambda/{function}"


def access_log_group(name_prefix: str) -> str:
    """Give the log group of the endpoint's access log."""
    return f"/aws/apigateway/{name_prefix}-drain"
