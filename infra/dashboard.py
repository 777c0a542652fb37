"""What the dashboard shows: the body that CloudWatch gets. Pure; docs/watch.md explains each row.

Keys are those of "Dashboard body structure and syntax". Colours are those of Okabe and Ito, which colour-blind people
can tell apart. CloudWatch gives away three dashboards with up to 50 metrics each ("Amazon CloudWatch pricing").
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract import names
from contract.alarms import Alarm, Statistic, Watched, alarms
from contract.log_queries import FAULTS_BY_REASON, QUERIES, LogQuery, lag_of_apps
from contract.metric_identity import identity
from contract.metrics import Metric
from contract.vended_metrics import BILLING_REGION, Resource, Vended

COLUMNS = 24
_BLUE, _ORANGE, _GREEN, _PINK, _SKY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"
_RED, _YELLOW, _GREY = "#D55E00", "#F0E442", "#7F7F7F"
_OF_APPS = (_BLUE, _ORANGE, _GREEN, _PINK, _SKY, _YELLOW, _GREY)
_MINUTE, _FIVE_MINUTES, _SIX_HOURS, _DAY = 60, 300, 21_600, 86_400
# The receiver answers within 4 s (docs/design.md).
_ANSWER_MS = 4000
# An alarm widget has at most 100.
_MOST_TILES = 100

Widget = dict[str, Any]


@dataclass(frozen=True)
class DashboardArgs:
    """What is watched: the names of resources, which the metrics have as dimensions, and where the links lead."""

    watched: Watched
    resources: Mapping[Resource, str]
    alarm_arns: Sequence[str]
    region: str
    workgroup: str
    budget_usd: int


@dataclass(frozen=True)
class _Line:
    """A line of a graph: a metric, whose statistic and period are those of its alarm, if it has one and none is given.

    `scaled` is a formula in which `{m}` is the metric.
    """

    metric: Metric | Vended
    label: str
    color: str
    statistic: str | None = None
    app: str | None = None
    scaled: str = ""
    right: bool = False


@dataclass(frozen=True)
class _Graph:
    """A graph: its lines, the labels of its axes, what the alarms' thresholds are divided by, and more levels.

    With `days` it always shows that many days; otherwise the time range that is chosen in the console.
    """

    title: str
    lines: Sequence[_Line]
    left: str
    right: str = ""
    period_s: int = _FIVE_MINUTES
    unit: float = 1
    levels: Sequence[tuple[float, str]] = ()
    stacked: bool = False
    region: str = ""
    days: int = 0


def body(args: DashboardArgs) -> dict[str, Any]:
    """Give the body of a stack's dashboard, as JSON."""
    graph = _Drawing(args)
    watched, prefix = args.watched, args.watched.name_prefix
    apps = list(watched.silence_hours)
    arns = args.alarm_arns
    rows = [
        _row(0, 4, (16, _alarms(arns[:_MOST_TILES])), (8, _text(args))),
        _row(
            4,
            5,
            (8, graph.of(_volume(apps, watched.flush_minutes))),
            (5, graph.of(_silence(apps))),
            (5, _log(lag_of_apps(apps), "timeSeries", prefix, args.region)),
            (6, graph.of(_WAITING)),
        ),
        _row(
            9,
            5,
            (6, graph.of(_MISSING)),
            (6, graph.of(_REFUSED)),
            (6, graph.of(_FAILING)),
            (6, _log(FAULTS_BY_REASON, "table", prefix, args.region)),
        ),
        _row(
            14,
            5,
            (6, graph.of(_RECEIVER)),
            (6, graph.of(_FLUSHER)),
            (6, graph.of(_STORED)),
            (6, graph.of(_cost(args.budget_usd))),
        ),
        *([_row(19, 4, (COLUMNS, _alarms(arns[_MOST_TILES:])))] if len(arns) > _MOST_TILES else []),
    ]
    return {
        "start": "-PT12H",
        # Without it, CloudWatch uses longer periods for longer times, and sums would differ from those of the alarms.
        "periodOverride": "inherit",
        "widgets": [widget for row in rows for widget in row],
    }


