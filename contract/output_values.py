"""Which values an output may have.

Tools put outputs into SQL, shell commands and requests, so no output may hold anything that its name does not need. The
placeholders of a preview, such as `<account-id>`, are valid.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from contract import slots
from contract.object_keys import APP_NAME

# Athena user guide, "Name databases, tables, and columns": these stand in SQL as they are.
_SQL_NAME = re.compile(r"[a-z_][a-z0-9_]{0,127}")
# What AWS and Pulumi allow in the names of what they manage.
_NAME = re.compile(r"[\w.-]{1,255}", re.ASCII)
# IAM user guide, "IAM identifiers"; an account is twelve digits.
_ARN = re.compile(r"arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:(?:\d+|<account-id>):[\w+=,.@/:-]+", re.ASCII)
_ARN_PATTERN = re.compile(r"arn:[!-~]+")
# RFC 3986, section 2, without what a shell would not take as it is; and the placeholder of a preview.
_URL = re.compile(r"https?://[\w.~:/?#@!&*+,;=%<>\[\]-]+", re.ASCII)
_PATH = re.compile(r"/(?:[\w.-]+/)*", re.ASCII)
_MOST = 100_000


def is_valid(name: str, value: object) -> bool:
    """Whether an output, by the stack's name of it, may have this value, as JSON has it."""
    return _RULES[name](value)


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _list_of(pattern: re.Pattern[str], least: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(_matches(pattern), value))


def _number(least: int) -> Callable[[object], bool]:
    # True is an int.
    return lambda value: type(value) is int and least <= value <= _MOST


def _is_url(value: object) -> bool:
    if not isinstance(value, str) or not _URL.fullmatch(value):
        return False
    try:
        found = urlsplit(value)
        return bool(found.hostname) and found.port != 0
    except ValueError:
        return False


def _is_hours_by_app(value: object) -> bool:
    hours = _number(0)
    return isinstance(value, dict) and all(APP_NAME.fullmatch(app) and hours(each) for app, each in value.items())


_RULES: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(("bucket", "workgroup", "buffer", "flusher", "receiver", "namePrefix"), _matches(_NAME)),
    **dict.fromkeys(("region", "project", "stack"), _matches(_NAME)),
    **dict.fromkeys(("database", "table", "view"), _matches(_SQL_NAME)),
    **dict.fromkeys(("readerRoleArn", "restorerRoleArn", "writerUserArn", "alarmTopicArn"), _matches(_ARN)),
    **dict.fromkeys(("breakGlassArns", "deployerArns"), _list_of(_ARN_PATTERN, 0)),
    **dict.fromkeys(("endpoint", "spillQueue", "deadLetterQueue", "dashboard"), _is_url),
    "apps": _list_of(APP_NAME, 1),
    "retiredApps": _list_of(APP_NAME, 0),
    "parameterPrefix": _matches(_PATH),
    "flushMinutes": lambda value: type(value) is int and value in slots.LENGTHS,
    "drainsEnabled": lambda value: isinstance(value, bool),
    **dict.fromkeys(("archiveAfterDays", "expireAfterDays", "resultsExpireAfterDays", "budgetUsd"), _number(1)),
    "silenceHours": _number(0),
    "silenceHoursByApp": _is_hours_by_app,
}
