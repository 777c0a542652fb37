"""Writes the pages of docs/ that the code knows better than we do: `python -m tools.reference_docs`."""

import json
import re
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from contract.metrics import ANSWERS, Metric
from contract.stored_line import Reason
from infra.outputs import MEANINGS
from infra.settings import Rule, Settings, key_of
from receiver.metrics import DEFAULT_NAMESPACE
from runbook.doctor.faults import CHECKS, IDENTITIES, Check, Fault
from tools import cost_page

PROJECT = "heroku-log-archive"
_FOLDER = Path(__file__).parent.parent / "docs"

_SETTINGS = """\
# Settings

<!-- Written by `python -m tools.reference_docs` from infra/settings.py. -->

What `Pulumi.<stack>.yaml` can say. What it does not say has its default. All settings are checked before anything is
deployed, and all that cannot be deployed are named at once.

{table}

`aws:region` is written as it is; in the file every other key begins with `{project}:`, and on the command line that may
be left out.

## Setting them

In the file, lists and maps are YAML:

```yaml
config:
  aws:region: us-east-1
  {project}:bucketName: raxx-heroku-logs-prod
  {project}:drainsEnabled: true
  {project}:apps:
    - raxx-api-prod
    - raxx-console-prod
  {project}:appIds:
    raxx-console-prod: 01234567-89ab-cdef-0123-456789abcdef
  {project}:tags:
    project: heroku-log-archive
    owner: ops
```

On the command line `--path` reaches into a list, which counts from 0, or into a map:

```sh
pulumi config set drainsEnabled false
pulumi config set --path 'apps[3]' raxx-new-prod
pulumi config set --path 'appIds.raxx-console-prod' 01234567-89ab-cdef-0123-456789abcdef
pulumi config set --path 'tags.owner' ops
pulumi config rm --path 'appIds.raxx-console-prod'
```

A tag map that is set takes the place of the default one, so it has to repeat `project` if that is to stay.

`--path` writes integers, `true` and `false` into the file without quotes; in lists and maps of strings they count as
what was typed. What is written into the file by hand and is not a string in YAML, such as 1.10 or an account id that
begins with 0, must be in quotes.

## Changing a deployed stack

Most settings change a resource in place. These replace what cannot be renamed:

{replacing}

## The Heroku API key

It is the provider's setting, not ours. Put it into the stack's file, encrypted, or into the environment; where both are
there, the file counts.

```sh
pulumi config set --secret heroku:apiKey    # asks for it, so that it is in no shell history
export HEROKU_API_KEY
```
"""

_REPLACING = {
    "`bucketName`, `namePrefix`": (
        "replaces the bucket, or the queues. With `protectArchive` the preview refuses that, and nothing is changed. "
        "[How to change `namePrefix`](deploy.md#change-nameprefix)"
    ),
    "`parameterPrefix`": (
        "replaces the parameters. A receiver that starts while the `up` is under way may not find its keys for some "
        "seconds, and answers 503: Logplex may drop lines"
    ),
    "`readerRoleName`, `writerUserName`, `workgroupName`, `databaseName`, `tableName`": (
        "replaces what has the name. Nobody can query until the `up` is over; a receiver outside Lambda needs new "
        "credentials"
    ),
}

_OUTPUTS = """\
# Outputs

<!-- Written by `python -m tools.reference_docs` from infra/outputs.py. -->

What the stack tells the runbook and the operator's tools. None of it is a secret.

{table}

Three ways to read them:

```sh
pulumi stack output
pulumi stack output bucket
aws ssm get-parameter --name {prefix}outputs --query Parameter.Value --output text --region us-east-1
```

The last one needs no Pulumi: the reader role may call it, and gets all of them as one JSON object.
"""

_METRICS = """\
# Metrics

<!-- Written by `python -m tools.reference_docs` from contract/metrics.py. -->

What the receiver counts and measures. It writes them into its own log, in CloudWatch's Embedded Metric Format, and
CloudWatch makes metrics of them: nobody waits for an API, and each number can be traced to the log line that it came
in. There are no others: the code that writes them knows this table only.

{table}

The namespace is the function's name, `{namespace}` with the default `namePrefix`; a receiver outside Lambda says
`{elsewhere}`. A metric with a dimension has a time series for each value, one without has one in all. No value is a
stranger's to choose:

| Dimension | Values |
| --- | --- |
| `answer` | a status that the receiver gives: {answers} |
| `app` | one of the stack's apps |
| `reason` | {reasons} |

## Reading them

- What did not happen is not there: count missing data as zero, except for `Batches`, whose absence is the news.
- `LinesLost` is what the senders say. They tell it in the next POST that is accepted, so while all are refused nothing
  is heard of it.
- A batch that was kept, but too late for Logplex, is tried again: it is counted again, and stored once.
- A redrive counts in `Redriven` and `BytesStored`; what it stores was in the other metrics when it was spilled.
- `Requests` with `answer` 503 were kept nowhere, and Logplex tries each three times in all. The faults say why:
  `spill-too-large` is a batch that S3 did not take and that is too large for a message of the queue. `…-deadline` is a
  service that did not answer in time, `…-circuit-open` one that is not asked for a few seconds after three of those,
  `…-busy` one with as many calls under way as are allowed, `late` a POST that had waited too long for a thread.
- What API Gateway answers by itself, without the receiver, is in none of these: `AWS/ApiGateway` counts it as `4xx` and
  `5xx`, `AWS/Lambda` as `Throttles` where the function was throttled.
- `Spilled` without as many `Redriven` means that batches wait in the spill queue, or lie among its dead letters.
- `Lag` is missing where no line of a batch had a time to be believed, and is never below 0.

## Faults

Beside these lines there is one for each fault, with a code as its reason. Neither kind of line ever holds a body, a
query string or a token.

```json
{fault}
```
"""

