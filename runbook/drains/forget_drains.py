"""`forget-drains`: removes drains that no longer exist from Pulumi's state."""

import sys
from typing import Annotated

import typer

from runbook.clients import heroku
from runbook.drains.pulumi_state import Entry, State
from runbook.errors import RunbookError, ask_each
from runbook.session import AsJson, session_of
from runbook.terminal import printing


def forget_drains(
    ctx: typer.Context,
    app: Annotated[
        list[str] | None,
        typer.Option(
            "--app", "-a", metavar="APP", help="Forget all drains of this app without asking Heroku; repeatable."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    r"""Remove drains that no longer exist at Heroku from Pulumi's state.

    \b
      pulumi stack export | hla forget-drains | pulumi stack import

    Pulumi does not notice that a drain is gone. It fails at the next rotation, or on every run if the drain was rotated
    since. This command reads a state and prints it without the drains that Heroku does not list. The next `pulumi up`
    registers the missing drains. For an app that was deleted at Heroku, use --app.
    """
    if sys.stdin.isatty():
        raise RunbookError("pipe in Pulumi's state: pulumi stack export | hla forget-drains")
    state = State.parse(sys.stdin.read())
    gone, failed = _gone(state.drains(), app or [])
    left = state.without(gone)
    if session_of(ctx, as_json=as_json).as_json:
        forgotten = [{"app": each.app, "id": each.id} for each in gone]
        printing.document({"forgotten": forgotten, "failed": failed, "state": left})
    else:
        print(printing.as_json(left, indent=4))
    for each in gone:
        printing.note(f"forgotten: {each.app}  drain {each.id}{'  (pending deletion)' if each.replaced else ''}")
    for name in sorted(set(app or []) - {each.app for each in gone}):
        printing.note(f"not found: {name}  has no drain in the state")
    if not gone:
        printing.note("every drain in the state exists: nothing was changed")
    for name, reason in failed.items():
        printing.note(f"kept: {name}  {reason}; if the app was deleted, add --app {name}")
    if failed:
        raise typer.Exit(1)


def _gone(drains: list[Entry], named: list[str]) -> tuple[list[Entry], dict[str, str]]:
    """The drains that do not exist at Heroku, and by app why that is unknown."""
    # By UUID, because an app can be renamed.
    app_ids = {each.app: each.app_id for each in drains if each.app not in named}
    if app_ids:
        api = heroku.from_environment()
        found, failed = ask_each(app_ids, lambda name: {drain.id for drain in api.drains(app_ids[name])})
    else:
        found, failed = {}, {}
    gone = [each for each in drains if each.app in named or (each.app in found and each.id not in found[each.app])]
    return gone, failed
