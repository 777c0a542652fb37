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
from runbook.session import Apps, AsJson, Session, Yes, session_of
from runbook.terminal import confirm, next_command, printing


def start(
    ctx: typer.Context,
    app: Apps = [],  # noqa: B006  typer copies it
    anyway: Annotated[bool, typer.Option("--anyway", help="Start even if drainsEnabled is false.")] = False,
    show_state: Annotated[
        bool, typer.Option("--state", help="Print the commands for Pulumi's state of all drains.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    r"""Register the drains at Heroku again, after `stop`.

    \b
      hla start
      hla start --app raxx-api-prod
      hla start --state                   after a start that was interrupted

    Shows what it will register, and asks. Needs AWS: it reads the URLs from SSM, which only break-glass principals and
    deployers can. Safe to run again: existing drains stay. If the setting drainsEnabled stopped the stack, use it to
    start the stack. Pulumi does not notice the drains that this command registers, so it prints the commands that
    import them. With --state it prints them for all drains of the stack: use it if the commands of an earlier start
    were lost.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = session.outputs
    apps = stack_outputs.chosen_apps(outputs, app)
    _check_enabled(outputs, anyway=anyway)
    endpoint = heroku_drains.deployed_endpoint(outputs)
    # Before anything is registered: without its name the commands for Pulumi could not be printed.
    pulumi_state.stack_urn(outputs)
    api = heroku.from_environment()
    url_of, unknown = ask_each(apps, partial(_url, session.own_aws, outputs))
    plan, unseen = heroku_drains.plan_of(api, endpoint, url_of)
    missing = [each.app for each in plan if not each.has(url_of[each.app])]
    for name in missing:
        printing.note(f"to register: {name}  {urls.masked(url_of[name])}")
    if missing:
        confirm.ask("Register these drains?", yes=yes)
    all_state = next_command.command_line(session, "start", *next_command.app_options(app), "--state")
    try:
        result = heroku_drains.start(api, plan, url_of)
    except KeyboardInterrupt:
        printing.note(
            f"interrupted: some drains may be registered that Pulumi does not know; run this next: {all_state}"
        )
        raise
    result.failed |= unknown | unseen
    state = _pulumi_commands(session, result, list(result.running) if show_state else result.registered)
    if session.as_json:
        printing.document({**vars(result), "state": state})
    else:
        _show(result, state)
        if not show_state and result.running.keys() - set(result.registered):
            printing.note(f"if an earlier start registered the drains that existed, import them too: {all_state}")
    if result.failed:
        printing.note("not all drains could be registered: fix the cause and run this again")
        raise typer.Exit(1)


def _check_enabled(outputs: Outputs, *, anyway: bool) -> None:
    if not (outputs.drains_enabled or anyway):
        enable, up = pulumi_state.enable_command(outputs, enable=True), pulumi_state.up_command(outputs)
        raise RunbookError(
            f"drainsEnabled is false: start the stack with `{enable} && {up}`. Without Pulumi, add --anyway, and "
            "run `hla stop` before you start the stack with Pulumi"
        )


def _url(operator: Aws, outputs: Outputs, app: str) -> str:
    url = urls.read(operator, outputs, app)
    if not urls.is_ours(url, outputs.endpoint):
        raise RunbookError("the URL in SSM leads to another endpoint: see `hla doctor --only parameters`")
    return url


def _pulumi_commands(session: Session, result: StartResult, apps: list[str]) -> list[str]:
    """The commands that make Pulumi know the drains of these apps, and that the stack is started."""
    if not apps:
        return []
    # Forget all drains of these apps, because Pulumi cannot import a drain under a URN that exists.
    forget = pulumi_state.filter_command(
        session.outputs, next_command.command_line(session, "forget-drains", *next_command.app_options(apps))
    )
    adopted = [
        pulumi_state.import_command(session.outputs, app, result.app_ids[app], result.running[app]) for app in apps
    ]
    is_whole = len(result.running) == len(session.outputs.apps)
    return [forget, *adopted, *([pulumi_state.enable_command(session.outputs, enable=True)] if is_whole else [])]


def _show(result: StartResult, state: list[str]) -> None:
    for name, drain_id in result.running.items():
        print(f"{'registered' if name in result.registered else 'existed   '}  {name}  drain {drain_id}")
    for name, drain_id in result.leftovers:
        print(f"other token {name}  remove it: {heroku_drains.removal(name, drain_id)}")
    for name, reason in result.failed.items():
        print(f"failed      {name}  {reason}")
    if not (result.registered or result.failed):
        print("All drains exist: nothing was registered.")
    if state:
        print("\nBefore the next `pulumi up`, import the drains that Pulumi did not register itself:")
        print("\n".join(f"  {line}" for line in state))
