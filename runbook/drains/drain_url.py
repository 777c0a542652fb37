"""`drain-url`: the secret URL of an app's drain."""

from typing import Annotated

import typer

from runbook import stack_outputs
from runbook.drains import urls
from runbook.session import AsJson, session_of
from runbook.terminal import printing


def drain_url(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(help="An app of the stack.")],
    as_json: AsJson = False,
) -> None:
    """Print the URL of an app's drain, which is secret.

    Anyone who has its token can write lines as that app. Only break-glass principals and deployers can read it.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = session.outputs
    url = urls.read(session.own_aws, outputs, *stack_outputs.chosen_apps(outputs, [app]))
    printing.note("This URL is secret: keep it out of chats, tickets and shell history.")
    if session.as_json:
        printing.document({"app": app, "url": url})
    else:
        print(url)
