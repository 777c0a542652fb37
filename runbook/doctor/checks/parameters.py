"""Checks the parameters in SSM against the stack's outputs and against each other."""

from collections.abc import Callable, Iterator, Mapping

from contract import names
from contract.outputs import InvalidOutputs, Outputs
from contract.token_hashes import CURRENT, accepted_as
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, Unknown
from runbook.drains import urls
from runbook.errors import RunbookError


def check(context: Context) -> Findings:
    """Compare every parameter with its expected value."""
    yield from _outputs(context)
    for name, expected in _PLAIN.items():
        try:
            yield from _compare(context, name, context.parameter(name, secret=False), expected(context.outputs))
        except RunbookError as error:
            yield Unknown(f"whether {name} is right: {Unknown.because(error).reason}")
    apps = context.outputs.apps
    for app in apps:
        yield from _hashes(context, app)
    try:
        for app in apps:
            yield from _url(context, app)
    except RunbookError as error:
        yield Unknown.because(error)
    return f"all {1 + len(_PLAIN) + 2 * len(apps)} exist and agree"


# The parameters that are not secret, and what they are expected to hold.
_PLAIN: Mapping[str, Callable[[Outputs], str]] = {
    names.BUCKET_ARN: lambda outputs: outputs.bucket_arn,
    names.READER_ROLE_ARN: lambda outputs: outputs.reader_role_arn,
}


def _outputs(context: Context) -> Iterator[Finding]:
    text = context.parameter(names.OUTPUTS, secret=False)
    if text is None:
        yield _missing(context, names.OUTPUTS)
        return
    try:
        found = Outputs.parse(text, names.OUTPUTS)
    except InvalidOutputs as error:
        yield _differs(context, names.OUTPUTS, f"is invalid: {error}")
        return
    for problem in found.problems:
        yield _differs(context, names.OUTPUTS, f"is invalid: {problem}")
    known, expected = found.by_name(), context.outputs.by_name()
    if any(known[name] != expected[name] for name in known.keys() & expected.keys()):
        yield _differs(context, names.OUTPUTS, "does not match the stack")


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
