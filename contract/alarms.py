"""All alarms: one table, for the stack, docs/reference/alarms.md and the runbook.

Each alarm is on one metric, because CloudWatch charges for each metric of an alarm. Counts are of faults, so that no
data means no fault; gauges keep the alarm as it is while they have no data. Only `behind` and `digester` take missing
data for the fault itself: without them, the flusher or the digester does not run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from contract import names
from contract.lifecycle import UNDO_DAYS
from contract.metrics import Metric
from contract.outputs import Outputs
from contract.slots import DEFAULT_MINUTES
from contract.vended_metrics import Vended

_MINUTE, _FIVE_MINUTES, _DAY = 60, 300, 86_400
_HOUR_S = 3600
# CloudWatch's limit ("PutMetricAlarm", AlarmDescription).
DESCRIPTION_CHARACTERS = 1024
# How all alarms compare ("PutMetricAlarm", ComparisonOperator).
COMPARISON = "GreaterThanOrEqualToThreshold"
# A slot that spans midnight is two objects, and a late batch is one more. Queries leave two objects each.
_OBJECTS_PER_SLOT, _RESULTS_PER_DAY = 2, 2_000


class Statistic(StrEnum):
    """How the values of a period become one."""

    SUM = "Sum"
    AVERAGE = "Average"
    MAXIMUM = "Maximum"
    P99 = "p99"


class Missing(StrEnum):
    """What a period without data is taken for ("Configuring how CloudWatch alarms treat missing data")."""

    NOT_BREACHING = "notBreaching"
    BREACHING = "breaching"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Alarm:
    """An alarm: in ALARM when `datapoints` of `periods` periods of `period_s` seconds are at least the threshold.

    `means` says what happened and why it matters; `arguments` are those of `hla` that show more. With
    `per_day_change`, it is not the value that is compared but how much it differs from the value a day before.
    """

    name: str
    metric: Metric | Vended
    statistic: Statistic
    threshold: float
    period_s: int
    datapoints: int
    periods: int
    missing: Missing
    means: str
    arguments: str
    app: str | None = None
    per_day_change: bool = False

    def description(self, parameter_prefix: str) -> str:
        """What CloudWatch shows and sends: what it means, and the command that shows more."""
        return f"{self.means} Run: {self.command(parameter_prefix)}"

    def command(self, parameter_prefix: str) -> str:
        """The command that shows more."""
        return f"hla --prefix {parameter_prefix} {self.arguments}"


@dataclass(frozen=True)
class Watched:
    """What alarms depend on: names, and for each app the hours of silence to alarm after, 0 for none."""

    name_prefix: str
    parameter_prefix: str
    silence_hours: Mapping[str, int]
    flush_minutes: int = DEFAULT_MINUTES
    drains_enabled: bool = True

    @classmethod
    def of(cls, outputs: Outputs) -> Self:
        """Read it from a stack's outputs."""
        return cls(
            outputs.name_prefix,
            outputs.parameter_prefix,
            {app: outputs.silence_of(app) for app in outputs.apps},
            outputs.flush_minutes,
            outputs.drains_enabled,
        )


def alarms(watched: Watched) -> tuple[Alarm, ...]:
    """Give all alarms of a stack."""
    return (*_silence(watched), *_TABLE, _objects(watched))


def _silence(watched: Watched) -> Iterator[Alarm]:
    if not watched.drains_enabled:
        return
    for app, hours in watched.silence_hours.items():
        if hours:
            yield Alarm(
                f"silent-{app}", Metric.SILENCE, Statistic.MAXIMUM, hours * _HOUR_S,
                _MINUTE, 1, 1, Missing.IGNORE,
                f"{app} has sent no line for {hours} h. If the alarm canary is OK, the endpoint works: the app is "
                "quiet, stopped, or its drain is gone or has another URL.",
                "doctor --only drains --only objects --only canary",
                app=app,
            )  # fmt: skip


