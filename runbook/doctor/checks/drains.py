"""The drains that Heroku has, against the one that the stack registers for each app."""

import hmac
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from contract import drain_url
from runbook.clients.heroku import Drain
from runbook.doctor import faults
from runbook.doctor.examination import Examination, Finding, Surroundings, Unknown, unknown
from runbook.doctor.secrets import drain_keys, expected_url
from runbook.drains import urls
from runbook.errors import RunbookError


def examine(surroundings: Surroundings) -> Examination:
    """Compare each app's drains with what SSM has."""
    heroku, outputs = surroundings.heroku(), surroundings.outputs
    for app in outputs.apps:
        try:
            drains = heroku.drains(app)
        except RunbookError as error:
            yield unknown(error)
            continue
        ours = [each for each in drains if urls.is_ours(each.url, outputs.endpoint)]
        yield from _app(surroundings, app, ours, len(drains) - len(ours))
    if not outputs.drains_enabled:
        return "no app drains, as drainsEnabled is false"
    return f"{', '.join(outputs.apps)}: one drain each, with the URL that SSM has"


def _app(surroundings: Surroundings, app: str, ours: list[Drain], others: int) -> Iterator[Finding | Unknown]:
    if not surroundings.outputs.drains_enabled:
        yield from (Finding.of(faults.DRAIN_DESPITE_STOP, app=app, id=each.id) for each in ours)
        return
    if not ours:
        yield Finding.of(faults.DRAIN_MISSING, app=app, others=others or "none")
        return
    try:
        url, keys = expected_url(surroundings, app), drain_keys(surroundings)
    except RunbookError as error:
        yield Unknown(f"whether {app}'s drain has the right token: {unknown(error).reason}")
        return
    if url is None:
        yield Unknown(f"whether {app}'s drain has the right token: SSM has neither its URL nor drain keys")
        return
    yield from _tokens(app, ours, url, keys)


def _tokens(app: str, ours: list[Drain], url: str, keys: tuple[str, ...]) -> Iterator[Finding]:
    right = [each for each in ours if each.url == url]
    for each in ours:
        if each in right:
            continue
        accepted = _accepted(app, each.url, keys)
        if right:
            told = "with the token of another generation" if accepted else "with a token that is refused"
            yield Finding.of(faults.DRAIN_DOUBLED, app=app, id=each.id, token=told)
        else:
            fault = faults.DRAIN_NOT_ROTATED if accepted else faults.DRAIN_REFUSED
            yield Finding.of(fault, app=app, id=each.id)


def _accepted(app: str, url: str, keys: tuple[str, ...]) -> bool:
    query = parse_qs(urlsplit(url).query)
    tokens = query.get("token", [])
    # The receiver refuses what is given twice.
    if query.get("app") != [app] or len(tokens) != 1:
        return False
    return any(hmac.compare_digest(drain_url.token(key, app).encode(), tokens[0].encode()) for key in keys)
