"""Checks the drains at Heroku against the one that the stack registers for each app."""

from collections.abc import Iterator, Mapping, Sequence

from contract.token_hashes import CURRENT, accepted_as
from runbook.clients.heroku import Drain
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, Unknown
from runbook.drains import heroku_drains, urls
from runbook.drains.heroku_drains import AppDrains
from runbook.errors import RunbookError


def check(context: Context) -> Findings:
    """Compare the token of each app's drains with the hashes in SSM."""
    heroku, outputs = context.heroku(), context.outputs
    endpoint = heroku_drains.deployed_endpoint(outputs)
    for app in outputs.apps:
        try:
            drains = heroku.drains(app)
        except RunbookError as error:
            yield Unknown.because(error)
            continue
        yield from _app(context, AppDrains.of(app, drains, endpoint))
    if not outputs.drains_enabled:
        return "no app has a drain, because drainsEnabled is false"
    return f"{', '.join(outputs.apps)}: one drain each, with the current token"


def _app(context: Context, found: AppDrains) -> Iterator[Finding | Unknown]:
    app, ours = found.app, found.ours
    if not context.outputs.drains_enabled:
        yield from (Finding.of(faults.DRAIN_DESPITE_STOP, app=app, id=each.id) for each in ours)
        return
    if not ours:
        yield Finding.of(faults.DRAIN_MISSING, app=app, others=len(found.others) or "none")
        return
    try:
        hashes = context.token_hashes(app)
    except RunbookError as error:
        yield Unknown(f"whether {app}'s drain has the right token: {Unknown.because(error).reason}")
        return
    if not hashes:
        yield Unknown(f"whether {app}'s drain has the right token: SSM has no hashes of its tokens")
        return
    yield from _tokens(app, ours, hashes)


def _tokens(app: str, ours: Sequence[Drain], hashes: Mapping[str, str]) -> Iterator[Finding]:
    whose = {each.id: accepted_as(hashes, urls.token(each.url, app) or "") for each in ours}
    right = [each for each in ours if whose[each.id] == CURRENT]
    for each in ours:
        if each in right:
            continue
        accepted = whose[each.id] is not None
        if right:
            token = "a token of another generation" if accepted else "a token that the receiver refuses"
            yield Finding.of(faults.DRAIN_DOUBLED, app=app, id=each.id, token=token)
        else:
            fault = faults.DRAIN_NOT_ROTATED if accepted else faults.DRAIN_REFUSED
            yield Finding.of(fault, app=app, id=each.id)