_TABLE = (
    Alarm(
        "canary", Vended.CANARY_ERRORS, Statistic.SUM, 1, _MINUTE, 1, 1, Missing.IGNORE,
        "A canary was not accepted in three tries, or was not stored: logs of all or some apps do not arrive, whether "
        "the apps log or not.",
        "doctor",
    ),
    Alarm(
        "behind", Metric.BEHIND, Statistic.MAXIMUM, 300, _MINUTE, 3, 5, Missing.BREACHING,
        "Batches wait in the buffer and are not written to S3, or the flusher does not run at all. Nothing is lost for "
        "14 days, and `lines` shows what waits.",
        "doctor --only buffer --only flusher",
    ),
    Alarm(
        "flusher-errors", Vended.FLUSHER_ERRORS, Statistic.SUM, 1, _MINUTE, 3, 5, Missing.NOT_BREACHING,
        "The flusher cannot do all its work, for example because S3 or DynamoDB refuses it. Its log has flush-failed "
        "with the cause.",
        "doctor --only flusher --only bucket --only buffer",
    ),
    Alarm(
        # A batch that one run left is received again after 15 minutes and gone by the 18th. SQS leaves a message out of
        # this metric from its third receive on, half an hour after it came ("Available CloudWatch metrics for SQS").
        "spill-age", Vended.SPILL_AGE, Statistic.MAXIMUM, 1020, _MINUTE, 3, 3, Missing.NOT_BREACHING,
        "Batches have waited in the spill queue for 17 minutes, because the buffer does not take them. They stay "
        "there for five days and then become dead letters.",
        "doctor --only queues --only buffer",
    ),
    Alarm(
        "dead-letters", Vended.DEAD_LETTERS, Statistic.MAXIMUM, 1, _FIVE_MINUTES, 1, 1, Missing.IGNORE,
        "Batches that the buffer did not take for days are dead letters. SQS deletes them 14 days after they came: "
        "move them back before that.",
        "doctor --only queues",
    ),
    Alarm(
        "buffer-throttled", Vended.BUFFER_THROTTLES, Statistic.SUM, 10, _FIVE_MINUTES, 1, 1, Missing.NOT_BREACHING,
        "DynamoDB throttles writes to the buffer. The batches go to the spill queue and are stored later.",
        "doctor --only buffer --only queues",
    ),
    Alarm(
        "receiver-errors", Vended.RECEIVER_ERRORS, Statistic.SUM, 5, _FIVE_MINUTES, 1, 1, Missing.NOT_BREACHING,
        "The receiver's function fails, for example at its start or by its time-out. Logplex tries each batch three "
        "times and then drops it.",
        "doctor --only endpoint --only parameters",
    ),
    Alarm(
        "receiver-throttled", Vended.RECEIVER_THROTTLES, Statistic.SUM, 10, _FIVE_MINUTES, 1, 1, Missing.NOT_BREACHING,
        "Lambda has no free concurrency for the receiver. Logplex tries each batch three times and then drops it: "
        "raise the account's limit of concurrent executions.",
        "doctor --only endpoint",
    ),
    Alarm(
        # It waits 2.6 s for the buffer, less what the POST took to get to it.
        "receiver-slow", Vended.RECEIVER_DURATION, Statistic.P99, 2000, _MINUTE, 3, 5, Missing.NOT_BREACHING,
        "One POST in a hundred or more takes the receiver 2 s, as the buffer is slow. It answers within 4 s; Logplex "
        "gives up after 5 s.",
        "doctor --only endpoint --only buffer",
    ),
    Alarm(
        "api-5xx", Vended.API_5XX, Statistic.SUM, 5, _FIVE_MINUTES, 1, 1, Missing.NOT_BREACHING,
        "The endpoint answers 5xx: the receiver fails or cannot be invoked, or neither buffer nor queue takes a batch. "
        "Logplex tries each batch three times and then drops it.",
        "doctor --only endpoint --only parameters --only buffer",
    ),
    Alarm(
        "api-4xx", Vended.API_4XX, Statistic.SUM, 100, _FIVE_MINUTES, 1, 1, Missing.NOT_BREACHING,
        "The endpoint refuses many requests: wrong tokens (401), other paths (404), or more than the stage's limits "
        "(429). Logplex drops a batch at once that is refused with 401 or 404.",
        "doctor --only endpoint --only drains",
    ),
    Alarm(
        "refused", Metric.UNAUTHORISED, Statistic.SUM, 12, _FIVE_MINUTES, 1, 1, Missing.NOT_BREACHING,
        "Requests have no valid token. If a drain has an old URL, Logplex drops its batches at once; otherwise "
        "somebody tries tokens.",
        "doctor --only drains --only parameters",
    ),
    Alarm(
        "lines-lost", Metric.LINES_LOST, Statistic.SUM, 1, _FIVE_MINUTES, 1, 1, Missing.NOT_BREACHING,
        "Logplex or log-shuttle reports that it lost lines of an app on the way to this stack (L10, L12, L13).",
        "query lines-lost",
    ),
    Alarm(
        "quarantined", Metric.QUARANTINED, Statistic.SUM, 20, _FIVE_MINUTES, 1, 1, Missing.NOT_BREACHING,
        "Many lines are not valid syslog. They are kept as quarantine lines, and their reason is in msgid.",
        "lines --last 1h --dyno quarantine",
    ),
    Alarm(
        "deleted", Vended.DELETIONS, Statistic.MAXIMUM, 1, _MINUTE, 1, 1, Missing.IGNORE,
        "Somebody deleted logs: lifecycle rules do not count here, and nothing else in this stack deletes logs. The "
        f"bucket keeps deleted versions for {UNDO_DAYS} days. The queue's messages say who it was; the alarm ends with "
        "them.",
        "doctor --only deletions",
    ),
    Alarm(
        # It runs every hour, and the next run makes up for one that failed. Where it does not run at all, this may take
        # some hours more: CloudWatch looks for older values ("Configuring how CloudWatch alarms treat missing data").
        "digester", Vended.DIGESTER_ERRORS, Statistic.SUM, 1, _HOUR_S, 3, 3, Missing.BREACHING,
        "Nobody has recorded for three hours or more what is written to the archive, so that deleted or changed logs "
        "would not show. The next digest records what these hours missed.",
        "doctor --only digests",
    ),
)  # fmt: skip


def _objects(watched: Watched) -> Alarm:
    slots = len(watched.silence_hours) * 24 * 60 // watched.flush_minutes
    most = _OBJECTS_PER_SLOT * slots + _RESULTS_PER_DAY
    return Alarm(
        # Of two days, so that CloudWatch retrieves the day to compare with. S3's one value per day has no statistic but
        # the average ("Metrics and dimensions").
        "objects", Vended.OBJECTS, Statistic.AVERAGE, most, _DAY, 1, 2, Missing.IGNORE,
        f"The bucket has at least {most} objects more or fewer than a day before, which slots, queries and expiry do "
        "not explain. Fewer: versions were deleted. More: delete markers hide logs, or somebody else writes.",
        "doctor --only bucket --only layout --only deletions",
        per_day_change=True,
    )  # fmt: skip


def named(watched: Watched) -> dict[str, Alarm]:
    """Give the alarms by their names in CloudWatch."""
    return {names.alarm(watched.name_prefix, alarm.name): alarm for alarm in alarms(watched)}
