"""Checks the parameters in SSM against the stack's outputs and against each other."""

import json
from collections.abc import Iterator

from contract import drain_url, names
from contract.outputs import InvalidOutputs, Outputs
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, Unknown
from runbook.errors import RunbookError


def check(context: Context) -> Findings:
    """Compare every parameter with its expected value."""
    outputs = context.outputs
    for name, value in _plain(outputs).items():
        text = context.parameter(name, secret=False)
        if name == names.OUTPUTS:
            yield from _outputs(context, text)
        else:
            yield from _compare(context, name, text, value)
    try:
        yield from _secrets(context)
    except RunbookError as error:
        yield Unknown.because(error)
    return f"all {len(_plain(outputs)) + 1 + len(outputs.apps)} exist and agree"


def _plain(outputs: Outputs) -> dict[str, str]:
    """The parameters that are not secret, and their expected values."""
    return {
        names.BUCKET_ARN: outputs.bucket_arn,
        names.READER_ROLE_ARN: outputs.reader_role_arn,
        names.OUTPUTS: json.dumps(outputs.by_name()),
    }


def _outputs(context: Context, text: str | None) -> Iterator[Finding]:
    try:
        known = None if text is None else json.dumps(Outputs.parse(text, names.OUTPUTS).by_name())
    except InvalidOutputs as error:
        yield _differs(context, names.OUTPUTS, f"is invalid: {error}")
        return
    yield from _compare(context, names.OUTPUTS, known, _plain(context.outputs)[names.OUTPUTS])


def _secrets(context: Context) -> Iterator[Finding]:
    if not (keys := context.drain_keys()):
        if context.parameter(names.DRAIN_KEYS) is None:
            yield _missing(context, names.DRAIN_KEYS)
        else:
            yield _differs(context, names.DRAIN_KEYS, "is not a list of keys")
    for app in context.outputs.apps:
        name = names.drain_url(app)
        text = context.parameter(name)
        if text is None or keys:
            right = drain_url.url(context.outputs.stage_url, app, keys[0]) if keys else ""
            yield from _compare(context, name, text, right, "does not hold the URL signed with the current key")


def _compare(
    context: Context, name: str, text: str | None, value: str, difference: str = "does not match the stack"
) -> Iterator[Finding]:
    if text is None:
        yield _missing(context, name)
    elif text != value:
        yield _differs(context, name, difference)


def _missing(context: Context, name: str) -> Finding:
    return Finding.of(faults.PARAMETER_MISSING, name=context.outputs.parameter_prefix + name)


def _differs(context: Context, name: str, difference: str) -> Finding:
    full_name = context.outputs.parameter_prefix + name
    return Finding.of(faults.PARAMETER_DIFFERS, name=full_name, difference=difference)
