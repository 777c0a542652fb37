"""`forget-drains`: Pulumi's state without drains that are gone."""

import json
import sys
from typing import Annotated

import typer

from runbook.clients import heroku
from runbook.drains.pulumi_state import Entry, State
from runbook.errors import RunbookError, of_each
from runbook.session import AsJson, session_of
from runbook.terminal import printing


def forget_drains(
    ctx: typer.Context,
    app: Annotated[
        list[str] | None,
        typer.Option(metavar="APP", help="Forget all drains of this app, without asking Heroku; can be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    r"""Take drains that Heroku no longer has out of Pulumi's state.

    \b
      pulumi stack export | python -m runbook forget-drains | pulumi stack import

    Pulumi does not notice that a drain is gone, and fails on it: at the next rotation, or for ever when it was rotated
    already. This reads a state and prints it without the drains that Heroku does not list; the rest stays as it is. The
    next `pulumi up` registers drains that are missing. An app that was deleted at Heroku needs --app.
    """
    if sys.stdin.isatty():
        raise RunbookError("this reads Pulumi's state: pulumi stack export | python -m runbook forget-drains")
    state = State.parse(sys.stdin.read())
    gone, failed = _gone(state.drains(), app or [])
    left = state.without(gone)
    if session_of(ctx, as_json=as_json).as_json:
        forgotten = [{"app": each.app, "id": each.id} for each in gone]
        printing.document({"forgotten": forgotten, "failed": failed, "state": left})
    else:
        print(json.dumps(left, indent=4, ensure_ascii=False))
    for each in gone:
        printing.note(f"forgotten: {each.app}  drain {each.id}{'  (replaced, to be deleted)' if each.replaced else ''}")
    for name in sorted(set(app or []) - {each.app for each in gone}):
        printing.note(f"not there: {name}  has no drain in the state")
    if not gone:
        printing.note("no drain in the state is gone: nothing was changed")
    for name, reason in failed.items():
        printing.note(f"kept: {name}  {reason}; if the app was deleted, add --app {name}")
    if failed:
        raise typer.Exit(1)


def _gone(drains: list[Entry], told: list[str]) -> tuple[list[Entry], dict[str, str]]:
    """The drains that are not at Heroku, and why it is not known of apps by name."""
    # By UUID: an app may have another name by now.
    app_ids = {each.app: each.app_id for each in drains if each.app not in told}
    if app_ids:
        api = heroku.from_environment()
        found, failed = of_each(app_ids, lambda name: {drain.id for drain in api.drains(app_ids[name])})
    else:
        found, failed = {}, {}
    gone = [each for each in drains if each.app in told or (each.app in found and each.id not in found[each.app])]
    return gone, failed
