"""Writes the pages of docs/ that list what the code declares: `python -m tools.reference_docs`."""

import json
import re
from dataclasses import Field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment

from contract import alarms, canary, names
from contract.alarms import Alarm, Missing, Watched
from contract.log_queries import QUERIES
from contract.metrics import MEANINGS as MEANINGS_OF_FIELDS
from contract.metrics import Metric, Writer
from contract.outputs import MEANINGS
from contract.saved_queries import saved_queries
from contract.slots import Slot
from contract.stored_line import Reason
from contract.vended_metrics import Resource, Vended
from infra.settings import Rule, Settings, key_of
from receiver import metrics
from receiver.settings import DEFAULT_NAMESPACE
from receiver.tally import Tally
from runbook.cost import bill
from runbook.doctor.faults import CHECKS, IDENTITIES
from runbook.document import markdown
from tools import cost_page
from tools.access import page as access

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = "heroku-log-archive"
_DOCS = Path(__file__).parent.parent / "docs"


def pages() -> dict[str, str]:
    """The generated pages by file name, each ending in a newline."""
    settings = Settings()
    facts: dict[str, Mapping[str, Any]] = {
        "cost.md": cost_page.facts(),
        "settings.md": {"settings": list(map(_setting, fields(Settings))), "project": PROJECT},
        "outputs.md": {"outputs": MEANINGS, "parameter": f"{settings.parameter_prefix}{names.OUTPUTS}"},
        "doctor.md": {"checks": CHECKS, "identities": IDENTITIES},
        "metrics.md": _metrics(settings),
        "reference/alarms.md": _alarms(settings),
        "reference/access.md": access.facts(),
        "reference/queries.md": {
            "queries": [query.on_table(settings.database_name, settings.table_name) for query in saved_queries()]
        },
    }
    templates = _templates()
    return {page: templates.get_template(f"{Path(page).name}.j2").render(known) for page, known in facts.items()}


def _metrics(settings: Settings) -> dict[str, Any]:
    apps, namespace = settings.apps, names.receiver_function(settings.name_prefix)
    tally = Tally(apps[0], batches=415, canaries=1, lines=1_978, bytes=463_210, lag_ms=1_430)
    begin = datetime(2026, 11, 24, 5, tzinfo=UTC)
    begin_ms, stored_ms = (round(time.timestamp() * 1000) for time in (begin, begin + timedelta(seconds=321)))
    entry = metrics.of_stored(tally, 90_342, Slot.of(begin_ms, settings.flush_minutes))
    return {
        "metrics": list(Metric),
        "apps": len(apps),
        "steady": bill.steady_series(len(apps)),
        "rare": bill.rare_series(len(apps)),
        "namespace": namespace,
        "namespace_outside": DEFAULT_NAMESPACE,
        "writers": list(Writer),
        "fields": MEANINGS_OF_FIELDS,
        "reasons": list(Reason),
        "entry": metrics.lines(entry, namespace, stored_ms).strip(),
        "queries": QUERIES,
        "folder": names.log_query(settings.name_prefix, ""),
    }


def _templates() -> Environment:
    environment = markdown.templates(Path(__file__).parent / "templates")
    environment.filters |= {
        "placeholders": _with_placeholders,
        "thousands": lambda number: f"{number:,.0f}",
        "usd": lambda amount, digits=2: f"${amount:,.{digits}f}",
    }
    return environment


def _with_placeholders(text: str, form: str) -> str:
    """A template's text as people write it: `<app>` for `{app}`, where the form is `<%s>`."""
    return re.sub(r"\{(\w+)\}", lambda found: form % found[1], text).replace("{{", "{").replace("}}", "}")


# ---------------------------------------------------------------- alarms

_MISSING = {Missing.NOT_BREACHING: "ok", Missing.BREACHING: "fault", Missing.IGNORE: "as before"}
_RESOURCES = {Resource.API: "API", Resource.DELETIONS: "queue of deletions", Resource.DEAD_LETTERS: "dead-letter queue"}
_AN_APP = "<app>"


def _alarms(settings: Settings) -> dict[str, Any]:
    def watched(silence_hours: "Mapping[str, int]") -> Watched:
        return Watched(settings.name_prefix, settings.parameter_prefix, silence_hours, settings.flush_minutes)

    all_ = alarms.alarms(watched(settings.silence_of_apps))
    silent, *_ = alarms.alarms(watched({_AN_APP: settings.silence_hours}))
    once = [silent, *(alarm for alarm in all_ if alarm.app is None)]
    own = {f"`{alarm.metric.title}`": None for alarm in once if isinstance(alarm.metric, Metric)}
    return {
        "alarms": [_alarm(alarm, settings.parameter_prefix) for alarm in once],
        "number": len(all_),
        "apps": len(settings.apps),
        "own": ", ".join(own),
        "example": names.alarm(settings.name_prefix, "behind"),
        "canary_minutes": canary.EVERY_MINUTES,
    }


def _alarm(alarm: Alarm, parameter_prefix: str) -> dict[str, str]:
    return {
        "name": alarm.name,
        "metric": _metric(alarm),
        "rule": _rule(alarm),
        "missing": _MISSING[alarm.missing],
        "means": alarm.means.replace(_AN_APP, f"`{_AN_APP}`"),
        "command": alarm.command(parameter_prefix),
    }


def _metric(alarm: Alarm) -> str:
    metric = alarm.metric
    if isinstance(metric, Vended):
        [of] = [_RESOURCES.get(each, each) for each in metric.dimensions.values() if isinstance(each, Resource)]
        return f"`{metric.namespace}` `{metric.title}` of the {of}"
    return f"[`{metric.title}`](../metrics.md){f' of `{alarm.app}`' if alarm.app else ''}"


def _rule(alarm: Alarm) -> str:
    """How CloudWatch decides: "`Maximum` of 1 min ≥ 300 in 3 of 5 periods"."""
    minutes = alarm.period_s // 60
    period = f"{minutes} min" if minutes < 24 * 60 else f"{minutes // (24 * 60)} d"
    value = f"`{alarm.statistic}` of {period}"
    if alarm.per_day_change:
        value = f"the change of `{alarm.statistic}` of {period} since the period before"
    times = "" if alarm.periods == 1 else f" in {alarm.datapoints} of {alarm.periods} periods"
    return f"{value} ≥ {alarm.threshold:,g}{times}"


# ---------------------------------------------------------------- settings


def _setting(setting: Field[Any]) -> dict[str, str]:
    rule: Rule = setting.metadata["rule"]
    name = key_of(setting, PROJECT).removeprefix(f"{PROJECT}:")
    default = _default(rule.default)
    if rule.elsewhere:
        default += f"; elsewhere {_with_placeholders(_default(rule.elsewhere), '<%s>')}"
    return {"name": name, "default": default, "meaning": rule.meaning, "allowed": rule.allowed}


def _default(value: Any) -> str:
    """A default as YAML that can be pasted, in code; words for what is empty."""
    if value in ("", (), {}):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def write(folder: Path = _DOCS) -> None:
    """Write the pages."""
    for name, text in pages().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
