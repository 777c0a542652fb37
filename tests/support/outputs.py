"""The outputs of a stack, with a value for each."""

from typing import Any

from contract.outputs import MEANINGS

VALUES: dict[str, Any] = {name: f"a-{name}" for name in MEANINGS} | {
    "readerRoleArn": "arn:aws:iam::123456789012:role/raxx-log-athena-reader",
    "writerUserArn": "arn:aws:iam::123456789012:user/raxx-heroku-log-drain",
    "restorerRoleArn": "arn:aws:iam::123456789012:role/raxx-log-restorer",
    "alarmTopicArn": "arn:aws:sns:us-east-1:123456789012:raxx-log-alarms",
    "endpoint": "https://abc.execute-api.us-east-1.amazonaws.com/prod/drain",
    "spillQueue": "https://sqs.us-east-1.amazonaws.com/123456789012/raxx-log-spill",
    "deadLetterQueue": "https://sqs.us-east-1.amazonaws.com/123456789012/raxx-log-spill-dead-letters",
    "dashboard": "https://us-east-1.console.aws.amazon.com/cloudwatch/home",
    "breakGlassArns": ["arn:aws:iam::123456789012:user/break-glass"],
    "deployerArns": ["arn:aws:iam::123456789012:role/deployer"],
    "database": "raxx_heroku_logs",
    "table": "syslog",
    "view": "router_requests",
    "apps": ["raxx-api-prod", "raxx-console-prod"],
    "retiredApps": ["raxx-old-prod"],
    "parameterPrefix": "/raxx/log-drain/",
    "flushMinutes": 5,
    "drainsEnabled": True,
    "archiveAfterDays": 90,
    "expireAfterDays": 365,
    "resultsExpireAfterDays": 30,
    "silenceHours": 2,
    "silenceHoursByApp": {},
    "budgetUsd": 20,
}
