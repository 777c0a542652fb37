"""Checks the parameters in SSM against the stack's outputs and against each other."""

import json
from collections.abc import Iterator

from contract import names
from contract.outputs import InvalidOutputs, Outputs
from contract.token_hashes import CURRENT, accepted_as
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, Unknown
from runbook.drains import urls
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
    for app in outputs.apps:
        yield from _hashes(context, app)
    try:
        for app in outputs.apps:
            yield from _url(context, app)
    except RunbookError as error:
        yield Unknown.because(error)
    return f"all {len(_plain(outputs)) + 2 * len(outputs.apps)} exist and agree"


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


def _hashes(context: Context, app: str) -> Iterator[Finding]:
    name = names.token_hashes(app)
    if context.parameter(name, secret=False) is None:
        yield _missing(context, name)
    elif not context.token_hashes(app):
        yield _differs(context, name, "is not a list of token hashes")


def _url(context: Context, app: str) -> Iterator[Finding]:
    name, url, hashes = names.drain_url(app), context.drain_url(app), context.token_hashes(app)
    if url is None:
        yield _missing(context, name)
    elif not urls.is_ours(url, context.outputs.endpoint):
        yield _differs(context, name, "does not hold a URL of the stack's endpoint")
    elif hashes and accepted_as(hashes, urls.token(url, app) or "") != CURRENT:
        yield _differs(context, name, "does not hold the URL with the current token")


def _compare(context: Context, name: str, text: str | None, value: str) -> Iterator[Finding]:
    if text is None:
        yield _missing(context, name)
    elif text != value:
        yield _differs(context, name, "does not match the stack")


def _missing(context: Context, name: str) -> Finding:
    return Finding.of(faults.PARAMETER_MISSING, name=context.outputs.parameter_prefix + name)


def _differs(context: Context, name: str, difference: str) -> Finding:
    full_name = context.outputs.parameter_prefix + name
    return Finding.of(faults.PARAMETER_DIFFERS, name=full_name, difference=difference)
