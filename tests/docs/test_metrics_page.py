"""docs/metrics.md explains what the code logs."""

import json
import re

from contract.metrics import MEANINGS, Field, Metric
from tests.support.paths import DOCS, PROJECT

PAGE = (DOCS / "metrics.md").read_text(encoding="utf-8")
_REASON = re.compile(r"""(?:faults\.log|Unavailable|NotAsked)\(\s*f?"([\w{}.-]+)\"""")


def reasons_in_the_code() -> set[str]:
    """Without those that begin with the name of a service."""
    sources = (path.read_text(encoding="utf-8") for path in (PROJECT / "receiver").rglob("*.py"))
    return {
        reason
        for source in sources
        for reason in _REASON.findall(source)
        if not re.match(r"\{self\._name\}|ssm-", reason)
    }


def test_every_reason_of_a_fault_is_explained() -> None:
    assert {"spilled", "flush-failed", "canary-failed", "buffer-not-set"} <= reasons_in_the_code()
    for reason in reasons_in_the_code() - {"reading-deadline"}:
        assert f"| `{reason}` |" in PAGE
    assert "| `…-deadline` |" in PAGE


def test_every_metric_and_field_is_listed_with_its_meaning() -> None:
    for metric in Metric:
        assert re.search(rf"^\| `{metric.title}` \| .*{re.escape(metric.meaning)} \|$", PAGE, re.MULTILINE)
    for field in Field:
        assert f"\n| `{field}` | {MEANINGS[field]} |\n" in PAGE


def test_the_entry_is_one_that_the_flusher_writes() -> None:
    """Valid JSON, with metrics and fields only."""
    entry = json.loads(next(line for line in PAGE.splitlines() if line.startswith('{"_aws"')))
    assert entry.keys() - {"_aws", "app"} <= {*Field, *(metric.title for metric in Metric)}
