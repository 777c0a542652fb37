"""The dashboard has the form that CloudWatch documents, and each metric, log and alarm that it names exists."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contract import names
from contract.alarms import Watched, alarms, named
from contract.log_queries import Log
from contract.metrics import Metric
from contract.vended_metrics import BILLING_REGION, Resource, Vended
from infra.dashboard import COLUMNS, DashboardArgs, body

PREFIX = "raxx-log"
APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
RESOURCES = {resource: f"the-{resource.value.replace(' ', '-')}" for resource in Resource}
# "Amazon CloudWatch pricing": what a dashboard may reference for nothing.
FREE_METRICS = 50

# "Dashboard body structure and syntax": the keys of the body, of a widget, and of the properties of each type. The page
# lacks `start` and `end` of a metric widget, which the console writes and the CDK documents (GraphWidget).
OF_BODY = {"widgets", "variables", "start", "end", "periodOverride"}
OF_WIDGET = {"type", "x", "y", "width", "height", "properties"}
REQUIRED = {"text": {"markdown"}, "log": {"query", "region"}, "alarm": {"alarms"}, "metric": {"region", "metrics"}}
ALLOWED = {
    "text": {"markdown", "background"},
    "log": {"query", "region", "title", "view", "accountId"},
    "alarm": {"alarms", "sortBy", "states", "title"},
    "metric": {
        *("accountId", "annotations", "liveData", "legend", "metrics", "period", "region", "sparkline", "stacked"),
        *("stat", "table", "timezone", "title", "view", "yAxis", "start", "end"),
    },
}
VIEWS = {
    "metric": {"timeSeries", "singleValue", "gauge", "bar", "pie", "table"},
    "log": {"table", "timeSeries", "bar", "pie"},
}
OF_METRIC = {"color", "label", "period", "stat", "visible", "yAxis", "id", "region"}
OF_EXPRESSION = {"expression", "label", "id", "color", "yAxis", "period", "visible"}
OF_LEVEL = {"value", "label", "color", "fill", "visible", "yAxis"}

Widget = dict[str, Any]


def arguments(apps: tuple[str, ...] = APPS, **changes: Any) -> DashboardArgs:
    watched = Watched(PREFIX, "/raxx/log-drain/", dict.fromkeys(apps, 2), **changes)
    arns = [f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}" for name in named(watched)]
    return DashboardArgs(watched, RESOURCES, arns, "us-east-1", "raxx-log-queries", 20)


def widgets(kind: str | None = None, args: DashboardArgs | None = None) -> list[Widget]:
    found: list[Widget] = json.loads(json.dumps(body(args or arguments())))["widgets"]
    return [widget for widget in found if kind in {None, widget["type"]}]


def metrics_of(widget: Widget) -> Iterator[tuple[str, str, dict[str, str], dict[str, Any]]]:
    """Namespace, name, dimensions and options of a widget's metrics, without expressions."""
    for *texts, options in widget["properties"]["metrics"]:
        if texts:
            namespace, title, *rest = texts
            yield namespace, title, dict(zip(rest[::2], rest[1::2], strict=True)), options


def graph(title: str) -> Widget:
    return next(widget for widget in widgets("metric") if widget["properties"]["title"] == title)


def levels(title: str) -> dict[str, float]:
    return {each["label"]: each["value"] for each in graph(title)["properties"]["annotations"]["horizontal"]}


# ---------------------------------------------------------------- the form


def test_the_form_is_the_documented_one() -> None:
    assert body(arguments()).keys() <= OF_BODY
    for widget in widgets():
        kind, properties = widget["type"], widget["properties"]
        assert widget.keys() == OF_WIDGET
        assert REQUIRED[kind] <= properties.keys() <= ALLOWED[kind]
        assert "view" not in properties or properties["view"] in VIEWS[kind]
    for widget in widgets("metric"):
        assert widget["properties"]["period"] % 60 == 0
        for level in widget["properties"]["annotations"]["horizontal"]:
            assert level.keys() <= OF_LEVEL
        for *texts, options in widget["properties"]["metrics"]:
            assert options.keys() <= (OF_METRIC if texts else OF_EXPRESSION)