def url(region: str, name_prefix: str) -> str:
    """Give the URL of a stack's dashboard in the console."""
    return f"{_cloudwatch(region)}#dashboards/dashboard/{names.dashboard(name_prefix)}"


def _cloudwatch(region: str) -> str:
    return f"{_console(region)}/cloudwatch/home?region={region}"


def _console(region: str) -> str:
    return f"https://{region}.console.aws.amazon.com"


def _row(y: int, height: int, *parts: tuple[int, Widget]) -> Iterator[Widget]:
    """Place widgets of some widths beside each other."""
    x = 0
    for width, widget in parts:
        yield {"x": x, "y": y, "width": width, "height": height, **widget}
        x += width


# ---------------------------------------------------------------- graphs


def _colored(apps: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((app, _OF_APPS[number % len(_OF_APPS)]) for number, app in enumerate(apps))


def _volume(apps: Iterable[str], flush_minutes: int) -> _Graph:
    return _Graph(
        "Lines per minute",
        [
            _Line(Metric.LINES, app, color, Statistic.SUM, app, scaled="{m} / PERIOD({m}) * 60")
            for app, color in _colored(apps)
        ],
        "lines",
        # A slot is counted at once when it is stored.
        period_s=max(_FIVE_MINUTES, flush_minutes * _MINUTE),
    )


def _silence(apps: Iterable[str]) -> _Graph:
    return _Graph(
        "Silence",
        [
            _Line(Metric.SILENCE, app, color, Statistic.MAXIMUM, app, scaled="{m} / 3600")
            for app, color in _colored(apps)
        ],
        "hours",
        period_s=_MINUTE,
        unit=3600,
    )


_WAITING = _Graph(
    "Waiting to be stored",
    (
        _Line(Metric.BEHIND, "behind", _BLUE, scaled="{m} / 60"),
        _Line(Vended.SPILL_AGE, "oldest spilled", _GREEN, scaled="{m} / 60"),
        _Line(Vended.SPILLED, "spilled", _ORANGE, Statistic.SUM, right=True),
        _Line(Vended.DEAD_LETTERS, "dead letters", _PINK, right=True),
    ),
    "minutes",
    "batches",
    unit=60,
)
_MISSING = _Graph(
    "Lost, quarantined, deleted",
    (
        _Line(Metric.LINES_LOST, "lines lost on the way", _BLUE),
        _Line(Metric.QUARANTINED, "quarantine lines", _ORANGE),
        _Line(Vended.DELETIONS, "objects deleted by hand", _PINK, right=True),
    ),
    "lines",
    "objects",
)
_REFUSED = _Graph(
    "Requests refused and failed",
    (
        _Line(Vended.API_4XX, "4xx", _ORANGE),
        _Line(Metric.UNAUTHORISED, "401: no valid token", _PINK),
        _Line(Vended.API_5XX, "5xx", _BLUE),
        _Line(Vended.API_REQUESTS, "all requests", _GREY, Statistic.SUM, right=True),
    ),
    "requests",
    "all requests",
)
_FAILING = _Graph(
    "Errors and throttles",
    (
        _Line(Vended.CANARY_ERRORS, "canary errors", _BLUE),
        _Line(Vended.FLUSHER_ERRORS, "flusher errors", _GREEN),
        _Line(Vended.DIGESTER_ERRORS, "digester errors", _YELLOW),
        _Line(Vended.RECEIVER_ERRORS, "receiver errors", _ORANGE),
        _Line(Vended.RECEIVER_THROTTLES, "receiver throttles", _PINK),
        _Line(Vended.BUFFER_THROTTLES, "buffer throttles", _SKY),
    ),
    "count",
)
_RECEIVER = _Graph(
    "Receiver: time of a POST",
    (
        _Line(Vended.RECEIVER_DURATION, "p50", _SKY, "p50"),
        _Line(Vended.RECEIVER_DURATION, "p99", _BLUE, Statistic.P99),
        _Line(Vended.RECEIVER_DURATION, "longest", _ORANGE, Statistic.MAXIMUM),
    ),
    "ms",
    period_s=_MINUTE,
    levels=((_ANSWER_MS, "answers within"),),
)
_FLUSHER = _Graph(
    "Flusher: time of a run",
    (
        _Line(Vended.FLUSHER_DURATION, "p50", _SKY, "p50", scaled="{m} / 1000"),
        _Line(Vended.FLUSHER_DURATION, "longest", _ORANGE, Statistic.MAXIMUM, scaled="{m} / 1000"),
    ),
    "seconds",
    # The next run begins; a run begins nothing new after 50 s.
    levels=((60, "next run begins"),),
)
_STORED = _Graph(
    "Stored, 30 days",
    (
        _Line(Vended.STANDARD_BYTES, "Standard", _BLUE, Statistic.AVERAGE, scaled="{m} / 1000000000"),
        _Line(Vended.GLACIER_BYTES, "Glacier", _SKY, Statistic.AVERAGE, scaled="{m} / 1000000000"),
        _Line(Vended.OBJECTS, "objects", _ORANGE, Statistic.AVERAGE, right=True),
    ),
    "GB",
    "objects",
    period_s=_DAY,
    days=30,
)


def _cost(budget_usd: int) -> _Graph:
    """What the account pays for each service; AWS has no such metric per stack. Each month begins at 0."""
    services = (
        (Vended.COST_API, "API Gateway", _BLUE),
        (Vended.COST_BUFFER, "DynamoDB", _ORANGE),
        (Vended.COST_S3, "S3", _GREEN),
        (Vended.COST_LAMBDA, "Lambda", _PINK),
        (Vended.COST_CLOUDWATCH, "CloudWatch", _SKY),
        (Vended.COST_ATHENA, "Athena", _YELLOW),
        (Vended.COST_QUEUES, "SQS", _GREY),
    )
    return _Graph(
        "Month's cost so far, these services in the account",
        [_Line(metric, label, color, Statistic.MAXIMUM) for metric, label, color in services],
        "USD",
        period_s=_SIX_HOURS,
        levels=((budget_usd, "budget"),),
        stacked=True,
        region=BILLING_REGION,
        days=30,
    )


class _Drawing:
    """Makes widgets of graphs, with the stack's names and the alarms' thresholds."""

    def __init__(self, args: DashboardArgs) -> None:
        self._args = args
        self._alarms = alarms(args.watched)

    def of(self, graph: _Graph) -> Widget:
        axes = {"left": {"label": graph.left, "min": 0, "showUnits": False}}
        if graph.right:
            axes["right"] = {"label": graph.right, "min": 0, "showUnits": False}
        levels = [*_thresholds(self._alarms, graph), *(_level(*level) for level in graph.levels)]
        properties = {
            "title": graph.title,
            "region": graph.region or self._args.region,
            "view": "timeSeries",
            "stacked": graph.stacked,
            "period": graph.period_s,
            "metrics": [
                item for number, line in enumerate(graph.lines) for item in self._items(f"m{number}", line, graph)
            ],
            "yAxis": axes,
            "legend": {"position": "bottom"},
            "annotations": {"horizontal": levels},
        }
        # The console writes these two for "Persist time range" and the CDK for a GraphWidget; the page lacks them.
        return {
            "type": "metric",
            "properties": {**properties, **({"start": f"-P{graph.days}D", "end": "P0D"} if graph.days else {})},
        }

    def _items(self, key: str, line: _Line, graph: _Graph) -> Iterator[list[Any]]:
        alarm = _alarm_of(line, self._alarms)
        shown = {
            "label": line.label,
            "color": line.color,
            **({"yAxis": "right"} if line.right else {}),
        }
        options: dict[str, Any] = {
            "id": key,
            "stat": line.statistic or (alarm.statistic if alarm else Statistic.SUM),
            "period": alarm.period_s if alarm else graph.period_s,
        }
        if line.scaled:
            yield [{"expression": line.scaled.format(m=key), "id": f"{key}s", **shown}]
            yield [*self._metric(line), {**options, "visible": False}]
        else:
            yield [*self._metric(line), {**options, **shown}]

    def _metric(self, line: _Line) -> list[str]:
        args = self._args
        namespace, dimensions = identity(line.metric, args.watched.name_prefix, args.resources, line.app)
        return [namespace, line.metric.title, *(text for dimension in dimensions.items() for text in dimension)]


def _alarm_of(line: _Line, table: Iterable[Alarm]) -> Alarm | None:
    """The alarm on what a line shows, whatever statistic it has, unless it compares something else."""
    return next(
        (
            alarm
            for alarm in table
            if (alarm.metric, alarm.app) == (line.metric, line.app)
            and line.statistic in {None, alarm.statistic}
            and not alarm.per_day_change
        ),
        None,
    )


def _thresholds(table: Iterable[Alarm], graph: _Graph) -> Iterator[dict[str, Any]]:
    """Give each threshold of the alarms on the lines of a graph, with the names of its alarms, but no app's."""
    found: dict[tuple[bool, float], dict[str, None]] = {}
    for line in graph.lines:
        if alarm := _alarm_of(line, table):
            value = alarm.threshold / (1 if line.right else graph.unit)
            found.setdefault((line.right, value), {})[alarm.name.removesuffix(f"-{alarm.app}")] = None
    for (right, value), named in sorted(found.items()):
        yield _level(value, f"alarm {', '.join(named)}", right=right)


def _level(value: float, label: str, *, right: bool = False) -> dict[str, Any]:
    return {"value": value, "label": label, "color": _RED, **({"yAxis": "right"} if right else {})}


# ---------------------------------------------------------------- the other widgets


def _log(query: LogQuery, view: str, name_prefix: str, region: str) -> Widget:
    return {
        "type": "log",
        "properties": {
            "title": query.title,
            "region": region,
            "view": view,
            "query": query.with_sources(name_prefix),
        },
    }


def _alarms(arns: Sequence[str]) -> Widget:
    return {
        "type": "alarm",
        "properties": {"title": "Alarms", "sortBy": "stateUpdatedTimestamp", "alarms": list(arns)},
    }


def _text(args: DashboardArgs) -> Widget:
    prefix, watched = args.watched.name_prefix, args.watched
    home = _console(args.region)
    logs = f"{_cloudwatch(args.region)}#logsV2:logs-insights"
    athena = f"{home}/athena/home?region={args.region}#/workgroups/details/{args.workgroup}"
    bucket = f"{home}/s3/buckets/{args.resources[Resource.BUCKET]}"
    markdown = (
        f"## {prefix}: logs of {len(watched.silence_hours)} Heroku apps\n"
        f"**In ALARM?** Its description says what to run. All checks: "
        f"`hla --prefix {watched.parameter_prefix} doctor`\n\n"
        "**silent, but canary is OK:** the app, or its drain. **canary:** the endpoint, or the way to S3. "
        "**behind:** the flusher; nothing is lost for 14 days.\n\n"
        f"**Look at** [the lines: Athena, saved queries]({athena}) · [the functions' logs: Logs Insights]({logs}), "
        f"{len(QUERIES)} saved queries under `{names.log_query(prefix, '')}` · [the bucket]({bucket}) · RUNBOOK.md\n\n"
        "**Cost** needs billing alerts (Billing preferences). It is the whole account's, and hours old."
    )
    return {"type": "text", "properties": {"markdown": markdown}}
