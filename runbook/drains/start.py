"""`start`: registers the drains again."""

from functools import partial
from typing import Annotated

import typer

from contract.outputs import Outputs
from runbook import stack_outputs
from runbook.clients import heroku
from runbook.clients.aws import Aws
from runbook.drains import heroku_drains, pulumi_state, urls
from runbook.drains.heroku_drains import StartResult
from runbook.errors import RunbookError, ask_each
from runbook.session import AsJson, Session, Yes, session_of
from runbook.terminal import confirm, next_command, printing


def start(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Option(help="Only this app; default: all.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Start even if drainsEnabled is false.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    r"""Register the drains at Heroku again, after `stop`.

    \b
      python -m runbook start
      python -m runbook start --app raxx-api-prod

    Shows what it will register, and asks. Reads the URLs from SSM, which only break-glass principals and
    deployers can. Safe to run again: existing drains stay. If the setting drainsEnabled stopped the stack, use it to
    start the stack.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = session.outputs
    apps = stack_outputs.chosen_apps(outputs, app)
    _check_enabled(outputs, anyway=anyway)
    api = heroku.from_environment()
    url_of, unknown = ask_each(apps, partial(_url, session.own_aws, outputs))
    plan, unseen = heroku_drains.plan_of(api, outputs.endpoint, url_of)
    missing = [each.app for each in plan if not each.has(url_of[each.app])]
    for name in missing:
        printing.note(f"to register: {name}  {urls.masked(url_of[name])}")
    if missing:
        confirm.ask("Register these drains?", yes=yes)
    result = heroku_drains.start(api, plan, url_of)
    result.failed |= unknown | unseen
    state = _pulumi_commands(session, result) if result.running else []
    if len(result.running) == len(outputs.apps):
        state.append(pulumi_state.ENABLE.format("true"))
    if session.as_json:
        printing.document({**vars(result), "state": state})
    else:
        _show(result, state)
    if result.failed:
        printing.note("not all drains could be registered: fix the cause and run this again")
        raise typer.Exit(1)


def _check_enabled(outputs: Outputs, *, anyway: bool) -> None:
    if not (outputs.drains_enabled or anyway):
        enable = pulumi_state.ENABLE.format("true")
        raise RunbookError(
            f"drainsEnabled is false: start the stack with `{enable} && pulumi up`. Without Pulumi, add --anyway, and "
            "run `stop` before you start the stack with Pulumi"
        )


def _url(operator: Aws, outputs: Outputs, app: str) -> str:
    url = urls.read(operator, outputs, app)
    if not urls.is_ours(url, outputs.endpoint):
        raise RunbookError("the URL in SSM leads to another endpoint: see `doctor --only parameters`")
    return url


def _pulumi_commands(session: Session, result: StartResult) -> list[str]:
    # Forget all drains of these apps, because Pulumi cannot import a drain under a URN that exists.
    apps = [word for app in result.running for word in ("--app", app)]
    forget = pulumi_state.filter_command(next_command.command_line(session, "forget-drains", *apps))
    adopted = [
        pulumi_state.import_command(session.outputs, app, result.app_ids[app], drain_id)
        for app, drain_id in result.running.items()
    ]
    return [forget, *adopted]


def _show(result: StartResult, state: list[str]) -> None:
    for name, drain_id in result.running.items():
        print(f"{'registered' if name in result.registered else 'existed   '}  {name}  drain {drain_id}")
    for name, drain_id in result.leftovers:
        print(f"other token {name}  remove it: heroku drains:remove {drain_id} --app {name}")
    for name, reason in result.failed.items():
        print(f"failed      {name}  {reason}")
    if result.running:
        print("\nBefore the next `pulumi up`, import the drains that Pulumi did not register itself:")
        print("\n".join(f"  {line}" for line in state))
