"""Queries of the logs, in the language of CloudWatch Logs Insights: the stack saves them, and the dashboard has two.

A query costs what it scans ("Amazon CloudWatch pricing"): choose its time range in the console. Lambda writes a report
of an event only if the event failed, as the functions log the system's events from WARN on ("Log-level filtering"), so
no query shows durations: use the metrics of the functions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from contract import access_log, names
from contract.metrics import Field, Metric
from contract.stored_line import Reason


class Log(StrEnum):
    """Whose log it is."""

    RECEIVER = "receiver"
    FLUSHER = "flusher"
    CANARY = "canary"
    ACCESS = "access log"

    def group(self, name_prefix: str) -> str:
        """The name of its log group."""
        match self:
            case Log.RECEIVER:
                return names.function_log_group(names.receiver_function(name_prefix))
            case Log.FLUSHER:
                return names.function_log_group(names.flusher_function(name_prefix))
            case Log.CANARY:
                return names.function_log_group(names.canary_function(name_prefix))
            case Log.ACCESS:
                return names.access_log_group(name_prefix)


@dataclass(frozen=True)
class LogQuery:
    """A query of some logs; `title` says what it shows, in a line."""

    name: str
    title: str
    logs: Sequence[Log]
    text: str

    def groups(self, name_prefix: str) -> list[str]:
        """The log groups that it reads."""
        return [log.group(name_prefix) for log in self.logs]

    def with_sources(self, name_prefix: str) -> str:
        """The query as a dashboard has it, with its log groups ("Dashboard body structure and syntax", log widget)."""
        sources = (f"SOURCE '{group}'" for group in self.groups(name_prefix))
        return " | ".join([*sources, self.text])


def _lines(*commands: str) -> str:
    return "\n| ".join(commands)


def _field(name: str) -> str:
    """A field's name, in backticks if it needs them ("Fields that contain special characters")."""
    return name if re.fullmatch(r"[A-Za-z0-9.]+", name) else f"`{name}`"


# A request without this text is not in the access log's format. All but the last two fields have no blanks.
_PARSED = " ".join(
    f'"(?<{name}>.*)"' if '"' in value else rf"(?<{name}>\S+)" for name, value in access_log.FIELDS.items()
)
_PARSE = f"parse @message /^{_PARSED}$/"

# A large batch is stored by the receiver.
_STORED = (Log.FLUSHER, Log.RECEIVER)
_FUNCTIONS = (Log.RECEIVER, Log.FLUSHER, Log.CANARY)
_NEWEST = "count(*) as times, latest(@timestamp) as newest"
_LAG_S = f"{Field.LAG} / 1000"

