"""Renders RUNBOOK.md with the names of one stack. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contract import access_log, alarms, buffer_table, canary, names
from contract.alarms import Watched
from contract.object_keys import LOGS_PREFIX, PROJECTED_YEARS, RESULTS_PREFIX
from contract.outputs import Outputs
from contract.saved_queries import saved_queries
from runbook import prices
from runbook.cost import bill, volume
from runbook.cost.usage import Retention
from runbook.cost.volume import Volume
from runbook.document import markdown
from runbook.glacier.retrieval import TIERS
from runbook.prices import GB
from runbook.terminal import printing

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATE = "RUNBOOK.md.j2"

# When a person last reviewed the template's text as a whole, and what it was then.
_LAST_REVIEWED = "2026-06-17, as the runbook of what this stack replaces; this text: not yet"

# Options that a query needs, with their values; and the options of a second example.
_REQUIRED = {
    "request": ' --request-id "$request_id"',
    "around": ' --around "$time"',
}
_EXAMPLES = {
    "request": "request_id=0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77",
    "around": "time=2026-06-17T15:00",
}
_NARROWER = {
    "summary": "--last 15m",
    "errors-by-surface": "--last 3h --app {app} --every 5m --chart",
    "errors-by-endpoint": "--last 3h --app {app}",
    "errors-since": "--last 7d --app {app}",
    "latency-outliers": "--last 1h --app {app}",
    "security-events": "--last 1h",
    "recent-deploys": "--app {app}",
    "deploys": "--last 24h --app {app}",
    "slow-endpoints": "--last 24h --app {app}",
    "errors-by-code": "--last 3h",
    "around": "--minutes 10 --app {app}",
}


def render(outputs: Outputs) -> str:
    """Render the runbook of a stack in Markdown. The outputs are in a comment at the end."""
    environment = markdown.templates(_FOLDER)
    environment.filters |= {
        "anchor": lambda name: f"[`{name}`](#{name})",
        "dollars": printing.dollars,
        "size": printing.size,
    }
    text = environment.get_template(_TEMPLATE).render(**asdict(outputs), **_facts(outputs))
    body, begin, document = text.rpartition("<!-- outputs\n")
    return markdown.wrapped(body) + begin + document


def _facts(outputs: Outputs) -> Mapping[str, Any]:
    """The values for the template that are not outputs."""
    return {
        "document": _document(outputs),
        "partition": outputs.partition,
        "reader_role": _last(outputs.reader_role_arn),
        "account": outputs.reader_role_arn.split(":")[4],
        "athena_console": f"https://{outputs.region}.console.aws.amazon.com/athena/home?region={outputs.region}",
        "restorer_role": _last(outputs.restorer_role_arn),
        "writer_user": _last(outputs.writer_user_arn),
        "spill_queue_name": _last(outputs.spill_queue),
        "dead_letter_queue_name": _last(outputs.dead_letter_queue),
        "log_group": names.function_log_group(outputs.receiver),
        "flusher_log_group": names.function_log_group(outputs.flusher),
        "flusher_schedule": names.FLUSHER_SCHEDULE,
        **_watch(outputs),
        "failed_pattern": access_log.filter_pattern("!= 200"),
        "access_log_fields": list(access_log.FIELDS),
        "partition_key": buffer_table.PARTITION_KEY,
        "sort_key": buffer_table.SORT_KEY,
        "expires": buffer_table.EXPIRES,
        "flushed_partition": buffer_table.FLUSHED_PARTITION,
        "batch_prefix": buffer_table.BATCH_PREFIX,
        "grace_s": buffer_table.GRACE_MS // 1000,
        "kept_days": buffer_table.KEPT_DAYS,
        "access_log_group": names.access_log_group(outputs.name_prefix),
        "drain_path": urlsplit(outputs.endpoint).path,
        "logs_prefix": LOGS_PREFIX,
        "results_prefix": RESULTS_PREFIX,
        "years": PROJECTED_YEARS,
        "queries": [query.on_table(outputs.database, outputs.table) for query in saved_queries()],
        "required": _REQUIRED,
        "examples": _EXAMPLES,
        "last_reviewed": _LAST_REVIEWED,
        "narrower": {name: options.format(app=outputs.apps[0]) for name, options in _NARROWER.items()},
        "tiers": [
            {"name": name, "takes": tier.takes, "usd": tier.per_request.cost(1000) + tier.per_byte.cost(GB)}
            for name, tier in TIERS.items()
        ],
        "cost": _cost(outputs),
        "volumes": _volumes(outputs),
        "prices_as_of": prices.AS_OF,
        "prices_region": prices.REGION,
    }


def _watch(outputs: Outputs) -> Mapping[str, Any]:
    function, digester = (name(outputs.name_prefix) for name in (names.canary_function, names.digester_function))
    return {
        "digester_function": digester,
        "digester_log_group": names.function_log_group(digester),
        "alarms": alarms.alarms(Watched.of(outputs)),
        "alarm_topic_name": outputs.alarm_topic_arn.rpartition(":")[2],
        "dashboard_name": names.dashboard(outputs.name_prefix),
        "budget_name": names.budget(outputs.name_prefix),
        "deletions_queue": names.deletions_queue(outputs.name_prefix),
        "canary_function": function,
        "canary_log_group": names.function_log_group(function),
        "canary_schedule": names.CANARY_SCHEDULE,
        "canary_minutes": canary.EVERY_MINUTES,
        "not_a_canary": canary.NOT_A_CANARY,
    }


def _document(outputs: Outputs) -> str:
    # A > could close the comment.
    return json.dumps(outputs.by_name(), indent=2).replace(">", "\\u003e")


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _volumes(outputs: Outputs) -> list[Volume]:
    """The volumes of the table of costs, with the stack's apps and slots."""
    return [
        replace(each, apps=len(outputs.apps), flush_minutes=outputs.flush_minutes)
        for each in (volume.PRE_LAUNCH, volume.REFERENCE)
    ]


def _cost(outputs: Outputs) -> list[dict[str, Any]]:
    """The items of the bill for the template, without those that cost nothing."""
    kept = Retention(outputs.archive_after_days, outputs.expire_after_days, outputs.results_expire_after_days)
    months = [each.month(kept) for each in _volumes(outputs)]
    return [
        {"what": item.what, "usd": [item.usd(month) for month in months]}
        for item in bill.ITEMS
        if any(item.usd(month) for month in months)
    ]
