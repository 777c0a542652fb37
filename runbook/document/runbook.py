"""The runbook for people, RUNBOOK.md, with the names of one stack. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contract import names
from contract.object_keys import LOGS_PREFIX, PROJECTED_YEARS, RESULTS_PREFIX
from contract.outputs import Outputs
from contract.saved_queries import saved_queries
from runbook import prices, stack_outputs
from runbook.cost import bill, scenario
from runbook.cost.usage import Retention
from runbook.glacier.restores import TIERS
from runbook.prices import GB
from runbook.terminal import printing

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATE = "RUNBOOK.md.j2"
_BEGIN, _END = "<!-- outputs\n", "\n-->\n"

# Options that a query needs, and those of a second example.
_REQUIRED = {
    "request": " --request-id 0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77",
    "around": " --around 2026-06-17T15:00",
}
_NARROWER = {
    "errors-by-surface": "--last 3h --app {app} --chart",
    "latency-outliers": "--last 1h --app {app}",
    "security-events": "--last 1h",
    "recent-deploys": "--app {app}",
    "slow-endpoints": "--last 24h --app {app}",
    "errors-by-code": "--last 3h",
    "around": "--minutes 10 --app {app}",
}


def render(outputs: Outputs) -> str:
    """Write the runbook of a stack, in Markdown. It ends with the outputs, which `outputs_of` reads back."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  Markdown
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "anchor": lambda name: f"[`{name}`](#{name})",
        "code": lambda text: f"`{text}`",
        "dollars": printing.dollars,
    }
    return environment.get_template(_TEMPLATE).render(**asdict(outputs), **_facts(outputs))


def outputs_of(text: str) -> Outputs:
    """Read back the outputs that a runbook was written from; RunbookError when there are none in it."""
    return stack_outputs.parse(text.rpartition(_BEGIN)[2].removesuffix(_END), "the runbook")


def _facts(outputs: Outputs) -> Mapping[str, Any]:
    """What the template says beside the outputs themselves."""
    return {
        "document": _document(outputs),
        "partition": outputs.partition,
        "reader_role": _last(outputs.reader_role_arn),
        "writer_user": _last(outputs.writer_user_arn),
        "spill_queue_name": _last(outputs.spill_queue),
        "dead_letter_queue_name": _last(outputs.dead_letter_queue),
        "log_group": names.function_log_group(outputs.receiver),
        "access_log_group": names.access_log_group(outputs.name_prefix),
        "drain_path": urlsplit(outputs.endpoint).path,
        "logs_prefix": LOGS_PREFIX,
        "results_prefix": RESULTS_PREFIX,
        "years": PROJECTED_YEARS,
        "queries": [query.on_table(outputs.database, outputs.table) for query in saved_queries()],
        "required": _REQUIRED,
        "narrower": {name: options.format(app=outputs.apps[0]) for name, options in _NARROWER.items()},
        "tiers": [
            {"name": name, "takes": tier.takes, "usd": tier.a_request.cost(1000) + tier.a_byte.cost(GB)}
            for name, tier in TIERS.items()
        ],
        "cost": _cost(outputs),
        "volume": {"megabytes": scenario.MEGABYTES_A_DAY, "objects": scenario.OBJECTS_A_DAY},
        "prices_as_of": prices.AS_OF,
        "prices_region": prices.REGION,
    }


def _document(outputs: Outputs) -> str:
    # A > could end the comment.
    return json.dumps(outputs.by_name(), indent=2).replace(">", "\\u003e")


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _cost(outputs: Outputs) -> list[dict[str, Any]]:
    """The lines of a bill, as the template prints them, without those that nothing is paid for."""
    kept = Retention(outputs.archive_after_days, outputs.expire_after_days, outputs.results_expire_after_days)
    month = scenario.month(scenario.OBJECTS_A_DAY, len(outputs.apps), kept)
    return [
        {"what": line.what, "volume": line.amount(month), "usd": line.usd(month)}
        for line in bill.LINES
        if line.usd(month)
    ]
