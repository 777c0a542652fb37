"""The outputs of a stack, with a value for each."""

from typing import Any

from contract.outputs import MEANINGS

VALUES: dict[str, Any] = {name: f"a-{name}" for name in MEANINGS} | {
    "database": "raxx_heroku_logs",
    "table": "syslog",
    "view": "router_requests",
    "apps": ["raxx-api-prod", "raxx-console-prod"],
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
