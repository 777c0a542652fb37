"""`stop`: removes the drains at once."""

from dataclasses import replace

import typer

from contract.outputs import Outputs
from runbook import stack_outputs
from runbook.clients import aws, heroku
from runbook.clients.heroku import Drain
from runbook.drains import heroku_drains, pulumi_state, urls
from runbook.drains.heroku_drains import AppDrains, StopResult
from runbook.errors import RunbookError
from runbook.session import Apps, AsJson, Session, Yes, session_of
from runbook.terminal import confirm, next_command, printing


def stop(
    ctx: typer.Context,
    app: Apps = [],  # noqa: B006  typer copies it
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    r"""Emergency stop: remove the drains at Heroku now.

    \b
      hla stop
      hla stop --app raxx-api-prod
      hla --outputs RUNBOOK.md stop       without AWS, with a Heroku key alone

    Shows what it will remove, and asks. Removes only drains to this stack's endpoint. Logs written while stopped are
    not archived, and Heroku does not send them later; the archive itself does not change. `start` registers the drains
    again, which needs AWS. Safe to run again. If you have Pulumi at hand, use the setting drainsEnabled instead.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = _outputs(session, app)
    apps = stack_outputs.chosen_apps(outputs, app)
    api = heroku.from_environment()
    plan, unseen = heroku_drains.plan_of(api, outputs.endpoint, apps)
    _show_plan(plan)
    # After the plan, which shows the drains that may be this stack's.
    heroku_drains.deployed_endpoint(outputs)
    if any(each.ours for each in plan):
        confirm.ask("Remove these drains? The apps' logs will not be archived.", yes=yes)
    result = heroku_drains.stop(api, plan)
    result.failed |= unseen
    # Includes apps whose drains an interrupted stop removed.
    stopped = [each.app for each in plan if each.app not in result.failed]
    state = (
        [pulumi_state.filter_command(outputs, next_command.command_line(session, "forget-drains"))] if stopped else []
    )
    if len(stopped) == len(outputs.apps):
        state.append(pulumi_state.enable_command(outputs, enable=False))
    if session.as_json:
        removed = [{"app": name, "id": drain.id} for name, drain in result.removed]
        printing.document({"removed": removed, "stopped": stopped, "failed": result.failed, "state": state})
    else:
        _show(result, stopped, state, comes_back=len(stopped) < len(outputs.apps))
    if result.failed:
        printing.note("not all drains could be removed: fix the cause and run this again")
        raise typer.Exit(1)


def _outputs(session: Session, apps: list[str]) -> Outputs:
    """The stack's outputs; if they cannot be read from AWS, a RunbookError that names the way without it."""
    try:
        return session.outputs
    except Exception as error:
        explained = aws.explain(error)
        if explained is None or session.outputs_file:
            raise
        without_aws = replace(session, outputs_file="RUNBOOK.md")
        command = next_command.command_line(without_aws, "stop", *next_command.app_options(apps))
        raise RunbookError(f"{explained}. To stop without AWS, with the RUNBOOK.md of this stack: {command}") from None


def _show_plan(plan: list[AppDrains]) -> None:
    for each in plan:
        for drain in each.ours:
            printing.note(f"to remove: {each.app}  drain {drain.id}  {_address(drain)}")
        if each.others:
            printing.note(f"to keep: {each.app}  {printing.counted(len(each.others), 'other drain', 'other drains')}")
        for drain in each.alike:
            printing.note(f"  looks like one of this stack, but leads elsewhere: drain {drain.id}  {_address(drain)}")
            printing.note(f"  if it is: {heroku_drains.removal(each.app, drain.id)}")


def _address(drain: Drain) -> str:
    return printing.printable(urls.masked(drain.url))


def _show(result: StopResult, stopped: list[str], state: list[str], *, comes_back: bool) -> None:
    for name, drain in result.removed:
        print(f"removed  {name}  drain {drain.id}")
    for name in stopped:
        print(f"stopped  {name}")
    for name, reason in result.failed.items():
        print(f"failed   {name}  {reason}")
    if stopped:
        effect = "register these drains again" if comes_back else "keep them stopped"
        print("\nPulumi does not notice that the drains are gone, and can fail. Run this before the next `pulumi up`,")
        print(f"which will then {effect}:")
        print("\n".join(f"  {line}" for line in state))
