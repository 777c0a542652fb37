"""What lies in SSM, against the stack's outputs and against each other."""

import json
from collections.abc import Iterator

from contract import drain_url
from runbook.doctor import faults
from runbook.doctor.examination import Examination, Finding, Surroundings, unknown
from runbook.doctor.secrets import KEYS, drain_keys
from runbook.errors import RunbookError
from runbook.outputs import Outputs, output_names


def examine(surroundings: Surroundings) -> Examination:
    """Read every parameter and compare it with what it has to be."""
    outputs = surroundings.outputs
    for name, value in _plain(outputs).items():
        text = surroundings.parameter(name, secret=False)
        if name == "outputs":
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
        "bucket_arn": outputs.bucket_arn,
        "athena_reader_role_arn": outputs.reader_role_arn,
        "outputs": json.dumps(output_names(outputs)),
    }


def _outputs(surroundings: Surroundings, text: str | None) -> Iterator[Finding]:
    try:
        known = None if text is None else json.dumps(output_names(Outputs.parse(text, "outputs")))
    except RunbookError as error:
        yield _differs(surroundings, "outputs", f"cannot be read: {error}")
        return
    yield from _compare(surroundings, "outputs", known, _plain(surroundings.outputs)["outputs"])


def _secrets(surroundings: Surroundings) -> Iterator[Finding]:
    if not (keys := drain_keys(surroundings)):
        if surroundings.parameter(KEYS) is None:
            yield _missing(surroundings, KEYS)
        else:
            yield _differs(surroundings, KEYS, "is no list of keys")
    for app in surroundings.outputs.apps:
        name = f"drain_url/{app}"
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