_DOCTOR = """\
# The doctor

<!-- Written by `python -m tools.reference_docs` from runbook/doctor/faults.py. -->

`python -m runbook doctor` looks at everything that can be broken between an app's log line and the answer to a query,
all at once, and says what it found and the command that mends it. It changes nothing; the endpoint gets an empty batch
for each app, which stores nothing. `--only` makes some checks, `--json` is for programs.

It ends with 1 when anything is wrong, else with 2 when anything could not be looked at, else with 0. What could not be
looked at is said with whose right it would take, and does not hide the rest.

## What it looks at

{checks}

The identities:

{identities}

## Fault, finding, remedy

{faults}

Of the same fault in the bucket's layout the first ten are told. Keys are looked at for today and yesterday; folders,
and so apps and days, for all time.
"""


def pages() -> dict[str, str]:
    """The generated pages by file name, each ending in a newline."""
    settings = _table(("Setting", "Default", "What it is", "Allowed"), *map(_setting, fields(Settings)))
    outputs = _table(("Output", "What it is"), *((f"`{name}`", meaning) for name, meaning in MEANINGS.items()))
    return {
        "cost.md": cost_page.page(),
        "settings.md": _SETTINGS.format(
            table=settings, project=PROJECT, replacing=_table(("Setting", "What a change does"), *_REPLACING.items())
        ),
        "outputs.md": _OUTPUTS.format(table=outputs, prefix=Settings().parameter_prefix),
        "doctor.md": _DOCTOR.format(
            checks=_table(("Check", "What it looks at", "With the rights of"), *map(_check, CHECKS)),
            identities="\n".join(f"- **{identity}**: {meaning}." for identity, meaning in IDENTITIES.items()),
            faults=_table(
                ("Check", "Fault", "Finding", "Remedy"),
                *(_fault(check, fault) for check in CHECKS for fault in check.faults),
            ),
        ),
        "metrics.md": _METRICS.format(
            table=_table(("Metric", "Unit", "Dimension", "What it is"), *map(_metric, Metric)),
            namespace=f"{Settings().name_prefix}-receiver",
            elsewhere=DEFAULT_NAMESPACE,
            answers=", ".join(f"`{answer}`" for answer in ANSWERS),
            reasons=", ".join(f"`{reason}`" for reason in Reason),
            fault='{"level": "ERROR", "reason": "s3-SlowDown", "app": "raxx-api-prod", "frame_id": "9f…"}',
        ),
    }


def _metric(metric: Metric) -> tuple[str, ...]:
    dimension = f"`{metric.dimension}`" if metric.dimension else "none"
    return f"`{metric.title}`", metric.unit, dimension, metric.meaning


def _check(check: Check) -> tuple[str, ...]:
    return f"`{check.name}`", check.looks_at, ", ".join(check.identities)


def _fault(check: Check, fault: Fault) -> tuple[str, ...]:
    command = _placeholders(fault.command).replace("|", "\\|")
    found = re.sub(r"\{(\w+)\}", r"*\1*", fault.found)
    return f"`{check.name}`", f"`{fault.code}`", found, f"{fault.remedy}: `{command}`"


def _placeholders(template: str) -> str:
    """A command as people write it: `<app>` for `{app}`."""
    return re.sub(r"\{(\w+)\}", r"<\1>", template).replace("{{", "{").replace("}}", "}")


def _setting(setting: Field[Any]) -> tuple[str, ...]:
    rule: Rule = setting.metadata["rule"]
    name = key_of(setting, PROJECT).removeprefix(f"{PROJECT}:")
    return f"`{name}`", _default(rule.default), rule.meaning, rule.allowed


def _default(value: Any) -> str:
    """A default as YAML that can be pasted, in code; words for what is empty."""
    if value in ("", (), {}):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _table(*rows: tuple[str, ...]) -> str:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])


def write(folder: Path = _FOLDER) -> None:
    """Write the pages."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
