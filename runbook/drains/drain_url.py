"""`drain-url`: the secret URL of an app's drain."""

from typing import Annotated

import typer

from runbook import stack_outputs
from runbook.drains import url_parameters
from runbook.session import AsJson, session_of
from runbook.terminal import printing


def drain_url(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(help="A Heroku app of the stack.")],
    as_json: AsJson = False,
) -> None:
    """Print the URL of an app's drain: a secret.

    Its token lets anybody write lines as that app. Only an administrator may read it; the reader role may not.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = session.outputs
    url = url_parameters.read(session.own_aws, outputs, *stack_outputs.chosen_apps(outputs, app))
    printing.note("This URL is a secret: keep it out of chats, tickets and shell history.")
    if session.as_json:
        printing.document({"app": app, "url": url})
    else:
        print(url)
