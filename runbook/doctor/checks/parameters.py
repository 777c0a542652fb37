"""What lies in SSM, against the stack's outputs and against each other."""

import json
from collections.abc import Iterator

from contract import drain_url, names
from contract.outputs import InvalidOutputs, Outputs
from runbook.doctor import faults
from runbook.doctor.examination import Examination, Finding, Surroundings, unknown
from runbook.doctor.secrets import drain_keys
from runbook.errors import RunbookError


def examine(surroundings: Surroundings) -> Examination:
    """Read every parameter and compare it with what it has to be."""
    outputs = surroundings.outputs
    for name, value in _plain(outputs).items():
        text = surroundings.parameter(name, secret=False)
        if name == names.OUTPUTS:
            yield from _outputs(surroundings, text)
        else:
            yield from _compare(surroundings, name, text, value)
    try:
        yield from _secrets(surroundings)
    except RunbookError as error:
        yield unknown(error)
    return f"all {len(_plain(outputs)) + 1 + len(outputs.apps)} are there, and agree"


def _plain(outputs: Outputs) -> dict[str, str]:
    """The parameters that are no secrets, and what they hold."""
    return {
        names.BUCKET_ARN: outputs.bucket_arn,
        names.READER_ROLE_ARN: outputs.reader_role_arn,
        names.OUTPUTS: json.dumps(outputs.by_name()),
    }


def _outputs(surroundings: Surroundings, text: str | None) -> Iterator[Finding]:
    try:
        known = None if text is None else json.dumps(Outputs.parse(text, names.OUTPUTS).by_name())
    except InvalidOutputs as error:
        yield _differs(surroundings, names.OUTPUTS, f"cannot be read: {error}")
        return
    yield from _compare(surroundings, names.OUTPUTS, known, _plain(surroundings.outputs)[names.OUTPUTS])


def _secrets(surroundings: Surroundings) -> Iterator[Finding]:
    if not (keys := drain_keys(surroundings)):
        if surroundings.parameter(names.DRAIN_KEYS) is None:
            yield _missing(surroundings, names.DRAIN_KEYS)
        else:
            yield _differs(surroundings, names.DRAIN_KEYS, "is no list of keys")
    for app in surroundings.outputs.apps:
        name = names.drain_url(app)
        text = surroundings.parameter(name)
        if text is None or keys:
            right = drain_url.url(surroundings.outputs.stage_url, app, keys[0]) if keys else ""
            yield from _compare(surroundings, name, text, right, "has not the URL with the token of the present key")


def _compare(
    surroundings: Surroundings, name: str, text: str | None, value: str, difference: str = "is not what the stack says"
) -> Iterator[Finding]:
    if text is None:
        yield _missing(surroundings, name)
    elif text != value:
        yield _differs(surroundings, name, difference)


def _missing(surroundings: Surroundings, name: str) -> Finding:
    return Finding.of(faults.PARAMETER_MISSING, name=surroundings.outputs.parameter_prefix + name)


def _differs(surroundings: Surroundings, name: str, difference: str) -> Finding:
    full_name = surroundings.outputs.parameter_prefix + name
    return Finding.of(faults.PARAMETER_DIFFERS, name=full_name, difference=difference)
