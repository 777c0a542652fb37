"""`start`: the apps drain again."""

from functools import partial
from typing import Annotated

import typer

from contract.outputs import Outputs
from runbook import stack_outputs
from runbook.clients import heroku
from runbook.clients.aws import Aws
from runbook.drains import pulumi_state, switch, url_parameters, urls
from runbook.drains.switch import Started
from runbook.errors import RunbookError, of_each
from runbook.session import AsJson, Session, Yes, session_of
from runbook.terminal import confirm, next_command, printing


def start(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Option(help="Only this app; all by default.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Even if the stack has drainsEnabled false.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    r"""Register the drains again, at Heroku, after `stop`.

    \b
      python -m runbook start
      python -m runbook start --app raxx-api-prod

    Shows what it will register, and asks. The URLs are SSM's, which only an administrator may read. Can be repeated: a
    drain that is there stays. A stack that was stopped by its setting is started by its setting.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = session.outputs
    apps = stack_outputs.chosen_apps(outputs, app)
    _check_enabled(outputs, anyway=anyway)
    api = heroku.from_environment()
    url_of, unknown = of_each(apps, partial(_url, session.own_aws, outputs))
    plan, unseen = switch.look(api, outputs.endpoint, url_of)
    missing = [each.app for each in plan if not each.has(url_of[each.app])]
    for name in missing:
        printing.note(f"to register: {name}  {urls.masked(url_of[name])}")
    if missing:
        confirm.ask("Register these drains?", yes=yes)
    started = switch.start(api, plan, url_of)
    started.failed |= unknown | unseen
    state = _in_step(session, started) if started.running else []
    if len(started.running) == len(outputs.apps):
        state.append(pulumi_state.ENABLE.format("true"))
    if session.as_json:
        printing.document({**vars(started), "state": state})
    else:
        _show(started, state)
    if started.failed:
        printing.note("not all could be started: repeat this when the reason is gone")
        raise typer.Exit(1)


def _check_enabled(outputs: Outputs, *, anyway: bool) -> None:
    if not (outputs.drains_enabled or anyway):
        enable = pulumi_state.ENABLE.format("true")
        raise RunbookError(
            f"the stack has drainsEnabled false: start it by `{enable} && pulumi up`; without Pulumi at hand add "
            "--anyway, and run `stop` before that"
        )


def _url(operator: Aws, outputs: Outputs, app: str) -> str:
    url = url_parameters.read(operator, outputs, app)
    if not urls.is_ours(url, outputs.endpoint):
        raise RunbookError("SSM has a URL of another endpoint: see `doctor --only parameters`")
    return url


def _in_step(session: Session, started: Started) -> list[str]:
    # Whatever Pulumi knows of these apps: a drain cannot be imported under the URN of another one.
    apps = [word for app in started.running for word in ("--app", app)]
    forget = pulumi_state.in_step(next_command.command_line(session, "forget-drains", *apps))
    adopted = [
        pulumi_state.adopt(session.outputs, app, started.app_ids[app], drain_id)
        for app, drain_id in started.running.items()
    ]
    return [forget, *adopted]


def _show(started: Started, state: list[str]) -> None:
    for name, drain_id in started.running.items():
        print(f"{'registered' if name in started.registered else 'was there  '}  {name}  drain {drain_id}")
    for name, drain_id in started.leftovers:
        print(f"also there  {name}  another token: heroku drains:remove {drain_id} --app {name}")
    for name, reason in started.failed.items():
        print(f"failed      {name}  {reason}")
    if started.running:
        print("\nBefore the next `pulumi up`, for the drains that it has not registered itself:")
        print("\n".join(f"  {line}" for line in state))