QUERIES = (
    LogQuery(
        "volume",
        "Lines, batches and bytes of each app",
        _STORED,
        _lines(
            f"filter ispresent({Field.BATCHES})",
            f"stats sum({Metric.LINES.title}) as storedLines, sum({Field.BATCHES}) as storedBatches, "
            f"sum({Metric.LINES.title}) / sum({Field.BATCHES}) as linesPerBatch, sum({Field.CANARIES}) as ofCanaries, "
            f"sum({Field.BYTES_RECEIVED}) as received, sum({Field.BYTES_STORED}) as stored by app",
            "sort storedLines desc",
        ),
    ),
    LogQuery(
        "lag",
        "How long lines take from the app to the endpoint, in seconds",
        _STORED,
        _lines(
            f"filter ispresent({Field.LAG})",
            f"stats pct({_LAG_S}, 50) as median, pct({_LAG_S}, 99) as p99, max({_LAG_S}) as longest by app",
            "sort longest desc",
        ),
    ),
    LogQuery(
        "lines-lost",
        "Which slots have lines missing, by this drain and by other drains of the app",
        _STORED,
        _lines(
            f"filter ispresent({Metric.LINES_LOST.title}) or ispresent({Field.LOST_ELSEWHERE})",
            f"fields @timestamp, app, {Field.SLOT}, {Metric.LINES_LOST.title}, {Field.LOST_ELSEWHERE}",
            "sort @timestamp desc",
        ),
    ),
    LogQuery(
        "quarantine",
        "Quarantine lines of each app, by reason",
        _STORED,
        _lines(
            f"filter ispresent({Metric.QUARANTINED.title})",
            f"stats sum({Metric.QUARANTINED.title}) as allReasons, "
            + ", ".join(
                f"sum({_field(f'{Field.REASONS}.{reason}')}) as {reason.replace('-', '_')}" for reason in Reason
            )
            + " by app",
            "sort allReasons desc",
        ),
    ),
    LogQuery(
        "count-mismatches",
        "Batches with more or fewer frames than they announced",
        _STORED,
        _lines(
            f"filter ispresent({Field.MISMATCHES})",
            f"fields @timestamp, app, {Field.SLOT}, {Field.MISMATCHES}, {Field.BATCHES}",
            "sort @timestamp desc",
        ),
    ),
    LogQuery(
        "spilled",
        "Batches that the buffer did not take, and when",
        (Log.RECEIVER,),
        _lines('filter reason = "spilled"', "stats count(*) as spilledBatches by app, bin(5m)"),
    ),
    LogQuery(
        "drained",
        "Spilled batches that the flusher put into the buffer",
        (Log.FLUSHER,),
        _lines(f"filter ispresent({Field.DRAINED})", f"fields @timestamp, {Field.DRAINED}", "sort @timestamp desc"),
    ),
    LogQuery(
        "faults",
        "Faults of the functions, by reason",
        _FUNCTIONS,
        _lines("filter ispresent(reason)", f"stats {_NEWEST} by @log, level, reason", "sort times desc"),
    ),
    LogQuery(
        "function-errors",
        "Events that failed in Lambda, with the exception or the time-out",
        _FUNCTIONS,
        # Lambda's fields: "AWS Lambda function errors in Python", "Configuring JSON and plain text log formats".
        _lines(
            'filter ispresent(errorType) or type = "platform.report"',
            "fields @timestamp, @log, errorType, errorMessage, record.status, record.metrics.durationMs",
            "sort @timestamp desc",
            "limit 200",
        ),
    ),
    LogQuery(
        "flush-failures",
        "What the flusher could not do, and why",
        (Log.FLUSHER,),
        _lines('filter reason = "flush-failed"', f"stats {_NEWEST} by what, cause", "sort times desc"),
    ),
    LogQuery(
        "canary-failures",
        "Which app's canaries were not accepted or not stored, and why",
        (Log.CANARY,),
        _lines('filter reason = "canary-failed"', f"stats {_NEWEST} by what, cause", "sort times desc"),
    ),
    LogQuery(
        "refused",
        "Requests that were not answered 200, by address and status",
        (Log.ACCESS,),
        _lines(_PARSE, "filter status != 200", f"stats {_NEWEST} by ip, status", "sort times desc", "limit 200"),
    ),
    LogQuery(
        "gateway-failures",
        "Requests for which API Gateway could not invoke the receiver, by cause",
        (Log.ACCESS,),
        _lines(
            _PARSE,
            'filter integrationError != "-"',
            f"stats {_NEWEST} by status, lambdaStatus, integrationError, error",
            "sort times desc",
        ),
    ),
)


# A query has at most 10,000 characters ("StartQuery", CloudWatch Logs API reference).
_MOST_LAGS = 70


def lag_of_apps(apps: Sequence[str]) -> LogQuery:
    """Give the longest lag of each app over time: a line for each, as a time series has no other groups than time.

    Of very many apps, give the first ones, and say so.
    """
    shown = apps[:_MOST_LAGS]
    columns = (f"max({_LAG_S} * strcontains(concat('/', app, '/'), '/{app}/')) as {_field(app)}" for app in shown)
    whose = "each app" if shown == apps else f"the first {len(shown)} apps"
    return LogQuery(
        "lag-of-apps",
        f"Longest lag of {whose}, in seconds",
        _STORED,
        _lines(f"filter ispresent({Field.LAG})", f"stats {', '.join(columns)} by bin(5m)"),
    )


FAULTS_BY_REASON = LogQuery(
    "faults-by-reason",
    "Faults by reason",
    _FUNCTIONS,
    _lines("filter ispresent(reason)", f"stats {_NEWEST} by reason", "sort newest desc", "limit 20"),
)
