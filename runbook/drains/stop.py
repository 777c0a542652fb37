"""`stop`: no app drains any more, at once."""

from typing import Annotated

import typer

from runbook import stack_outputs
from runbook.clients import heroku
from runbook.drains import pulumi_state, switch, urls
from runbook.drains.switch import AppDrains, Outcome
from runbook.session import AsJson, Yes, session_of
from runbook.terminal import confirm, next_command, printing


def stop(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Option(help="Only this app; all by default.")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    r"""Remove the drains now, at Heroku: an emergency stop.

    \b
      python -m runbook stop
      python -m runbook stop --app raxx-api-prod

    Shows what it will remove, and asks. Only drains to this stack's endpoint go. What the apps log from then on is not
    archived, and Heroku does not send it later; what is archived stays as it is. `start` registers them again. Safe to
    run again. The stack's own way, where Pulumi is at hand, is the setting drainsEnabled.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = session.outputs
    apps = stack_outputs.chosen_apps(outputs, app)
    api = heroku.from_environment()
    plan, unseen = switch.look(api, outputs.endpoint, apps)
    _show_plan(plan)
    if any(each.ours for each in plan):
        confirm.ask("Remove these drains? What the apps log will not be archived.", yes=yes)
    outcome = switch.stop(api, plan)
    outcome.failed |= unseen
    # Those that an interrupted stop removed are out of step as well.
    stopped = [each.app for each in plan if each.app not in outcome.failed]
    state = [pulumi_state.in_step(next_command.command_line(session, "forget-drains"))] if stopped else []
    if len(stopped) == len(outputs.apps):
        state.append(pulumi_state.ENABLE.format("false"))
    if session.as_json:
        removed = [{"app": name, "id": drain.id} for name, drain in outcome.done]
        printing.document({"removed": removed, "stopped": stopped, "failed": outcome.failed, "state": state})
    else:
        _show(outcome, stopped, state, come_back=len(stopped) < len(outputs.apps))
    if outcome.failed:
        printing.note("not all could be stopped: repeat this when the reason is gone")
        raise typer.Exit(1)


def _show_plan(plan: list[AppDrains]) -> None:
    for each in plan:
        for drain in each.ours:
            printing.note(f"to remove: {each.app}  drain {drain.id}  {urls.masked(drain.url)}")
        if each.others:
            printing.note(f"to stay: {each.app}  {each.others} to elsewhere")


def _show(outcome: Outcome, stopped: list[str], state: list[str], *, come_back: bool) -> None:
    for name, drain in outcome.done:
        print(f"removed  {name}  drain {drain.id}")
    for name in stopped:
        print(f"stopped  {name}")
    for name, reason in outcome.failed.items():
        print(f"failed   {name}  {reason}")
    if stopped:
        effect = "which then registers these drains again" if come_back else "which then leaves them stopped"
        print(f"\nPulumi does not see that they are gone, and can fail on it. Before its next `up`, {effect}:")
        print("\n".join(f"  {line}" for line in state))
