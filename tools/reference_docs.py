"""Writes the pages of docs/ that list what the code declares: `python -m tools.reference_docs`."""

import json
import re
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment

from contract import names
from contract.metrics import Metric, Writer
from contract.outputs import MEANINGS
from contract.stored_line import Reason
from infra.settings import Rule, Settings, key_of
from receiver.settings import DEFAULT_NAMESPACE
from runbook.doctor.faults import CHECKS, IDENTITIES
from runbook.document import markdown
from tools import cost_page

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
        "metrics.md": {
            "metrics": list(Metric),
            "namespace": names.receiver_function(settings.name_prefix),
            "namespace_outside": DEFAULT_NAMESPACE,
            "writers": list(Writer),
            "reasons": list(Reason),
        },
    }
    templates = _templates()
    return {page: templates.get_template(f"{page}.j2").render(known) for page, known in facts.items()}


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


def _setting(setting: Field[Any]) -> dict[str, str]:
    rule: Rule = setting.metadata["rule"]
    name = key_of(setting, PROJECT).removeprefix(f"{PROJECT}:")
    return {"name": name, "default": _default(rule.default), "meaning": rule.meaning, "allowed": rule.allowed}


def _default(value: Any) -> str:
    """A default as YAML that can be pasted, in code; words for what is empty."""
    if value in ("", (), {}):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def write(folder: Path = _DOCS) -> None:
    """Write the pages."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