def test_widgets_fill_the_columns_and_do_not_overlap() -> None:
    """One screen: 19 rows."""
    cells = [
        (x, y)
        for each in widgets()
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert sorted(cells) == sorted((x, y) for x in range(COLUMNS) for y in range(19))


def test_it_stays_within_what_cloudwatch_gives_away() -> None:
    for apps in (APPS, tuple(f"app-{number}" for number in range(8))):
        count = sum(len(list(metrics_of(widget))) for widget in widgets("metric", arguments(apps)))
        assert count <= FREE_METRICS, apps


def test_ids_are_unique_in_a_graph_and_formulas_use_them() -> None:
    for widget in widgets("metric"):
        ids = [item[-1]["id"] for item in widget["properties"]["metrics"]]
        assert len(set(ids)) == len(ids)
        hidden = [item[-1]["id"] for item in widget["properties"]["metrics"] if item[-1].get("visible") is False]
        formulas = [item[0]["expression"] for item in widget["properties"]["metrics"] if len(item) == 1]
        assert len(hidden) == len(formulas)
        assert all(key in formula for key, formula in zip(hidden, formulas, strict=True))


# ---------------------------------------------------------------- what it names


@pytest.mark.parametrize("widget", widgets("metric"), ids=lambda widget: widget["properties"]["title"])
def test_each_metric_exists_with_its_dimensions(widget: Widget) -> None:
    vended = [(each.namespace, each.title, each.dimensions_in(RESOURCES)) for each in Vended]
    ours = {metric.title: metric for metric in Metric}
    for namespace, title, dimensions, _ in metrics_of(widget):
        if namespace == names.receiver_function(PREFIX):
            assert dimensions.keys() == {*filter(None, [ours[title].dimension])}
            assert {*dimensions.values()} <= {*APPS}
        else:
            assert (namespace, title, dimensions) in vended


def test_every_app_has_its_lines_and_its_silence() -> None:
    for title, metric in (("Lines per minute", Metric.LINES), ("Silence", Metric.SILENCE)):
        assert [(name, of["app"]) for _, name, of, _ in metrics_of(graph(title))] == [
            (metric.title, app) for app in APPS
        ]


def test_charges_are_asked_where_they_are() -> None:
    for widget in widgets("metric"):
        of_billing = {namespace == "AWS/Billing" for namespace, *_ in metrics_of(widget)}
        assert (widget["properties"]["region"] == BILLING_REGION) >= (True in of_billing)
    other = DashboardArgs(**{**vars(arguments()), "region": "eu-west-1"})
    regions = {each["properties"]["title"]: each["properties"]["region"] for each in widgets("metric", other)}
    assert [title for title, region in regions.items() if region == BILLING_REGION] == [
        "Month's cost so far, these services in the account"
    ]


def test_every_log_group_exists() -> None:
    groups = {log.group(PREFIX) for log in Log}
    for widget in widgets("log"):
        sources = [part for part in widget["properties"]["query"].split(" | ") if part.startswith("SOURCE ")]
        assert sources
        assert {source.removeprefix("SOURCE ").strip("'") for source in sources} <= groups


def test_every_alarm_has_a_tile() -> None:
    (tiles,) = widgets("alarm")
    assert [arn.rpartition(":")[2] for arn in tiles["properties"]["alarms"]] == list(named(arguments().watched))
    assert len(tiles["properties"]["alarms"]) <= 100


# ---------------------------------------------------------------- thresholds


@pytest.mark.parametrize(
    "alarm", [each for each in alarms(arguments().watched) if not each.per_day_change], ids=lambda each: each.name
)
def test_a_threshold_is_drawn_over_what_its_alarm_sees(alarm: Any) -> None:
    """The same statistic and period; a threshold over another sum would lie."""
    label = alarm.name.removesuffix(f"-{alarm.app}")
    drawn = [
        (options["stat"], options["period"], widget["properties"]["annotations"]["horizontal"])
        for widget in widgets("metric")
        for namespace, title, dimensions, options in metrics_of(widget)
        if title == alarm.metric.title
        and (isinstance(alarm.metric, Metric) or dimensions == alarm.metric.dimensions_in(RESOURCES))
        and dimensions.get("app") == alarm.app
    ]
    assert any(
        (stat, period) == (alarm.statistic, alarm.period_s)
        and any(label in level["label"].replace(",", "").split() for level in horizontal)
        for stat, period, horizontal in drawn
    )


def test_thresholds_are_in_the_units_of_the_graph() -> None:
    assert levels("Silence") == {"alarm silent": 2}
    assert levels("Waiting to be stored") == {"alarm behind": 5, "alarm spill-age": 17, "alarm dead-letters": 1}
    assert levels("Receiver: time of a POST") == {"alarm receiver-slow": 2000, "answers within": 4000}


def test_an_alarm_on_a_change_has_no_threshold_over_the_value() -> None:
    assert levels("Stored, 30 days") == {}


def test_alarms_on_the_right_axis_are_drawn_there() -> None:
    horizontal = graph("Waiting to be stored")["properties"]["annotations"]["horizontal"]
    assert {each["label"]: each.get("yAxis") for each in horizontal} == {
        "alarm behind": None,
        "alarm spill-age": None,
        "alarm dead-letters": "right",
    }


def test_an_app_that_may_be_silent_has_a_line_but_no_threshold() -> None:
    watched = Watched(PREFIX, "/raxx/log-drain/", {"raxx-api-prod": 0})
    args = DashboardArgs(watched, RESOURCES, [], "us-east-1", "raxx-log-queries", 20)
    (silence,) = (each for each in widgets("metric", args) if each["properties"]["title"] == "Silence")
    assert silence["properties"]["annotations"]["horizontal"] == []
    assert len(list(metrics_of(silence))) == 1


def test_long_slots_are_counted_in_their_own_periods() -> None:
    """Lines are counted when their slot is stored: in shorter periods there would be gaps and peaks."""
    (volume,) = (
        each
        for each in widgets("metric", arguments(flush_minutes=60))
        if each["properties"]["title"] == "Lines per minute"
    )
    assert {options["period"] for *_, options in metrics_of(volume)} == {3600}
